import { SagachartError } from '../base/errors.ts';
import { statePaths } from '../chart/path.ts';
import { decodeEntry } from '../kernel/entry.ts';
import type { StateData } from '../kernel/state.ts';
import type { RunRow, Store } from '../stores/store.ts';
import { stepOf } from './history.ts';
import type { Program, Programs, RunNow } from './program.ts';
import { storedState } from './recovery.ts';
import { missingRun } from './refusal.ts';

/** A run as it is stored: row and state are of one moment. */
export interface Present {
  readonly row: RunRow;
  readonly seq: number;
  readonly data: StateData;
  /** When its last commit was made, ms since 1970. */
  readonly at: number;
}

/**
 * @param incarnation which life of the id. Default: the last
 * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED
 */
export async function presentRun(store: Store, id: string, incarnation?: number): Promise<Present> {
  for (let row = await store.find(id, incarnation); row; ) {
    const stored = await store.load(row.number);
    const { seq, data } = storedState(stored);
    const last = stored.entries.at(-1) ?? (await store.journal(row.number, { from: seq, limit: 1 }))[0];
    const now = await store.find(id, incarnation);
    // A commit that came in between may have changed one and not the other.
    if (now?.number === row.number && now.seq === row.seq) return { row, seq, data, at: last ? decodeEntry(last).at : row.updatedAt };
    row = now;
  }
  throw await missingRun(store, id);
}

/** What reads a state: without its program nothing is known of attempts that have ended. */
export type Reader = Pick<Program, 'kind'> & Partial<Pick<Program, 'progress'>>;

/** The program that a run was started on, if it is known here, else what kind it is of. */
export function readerOf(programs: Programs, row: RunRow): Reader {
  const program = programs.match(row);
  return program instanceof SagachartError ? { kind: programs.kindOf(row.saga) } : program;
}

/** What is to be said of a state, whoever asks. */
export function nowOf(data: StateData, status: RunNow['status'], { kind, progress }: Reader): RunNow {
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
