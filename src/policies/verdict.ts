import { ABORTED, type Failure, INTERRUPTED, TIMEOUT, wasNotBegun } from '../base/failure.ts';

/** What an attempt says about the dependency, not about the step. */
export type Verdict = 'succeeded' | 'failed' | 'nothing';

/** Ended before anything was asked of the dependency. */
const NEVER_ASKED = 'SC_STEP_INPUT';

/**
 * What an attempt's end says about its dependency. A hard failure is an answer: the dependency works. A transient one
 * is a failure of it, a `BusyError` too: who is busy is to be left alone. What we stopped ourselves says nothing, unless
 * it was for its timeout.
 */
export function verdictOf(failure: Failure | undefined): Verdict {
  if (failure === undefined) return 'succeeded';
  const { code } = failure;
  if (code === TIMEOUT) return 'failed';
  if (code === ABORTED || code === INTERRUPTED || code === NEVER_ASKED || wasNotBegun(failure)) return 'nothing';
  return failure.class === 'hard' ? 'succeeded' : 'failed';
}
