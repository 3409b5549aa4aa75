import type { ZodType } from 'zod';
import type { CheckOption, StepContext, StepOptions, Storable, TypeOnly, UndoOptions } from './types.ts';

/** A step on its own: usable in many sagas, testable alone. */
export interface ReusableStep<Input = unknown, Result = unknown, Services = unknown> {
  readonly input: ZodType<Input>;
  readonly run: (context: never) => unknown;
  readonly options: Readonly<Record<string, unknown>>;
  /** Types only. */
  readonly carries?: { readonly result: Result; readonly services: (services: Services) => void } | undefined;
}

/** Defines a reusable step: its own input, the services it needs, how it is done and undone. */
export function step<Input, Services, R>(
  needs: { readonly input: ZodType<Input>; readonly services?: TypeOnly<Services> },
  run: (context: StepContext<Input, unknown, Services>) => R & Storable<R>,
  options: StepOptions & UndoOptions<Input, Awaited<R>, unknown, Services> & CheckOption<Input, Awaited<R>, unknown, Services>,
): ReusableStep<Input, Awaited<R>, Services> {
  return { input: needs.input, run: run as (context: never) => unknown, options: { ...options } };
}
