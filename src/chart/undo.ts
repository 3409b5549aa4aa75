import type { StepDefinition } from '../saga/definition.ts';
import type { Named, StateConfig } from './config.ts';
import { mapUndoStates } from './map.ts';

/** The states of undoing a step, from its first attempt to the end: the same wherever it is undone. */
export function undoStates(step: StepDefinition): Record<string, StateConfig> {
  if (step.map) return mapUndoStates(step);
  const { name, number, dependency, child } = step;
  const about = (type: string): Named => ({ type, params: { step: number } });
  const failed = [about('recordUndoFailure')];
  return {
    attempting: {
      description: child ? `has the run of ${child.name} undone, and waits for its end` : `attempts to undo ${name}${dependency ? ` (${dependency})` : ''}`,
      invoke: {
        id: `${name}.undo`,
        src: `${name}.undo`,
        input: ({ context }) => context,
        onDone: [{ target: 'undone', actions: [about('recordUndone')] }],
        onError: child
          ? [{ target: 'attention', actions: failed }]
          : [
              { guard: { type: 'judgedUndo', params: { step: number, to: 'attention' } }, target: 'attention', actions: failed },
              { guard: { type: 'judgedUndo', params: { step: number, to: 'attempting' } }, target: 'attempting', reenter: true, actions: failed },
              { target: 'backingOff', actions: failed },
            ],
      },
    },
    ...(child
      ? {}
      : {
          backingOff: {
            description: `waits before the next attempt to undo ${name}`,
            after: { [`${name}.undoBackoff`]: { target: 'attempting' } },
          },
        }),
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
  };
}
