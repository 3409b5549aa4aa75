import type { Statements } from './statements.ts';

/**
 * What this process knows of runs from having read or written them: nobody else writes while it is the executor, so
 * it need not be asked for again.
 */
export class RunBook {
  readonly #sql: () => Statements;
  /** Only of runs that have had more than one. */
  readonly #numbers = new Map<number, readonly number[]>();
  /** Of runs that this process holds. */
  readonly #last = new Map<number, number>();

  constructor(sql: () => Statements) {
    this.#sql = sql;
  }

  /** Which run numbers a run has had. */
  numbers(run: number): readonly number[] {
    const known = this.#numbers.get(run);
    if (known) return known;
    const row = this.#sql().numbers.get(run) as { numbers: string | null } | undefined;
    const numbers = row?.numbers ? (JSON.parse(row.numbers) as number[]) : [run];
    if (numbers.length > 1) this.#numbers.set(run, numbers);
    return numbers;
  }

  addNumber(run: number): readonly number[] {
    const { value } = this.#sql().reserve.get(1) as { value: number };
    const numbers = [...this.numbers(run), value - 1];
    this.#sql().setNumbers.run(JSON.stringify(numbers), run);
    this.#numbers.delete(run);
    return numbers;
  }

  /** Number of its last journal entry, if this process wrote that. */
  last(run: number): number | undefined {
    return this.#last.get(run);
  }

  wrote(run: number, seq: number): void {
    this.#last.set(run, seq);
  }

  /** Another may hold it from now on. */
  release(run: number): void {
    this.#last.delete(run);
  }

  /** It is gone. */
  forget(run: number): void {
    this.#numbers.delete(run);
    this.#last.delete(run);
  }

  /** What was known holds no longer: another executor may write, or a transaction was undone. */
  clear(): void {
    this.#numbers.clear();
    this.#last.clear();
  }
}
