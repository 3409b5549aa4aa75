import { SagachartError, StoreError } from '../base/errors.ts';
import type { Failure } from '../base/failure.ts';
import type { NoWayBack } from '../chart/rewind.ts';
import type { Refused } from '../kernel/decide.ts';
import { endOf } from '../kernel/standing.ts';
import type { RunState } from '../kernel/state.ts';
import type { CommitVerdict, RunIdentity, RunRow, Store, Tombstone } from '../stores/store.ts';
import type { Cell } from './cell.ts';
import { notAwaited } from './decision.ts';
import { singletonTaken } from './scheduling.ts';

/** Why a run does not take what was sent to it, for whoever sent it. */
export function notAccepted(
  { identity: { id, saga }, program }: Pick<Cell, 'identity' | 'program'>,
  state: RunState,
  { event, reason }: Refused,
): SagachartError {
  const type = event.type === 'sent' ? event.event.type : event.type;
  const details = { run: id, saga, event: type };
  if (reason === 'ended') {
    return new SagachartError('SC_RUN_ENDED', `run ${id} has ended (${endOf(state) ?? state.data.status}), so it takes no ${type}`, {
      next: 'Nothing is left to do for this run; to do its work once more, restart it, or fork it from a point in its journal.',
      details,
    });
  }
  if (reason === 'reserved') {
    return new SagachartError('SC_EVENT_RESERVED', `run ${id}: the event ${JSON.stringify(type)} is XState's own and cannot be sent from outside`, {
      next: 'Send an event that the workflow declares.',
      details,
    });
  }
  const asked = /^(.+)\.decide$/.exec(type)?.[1];
  const approval = asked === undefined ? undefined : program.approval?.(asked);
  if (asked !== undefined && approval) return notAwaited(id, asked, approval.standing(state));
  if (type === 'cancel' && program.isPastPivot(state)) {
    return new SagachartError('SC_CANCEL_PAST_PIVOT', `run ${id} is past its pivot: it can only complete`, {
      next: 'Let it complete, and undo the business effect with a run of its own.',
      details,
    });
  }
  if (type === 'rewind' && event.type === 'sent') {
    const to = String(event.event.to);
    const problem = (state.snapshot && program.noWayBack(state, to)) ?? { why: 'it cannot in its present state', next: 'Look at it with `sagachart show`.' };
    return rewindRefused(id, to, problem);
  }
  const stuck = program.stuck(state);
  const operated = /^(.+)\.(retry|skip|resolve)$/.exec(type);
  if (operated) {
    return new SagachartError('SC_NOT_STUCK', `run ${id}: step ${operated[1]} does not need a person, so it takes no ${operated[2]}`, {
      next: stuck.length > 0 ? `Stuck are: ${stuck.join(', ')}.` : 'No step of this run is stuck.',
      details: { ...details, stuck },
    });
  }
  return new SagachartError('SC_EVENT_NOT_ACCEPTED', `run ${id} does not take ${JSON.stringify(type)} in its present state`, {
    next: 'Look at its state with `sagachart show`, and send the event when the chart has a transition for it.',
    details,
  });
}

/** A start whose chart threw, or made what cannot be stored, before the run was there. */
export function notStarted({ identity: { id, saga } }: Cell, { code, message }: Failure): SagachartError {
  return new SagachartError('SC_START_FAILED', `run ${id} of ${saga} could not be started: ${message} (${code})`, {
    next: 'Correct what makes the context of the machine; nothing of the run was stored.',
    details: { run: id, saga, code },
  });
}

/** A run whose journal makes no state. */
export function unreadable({ id, number }: Pick<RunRow, 'id' | 'number'>, cause: unknown): SagachartError {
  return new SagachartError('SC_RUN_UNREADABLE', `run ${id} (number ${number}) could not be read back: ${cause instanceof Error ? cause.message : cause}`, {
    next: 'Look at its journal with `sagachart journal`; restore the store from a backup if it is damaged.',
    details: { run: id },
    cause,
  });
}

/** Why a commit was not applied. */
export function commitRefused({ id, saga }: Pick<RunIdentity, 'id' | 'saga'>, verdict: Exclude<CommitVerdict, 'applied'>): SagachartError {
  if (verdict === 'taken') return singletonTaken({ id, saga }, { verdict });
  if (verdict === 'exists')
    return new SagachartError('SC_RUN_EXISTS', `a run with the id ${JSON.stringify(id)} exists already`, { next: 'Choose another id.', details: { run: id } });
  return new SagachartError(
    'SC_RUN_HELD',
    verdict === 'full' ? `run ${id} waits in its queue: no place is free` : `run ${id} was taken over by another worker`,
    {
      retryable: true,
      next: verdict === 'full' ? 'It begins when one is.' : 'The new owner goes on with it.',
      details: { run: id, verdict },
    },
  );
}

