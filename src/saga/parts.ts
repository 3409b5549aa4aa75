import type { ZodType } from 'zod';
import type { StepDefinition, StepKind } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError } from './plan.ts';
import { type AttemptOptions, attemptPolicy } from './policy.ts';
import type { ReusableStep } from './reusable.ts';

/** Options of any verb, as they arrive at run time: what the types promise is checked once more for plain JavaScript. */
type Given = AttemptOptions & {
  readonly compensate?: StepDefinition['compensate'];
  readonly undo?: AttemptOptions;
  readonly check?: StepDefinition['check'];
  readonly classify?: StepDefinition['classify'];
  readonly dependency?: string;
  readonly why?: string;
  readonly result?: ZodType;
};

type Part = Omit<StepDefinition, 'number' | 'after' | 'forward'>;

const OPTIONS = new Set(['timeout', 'grace', 'retry', 'compensate', 'undo', 'check', 'classify', 'dependency', 'why', 'result']);

/** @throws DefinitionError SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_RETRY */
export function attemptPart(saga: string, kind: Exclude<StepKind, 'sleep'>, name: string, run: unknown, options: Given = {}): Part {
  if (typeof run !== 'function')
    throw definitionError('SC_DEFINITION_OPTION', saga, name, `run is ${typeof run}, not a function`, 'Give the step a function that does its work.');
  for (const option of Object.keys(options)) {
    if (!OPTIONS.has(option))
      throw definitionError('SC_DEFINITION_OPTION', saga, name, `there is no option ${JSON.stringify(option)}`, `Options are: ${[...OPTIONS].join(', ')}.`);
  }
  const { compensate, undo, check, classify, dependency, why, result, ...policy } = options;
  for (const [option, value] of Object.entries({ compensate, check, classify })) {
    if (value !== undefined && typeof value !== 'function')
      throw definitionError(
        'SC_DEFINITION_OPTION',
        saga,
        name,
        `${option} is ${JSON.stringify(value)}, not a function`,
        `Give a function, or leave ${option} out.`,
      );
  }
  return {
    name,
    kind,
    run: run as NonNullable<StepDefinition['run']>,
    policy: attemptPolicy(`saga ${saga}, step ${name}`, policy),
    undoPolicy: attemptPolicy(`saga ${saga}, undo of step ${name}`, undo, 'undo'),
    ...(compensate ? { compensate } : {}),
    ...(check ? { check } : {}),
    ...(classify ? { classify } : {}),
    ...(dependency === undefined ? {} : { dependency }),
    ...(why === undefined ? {} : { why }),
    ...(result ? { resultSchema: result } : {}),
  };
}

export function reusedPart(saga: string, name: string, step: ReusableStep, mapInput: unknown): Part {
  const { input, run, options } = step;
  const part = attemptPart(saga, options.compensate ? 'step' : 'read', name, run, options as Given);
  return { ...part, inputSchema: input, ...(mapInput ? { mapInput: mapInput as NonNullable<StepDefinition['mapInput']> } : {}) };
}

export function sleepPart(saga: string, name: string, duration: Duration): Part {
  return {
    name,
    kind: 'sleep',
    sleepMs: durationMs(duration, `saga ${saga}: sleep`),
    policy: attemptPolicy(name),
    undoPolicy: attemptPolicy(name, {}, 'undo'),
  };
}
