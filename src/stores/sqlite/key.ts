import { StoreError } from '../../base/errors.ts';

/**
 * Place of a journal entry in the one integer key: run number, then the low bits of its number. A run that has used
 * up its numbers goes on under a new run number, so `numbers` lists all it has had.
 */
export class JournalKeys {
  /** How many entries fit under one run number. */
  readonly span: number;

  constructor(bits: number) {
    this.span = 2 ** bits;
  }

  /** @throws StoreError SC_STORE_FULL beyond 2^53 */
  key(numbers: readonly number[], seq: number): number {
    const number = numbers[Math.floor(seq / this.span)];
    const key = (number as number) * this.span + (seq % this.span);
    if (number === undefined || !Number.isSafeInteger(key)) {
      throw new StoreError('SC_STORE_FULL', `run number ${number} is beyond what a journal key holds`, {
        next: 'Start a new database file.',
        details: { number, seq },
      });
    }
    return key;
  }

  /** Whether this entry needs a run number that is not there yet. */
  needsNumber(numbers: readonly number[], seq: number): boolean {
    return Math.floor(seq / this.span) >= numbers.length;
  }

  /** Number of the entry that a key of the n-th run number stands for. */
  seq(key: number, n: number): number {
    return n * this.span + (key % this.span);
  }
}
