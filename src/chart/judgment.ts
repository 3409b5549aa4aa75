import { type Failure, INTERRUPTED, LOST, MOST_LOSSES, wasNotBegun } from '../base/failure.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { RetryPolicy } from '../saga/policy.ts';
import { afterCheck, afterFailure, afterUndoFailure, type CheckEnd, type SagaContext, type StepRecord, stepRecord, undoRecord } from './context.ts';

/** Where a step goes after an attempt that did not succeed. The guards of the chart ask for one each. */
export type Judgment = 'refused' | 'unknown' | 'checking' | 'backingOff' | 'attempting' | 'attention' | 'undoing' | 'fallingBack' | 'passed';

/** What a judgment is about. */
export interface Case {
  readonly definition: SagaDefinition;
  readonly step: StepDefinition;
  readonly context: SagaContext;
}

/** After a failed attempt of `run`. */
export function judgeFailure(about: Case, failure: Failure): Judgment {
  const { step, context } = about;
  const record = afterFailure(step, stepRecord(context, step.number), failure);
  const open = record.unknown && step.check !== undefined && goesForward(about);
  if (failure.code === LOST && record.losses >= MOST_LOSSES && goesForward(about)) return 'attention';
  if (open && failure.effect === 'maybe') return 'checking';
  if (!mayRetry(about, record)) return open ? 'checking' : ended(about, record);
  return failure.code === LOST ? 'attempting' : 'backingOff';
}

/** After a `check` that left the question open, settled it as "did not happen", or was lost with its process. */
export function judgeCheck(about: Case, end: CheckEnd): Judgment {
  const { step, context } = about;
  const record = afterCheck(stepRecord(context, step.number), end);
  if (record.checkLosses >= MOST_LOSSES && goesForward(about)) return 'attention';
  if (!mayRetry(about, record)) return ended(about, record);
  return record.failure?.code === LOST ? 'attempting' : 'backingOff';
}

/** Why a step that waits for its next attempt is given up: the run does not want it any more, or it has taken too long, or its key is forgotten. */
export type Stop = 'unwanted' | 'late' | 'forgotten';

/** When a step is given up while no attempt runs; undefined while there is no reason to, when nobody of the chart says so. */
export function judgeStop(about: Case, why: Stop = 'unwanted'): Judgment | undefined {
  const record = stepRecord(about.context, about.step.number);
  if (why === 'unwanted' && goesForward(about)) return undefined;
  return why === 'forgotten' && !record.unknown ? undefined : ended(about, record);
}

/** After a failed attempt of a fallback: it is tried once, but not spent by what comes from outside. */
export function judgeFallback({ step, context }: Case, failure: Failure): Judgment {
  if (context.cause !== null) return 'refused';
  const record = afterFailure(step, stepRecord(context, step.number), failure);
  if (isOutside(failure) && record.losses < MOST_LOSSES) return 'attempting';
  if (step.optional) return 'passed';
  return step.forward ? 'attention' : 'refused';
}

/** Whether the run still wants what the step does. */
function goesForward({ step, context }: Case): boolean {
  return context.cause === null && !isRaceWon(step, context);
}

/** Whether another has won the race that a step takes part in. */
export function isRaceWon({ racing }: StepDefinition, context: SagaContext): boolean {
  return racing !== undefined && context.steps[racing]?.result !== undefined;
}

function mayRetry(about: Case, record: StepRecord): boolean {
  const { definition, step, context } = about;
  const { failure, attempts, since, unknown } = record;
  if (!goesForward(about) || record.late || failure?.class === 'hard') return false;
  // A child that has failed has tried for itself.
  if (step.child) return false;
  // The dependency may take the old key for a new one: to try again could do it twice.
  if (unknown && record.keyExpired) return false;
  if (isOutside(failure)) return true;
  return lasts(step.policy.retry, attempts - since) && (definition.retryBudget === undefined || (context.retries ?? 0) < definition.retryBudget);
}

/** A step that only goes forward does not fail, it asks; the pivot itself may still be refused. */
function ended({ step, context }: Case, record: StepRecord): Judgment {
  if (isGraceful(step) && context.cause === null) {
    if (record.unknown && step.compensate && !step.child) return 'undoing';
    return step.fallback ? 'fallingBack' : 'passed';
  }
  if (step.forward && !(step.kind === 'pivot' && !record.unknown)) return 'attention';
  return record.unknown ? 'unknown' : 'refused';
}

/** Whether the run goes on where the step fails: it is optional, has a fallback, or others race it. */
export function isGraceful({ optional, fallback, racing }: StepDefinition): boolean {
  return optional === true || fallback !== undefined || racing !== undefined;
}

/** After a failed attempt of `compensate`: nothing is given up without a person. */
export function judgeUndoFailure({ step, context }: Case, failure: Failure): 'backingOff' | 'attempting' | 'attention' {
  const record = afterUndoFailure(undoRecord(context, step.number), failure);
  if (failure.code === LOST) return record.losses >= MOST_LOSSES ? 'attention' : 'attempting';
  if (isOutside(failure)) return 'backingOff';
  return failure.class === 'hard' || !lasts(step.undoPolicy.retry, record.attempts - record.since) ? 'attention' : 'backingOff';
}

/** What came from outside the step, a crash, a shutdown or a gate, does not exhaust its policy: a deploy must not undo a run. */
function isOutside(failure: Failure | undefined): boolean {
  return failure?.code === LOST || failure?.code === INTERRUPTED || wasNotBegun(failure);
}

function lasts(policy: RetryPolicy, attempts: number): boolean {
  return policy.attempts === 'forever' || attempts < policy.attempts;
}
