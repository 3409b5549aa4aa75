import type { Store } from '../stores/store.ts';

/** How many run numbers are reserved at once: each reservation is a write. */
const AT_ONCE = 1_000;

/** Run numbers, reserved in blocks: what is left of a block when the process ends is never used. */
export class Numbers {
  readonly #store: Pick<Store, 'reserve'>;
  #next = 0;
  #end = 0;
  /** Those who wait for a block to be reserved, in their order. */
  #waiting: PromiseWithResolvers<number>[] = [];

  constructor(store: Pick<Store, 'reserve'>) {
    this.#store = store;
  }

  /** In the order in which they are asked for, so that runs stand in a queue in the order of their starts. */
  async next(): Promise<number> {
    if (this.#waiting.length === 0 && this.#next < this.#end) return this.#next++;
    const mine = Promise.withResolvers<number>();
    // Many starts may run out at the same time: one reservation serves them all.
    if (this.#waiting.push(mine) === 1) void this.#reserve();
    return await mine.promise;
  }

  async #reserve(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        this.#next = await this.#store.reserve(AT_ONCE);
        this.#end = this.#next + AT_ONCE;
        for (const { resolve } of this.#waiting.splice(0, AT_ONCE)) resolve(this.#next++);
      }
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    }
  }
}
