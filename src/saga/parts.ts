import type { ZodType } from 'zod';
import { quoted } from '../base/quoted.ts';
import { checkFlag, checkFunction, checkSchema, checkText } from './check.ts';
import { type Classify, classifyBy, type ErrorReadings } from './classify.ts';
import type { AttemptStepKind, StepDefinition } from './definition.ts';
import { type Dependency, namedDependency } from './dependency.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError, type Where } from './error.ts';
import { checkStepName } from './name.ts';
import { checkOptions } from './options.ts';
import { type AttemptOptions, attemptPolicy } from './policy.ts';
import { checkReusable, type ReusableStep } from './reusable.ts';

/** A step without its place. */
export type StepBody = Omit<StepDefinition, 'number' | 'after' | 'forward'>;

/** What a verb makes of what it is given; what it means for the step is known where its place is. */
export interface Part {
  readonly body: StepBody;
  /** How it is to be undone, as given. */
  readonly undoing: { readonly compensate?: unknown; readonly undo?: unknown };
  /** Past the pivot a reusable step goes without its undo, so that one definition serves on both sides. */
  readonly reusable: boolean;
}

/** Options of any verb, as they arrive at run time: what the types promise is checked once more for plain JavaScript. */
type Given = AttemptOptions & {
  readonly compensate?: StepDefinition['compensate'];
  readonly undo?: AttemptOptions;
  readonly check?: StepDefinition['check'];
  readonly classify?: Classify | ErrorReadings;
  readonly optional?: boolean;
  readonly fallback?: StepDefinition['fallback'];
  readonly within?: Duration;
  readonly dependency?: string | Dependency;
  readonly why?: string;
  readonly result?: ZodType;
};

const STEP_OPTIONS = [
  ...['timeout', 'grace', 'heartbeat', 'retry', 'within', 'compensate', 'undo', 'check', 'classify', 'optional', 'fallback', 'dependency', 'why', 'result'],
];

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_RETRY */
export function attemptPart(saga: string, kind: AttemptStepKind, name: string, run: unknown, options: Given = {}): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  checkFunction(where, 'run', run);
  checkOptions(where, 'options', options, STEP_OPTIONS);
  const { compensate, undo, check, classify, optional, fallback, within, dependency, why, result, ...policy } = options;
  const isList = Array.isArray(classify);
  for (const [option, value] of Object.entries({ compensate, check, fallback, ...(isList ? {} : { classify }) }))
    if (value !== undefined) checkFunction(where, option, value);
  if (why !== undefined) checkText(where, 'why', why);
  if (result !== undefined) checkSchema(where, 'result', result);
  if (kind === 'read' && check) {
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `check is ${quoted(check)}, but a .read is simply done again`,
      next: 'Drop it, or use .step.',
      option: 'check',
      value: check,
    });
  }
  checkGraceful(where, kind, { optional, fallback });
  const body: StepBody = {
    name,
    kind,
    run: run as NonNullable<StepDefinition['run']>,
    policy: attemptPolicy(where, policy),
    undoPolicy: attemptPolicy(where, undo, 'undo'),
    ...(compensate ? { compensate } : {}),
    ...(check ? { check } : {}),
    ...(classify ? { classify: isList ? classifyBy(where, classify as ErrorReadings) : (classify as Classify) } : {}),
    ...(optional ? { optional } : {}),
    ...(fallback ? { fallback } : {}),
    ...(within === undefined ? {} : { withinMs: durationMs(within, 'within', where) }),
    ...(dependency === undefined ? {} : namedDependency(where, dependency)),
    ...(kind === 'read' ? {} : keyPromises(dependency)),
    ...(why === undefined ? {} : { why }),
    ...(result ? { resultSchema: result } : {}),
  };
  return { body, undoing: { compensate, undo }, reusable: false };
}

/** What a dependency promises of keys; a read needs none of it: it is simply done again. */
function keyPromises(dependency: string | Dependency | undefined): Pick<StepDefinition, 'keyTtlMs' | 'refusalSettles'> {
  if (typeof dependency !== 'object') return {};
  const { keyTtlMs, refusalSettles } = dependency;
  return { ...(keyTtlMs === undefined ? {} : { keyTtlMs }), ...(refusalSettles ? { refusalSettles } : {}) };
}

/** A run cannot go on without its pivot: it would be past the point of no return without having come there. */
function checkGraceful(where: Where, kind: AttemptStepKind, { optional, fallback }: { readonly optional: unknown; readonly fallback: unknown }): void {
  if (optional !== undefined) checkFlag(where, 'optional', optional);
  const [option, value] = optional ? ['optional', optional] : ['fallback', fallback];
  if (kind !== 'pivot' || value === undefined) return;
  throw definitionError('SC_DEFINITION_OPTION', where, {
    what: `${option} is ${quoted(value)}, but a run cannot go on without its pivot`,
    next: 'Make it an ordinary step, or drop the option.',
    option: option as string,
    value,
  });
}

/** @throws DefinitionError as `attemptPart` does */
export function reusedPart(saga: string, name: string, step: ReusableStep, mapInput: unknown): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  checkReusable(where, step);
  checkFunction(where, 'input', mapInput);
  const { body, undoing } = attemptPart(saga, 'step', name, step.run, step.options as Given);
  return { body: { ...body, inputSchema: step.input, mapInput: mapInput as NonNullable<StepDefinition['mapInput']> }, undoing, reusable: true };
}
