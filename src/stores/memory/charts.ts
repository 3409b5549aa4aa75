import type { CensusFilter, CensusRow, Recast, RunRow } from '../store.ts';
import { fits } from './fits.ts';
import type { Kept } from './lives.ts';

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
export function censusOf(rows: readonly RunRow[], filter: CensusFilter): readonly CensusRow[] {
  const counts = new Map<string, CensusRow>();
  for (const row of rows) {
    if (!fits(row, filter)) continue;
    const { saga, version, fingerprint, status, attention } = row;
    const key = JSON.stringify([saga, version, fingerprint, status, attention]);
    counts.set(key, { saga, version, fingerprint, status, attention, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
