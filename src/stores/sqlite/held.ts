import type { Commit } from '../store.ts';
import type { RunRecord } from './row.ts';
import type { Statements } from './statements.ts';

/** A place in the order in which runs are due. */
interface Place {
  readonly due: number;
  readonly number: number;
}

const START: Place = { due: Number.MIN_SAFE_INTEGER, number: 0 };
/** Rows looked at in one go. */
const PAGE = 256;

/**
 * Which runs this process has claimed: there is one executor, so nobody else needs to know. Looking for a free one
 * costs what has changed, not the number of those held: every run up to a mark is held, and no search begins before it.
 */
export class HeldRuns {
  readonly #sql: () => Statements;
  readonly #held = new Set<number>();
  #mark = START;

  constructor(sql: () => Statements) {
    this.#sql = sql;
  }

  hold(run: number): void {
    this.#held.add(run);
  }

  release(run: number): void {
    if (!this.#held.delete(run)) return;
    try {
      const row = this.#sql().due.get(run) as { due: number | null } | undefined;
      if (row) this.#freeAt(row.due, run);
    } catch {
      // It is free all the same: the next search begins at the start.
      this.#mark = START;
    }
  }

  /** Nobody's any more. */
  clear(): void {
    this.#held.clear();
    this.#mark = START;
  }

  /** Whoever starts a run holds it. */
  applied({ create, run, standing }: Commit): void {
    if (create) this.#held.add(run);
    // One that has ended is never claimed again: when it is given back there is nothing to look for.
    else if (standing && standing.due === null && standing.endedAt !== null) this.#held.delete(run);
    else if (standing && !this.#held.has(run)) this.#freeAt(standing.due, run);
  }

  /** Takes free runs that are due by `now`. */
  take(now: number, limit: number): readonly RunRecord[] {
    const taken: RunRecord[] = [];
    if (limit <= 0) return taken;
    try {
      for (const { due, number } of this.#free()) {
        if (due > now) break;
        taken.push(this.#sql().byNumber.get(number) as unknown as RunRecord);
        this.#held.add(number);
        if (taken.length === limit) break;
      }
      return taken;
    } catch (error) {
      for (const { number } of taken) this.#held.delete(number);
      this.#mark = START;
      throw error;
    }
  }

  /** Takes the first that is free. */
  takeFirst(runs: Iterable<number>): RunRecord | undefined {
    for (const run of runs) {
      if (this.#held.has(run)) continue;
      this.#held.add(run);
      return this.#sql().byNumber.get(run) as unknown as RunRecord;
    }
    return undefined;
  }

  nextFree(): Place | undefined {
    for (const place of this.#free()) return place;
    return undefined;
  }

  /** To be given the next one, hold the one before. */
  *#free(): Generator<Place> {
    for (;;) {
      const page = this.#after(this.#mark);
      for (const place of page) {
        if (!this.#held.has(place.number)) yield place;
        this.#mark = place;
      }
      if (page.length < PAGE) return;
    }
  }

  #after({ due, number }: Place): readonly Place[] {
    const alike = this.#sql().dueAlike.all(due, number, PAGE) as unknown as Place[];
    return alike.length === PAGE ? alike : [...alike, ...(this.#sql().dueLater.all(due, PAGE - alike.length) as unknown as Place[])];
  }

  #freeAt(due: number | null, number: number): void {
    const { due: markDue, number: markNumber } = this.#mark;
    // Just before it: no other run has its number.
    if (due !== null && (due < markDue || (due === markDue && number <= markNumber))) this.#mark = { due, number: number - 1 };
  }
}
