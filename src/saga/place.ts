import { checkNested } from './child.ts';
import { definitionError } from './error.ts';
import type { StepBody } from './parts.ts';
import type { Plan } from './plan.ts';

/**
 * Whether a step may stand where it is added: a pivot and a savepoint are points that every run comes to, and what
 * takes part in a race must be able to lose it.
 * @throws DefinitionError SC_DEFINITION_BLOCK
 */
export function checkPlace(
  plan: Plan,
  { name, kind, map, optional, fallback, child }: StepBody,
  { ancestors, forward }: { readonly ancestors: ReadonlySet<number>; readonly forward: boolean },
): void {
  const wrong = (what: string, next: string): Error => definitionError('SC_DEFINITION_BLOCK', { saga: plan.saga, step: name }, { what, next });
  const { blocks, onFailure, steps } = plan;
  if (child && !forward) checkNested(plan.saga, name, child);
  const block = blocks.at(-1);
  if (block && (kind === 'pivot' || kind === 'savepoint'))
    throw wrong(`a ${kind} stands in a .${block}, so a run may pass it by`, `Move it out of the .${block}: every run must come to it.`);
  if (block === 'race' && (map || !RUNNERS.has(kind)))
    throw wrong(`a ${map ? 'map' : kind} takes part in a .race`, 'Let .step, .read, .sleep and .waitFor race, one in each branch.');
  if (block === 'race' && kind === 'step' && forward)
    throw wrong('it takes part in a .race past the pivot, where a loser cannot be undone', 'Use .read, or move the race before the pivot.');
  if (block === 'race' && (optional || fallback))
    throw wrong('it takes part in a .race, and is optional or has a fallback', 'Drop the option: the run goes on without a loser in any case.');
  if (kind === 'savepoint' && onFailure !== 'toSavepoint')
    throw wrong(`it is a savepoint, but onFailure is '${onFailure}'`, "Give the saga onFailure: 'toSavepoint', or drop the savepoint.");
  if (kind === 'savepoint' && forward) throw wrong('it is a savepoint past the pivot, where nothing is undone', 'Move it before the pivot.');
  const beside = kind === 'savepoint' ? steps.find((other) => !ancestors.has(other.number)) : undefined;
  if (beside) throw wrong(`it is a savepoint beside ${beside.name}`, 'Move it out of the branches: a run returns to it as a whole.');
  const passed = steps.find((other) => other.kind === 'savepoint' && !ancestors.has(other.number));
  if (passed) throw wrong(`it may run beside the savepoint ${passed.name}`, `Let it come after ${passed.name}, or ${passed.name} after it.`);
}

const RUNNERS: ReadonlySet<string> = new Set(['step', 'read', 'sleep', 'wait']);
