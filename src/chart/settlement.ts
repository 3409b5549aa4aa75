import type { SagaDefinition } from '../saga/definition.ts';
import type { SagaContext, StepRecord, UndoRecord } from './context.ts';

/** What may have happened must be undone: a step that succeeded, or that nobody knows of; on the way back only what is to be done again. */
export function mustBeUndone(context: SagaContext, step: number): boolean {
  return isGoneBackOver(context, step) && mayStand(context.steps[step]);
}

/** Whether a step is among those that a run goes back over: all of them, unless it goes back to a savepoint or was rewound. */
export function isGoneBackOver({ backTo, rewind }: Pick<SagaContext, 'backTo' | 'rewind'>, step: number): boolean {
  return rewind ? rewind.includes(step) : step > (backTo ?? -1);
}

/** Whether what is being undone is to be done again. */
export function isReturning({ backTo, rewind }: SagaContext): boolean {
  return (rewind !== undefined && rewind !== null) || (backTo !== undefined && backTo !== null);
}

export function mayStand(record: Pick<StepRecord, 'status' | 'left' | 'inherited'> | null | undefined): boolean {
  if (record?.inherited) return false;
  const status = record?.status;
  // A child that has ended otherwise than done has undone what it could.
  return status === 'succeeded' || (status === 'unknown' && !record?.left) || status === 'resolved';
}

/** Whether anything must be undone, in this round or in one before it. */
export function somethingToUndo({ steps }: SagaDefinition, context: SagaContext): boolean {
  return (
    steps.some(({ compensate, number }) => compensate && mustBeUndone(context, number) && !isSettled(context.undos[number])) ||
    (context.rounds?.some((round) => isGoneBackOver(context, round.loop) && round.records.some(mayStand)) ?? false)
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

/** Whether its undo has ended, in whatever way. */
export function isSettled(undo: Pick<UndoRecord, 'status'> | null | undefined): boolean {
  return undo !== undefined && undo !== null && undo.status !== 'open';
}

/** Whether everything that ended after a step is undone: then it is the last. */
export function isLastStanding(context: SagaContext, step: number): boolean {
  const order = orderOf(context.steps[step]);
  const stands = context.steps.some((other, number) => orderOf(other) > order && mustBeUndone(context, number) && !isSettled(context.undos[number]));
  return (
    !stands &&
    !context.rounds?.some(({ loop, records }) => isGoneBackOver(context, loop) && records.some((record) => orderOf(record) > order && mayStand(record)))
  );
}

/** What cannot be undone has none. */
function orderOf(record: Pick<Partial<StepRecord>, 'order'> | null | undefined): number {
  return record?.order ?? 0;
}
