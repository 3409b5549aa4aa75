import type { InboxEntry, InboxRow, Posted, Refusal } from '../store.ts';

/** The entries of an inbox, in the order in which they came. */
export class MemoryInbox {
  readonly #rows = new Map<number, InboxRow>();
  readonly #unanswered = new Set<number>();
  readonly #ids = new Map<string, number>();
  #last = 0;

  add(entry: InboxEntry): Posted {
    const known = this.#ids.get(entry.id);
    if (known !== undefined) return { number: known, duplicate: true };
    const number = ++this.#last;
    this.#rows.set(number, { ...entry, number, answeredAt: null, answer: null });
    this.#unanswered.add(number);
    this.#ids.set(entry.id, number);
    return { number, duplicate: false };
  }

  isPending(number: number): boolean {
    return this.#unanswered.has(number);
  }

  /** Whether it was pending. */
  settle({ number, at, answer, reply }: Omit<Refusal, 'outbox'>): boolean {
    const row = this.#rows.get(number);
    if (!row || !this.#unanswered.delete(number)) return false;
    this.#rows.set(number, { ...row, answeredAt: at, answer });
    if (reply) this.add(reply);
    return true;
  }

  pending(after: number, limit: number): readonly InboxRow[] {
    const rows: InboxRow[] = [];
    for (const number of this.#unanswered) {
      if (rows.length === limit) break;
      if (number > after) rows.push(this.#rows.get(number) as InboxRow);
    }
    return rows;
  }

  find(id: string): InboxRow | undefined {
    return this.#rows.get(this.#ids.get(id) ?? 0);
  }

  /** Forgets what was sent to a run and answered. */
  forget(run: string): void {
    for (const row of [...this.#rows.values()]) {
      if (row.run !== run || row.answeredAt === null) continue;
      this.#rows.delete(row.number);
      this.#ids.delete(row.id);
    }
  }
}
