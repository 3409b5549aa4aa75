import type { OutboxEntry, OutboxKey, OutboxMark, OutboxRow } from '../store.ts';

/** What waits to leave, in the order in which it was written. */
export class Outbox {
  readonly #rows = new Map<string, OutboxRow>();

  put({ run, seq, at }: { readonly run: number; readonly seq: number; readonly at: number }, entries: readonly OutboxEntry[] = []): void {
    for (const [n, { topic, body, sinks }] of entries.entries())
      for (const sink of sinks) this.#set({ run, seq, n, sink, topic, body, at, attempts: 0, due: 0 });
  }

  list(limit: number): readonly OutboxRow[] {
    return [...this.#rows.values()].slice(0, limit);
  }

  count(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { sink } of this.#rows.values()) counts[sink] = (counts[sink] ?? 0) + 1;
    return counts;
  }

  take({ sink, now, until, limit }: { readonly sink: string; readonly now: number; readonly until: number; readonly limit: number }): {
    readonly rows: readonly OutboxRow[];
    readonly next: number | undefined;
  } {
    const due = [...this.#rows.values()].filter((row) => row.sink === sink && row.due <= now).sort((a, b) => a.due - b.due);
    const rows = due.slice(0, limit).map((row) => ({ ...row, attempts: row.attempts + 1, due: until }));
    for (const row of rows) this.#set(row);
    let next: number | undefined;
    for (const row of this.#rows.values()) if (row.sink === sink && (next === undefined || row.due < next)) next = row.due;
    return { rows, next };
  }

  mark(marks: readonly OutboxMark[]): void {
    for (const mark of marks) {
      const row = this.#rows.get(keyOf(mark));
      if (mark.due === null) this.#rows.delete(keyOf(mark));
      else if (row) this.#set({ ...row, due: mark.due });
    }
  }

  #set(row: OutboxRow): void {
    this.#rows.set(keyOf(row), row);
  }
}

function keyOf({ run, seq, n, sink }: OutboxKey): string {
  return `${run}/${seq}/${n}/${sink}`;
}
