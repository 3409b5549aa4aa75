import type { Store } from '../stores/store.ts';

/** How many run numbers are reserved at once: each reservation is a write. */
const AT_ONCE = 1_000;

/** Run numbers, reserved in blocks: what is left of a block when the process ends is never used. */
export class Numbers {
  readonly #store: Pick<Store, 'reserve'>;
  #next = 0;
  #end = 0;
  #reserving: Promise<void> | undefined;

  constructor(store: Pick<Store, 'reserve'>) {
    this.#store = store;
  }

  async next(): Promise<number> {
    while (this.#next === this.#end) {
      // Many starts may run out at the same time: one reservation serves them all.
      this.#reserving ??= this.#store.reserve(AT_ONCE).then((first) => {
        this.#next = first;
        this.#end = first + AT_ONCE;
      });
      await this.#reserving.finally(() => {
        this.#reserving = undefined;
      });
    }
    return this.#next++;
  }
}