/** @param what it was to take */
export function runEnded(id: string, status: string, what?: string): SagachartError {
  return new SagachartError('SC_RUN_ENDED', `run ${id} has ended (${status})${what === undefined ? '' : `, so it takes no ${what}`}`, {
    next: 'Nothing is left to do for this run; to do its work once more, restart it, or fork it from a point in its journal.',
    details: { run: id, status },
  });
}

/** @param what cannot be done without one */
export function reasonMissing(id: string, what: string): SagachartError {
  return new SagachartError('SC_REASON_MISSING', `run ${id}: ${what} needs a reason`, {
    next: 'Say why (--reason): it stands in the journal.',
    details: { run: id },
  });
}

export function rewindRefused(id: string, to: string, { why, next }: NoWayBack): SagachartError {
  return new SagachartError('SC_REWIND', `run ${id} cannot go back to ${to}: ${why}`, { next, details: { run: id, to } });
}

export function endedCalmly(id: string, status: string): SagachartError {
  return new SagachartError('SC_RUN_ENDED', `run ${id} has ended (${status}) without needing a person`, {
    next: 'Nothing is left to do for this run.',
    details: { run: id },
  });
}

/** It will never come to this commit. */
export function endedBefore({ id, seq, status }: Pick<RunRow, 'id' | 'seq' | 'status'>, after: number): SagachartError {
  return new SagachartError('SC_RUN_ENDED', `run ${id} has ended (${status}) with commit ${seq}, and will not come to commit ${after}`, {
    next: 'Read it without `after`; the number may be of an earlier life of this id.',
    details: { run: id, seq, after },
  });
}

export function unknownRun(id: string): SagachartError {
  return new SagachartError('SC_UNKNOWN_RUN', `there is no run ${JSON.stringify(id)}`, {
    next: 'List the runs there are with `sagachart list`.',
    details: { run: id },
  });
}

/** Why nothing is found under an id: it was purged, or never there. */
export async function missingRun(store: Pick<Store, 'tombstone'>, id: string): Promise<SagachartError> {
  const purged = await store.tombstone(id);
  return purged ? runPurged(purged) : unknownRun(id);
}

export function runPurged({ id, saga, status, incarnation, at }: Tombstone): SagachartError {
  return new SagachartError('SC_RUN_PURGED', `run ${id} of ${saga} has ended (${status}), and was purged at ${new Date(at).toISOString()}`, {
    next: 'Look into the archive, if one was written. To do its work once more, restart it with its input: that is its next incarnation, with new keys.',
    details: { run: id, saga, status, incarnation },
  });
}

/** @param sameSaga whether it is the input that differs */
/** @param differs in what, where the saga is the same */
export function idTaken({ id, saga }: Pick<RunIdentity, 'id' | 'saga'>, sameSaga: boolean, differs = 'another input'): SagachartError {
  return new SagachartError('SC_RUN_EXISTS', `a run with the id ${JSON.stringify(id)} exists already, with ${sameSaga ? differs : `saga ${saga}`}`, {
    next: 'Choose another id, or start it with the same saga and input to get the existing run.',
    details: { run: id, saga },
  });
}

/** @param done what cannot be done with it: `purged` */
export function notEnded(id: string, done: string): SagachartError {
  return new SagachartError('SC_RUN_ACTIVE', `run ${id} has not ended, so it cannot be ${done}`, {
    next: 'Wait for its end, cancel it, or terminate it first.',
    details: { run: id },
  });
}

export function runHeld(id: string): SagachartError {
  return new SagachartError('SC_RUN_HELD', `run ${id} is held by another worker`, {
    retryable: true,
    next: 'Send it through the inbox: whoever holds the run will take it.',
    details: { run: id },
  });
}

export function closedError(): SagachartError {
  return new SagachartError('SC_ENGINE_CLOSED', 'the engine is closed, or about to be', {
    retryable: true,
    next: 'Open a new engine on the store: it goes on with every run.',
  });
}

/** Nobody knows yet whether the first commit of a run was made. */
export function inDoubt(id: string): StoreError {
  return new StoreError('SC_STORE_IO', `run ${id}: it is not known yet whether its start was stored`, {
    retryable: true,
    next: 'Start it again with the same id.',
    details: { run: id },
  });
}
