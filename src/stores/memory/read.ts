import type { ItemPage, ItemRow, RunFilter, RunRow, RunStanding, RunStatus, StoredEntry, StoredRun } from '../store.ts';
import { fits } from './fits.ts';
import type { Kept } from './lives.ts';

/** The last full snapshot of a run, and the journal after it. */
export function loadOf(kept: Kept | undefined): StoredRun {
  const base = kept?.base;
  return { base, entries: kept?.entries.filter(({ seq }) => seq > (base?.seq ?? 0)) ?? [] };
}

export function journalOf(
  kept: Kept | undefined,
  { from = 1, limit = Number.POSITIVE_INFINITY }: { readonly from?: number; readonly limit?: number },
): readonly StoredEntry[] {
  return (kept?.entries ?? []).filter(({ seq }) => seq >= from).slice(0, limit);
}

export function itemsOf(kept: Kept | undefined, { step, round, from, limit }: ItemPage): readonly ItemRow[] {
  const rows = kept?.items.get(`${step}/${round}`) ?? [];
  const page: ItemRow[] = [];
  for (let index = from; index < rows.length && page.length < limit; index++) {
    const row = rows[index];
    if (row) page.push(row);
  }
  return page;
}

/** A row with its new standing: what that does not say of queues and names is over. */
export function rowWith({ place: _place, sole: _sole, ...row }: RunRow, standing: RunStanding, written: Pick<RunRow, 'seq' | 'updatedAt'>): RunRow {
  return { ...row, ...standing, ...written };
}

export function listOf(runs: Iterable<Kept>, filter: RunFilter): readonly RunRow[] {
  const { limit = 100, order = 'started' } = filter;
  return [...runs]
    .map(({ row }) => row)
    .filter((row) => fits(row, filter))
    .sort((a, b) => (order === 'started' ? b.number - a.number : (a.endedAt ?? 0) - (b.endedAt ?? 0) || a.number - b.number))
    .slice(0, limit);
}

export function countsOf(runs: Iterable<Kept>): Readonly<Partial<Record<RunStatus, number>>> {
  const counts: Partial<Record<RunStatus, number>> = {};
  for (const { row } of runs) counts[row.status] = (counts[row.status] ?? 0) + 1;
  return counts;
}

export function firstDue(runs: Iterable<Kept>): number | undefined {
  let first: number | undefined;
  for (const { row } of runs) if (row.due !== null && (first === undefined || row.due < first)) first = row.due;
  return first;
}
