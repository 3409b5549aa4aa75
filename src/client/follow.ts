import { updateOf } from '../runtime/follow.ts';
import { presentRun, readerOf } from '../runtime/present.ts';
import type { RunUpdate, UpdateSource } from '../runtime/updates.ts';
import type { RunRow } from '../stores/store.ts';
import type { RemoteSettings } from './remote.ts';

/** Looks at the row of a run until something is found; gives up with the reason of the signal. */
type Look = <T>(look: (row: RunRow) => Promise<T | undefined>, options: { readonly signal: AbortSignal }) => Promise<T>;

/** Follows a run from a process beside its executor: while somebody waits, what is stored is looked at when it has changed. */
export function followed(id: string, { store, programs }: Pick<RemoteSettings, 'store' | 'programs'>, look: Look): UpdateSource {
  let life: Pick<RunRow, 'number' | 'incarnation'> | undefined;
  let last = 0;
  const newer = async (row: RunRow): Promise<RunUpdate | undefined> => {
    life ??= row;
    // A next life of the id says that this one has ended.
    if (row.number === life.number && (await store.journal(row.number, { from: last + 1, limit: 1 })).length === 0) return undefined;
    const { row: standing, seq, at, data } = await presentRun(store, id, life.incarnation);
    last = seq;
    return updateOf({ seq, at, data, standing, reader: readerOf(programs, standing) });
  };
  return { pull: async (signal) => await look(newer, { signal }), stop: () => {} };
}
