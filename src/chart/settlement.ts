import type { SagaDefinition } from '../saga/definition.ts';
import type { SagaContext, StepRecord, UndoRecord } from './context.ts';

/** What may have happened must be undone: a step that succeeded, or that nobody knows of; on the way back to a savepoint only what came after it. */
export function mustBeUndone(context: SagaContext, step: number): boolean {
  return step > (context.backTo ?? -1) && mayStand(context.steps[step]);
}

/** Whether what came after a savepoint is being undone. */
export function isReturning({ backTo }: SagaContext): boolean {
  return backTo !== undefined && backTo !== null;
}

export function mayStand(record: Pick<StepRecord, 'status' | 'left'> | null | undefined): boolean {
  const status = record?.status;
  // A child that has ended otherwise than done has undone what it could.
  return status === 'succeeded' || (status === 'unknown' && !record?.left) || status === 'resolved';
}

/** Whether anything must be undone, in this round or in one before it. */
export function somethingToUndo({ steps }: SagaDefinition, context: SagaContext): boolean {
  return (
    steps.some(({ compensate, number }) => compensate && mustBeUndone(context, number) && !isSettled(context.undos[number])) ||
    (context.rounds?.some((round) => round.loop > (context.backTo ?? -1) && round.records.some(mayStand)) ?? false)
  );
}

/**
 * Whether nothing is left to undo of a step.
 * @param waiting the step that waits for it: rounds in front of its own present one come after it
 */
export function undoSettled(context: SagaContext, step: number, waiting: number): boolean {
  const { rounds = [] } = context;
  const present = rounds.slice(rounds.findLastIndex(({ steps }) => steps.includes(waiting)) + 1);
  if (present.some(({ steps }) => steps.includes(step))) return false;
  return isSettled(context.undos[step]) || !mustBeUndone(context, step);
}

function isSettled(undo: Pick<UndoRecord, 'status'> | null | undefined): boolean {
  return undo !== undefined && undo !== null && undo.status !== 'open';
}

/** Whether everything that ended after a step is undone: then it is the last. */
export function isLastStanding(context: SagaContext, step: number): boolean {
  const order = orderOf(context.steps[step]);
  const stands = context.steps.some((other, number) => orderOf(other) > order && mustBeUndone(context, number) && !isSettled(context.undos[number]));
  return !stands && !context.rounds?.some(({ records }) => records.some((record) => orderOf(record) > order && mayStand(record)));
}

/** What cannot be undone has none. */
function orderOf(record: Pick<Partial<StepRecord>, 'order'> | null | undefined): number {
  return record?.order ?? 0;
}
