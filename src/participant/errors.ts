import { HardError, SagachartError } from '../base/errors.ts';

/** A `run` that came after its compensation: refused, and nothing happened. */
export class LateRunError extends HardError {
  override readonly name = 'LateRunError';
  readonly code = 'SC_PARTICIPANT_LATE';
  readonly key: string;

  constructor(key: string) {
    super(`${key} came after its compensation, and is refused`);
    this.key = key;
  }
}

/**
 * A call by a worker that no longer has the run. It did nothing; an earlier one under the same key may have, so this is
 * no `HardError`: whoever has the run now asks again.
 */
export class StaleFenceError extends SagachartError {
  override readonly name = 'StaleFenceError';

  constructor(key: string, fence: number, newest: number) {
    super('SC_PARTICIPANT_FENCE', `${key} came under fence ${fence}, and its run has been here under ${newest}: another worker has it`, {
      next: 'Nothing is to be done: the worker that has the run now goes on with it.',
      details: { key, fence, newest },
    });
  }
}

/** A lock that ran out, or was released, before it was renewed: somebody else may have been at the resource since. */
export class LockLostError extends HardError {
  override readonly name = 'LockLostError';
  readonly code = 'SC_LOCK_LOST';

  constructor(resource: string, owner: string) {
    super(`${owner} does not hold ${resource} any more: the lock ran out, or was released`);
  }
}

/** What a decision was made on has changed since. */
export class ValueChangedError extends HardError {
  override readonly name = 'ValueChangedError';
  readonly code = 'SC_VALUE_CHANGED';
}
