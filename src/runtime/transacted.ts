import { SagachartError } from '../base/errors.ts';
import { type Identity, type RunEvent, sameIdentity } from '../kernel/event.ts';
import type { StateData } from '../kernel/state.ts';
import { type AttemptEnd, isThenable, storedResult, TurnedAway } from './attempt.ts';
import { acknowledged, type Cell } from './cell.ts';
import type { Coordinator } from './coordinator.ts';

/** What is done in a transaction: gets the store's connection, and gives its result at once. */
export type Work = (connection: unknown) => unknown;

/** An attempt whose writes are to be one with the commit of its end. */
interface Transacting {
  readonly id: string;
  readonly at: Identity;
  /** Of its step, in messages. */
  readonly name: string;
  event(end: AttemptEnd): RunEvent;
}

/**
 * Has work done in one transaction with the commit of its end, when it is the run's turn. Resolves with its result once
 * both are durable; what it throws has left nothing.
 * @throws TurnedAway if by then nobody wants it any more; what the work threw; SagachartError SC_TRANSACT_ASYNC
 */
export async function transacted(
  { committer, settings }: Coordinator,
  cell: Cell,
  { id, at, name, event }: Transacting,
  { work, signal }: { readonly work: Work; readonly signal: () => AbortSignal },
): Promise<unknown> {
  const { clock, limits } = settings;
  let output: unknown;
  const transact = (connection: unknown): RunEvent => {
    if (!isWanted(cell.state.data, id, at) || signal().aborted) throw new TurnedAway(name);
    const began = clock.monotonic();
    const value = work(connection);
    if (isThenable(value)) throw waits(name, value);
    const end = { ...storedResult(value, name, limits.payloadBytes), ms: Math.round((clock.monotonic() - began) * 1000) / 1000 };
    output = end.output;
    return event(end);
  };
  await acknowledged((settle) => committer.post(cell, { event: { type: 'succeeded', child: id, at, output: undefined }, transact, settle }));
  return output;
}

/** Whether it is still what the run waits for: nothing happens for one that is told to stop. */
function isWanted({ status, children }: StateData, id: string, at: Identity): boolean {
  const child = children[id];
  return status === 'active' && child !== undefined && sameIdentity(child.at, at) && !child.stopping;
}

function waits(step: string, pending: PromiseLike<unknown>): SagachartError {
  // Whatever it still does is nobody's: its connection has been taken away.
  pending.then(undefined, () => undefined);
  return new SagachartError(
    'SC_TRANSACT_ASYNC',
    `the function of the transactional step ${step} returned a promise: what it waits for would be outside of the transaction`,
    {
      next: 'Make it synchronous, or use .step for what has to be waited for. What it had written was undone.',
      details: { step },
    },
  );
}
