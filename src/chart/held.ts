import type { SagaDefinition } from '../saga/definition.ts';
import type { StateConfig, Transition } from './config.ts';

/** Where a nested saga waits, once it is done, for its parent to say whether it stays done. */
export function heldState({ name }: SagaDefinition, undoable: boolean): StateConfig {
  const undone = (target: string): Transition => ({ target, actions: 'recordUndoByParent', description: 'its parent has it undone' });
  return {
    description: `${name} is done, and may still be undone by its parent`,
    tags: ['held'],
    entry: ['recordHeld'],
    on: {
      undo: [...(undoable ? [{ guard: 'somethingToUndo', ...undone('compensating') }] : []), undone('compensated')],
      release: { target: 'completed', description: 'its parent has come to its end: it stays done' },
    },
  };
}
