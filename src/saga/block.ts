import type { AnyStateMachine } from 'xstate';
import { quoted } from '../base/quoted.ts';
import type { SagaDefinition } from './definition.ts';
import { definitionError } from './error.ts';
import { nameOf } from './graph.ts';
import type { Plan } from './plan.ts';

/** What a saga was begun with, and how its chart is made. */
export type Head = Omit<SagaDefinition, 'name' | 'steps'> & { readonly compile: (definition: SagaDefinition) => AnyStateMachine };

/** Adds a block to a plan; `which` names it in messages. */
export type AddBlock = (block: unknown, plan: Plan, which: string) => Plan;

/** How far a chain has been built. */
export interface Built {
  readonly plan: Plan;
  readonly head: Head;
}

/**
 * The plan after a block: a function that builds on the chain it is given, and returns what it built.
 * @param which names it in messages
 * @param partsOf of what the block returned, if it is a chain
 * @throws DefinitionError SC_DEFINITION_OPTION
 */
export function addedBy(
  block: unknown,
  { plan, head }: Built,
  which: string,
  { chainOf, partsOf }: { readonly chainOf: (start: Built) => unknown; readonly partsOf: (built: unknown) => Built | undefined },
): Plan {
  const wrong = (what: string, next: string): Error => definitionError('SC_DEFINITION_OPTION', { saga: plan.saga }, { what, next });
  if (typeof block !== 'function') throw wrong(`${which} is ${quoted(block)}, not a function`, 'Give a function that builds on the chain it is given.');
  const built: unknown = block(chainOf({ plan, head }));
  const parts = partsOf(built);
  if (!parts || !isContinuation(parts.plan, plan))
    throw wrong(`${which} returned ${parts ? nameOf(built as object) : quoted(built)}, not the chain it was given`, 'Return what you built on it.');
  if (parts.head.output !== head.output)
    throw wrong(`${which} has the output ${quoted(parts.head.output)}`, 'Only the saga itself has an output: move it there.');
  if (parts.head.queries !== head.queries) throw wrong(`${which} has queries`, 'Only the saga itself has queries: move them there.');
  return parts.plan;
}

/** The saga that has been built, as data. @throws DefinitionError SC_DEFINITION_OPTION */
export function completed({ plan: { saga, steps }, head: { compile: _, ...head } }: Built): SagaDefinition {
  const wrong = (what: string, next: string): Error => definitionError('SC_DEFINITION_OPTION', { saga }, { what, next });
  if (steps.length === 0) throw wrong('it has no steps', 'Add a step.');
  const deaf = steps.find(({ wait }) => wait && !Object.hasOwn(head.signals, wait.signal));
  if (deaf) throw wrong(`step ${deaf.name} waits for the signal ${quoted(deaf.wait?.signal)}, which is not declared`, 'Declare it in `signals`.');
  if (head.onFailure === 'toSavepoint' && !steps.some(({ kind }) => kind === 'savepoint'))
    throw wrong("onFailure is 'toSavepoint', but it has no savepoint", 'Add one with .savepoint().');
  return Object.freeze({ name: saga, ...head, steps });
}

/** Whether a plan begins with all that another has. */
function isContinuation(plan: Plan, of: Plan): boolean {
  return plan.saga === of.saga && of.steps.every((step, i) => plan.steps[i] === step);
}
