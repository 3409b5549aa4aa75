import type { ZodType } from 'zod';
import { quoted } from '../base/quoted.ts';
import { checkFunction, checkSchema, checkText } from './check.ts';
import type { StepDefinition, StepKind } from './definition.ts';
import { type Dependency, namedDependency } from './dependency.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError } from './error.ts';
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
  readonly classify?: StepDefinition['classify'];
  readonly dependency?: string | Dependency;
  readonly why?: string;
  readonly result?: ZodType;
};

const STEP_OPTIONS = ['timeout', 'grace', 'retry', 'compensate', 'undo', 'check', 'classify', 'dependency', 'why', 'result'];

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_RETRY */
export function attemptPart(saga: string, kind: Exclude<StepKind, 'sleep'>, name: string, run: unknown, options: Given = {}): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  checkFunction(where, 'run', run);
  checkOptions(where, 'options', options, STEP_OPTIONS);
  const { compensate, undo, check, classify, dependency, why, result, ...policy } = options;
  for (const [option, value] of Object.entries({ compensate, check, classify })) if (value !== undefined) checkFunction(where, option, value);
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
  const body: StepBody = {
    name,
    kind,
    run: run as NonNullable<StepDefinition['run']>,
    policy: attemptPolicy(where, policy),
    undoPolicy: attemptPolicy(where, undo, 'undo'),
    ...(compensate ? { compensate } : {}),
    ...(check ? { check } : {}),
    ...(classify ? { classify } : {}),
    ...(dependency === undefined ? {} : namedDependency(where, dependency)),
    ...(why === undefined ? {} : { why }),
    ...(result ? { resultSchema: result } : {}),
  };
  return { body, undoing: { compensate, undo }, reusable: false };
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

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_DURATION */
export function sleepPart(saga: string, name: string, duration: Duration): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  const body: StepBody = {
    name,
    kind: 'sleep',
    sleepMs: durationMs(duration, 'sleep', where),
    policy: attemptPolicy(where),
    undoPolicy: attemptPolicy(where, {}, 'undo'),
  };
  return { body, undoing: {}, reusable: false };
}
