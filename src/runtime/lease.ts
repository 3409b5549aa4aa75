import { StoreError } from '../base/errors.ts';
import type { Coordinator } from './coordinator.ts';

/** How long the claims of a worker hold without a renewal, where several may be. */
export const LEASE_MS = 30_000;

/**
 * Holds on to the runs of this process; a store with one executor only checks that it still is the one. Returns the way
 * to stop it.
 * @param then.renewed takes over the runs of those that have not: nobody tells when the lease of another has run out
 * @param then.lost another executor has the runs: whatever this one still decides would be refused
 */
export function renewLease(coordinator: Coordinator, then: { renewed(): Promise<void>; lost(): void }): () => void {
  const { store, clock, log } = coordinator.settings;
  const renew = async (): Promise<void> => {
    await store.renew(coordinator.tenure);
    if (!coordinator.closing) await then.renewed();
  };
  let disarm = (): void => {};
  const arm = (): void => {
    disarm = clock.after(LEASE_MS / 3, () => {
      renew().catch((error: unknown) => {
        log.error('the lease could not be renewed', { error: String(error) });
        if (error instanceof StoreError && error.code === 'SC_STORE_FENCED') then.lost();
      });
      arm();
    });
  };
  arm();
  return () => disarm();
}
