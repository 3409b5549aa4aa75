import type { ZodType } from 'zod';
import type { Failure } from '../base/failure.ts';
import type { Classify } from './classify.ts';
import type { Dependency } from './dependency.ts';
import type { AttemptPolicy } from './policy.ts';
import type { CheckVerdict } from './verdict.ts';

/**
 * A saga as plain data: what the builder writes and the chart compiler, the runtime and the tools read.
 * Whatever a user can write compiles to this one shape, a list of steps in an order in which each
 * comes after those it depends on.
 */
export interface SagaDefinition {
  readonly name: string;
  readonly version: number;
  /** Parses the input of `start`. */
  readonly input: ZodType;
  readonly why?: string;
  readonly steps: readonly StepDefinition[];
  /** Computes the run's output; without one the output is undefined. */
  readonly output?: (scope: { readonly input: unknown; readonly results: Results }) => unknown;
}

export type StepKind = 'step' | 'read' | 'pivot' | 'sleep';

export interface StepDefinition {
  /** Place in `steps`, from 0: results are kept under this number. */
  readonly number: number;
  readonly name: string;
  readonly kind: StepKind;
  /** True from the pivot on: such a step only goes forward, and asks for a person instead of failing. */
  readonly forward: boolean;
  /** Numbers of the steps it directly depends on, ascending; all are smaller than its own. */
  readonly after: readonly number[];
  readonly policy: AttemptPolicy;
  readonly undoPolicy: AttemptPolicy;
  readonly run?: (context: RunContext) => unknown;
  readonly compensate?: (context: UndoContext) => unknown;
  readonly check?: (context: CheckContext) => CheckVerdict<unknown> | Promise<CheckVerdict<unknown>>;
  /** Computes the step's own input from the saga's; without one the step gets the saga's input. */
  readonly mapInput?: (scope: { readonly input: unknown; readonly results: Results }) => unknown;
  /** Parses the step's own input (of a reusable step). */
  readonly inputSchema?: ZodType;
  /** Parses what `run` returns. */
  readonly resultSchema?: ZodType;
  readonly classify?: Classify;
  /** Name of the service it depends on. */
  readonly dependency?: string;
  /** How that service is protected, where the step says so. */
  readonly protection?: Dependency;
  readonly why?: string;
  /** Length of a `sleep`, ms. */
  readonly sleepMs?: number;
}

/** Results by step name, of the steps that surely precede. */
export type Results = Readonly<Record<string, unknown>>;

/** What every attempt is given, whatever it does. */
export interface AttemptContext {
  readonly input: unknown;
  readonly results: Results;
  readonly services: unknown;
  /** Which attempt of this step this is, from 1. */
  readonly attempt: number;
  /** Aborted when the attempt timed out or the run is draining: stop, and throw. */
  readonly signal: AbortSignal;
  /** Rises whenever a run changes hands: pass it on, so that a participant can refuse an old owner. */
  readonly fence: number;
  readonly log: StepLog;
  readonly run: { readonly id: string; readonly saga: string; readonly version: number; readonly incarnation: number };
}

export interface RunContext extends AttemptContext {
  /** Idempotency key of this step in this run: the same for every attempt. */
  readonly key: string;
}

export interface CheckContext extends AttemptContext {
  readonly runKey: string;
}

export interface UndoContext extends AttemptContext {
  readonly outcome: StepOutcome<unknown>;
  /** The key that `run` used: enough to find what was never heard back from. */
  readonly runKey: string;
  readonly undoKey: string;
}

/** How the step that is to be undone ended. */
export type StepOutcome<R> =
  | { readonly status: 'succeeded'; readonly result: R }
  | { readonly status: 'unknown'; readonly result?: undefined; readonly failure?: Failure };

/** A logger that already knows run, step and attempt. */
export interface StepLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
