import { StoreError } from '../base/errors.ts';
import type { Tenure } from '../stores/store.ts';
import type { Settings } from './options.ts';

/** How long an executor keeps its runs without a sign of life, ms. */
export const LEASE_MS = 30_000;

/**
 * Renews a tenure again and again; returns the way to stop it.
 * @param renewed called each time: nobody tells when the lease of another worker has run out
 * @param lost called when the tenure is over
 */
export function keepLease(
  { store, clock, log }: Settings,
  tenure: Tenure,
  { renewed, lost }: { readonly renewed: () => Promise<void>; readonly lost: () => void },
): () => void {
  let disarm = (): void => {};
  let stopped = false;
  const next = (): void => {
    if (stopped) return;
    disarm = clock.after(LEASE_MS / 3, () => {
      store
        .renew(tenure)
        .then(renewed)
        .catch((error: unknown) => {
          log.error('the lease could not be renewed', { error: String(error) });
          if (error instanceof StoreError && error.code === 'SC_STORE_FENCED') lost();
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
