import type { JournalKeys } from './key.ts';
import type { Statements } from './statements.ts';

/**
 * The run numbers that each run has had, as far as there is more than the first: before its entries outgrow one
 * number it goes on under another, and the caller keeps using the first.
 */
export class RunNumbers {
  readonly #sql: Statements;
  readonly #keys: JournalKeys;
  /** For the writer only: to a reader, another process may add numbers at any time. */
  readonly #known = new Map<number, readonly number[]>();

  constructor(sql: Statements, keys: JournalKeys) {
    this.#sql = sql;
    this.#keys = keys;
  }

  /** As the file says. */
  read(run: number): readonly number[] {
    const row = this.#sql.numbers.get(run) as { numbers: string | null } | undefined;
    return row?.numbers ? (JSON.parse(row.numbers) as number[]) : [run];
  }

  /**
   * Those that hold entry `seq` and the one before it, made if the entry needs a new one; undefined if the one before
   * is not there. To be called by the executor in a transaction.
   */
  forNext(run: number, seq: number): readonly number[] | undefined {
    // Almost every run fits under its first number, and needs no look-up.
    if (seq < this.#keys.span) return [run];
    const known = this.#known.get(run) ?? this.read(run);
    const numbers = this.#keys.needsNumber(known, seq) ? this.#extend(run, seq, known) : known;
    if (numbers) this.#known.set(run, numbers);
    return numbers;
  }

  #extend(run: number, seq: number, known: readonly number[]): readonly number[] | undefined {
    if (this.#keys.needsNumber(known, seq - 1) || this.#sql.hasEntry.get(this.#keys.key(known, seq - 1)) === undefined) return undefined;
    const { value } = this.#sql.reserve.get(1) as { value: number };
    const numbers = [...known, value - 1];
    this.#sql.setNumbers.run(JSON.stringify(numbers), run);
    return numbers;
  }

  forget(run: number): void {
    this.#known.delete(run);
  }

  /** After a rollback, or when another process may have written. */
  clear(): void {
    this.#known.clear();
  }
}
