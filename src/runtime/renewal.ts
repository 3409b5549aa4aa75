import { StoreError } from '../base/errors.ts';
import type { Coordinator } from './coordinator.ts';

/**
 * Holds on to the runs of a worker, again and again, in time; a store with one executor only checks that it still is
 * the one. Returns the way to stop.
 * @param told.renewed what to do each time
 * @param told.over told when another executor has the runs: whatever this one still decides would be refused
 */
export function keepRenewing(
  { settings: { store, clock, log }, tenure }: Pick<Coordinator, 'settings' | 'tenure'>,
  everyMs: number,
  told: { readonly renewed: () => Promise<void>; readonly over: () => void },
): () => void {
  let disarm = (): void => {};
  const renew = async (): Promise<void> => {
    await store.renew(tenure);
    await told.renewed();
  };
  const arm = (): void => {
    disarm = clock.after(everyMs, () => {
      renew().catch((error: unknown) => {
        log.error('the lease could not be renewed', { error: String(error) });
        if (error instanceof StoreError && error.code === 'SC_STORE_FENCED') told.over();
      });
      arm();
    });
  };
  arm();
  return () => disarm();
}
