import { checkCount, checkFunction, checkOneOf } from './check.ts';
import type { ControlStepKind, DecisionScope, Length, StepDefinition } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError, type Where } from './error.ts';
import { checkStepName } from './name.ts';
import { checkOptions } from './options.ts';
import type { Part, StepBody } from './parts.ts';
import { attemptPolicy } from './policy.ts';

/** Whether a part of a saga is done, or is over: pure, and it must not throw. */
export type Decide<Input, Results> = (scope: Omit<DecisionScope, 'input' | 'results'> & { readonly input: Input; readonly results: Results }) => boolean;

/** A length of time, or how it is worked out from what is known when the run comes to it: pure, and at once. */
export type DurationOf<Input, Results> =
  | Duration
  | ((scope: Omit<DecisionScope, 'input' | 'results'> & { readonly input: Input; readonly results: Results }) => Duration);

export interface WaitOptions<Signal extends string = string, Input = never, Results = never, Optional = boolean, Otherwise = unknown> {
  /** The signal it waits for. Default: the one named like the step. */
  readonly signal?: Signal;
  /** How long it waits before it fails. Default: for ever. */
  readonly timeout?: DurationOf<Input, Results>;
  /** Where it times out the run goes on, and is degraded. Default: false. */
  readonly optional?: Optional;
  /** Its result where it times out: then that is an answer like another. Default: it fails. */
  readonly otherwise?: Otherwise;
}

export interface LoopOptions<Input, Results> {
  /** Asked after each round: whether it was the last one. */
  readonly until: Decide<Input, Results>;
  /** Rounds at most. 1 or more. */
  readonly most: number;
  /** What becomes of it after that many rounds. Default: it fails. */
  readonly atMost?: 'fail' | 'goOn';
}

export interface SavepointOptions {
  /** How often a run returns here before a failure undoes everything. 1 or more. Default: 1. */
  readonly returns?: number;
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_DURATION */
export function sleepPart(saga: string, name: string, duration: unknown): Part {
  return part(saga, 'sleep', name, { sleepMs: lengthOf({ saga, step: name }, 'sleep', duration) });
}

function lengthOf(where: Where, option: string, duration: unknown): Length {
  return typeof duration === 'function' ? (duration as Exclude<Length, number>) : durationMs(duration as Duration, option, where);
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION */
export function waitPart(saga: string, name: string, options: WaitOptions = {}): Part {
  const where = { saga, step: name };
  checkOptions(where, 'options', options, ['signal', 'timeout', 'optional', 'otherwise']);
  const { signal = name, timeout, optional } = options;
  if (optional && 'otherwise' in options)
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: 'it is optional, and says what to go on with otherwise',
      next: 'Drop one of the two: with `otherwise` the run is not degraded.',
    });
  const otherwise = 'otherwise' in options ? { otherwise: options.otherwise } : {};
  return part(saga, 'wait', name, {
    wait: { signal, ...(timeout === undefined ? {} : { timeoutMs: lengthOf(where, 'timeout', timeout) }), ...otherwise },
    ...(optional ? { optional } : {}),
  });
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION */
export function choicePart(saga: string, name: string, decide: unknown): Part {
  checkFunction({ saga, step: name }, 'condition', decide);
  return part(saga, 'choice', name, { decide: decide as NonNullable<StepDefinition['decide']> });
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION */
export function loopPart(saga: string, name: string, body: readonly number[], options: LoopOptions<never, never>): Part {
  const where = { saga, step: name };
  checkOptions(where, 'options', options, ['until', 'most', 'atMost']);
  const { until, most, atMost = 'fail' } = options;
  checkFunction(where, 'until', until);
  checkCount(where, 'most', most);
  checkOneOf(where, 'atMost', atMost, ['fail', 'goOn']);
  return part(saga, 'loop', name, { loop: { body, until: until as never, most, atMost } });
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function racePart(saga: string, name: string, runners: readonly number[]): Part {
  return part(saga, 'race', name, { runners });
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION */
export function savepointPart(saga: string, name: string, options: SavepointOptions = {}): Part {
  const where = { saga, step: name };
  checkOptions(where, 'options', options, ['returns']);
  const { returns = 1 } = options;
  checkCount(where, 'returns', returns);
  return part(saga, 'savepoint', name, { returns });
}

/** It calls nothing: policies are there because every step has them. */
function part(saga: string, kind: ControlStepKind, name: string, rest: Partial<StepBody>): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  return { body: { name, kind, policy: attemptPolicy(where), undoPolicy: attemptPolicy(where, {}, 'undo'), ...rest }, undoing: {}, reusable: false };
}
