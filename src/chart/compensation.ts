import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { Named, StateConfig, Transition } from './config.ts';
import { isGraceful } from './judgment.ts';
import { descendantsOf } from './lanes.ts';
import { ONLY_REWOUND, stepMeta } from './meta.ts';
import { undoStates } from './undo.ts';

/** A loop whose round is undone once a step is, and the step that the round before it ended with. */
export interface RoundBefore {
  readonly loop: StepDefinition;
  readonly last: StepDefinition;
}

/** The states of one step being undone. The guard of `waiting` is the reverse order, for all to see. */
export function compensationState(
  step: StepDefinition,
  definition: SagaDefinition,
  { next, rounds }: { readonly next: string; readonly rounds: readonly RoundBefore[] },
): StateConfig {
  const { name, number } = step;
  const about = (type: string): Named => ({ type, params: { step: number } });
  const serial = definition.compensation === 'serial';
  const dependents = undoneBefore(step, definition);
  const isItsTurn: Named = serial ? about('lastStanding') : { type: 'undoSettled', params: { steps: dependents.map((later) => later.number), step: number } };
  const waits = serial ? `waits until all that ended after ${name} is undone` : `waits until what depends on ${name} is undone`;
  return {
    description: `undoes ${name}`,
    meta: { ...stepMeta(step), dependents: dependents.map((later) => later.name) },
    initial: 'waiting',
    states: {
      waiting: {
        description: dependents.length === 0 && !serial ? `nothing depends on ${name}` : waits,
        always: [
          { guard: about('nothingToUndo'), target: 'nothingToUndo' },
          { guard: isItsTurn, target: 'attempting' },
        ],
      },
      ...undoStates(step),
      nothingToUndo: {
        type: 'final' as const,
        description: `nothing of ${name} is to be undone`,
        ...(isBeforeAll(step, definition) ? { meta: ONLY_REWOUND } : {}),
      },
    },
    onDone: [
      ...rounds.map(
        ({ loop, last }): Transition => ({
          guard: { type: 'earlierRound', params: { step: loop.number } },
          target: last.name,
          reenter: true,
          actions: [{ type: 'backToRound', params: { step: loop.number } }],
          description: 'undoes the round before',
        }),
      ),
      { target: next },
    ],
  };
}

/** Loops of which a step is the first that is undone last, the innermost first. */
export function roundsBefore(step: StepDefinition, { steps }: SagaDefinition): readonly RoundBefore[] {
  return steps.flatMap((loop): RoundBefore[] => {
    const undoable = loop.loop?.body.filter((number) => steps[number]?.compensate) ?? [];
    return undoable[0] === step.number ? [{ loop, last: steps[undoable.at(-1) as number] as StepDefinition }] : [];
  });
}

/** Whether it has happened whenever there is something to undo, unless a person takes the run back: every run comes to it, and all else that can be undone comes after it. */
function isBeforeAll(step: StepDefinition, { steps, onFailure }: SagaDefinition): boolean {
  if (isPassable(step) || steps.some(({ loop }) => loop?.body.includes(step.number)) || onFailure === 'toSavepoint') return false;
  const later = descendantsOf(steps)[step.number];
  return steps.every((other) => other.number === step.number || other.compensate === undefined || later?.has(other.number));
}

/**
 * The nearest later steps that can be undone and depend on this one, directly or through steps that cannot. One that a
 * run may pass by stands for none behind it: those may have happened without it.
 */
function undoneBefore(step: StepDefinition, { steps }: SagaDefinition): readonly StepDefinition[] {
  const descendants = descendantsOf(steps);
  const undoable = steps.filter((later) => later.compensate !== undefined && descendants[step.number]?.has(later.number));
  const sure = undoable.filter((between) => !isPassable(between));
  return undoable.filter((later) => !sure.some((between) => descendants[between.number]?.has(later.number)));
}

function isPassable(step: StepDefinition): boolean {
  return step.gate !== undefined || isGraceful(step);
}
