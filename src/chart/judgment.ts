import { type Failure, INTERRUPTED, LOST, MOST_LOSSES, wasNotBegun } from '../base/failure.ts';
import type { StepDefinition } from '../saga/definition.ts';
import type { RetryPolicy } from '../saga/policy.ts';
import { afterCheck, afterFailure, afterUndoFailure, type CheckEnd, type SagaContext, type StepRecord, stepRecord, undoRecord } from './context.ts';

/** Where a step goes after an attempt that did not succeed. The guards of the chart ask for one each. */
export type Judgment = 'refused' | 'unknown' | 'checking' | 'backingOff' | 'attempting' | 'attention';

/** After a failed attempt of `run`. */
export function judgeFailure(step: StepDefinition, context: SagaContext, failure: Failure): Judgment {
  const record = afterFailure(step, stepRecord(context, step.number), failure);
  const open = record.unknown && step.check !== undefined && context.cause === null;
  if (failure.code === LOST && record.losses >= MOST_LOSSES && context.cause === null) return 'attention';
  if (open && failure.effect === 'maybe') return 'checking';
  if (!mayRetry(step, context, record)) return open ? 'checking' : ended(step, record);
  return failure.code === LOST ? 'attempting' : 'backingOff';
}

/** After a `check` that left the question open, settled it as "did not happen", or was lost with its process. */
export function judgeCheck(step: StepDefinition, context: SagaContext, end: CheckEnd): Judgment {
  const record = afterCheck(stepRecord(context, step.number), end);
  if (record.checkLosses >= MOST_LOSSES && context.cause === null) return 'attention';
  if (!mayRetry(step, context, record)) return ended(step, record);
  return record.failure?.code === LOST ? 'attempting' : 'backingOff';
}

/** After an abort that found no attempt running; undefined while the run does not drain, when nobody of the chart says so. */
export function judgeAbort(step: StepDefinition, context: SagaContext): Judgment | undefined {
  if (context.cause === null) return undefined;
  return ended(step, stepRecord(context, step.number));
}

function mayRetry(step: StepDefinition, context: SagaContext, { failure, attempts, since }: StepRecord): boolean {
  if (context.cause !== null || failure?.class === 'hard') return false;
  return isOutside(failure) || lasts(step.policy.retry, attempts - since);
}

/** A step that only goes forward does not fail, it asks; the pivot itself may still be refused. */
function ended(step: StepDefinition, record: StepRecord): Judgment {
  if (step.forward && !(step.kind === 'pivot' && !record.unknown)) return 'attention';
  return record.unknown ? 'unknown' : 'refused';
}

/** After a failed attempt of `compensate`: nothing is given up without a person. */
export function judgeUndoFailure(step: StepDefinition, context: SagaContext, failure: Failure): 'backingOff' | 'attempting' | 'attention' {
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
