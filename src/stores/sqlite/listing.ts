import type { RunFilter, RunStatus } from '../store.ts';

/** A query, and the values for its question marks, the last of which is the limit. */
export interface Query {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

/**
 * The queries that together give a page: one for each status, because SQLite serves only one from an index in order.
 * What each of them gives is in order; the page is the first of what all of them give.
 */
export function queriesOf(filter: RunFilter): readonly Query[] {
  const { status, labels = {}, ids } = filter;
  const drivenByStatus = Object.keys(labels).length === 0 && ids === undefined;
  if (status === undefined) return [queryOf(filter, undefined)];
  return drivenByStatus ? status.map((one) => queryOf(filter, [one])) : [queryOf(filter, status)];
}

/** In the order of a page. */
export function byPlace({ order = 'started' }: RunFilter): (a: Placed, b: Placed) => number {
  if (order === 'started') return (a, b) => b.number - a.number;
  return (a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0) || a.number - b.number;
}

interface Placed {
  readonly number: number;
  readonly endedAt: number | null;
}

function queryOf(filter: RunFilter, status: readonly RunStatus[] | undefined): Query {
  const { saga, version, attention, labels = {}, ids, queue, createdBefore, createdAfter, endedBefore, before, limit = 100, order = 'started' } = filter;
  const [driver, ...others] = Object.entries(labels);
  const where: string[] = [];
  const values: (string | number)[] = [];
  const also = (condition: string, ...more: (string | number)[]): void => {
    where.push(condition);
    values.push(...more);
  };
  // The runs of a label are read from its own index, in order, and their rows one by one until the page is full.
  const from = driver ? 'labels l CROSS JOIN runs r ON r.number = l.run' : 'runs r';
  const number = driver ? 'l.run' : 'r.number';
  if (driver) also('l.name = ? AND l.value = ?', ...driver);
  for (const label of others) also('EXISTS (SELECT 1 FROM labels o WHERE o.name = ? AND o.value = ? AND o.run = r.number)', ...label);
  if (ids !== undefined) also('r.id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
  if (queue !== undefined) also('r.queue = ? AND r.stage IS NOT NULL', queue);
  if (saga !== undefined) also('r.saga = ?', saga);
  if (version !== undefined) also('r.version = ?', version);
  if (status !== undefined) also(`r.status IN (${status.map(() => '?').join(', ')})`, ...status);
  if (attention !== undefined) also(attention ? 'r.attention = 1' : 'r.attention = 0');
  if (createdBefore !== undefined) also('r.created_at < ?', createdBefore);
  if (createdAfter !== undefined) also('r.created_at > ?', createdAfter);
  if (endedBefore !== undefined) also('r.ended_at < ?', endedBefore);
  if (order === 'ended') also('r.ended_at IS NOT NULL');
  else if (before !== undefined) also(`${number} < ?`, before);
  const by = order === 'ended' ? 'r.ended_at, r.number' : `${number} DESC`;
  const text = `SELECT r.* FROM ${from} ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY ${by} LIMIT ?`;
  return { text, values: [...values, limit] };
}
