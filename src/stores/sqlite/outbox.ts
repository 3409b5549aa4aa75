import type { OutboxEntry, OutboxMark, OutboxRow } from '../store.ts';
import type { Statements } from './statements.ts';

/** What a sink is to be sent. */
export interface OutboxQuery {
  readonly sink: string;
  readonly now: number;
  readonly until: number;
  readonly limit: number;
}

export function putOutbox(
  sql: Statements,
  { run, seq, at }: { readonly run: number; readonly seq: number; readonly at: number },
  entries: readonly OutboxEntry[] = [],
): void {
  for (const [n, { topic, body, sinks }] of entries.entries()) for (const sink of sinks) sql.putOutbox.run(run, seq, n, sink, topic, body, at);
}

/** When something is due for a sink. */
export function nextOutbox(sql: Statements, sink: string): number | undefined {
  return (sql.nextOutbox.get(sink) as { due: number } | undefined)?.due;
}

/** To be called inside a transaction. */
export function takeOutbox(sql: Statements, { sink, now, until, limit }: OutboxQuery): readonly OutboxRow[] {
  const rows = sql.dueOutbox.all(sink, now, limit) as unknown as OutboxRow[];
  for (const { run, seq, n } of rows) sql.tookOutbox.run(until, run, seq, n, sink);
  return rows.map((row) => ({ ...row, attempts: row.attempts + 1, due: until }));
}

/** To be called inside a transaction. */
export function markOutbox(sql: Statements, marks: readonly OutboxMark[]): void {
  for (const { run, seq, n, sink, due } of marks) {
    if (due === null) sql.deleteOutbox.run(run, seq, n, sink);
    else sql.postponeOutbox.run(due, run, seq, n, sink);
  }
}
