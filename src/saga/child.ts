import { quoted } from '../base/quoted.ts';
import { checkFlag, checkFunction, checkText } from './check.ts';
import type { RunContext, SagaDefinition, StepDefinition } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError } from './error.ts';
import { checkStepName } from './name.ts';
import { checkOptions } from './options.ts';
import type { Part, StepBody } from './parts.ts';
import { attemptPolicy } from './policy.ts';
import type { GracefulOptions } from './types.ts';

/** Options of a step that is a run of another saga. How often that tries again is its own affair. */
export interface ChildOptions<Input, Results, Services, Fallback, Optional, Pivot> extends GracefulOptions<Input, Results, Services, Fallback, Optional> {
  /** How long the child may take before it is canceled: what it has come to by then counts. Default: for ever. */
  readonly within?: Duration;
  /** Makes it the point of no return: a child that fails has the rest undone, one that succeeds stays. Default: false. */
  readonly pivot?: Pivot;
  /** The service it stands for: shown with its failures. */
  readonly dependency?: string;
  /** The recorded reason for the step. */
  readonly why?: string;
}

/** What a saga takes to begin, and gives back. */
export type ChildInput<C> = C extends { readonly types?: { readonly input: infer Input } | undefined } ? Input : unknown;
export type ChildOutput<C> = C extends { readonly types?: { readonly output: infer Output } | undefined } ? Output : unknown;

interface Given {
  readonly within?: Duration;
  readonly pivot?: boolean;
  readonly optional?: boolean;
  readonly fallback?: (context: RunContext) => unknown;
  readonly dependency?: string;
  readonly why?: string;
}

/**
 * A step that is a run of another saga. What it means for the child, where it stands, `checkNested` says.
 * @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_CHILD
 */
export function childPart(saga: string, name: string, of: { readonly definition: SagaDefinition }, mapInput: unknown, options: Given = {}): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  const child = (of as Partial<typeof of> | undefined)?.definition;
  if (!child)
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `the child is ${quoted(of)}, not a saga`,
      next: 'Give what `saga()` made.',
      option: 'child',
      value: of,
    });
  checkFunction(where, 'input', mapInput);
  checkOptions(where, 'options', options, ['within', 'pivot', 'optional', 'fallback', 'dependency', 'why']);
  const { within, pivot, optional, fallback, dependency, why } = options;
  for (const [option, value] of Object.entries({ pivot, optional })) if (value !== undefined) checkFlag(where, option, value);
  for (const [option, value] of Object.entries({ dependency, why })) if (value !== undefined) checkText(where, option, value);
  if (fallback !== undefined) checkFunction(where, 'fallback', fallback);
  if (pivot && (optional || fallback))
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: 'it is the pivot, and optional or with a fallback, but a run cannot go on without its pivot',
      next: 'Drop one of the options.',
    });
  const body: StepBody = {
    name,
    kind: pivot ? 'pivot' : 'step',
    child,
    mapInput: mapInput as NonNullable<StepDefinition['mapInput']>,
    policy: attemptPolicy(where),
    undoPolicy: attemptPolicy(where, {}, 'undo'),
    ...(pivot ? {} : { compensate: undoneByItself }),
    ...(optional ? { optional } : {}),
    ...(fallback ? { fallback } : {}),
    ...(within === undefined ? {} : { withinMs: durationMs(within, 'within', where) }),
    ...(dependency === undefined ? {} : { dependency }),
    ...(why === undefined ? {} : { why }),
  };
  // Past the pivot it goes without its undo, as a reusable step does.
  return { body, undoing: pivot ? {} : { compensate: undoneByItself }, reusable: !pivot };
}

/** The sagas that are run as children of one, of theirs, and so on, each once. */
export function descendantsIn({ steps }: SagaDefinition, known: ReadonlyMap<string, SagaDefinition> = new Map()): ReadonlyMap<string, SagaDefinition> {
  let all = known;
  for (const { child } of steps) if (child && !all.has(child.name)) all = descendantsIn(child, new Map([...all, [child.name, child]]));
  return all;
}

/** Says that there is something to undo; the run of the child does it, so nobody calls this. */
function undoneByItself(): never {
  throw new TypeError('a child is undone by its own run');
}

/**
 * Whether a child before the pivot can be undone as a unit.
 * @throws DefinitionError SC_DEFINITION_CHILD
 */
export function checkNested(saga: string, step: string, { name, nested, steps }: SagaDefinition): void {
  const wrong = (what: string, next: string): Error => definitionError('SC_DEFINITION_CHILD', { saga, step }, { what, next });
  if (!nested)
    throw wrong(
      `the saga ${name} does not say that it can be undone by a parent`,
      `Give it nested: true, or let the step come after the pivot, where nothing is undone.`,
    );
  const pivot = steps.find(({ kind }) => kind === 'pivot');
  if (pivot)
    throw wrong(
      `the saga ${name} has a pivot (${pivot.name}), past which it cannot be undone as a unit`,
      `Make the step the pivot with { pivot: true }, or let it come after the pivot.`,
    );
}
