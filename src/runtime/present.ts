import { statePaths } from '../chart/path.ts';
import type { StateData } from '../kernel/state.ts';
import type { RunRow, Store } from '../stores/store.ts';
import { stepOf } from './history.ts';
import type { Program, RunNow } from './program.ts';
import { storedState } from './recovery.ts';
import { missingRun } from './refusal.ts';

/** A run as it is stored: row and state are of one moment. */
export interface Present {
  readonly row: RunRow;
  readonly seq: number;
  readonly data: StateData;
}

/** @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED */
export async function presentRun(store: Store, id: string): Promise<Present> {
  for (let row = await store.find(id); row; ) {
    const { seq, data } = storedState(await store.load(row.number));
    const now = await store.find(id);
    // A commit that came in between may have changed one and not the other.
    if (now?.number === row.number && now.seq === row.seq) return { row, seq, data };
    row = now;
  }
  throw await missingRun(store, id);
}

/** What is to be said of a state, whoever asks. Without its program nothing is known of attempts that have ended. */
export function nowOf(
  data: StateData,
  status: RunNow['status'],
  { kind, progress }: { readonly kind: Program['kind'] } & Partial<Pick<Program, 'progress'>>,
): RunNow {
  return { data, status, states: statePaths(data.value, kind), progress: { ...progress?.(data), ...underWay(data, kind) } };
}

function underWay({ children }: StateData, kind: Program['kind']): RunNow['progress'] {
  return Object.fromEntries(
    Object.entries(children).flatMap(([id, { progress, items }]) => {
      const step = kind === 'saga' ? stepOf(id).step : id;
      if (items) return [[step, { total: items.total, done: items.done, stuck: items.stuck?.length ?? 0 }]];
      return progress === undefined ? [] : [[step, progress]];
    }),
  );
}
