import type { CensusFilter, CensusRow, Recast, SettingChange, StoredChart } from '../store.ts';
import type { Controls } from './controls.ts';
import { fits } from './fits.ts';
import type { Kept } from './lives.ts';
import type { Outbox } from './outbox.ts';

/** A run goes on with another chart: its row says so, and the elements of its maps have the numbers of that. */
export function recast(kept: Kept, { version, fingerprint, items }: Recast): void {
  kept.row = { ...kept.row, version, fingerprint };
  const moves = new Map(items.map(({ from, to }) => [from, to]));
  const before = [...kept.items];
  kept.items.clear();
  for (const [key, rows] of before) {
    const [step = 0, round = 0] = key.split('/').map(Number);
    const to = moves.has(step) ? moves.get(step) : step;
    if (to === null || to === undefined) continue;
    const moved = rows.map((row) => ({ ...row, step: to }));
    kept.items.set(`${to}/${round}`, moved);
  }
}

/** How many of the runs are alike. */
export function censusOf(runs: Iterable<Pick<Kept, 'row'>>, filter: CensusFilter): readonly CensusRow[] {
  const counts = new Map<string, CensusRow>();
  for (const { row } of runs) {
    if (!fits(row, filter)) continue;
    const { saga, version, fingerprint, status, attention } = row;
    const key = JSON.stringify([saga, version, fingerprint, status, attention]);
    counts.set(key, { saga, version, fingerprint, status, attention, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** Charts as they were, the first that was given under each fingerprint. */
export class Charts {
  readonly #all = new Map<string, StoredChart>();

  keep(charts: readonly StoredChart[]): void {
    for (const chart of charts) {
      const key = JSON.stringify([chart.saga, chart.version, chart.fingerprint]);
      if (!this.#all.has(key)) this.#all.set(key, chart);
    }
  }

  of(saga: string): readonly StoredChart[] {
    return [...this.#all.values()].filter((chart) => chart.saga === saga).sort((a, b) => a.version - b.version);
  }
}

/** Changes settings that nobody else has changed, and tells of it. */
export function exchange(settings: readonly SettingChange[], controls: Controls, told: Outbox): void {
  for (const { name, was, body, at, number, outbox } of settings) {
    if (controls.get(name) !== was) continue;
    controls.set(name, body);
    told.put({ run: number, seq: 0, at }, outbox);
  }
}
