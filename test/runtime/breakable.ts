import { StoreError } from '../../src/base/errors.ts';
import { memory } from '../../src/index.ts';
import type { Store } from '../../src/stores/store.ts';
import type { ManualClock } from '../../src/testing/index.ts';

/** What a store does at its next commits. */
export interface Breakage {
  /** The code it fails with; undefined: it works. */
  code?: string | undefined;
  /** Thrown instead. */
  error?: unknown;
  /** Holds commits back until it resolves. */
  until?: Promise<void> | undefined;
}

/** A store in memory that fails as it is told to. */
export function breakable(breakage: Breakage): (clock: ManualClock) => Store {
  return (clock) => {
    const store = memory({ clock });
    const commit = store.commit.bind(store);
    store.commit = async (batch) => {
      await breakage.until;
      if (breakage.error !== undefined) throw breakage.error;
      if (breakage.code !== undefined) throw new StoreError(breakage.code, `the store says ${breakage.code}`, { retryable: true });
      return await commit(batch);
    };
    return store;
  };
}
