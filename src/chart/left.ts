import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { Left, LeftItems, SagaContext } from './context.ts';
import { mayStand } from './settlement.ts';

type Record = SagaContext['steps'][number];
type Undo = SagaContext['undos'][number];

/** What stays open after the end: listed with the run, because somebody chose it. */
export function leftBehind(definition: SagaDefinition, context: SagaContext, terminated: boolean): readonly Left[] {
  const { steps, undos, left = [], rounds = [] } = context;
  return [
    ...left,
    ...rounds.flatMap((round) => round.steps.flatMap((step, i) => leftOf(definition.steps[step], round.records[i], undefined, terminated))),
    ...definition.steps.flatMap((step) => leftOf(step, steps[step.number], undos[step.number], terminated)),
  ];
}

/** The context with what stays open of some steps written down, before others take the place of their records. */
export function keepLeft({ steps }: SagaDefinition, context: SagaContext, numbers: readonly number[]): SagaContext {
  const left = numbers.flatMap((number) => leftOf(steps[number], context.steps[number], context.undos[number], false));
  return left.length === 0 ? context : { ...context, left: [...(context.left ?? []), ...left] };
}

function leftItems(step: string, left: readonly LeftItems[]): readonly Left[] {
  return left.map(({ what, count, items }) => {
    const more = count - items.length;
    return { step, what: what as Left['what'], items, ...(more > 0 ? { more } : {}) };
  });
}

function leftOf(step: StepDefinition | undefined, record: Record | undefined, undo: Undo | undefined, terminated: boolean): readonly Left[] {
  if (!step || !record) return [];
  const { status, skipped } = record;
  const unknown = record.unknown && !record.left;
  const left: Left['what'][] = [];
  if (record.inherited) left.push('inherited');
  if (status === 'skipped' || skipped) left.push('run skipped');
  if (status === 'resolved') left.push('run resolved by hand');
  if (undo?.status === 'skipped') left.push('undo skipped');
  if (undo?.status === 'resolved') left.push('undo resolved by hand');
  const goneOn = status === 'passed' || status === 'fellBack';
  const isUndone = undo !== undefined && undo !== null && undo.status !== 'open';
  if (unknown && goneOn && !isUndone) left.push('may have happened');
  if (terminated && !isUndone && !goneOn) {
    if (unknown || (status === 'unknown' && !record.left)) left.push('may have happened');
    else if (step.compensate && (status === 'undoing' || mayStand(record))) left.push('not undone');
  }
  const ofItems = leftItems(step.name, [...(record.items?.left ?? []), ...(undo?.leftItems ?? [])]);
  return [...left.map((what) => ({ step: step.name, what })), ...ofItems, ...((isUndone ? undo.left : record.left) ?? [])];
}
