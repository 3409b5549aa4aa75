import type { ZodType } from 'zod';
import { quoted } from '../base/quoted.ts';
import { checkFunction, checkSchema } from './check.ts';
import { definitionError, type Where } from './error.ts';
import { isPlain } from './options.ts';
import type { CheckOption, StepContext, StepOptions, Storable, TypeOnly, UndoOptions } from './types.ts';
import type { ResultOnly } from './with-undo.ts';

/** A step on its own: usable in many sagas, testable alone. */
export interface ReusableStep<Input = unknown, Result = unknown, Services = unknown> {
  readonly input: ZodType<unknown, Input>;
  readonly run: (context: never) => unknown;
  readonly options: Readonly<Record<string, unknown>>;
  /** Types only. */
  readonly carries?: { readonly result: Result; readonly services: (services: Services) => void } | undefined;
}

/**
 * Defines a reusable step: its own input, the services it needs, how it is done and undone. Used after a pivot it
 * goes without its undo.
 * @throws DefinitionError SC_DEFINITION_OPTION
 */
export function step<Input, Services, R, Given>(
  needs: { readonly input: ZodType<Input, Given>; readonly services?: TypeOnly<Services> },
  run: (context: StepContext<Input, unknown, Services>) => R & Storable<R>,
  options: StepOptions & UndoOptions<Input, Awaited<R>, unknown, Services> & CheckOption<Input, Awaited<R>, unknown, Services>,
): ReusableStep<Given, ResultOnly<Awaited<R>>, Services> {
  const made = { input: needs?.input, run: run as (context: never) => unknown, options };
  checkReusable('a reusable step', made);
  return { ...made, options: { ...options } };
}

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkReusable(where: Where, step: unknown): void {
  const { input, run, options } = (step ?? {}) as Partial<Record<keyof ReusableStep, unknown>>;
  if (typeof where !== 'string' && !(isPlain(step) && 'input' in step && 'options' in step)) {
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `${quoted(step)} is not a reusable step`,
      next: 'Make it with `step({ input }, run, options)`.',
      value: step,
    });
  }
  checkSchema(where, 'input', input);
  checkFunction(where, 'run', run);
  if (!isPlain(options)) {
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `options are ${quoted(options)}, not an object`,
      next: 'Say how the step is undone: { compensate }.',
      value: options,
    });
  }
}
