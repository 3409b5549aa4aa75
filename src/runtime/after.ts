import type { SagachartError } from '../base/errors.ts';
import type { RunRow, Store } from '../stores/store.ts';
import type { Coordinator } from './coordinator.ts';
import type { RuntimeEvent } from './event.ts';
import { endedBefore, missingRun } from './refusal.ts';

/** How far a run must be before it is read. */
export interface ReadOptions {
  /** The commit that a command resolved with: what is read holds what it did. Default: the run as it stands. */
  readonly after?: number;
}

/**
 * Whether a stored run has come to a commit; undefined while it may still come to it.
 * @throws SagachartError SC_RUN_ENDED if it never will
 */
export async function hasReached(store: Pick<Store, 'journal'>, row: RunRow, seq: number): Promise<true | undefined> {
  const [entry] = row.seq >= seq ? [true] : await store.journal(row.number, { from: seq, limit: 1 });
  if (entry) return true;
  if (row.endedAt !== null) throw endedBefore(row, seq);
  return undefined;
}

/** Resolves when a run has come to a commit. @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED */
export async function reached(coordinator: Coordinator, id: string, seq: number): Promise<void> {
  const { cells, observers, settings, watchers } = coordinator;
  if ((cells.get(id)?.state.seq ?? -1) >= seq) return;
  const { store } = settings;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      observers.delete(observe);
      unwatch();
    };
    const settle = (error?: unknown): void => {
      stop();
      if (error === undefined) resolve();
      else reject(error);
    };
    const observe = (event: RuntimeEvent): void => {
      if ('run' in event && event.run.id === id && event.seq >= seq) settle();
    };
    const unwatch = watchers.add(id, (cell, error) => {
      if (error !== undefined) settle(error);
      else if (cell?.standing && cell.standing.endedAt !== null && cell.state.seq < seq)
        settle(endedBefore({ id, seq: cell.state.seq, status: cell.standing.status }, seq));
    });
    observers.add(observe, ['run.changed']);
    const look = async (): Promise<true | SagachartError | undefined> => {
      const row = await store.find(id);
      return row ? await hasReached(store, row, seq) : await missingRun(store, id);
    };
    look().then((found) => (found === true ? settle() : found && settle(found)), settle);
  });
}
