import { describe, it } from 'vitest';
import { memory } from '../../src/index.ts';
import type { Store } from '../../src/stores/store.ts';
import { ManualClock, storeContract } from '../../src/testing/index.ts';

describe('the memory store keeps the contract', () => {
  const skip = { 'refuses a second executor, and names the first': 'several workers may share it' };
  let clock: ManualClock;
  const make = (): Store => {
    clock = new ManualClock(1_000);
    return memory({ clock });
  };
  // The first worker freezes, and its lease of 10 s runs out.
  const usurp = async (store: Store): Promise<Store> => {
    await clock.advance(20_000);
    return store;
  };
  for (const { name, run } of storeContract({ make, usurp, skip })) it(name, run);
});
