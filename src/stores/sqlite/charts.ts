import type { DatabaseSync } from 'node:sqlite';
import type { CensusFilter, CensusRow, Recast } from '../store.ts';
import type { Statements } from './statements.ts';

/** A run goes on with another chart: its row says so, and the elements of its maps have the numbers of that. */
export function recast(sql: Statements, run: number, { version, fingerprint, items }: Recast): void {
  sql.recastRun.run(version, fingerprint, run);
  if (items.length === 0) return;
  for (const { from, to } of items) {
    if (to === null) sql.dropItems.run(run, from);
    else if (to !== from) sql.liftItems.run(to, run, from);
  }
  sql.layItems.run(run);
}

/** How many runs are alike, of those that fit. */
export function census(db: DatabaseSync, { saga, version, createdAfter }: CensusFilter): readonly CensusRow[] {
  const conditions = [
    ...(saga === undefined ? [] : [['saga = ?', saga] as const]),
    ...(version === undefined ? [] : [['version = ?', version] as const]),
    ...(createdAfter === undefined ? [] : [['created_at > ?', createdAfter] as const]),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([text]) => text).join(' AND ')}`;
  const rows = db
    .prepare(`SELECT saga, version, fingerprint, status, attention, count(*) AS n FROM runs ${where} GROUP BY saga, version, fingerprint, status, attention`)
    .all(...conditions.map(([, value]) => value)) as unknown as (Omit<CensusRow, 'attention' | 'count'> & { readonly attention: number; readonly n: number })[];
  return rows.map(({ n, attention, ...row }) => ({ ...row, attention: attention === 1, count: n }));
}
