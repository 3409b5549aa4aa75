import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { Named, StateConfig } from './config.ts';
import { descendantsOf } from './lanes.ts';
import { stepMeta } from './step.ts';

/** The states of one step being undone. The guard of `waiting` is the reverse order, for all to see. */
export function compensationState(step: StepDefinition, definition: SagaDefinition, next: string): StateConfig {
  const { name, number, dependency } = step;
  const about = (type: string): Named => ({ type, params: { step: number } });
  const dependents = undoneBefore(step, definition);
  const surelyHappened = isBeforeAll(step, definition);
  return {
    description: `undoes ${name}`,
    meta: { ...stepMeta(step), dependents: dependents.map((later) => later.name) },
    initial: 'waiting',
    states: {
      waiting: {
        description: dependents.length === 0 ? `nothing depends on ${name}` : `waits until what depends on ${name} is undone`,
        always: [
          ...(surelyHappened ? [] : [{ guard: about('nothingToUndo'), target: 'nothingToUndo' }]),
          { guard: { type: 'undoSettled', params: { steps: dependents.map((later) => later.number) } }, target: 'attempting' },
        ],
      },
      attempting: {
        description: `attempts to undo ${name}${dependency ? ` (${dependency})` : ''}`,
        invoke: {
          id: `${name}.undo`,
          src: `${name}.undo`,
          input: ({ context }) => context,
          onDone: [{ target: 'undone', actions: [about('recordUndone')] }],
          onError: [
            { guard: { type: 'judgedUndo', params: { step: number, to: 'attention' } }, target: 'attention', actions: [about('recordUndoFailure')] },
            {
              guard: { type: 'judgedUndo', params: { step: number, to: 'attempting' } },
              target: 'attempting',
              reenter: true,
              actions: [about('recordUndoFailure')],
            },
            { target: 'backingOff', actions: [about('recordUndoFailure')] },
          ],
        },
      },
      backingOff: {
        description: `waits before the next attempt to undo ${name}`,
        after: { [`${name}.undoBackoff`]: { target: 'attempting' } },
      },
      attention: {
        description: `undoing ${name} needs a person: retry, skip or resolve it`,
        tags: ['attention'],
        on: {
          [`${name}.retry`]: { target: 'attempting', actions: [about('recordUndoRetry')], description: 'try again, with a fresh policy' },
          [`${name}.skip`]: { target: 'undone', actions: [about('recordUndoSkipped')], description: 'leave it as it is' },
          [`${name}.resolve`]: { target: 'undone', actions: [about('recordUndoResolved')], description: 'a person has undone it' },
        },
      },
      undone: { type: 'final', description: `${name} is undone, or a person has settled it` },
      ...(surelyHappened ? {} : { nothingToUndo: { type: 'final' as const, description: `${name} did not happen` } }),
    },
    onDone: [{ target: next }],
  };
}

/** Whether it has happened whenever there is something to undo: all else that can be undone comes after it. */
function isBeforeAll({ number }: StepDefinition, { steps }: SagaDefinition): boolean {
  const later = descendantsOf(steps)[number];
  return steps.every((other) => other.number === number || other.compensate === undefined || later?.has(other.number));
}

/** The nearest later steps that can be undone and depend on this one, directly or through steps that cannot. */
function undoneBefore(step: StepDefinition, { steps }: SagaDefinition): readonly StepDefinition[] {
  const descendants = descendantsOf(steps);
  const undoable = steps.filter((later) => later.compensate !== undefined && descendants[step.number]?.has(later.number));
  return undoable.filter((later) => !undoable.some((between) => descendants[between.number]?.has(later.number)));
}
