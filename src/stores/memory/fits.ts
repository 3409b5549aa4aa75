import type { RunFilter, RunRow } from '../store.ts';

/** Whether a run fits everything that a filter gives. */
export function fits(row: RunRow, filter: RunFilter): boolean {
  const { saga, version, status, attention, labels = {}, ids, queue, createdBefore, createdAfter, endedBefore, before, order = 'started' } = filter;
  return (
    (saga === undefined || row.saga === saga) &&
    (version === undefined || row.version === version) &&
    (status?.includes(row.status) ?? true) &&
    (attention === undefined || row.attention === attention) &&
    Object.entries(labels).every(([name, value]) => Object.hasOwn(row.labels, name) && row.labels[name] === value) &&
    (queue === undefined || row.place?.queue === queue) &&
    (ids?.includes(row.id) ?? true) &&
    (createdBefore === undefined || row.createdAt < createdBefore) &&
    (createdAfter === undefined || row.createdAt > createdAfter) &&
    (endedBefore === undefined || (row.endedAt !== null && row.endedAt < endedBefore)) &&
    (order === 'started' ? before === undefined || row.number < before : row.endedAt !== null)
  );
}
