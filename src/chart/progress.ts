import type { SagaDefinition } from '../saga/definition.ts';
import type { SagaContext } from './context.ts';

/** Whether what depends on a step may begin. */
export function goneOn({ steps }: SagaContext, step: number): boolean {
  const status = steps[step]?.status;
  return status === 'succeeded' || status === 'resolved' || status === 'skipped' || status === 'passed' || status === 'fellBack';
}

/** Past the pivot: its first attempt was committed, and it has not been refused. */
export function isPastPivot({ steps, onFailure }: SagaDefinition, context: SagaContext): boolean {
  if (onFailure === 'forward') return true;
  const pivot = steps.find(({ kind }) => kind === 'pivot');
  if (!pivot || context.steps[pivot.number]?.status === 'refused') return false;
  return pivot.after.every((step) => goneOn(context, step));
}
