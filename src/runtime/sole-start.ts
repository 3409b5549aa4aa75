import { SagachartError } from '../base/errors.ts';
import { durationMs } from '../saga/duration.ts';
import type { RunRow } from '../stores/store.ts';
import { acknowledged, type Cell, type Delivery } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import type { StartedFrom } from './remedied.ts';
import { type Debounce, singletonTaken } from './scheduling.ts';
import type { Started } from './starts.ts';

/** A start of a run that alone may have its name. */
interface SoleStart {
  readonly id: string;
  readonly value: unknown;
  readonly hash: string;
  readonly from: StartedFrom;
  readonly sole: string;
  /** It puts off the run that has the name, instead of being given it. */
  readonly debounce: Debounce | undefined;
}

interface Ways {
  /** The commit of the run that is there with its id; undefined if none is. */
  known(): Promise<number | undefined>;
  create(): Promise<number>;
}

/**
 * Starts a run, or comes to the one that has its name.
 * @throws SagachartError SC_SINGLETON_TAKEN, and what a start throws
 */
export async function startSole(coordinator: Coordinator, start: SoleStart, { known, create }: Ways): Promise<Started> {
  const { store } = coordinator.settings;
  for (;;) {
    const seq = await known();
    if (seq !== undefined) return { id: start.id, seq };
    const other = await store.holder(start.sole);
    const came = await (other ? comeTo(coordinator, start, other) : create().then((made) => ({ id: start.id, seq: made }))).catch(overtaken);
    if (came) return came;
  }
}

/** In the meantime another process has started one, or the one that was there has begun or ended: it is looked for once more. */
function overtaken(error: unknown): undefined {
  if (error instanceof SagachartError) {
    const { code, details } = error;
    if (code === 'SC_SINGLETON_TAKEN' && details?.verdict === 'taken') return undefined;
    if (code === 'SC_EVENT_NOT_ACCEPTED' || code === 'SC_RUN_ENDED') return undefined;
  }
  throw error;
}

async function comeTo(coordinator: Coordinator, start: SoleStart, other: RunRow): Promise<Started> {
  if (start.debounce) {
    const seq = await putOff(coordinator, start, other.id, durationMs(start.debounce.for, 'debounce.for', 'start'));
    return { id: other.id, seq, putOff: true };
  }
  if (other.inputHash !== start.hash) throw singletonTaken(other);
  const { inbox } = start.from;
  if (inbox !== undefined) coordinator.committer.answer({ delivery: { event: { type: 'queued', input: null }, inbox, cameTo: other.id }, error: undefined });
  return { id: other.id, seq: 0 };
}

async function putOff(coordinator: Coordinator, { value: input, hash: inputHash, from }: SoleStart, id: string, forMs: number): Promise<number> {
  const { clock } = coordinator.settings;
  const now = from.at ?? clock.now();
  const source = from.inbox === undefined ? {} : { inbox: from.inbox, answersItself: true as const };
  return await acknowledged((settle, fail) => {
    const make = ({ state }: Cell): Delivery => {
      const due = Math.min(now + forMs, state.data.place?.until ?? 0);
      const event = { type: 'putOff', input, ...(due > clock.now() ? { due } : {}) } as const;
      return { event, inputHash, cameTo: id, settle, ...source };
    };
    coordinator.deliver(id, make).catch(fail);
  });
}
