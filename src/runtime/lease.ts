import { StoreError } from '../base/errors.ts';
import type { Coordinator } from './coordinator.ts';

/** How long an executor keeps its runs without a sign of life, ms. */
export const LEASE_MS = 30_000;

/**
 * Holds on to the runs of this process; a store with one executor only checks that it still is the one. Returns the way
 * to stop it.
 * @param then.renewed takes over the runs of other workers: nobody tells when their lease has run out, nor that they were
 * to deliver something
 * @param then.lost another executor has the runs: whatever this one still decides would be refused
 */
export function keepLease(coordinator: Coordinator, then: { renewed(): Promise<void>; lost(): void }): () => void {
  const { store, clock, log } = coordinator.settings;
  let disarm = (): void => {};
  let stopped = false;
  const renew = async (): Promise<void> => {
    await store.renew(coordinator.tenure);
    if (coordinator.closing) return;
    coordinator.deliverer.wake();
    await then.renewed();
  };
  const next = (): void => {
    if (stopped) return;
    disarm = clock.after(LEASE_MS / 3, () => {
      renew().catch((error: unknown) => {
        log.error('the lease could not be renewed', { error: String(error) });
        if (error instanceof StoreError && error.code === 'SC_STORE_FENCED') then.lost();
      });
      next();
    });
  };
  next();
  return () => {
    stopped = true;
    disarm();
  };
}
