import type { ZodType } from 'zod';
import type { Failure } from '../base/failure.ts';
import type { Classify } from './classify.ts';
import type { Dependency } from './dependency.ts';
import type { Duration } from './duration.ts';
import type { Migration } from './migration.ts';
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
  /** Started by a parent it waits, once it is done, until that says that it stays done, or has it undone. */
  readonly nested?: true;
  /** What may be sent to a run, by name: each is parsed before it is stored. */
  readonly signals: Readonly<Record<string, ZodType>>;
  readonly onFailure: OnFailure;
  /** `parallel`: in reverse order of dependency; `serial`: one at a time, the last that ended first. */
  readonly compensation: 'parallel' | 'serial';
  /** How long a run may take before it fails, ms. */
  readonly deadlineMs?: number;
  /** How many attempts of a run may be retries, of all its steps together. */
  readonly retryBudget?: number;
  readonly steps: readonly StepDefinition[];
  /** How runs of earlier versions are carried over to this one. */
  readonly migrations?: readonly Migration[];
  /** Computes the run's output; without one the output is undefined. */
  readonly output?: (scope: { readonly input: unknown; readonly results: Results }) => unknown;
  /** What may be asked of a run, by name: pure, and answered at once. */
  readonly queries?: Readonly<Record<string, (now: QueryScope) => unknown>>;
}

/** What a run knows now. */
export interface QueryScope {
  readonly input: unknown;
  readonly results: Results;
  /** In a loop: results of the round before, by name. */
  readonly previous: Results;
  /** Its active states, as people see them: `running.flight.attempting.working`; none while it is queued. */
  readonly states: readonly string[];
  readonly progress: Readonly<Record<string, unknown>>;
  readonly status: 'queued' | 'running' | 'sleeping' | 'compensating' | 'completed' | 'compensated' | 'canceled' | 'failed' | 'terminated';
}

/**
 * What becomes of a run whose step has failed before the pivot. `backward`: everything is undone. `forward`: nothing is,
 * a person is asked. `toSavepoint`: what came after the last savepoint is undone, and done again.
 */
export type OnFailure = 'backward' | 'forward' | 'toSavepoint';

/** Kinds of steps that call something. */
export type AttemptStepKind = 'step' | 'read' | 'pivot';
/** Those that only say how a run goes on: they call nothing, and have nothing to undo. */
export type ControlStepKind = 'sleep' | 'wait' | 'choice' | 'loop' | 'race' | 'savepoint';
export type StepKind = AttemptStepKind | ControlStepKind;

/** What a function of the user's that steers a run is given; it must be pure. */
export interface DecisionScope {
  readonly input: unknown;
  readonly results: Results;
  /** How many times the run has come here, from 1. */
  readonly round: number;
  /** In a loop: results of the round before, by name; empty in the first. */
  readonly previous: Results;
}

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
  /** The saga of which it is a run, where it is none of its own functions. */
  readonly child?: SagaDefinition;
  readonly compensate?: (context: UndoContext) => unknown;
  /** `run` and `compensate` write to the store's own database, in one transaction with the commit of their end. */
  readonly transact?: true;
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
  /** Where it fails the run goes on without it, and is degraded. */
  readonly optional?: true;
  /** Where it fails this gives its result, and the run is degraded. It has nothing to undo. */
  readonly fallback?: (context: RunContext) => unknown;
  /** Of a step over many items: `run` and `compensate` are those of one. */
  readonly map?: MapDefinition;
  /** How long its dependency remembers a key, ms: what may have happened under an older one is not tried again blindly. */
  readonly keyTtlMs?: number;
  /** Its dependency promises that what it refuses did not happen under that key before either. */
  readonly refusalSettles?: true;
  /** How long the step may take over all its attempts and waits, ms. */
  readonly withinMs?: number;
  /** Number of the choice that must have been taken; else it is passed over. */
  readonly gate?: number;
  /** Number of the race that it takes part in. */
  readonly racing?: number;
  /** Length of a `sleep`, ms. */
  readonly sleepMs?: Length;
  /** Of a `wait`. `otherwise` is its result where it times out: then that is no failure. */
  readonly wait?: { readonly signal: string; readonly timeoutMs?: Length; readonly otherwise?: unknown };
  /** Of a `read` that asks somebody: it is done once that one has decided. `resultSchema` parses what is decided. */
  readonly approval?: ApprovalDefinition;
  /** Of a `choice`: whether what follows is done. */
  readonly decide?: (scope: DecisionScope) => unknown;
  /** Of a `loop`, which stands at its end. */
  readonly loop?: LoopDefinition;
  /** Of a `race`, which stands at its end: numbers of those that take part. */
  readonly runners?: readonly number[];
  /** Of a `savepoint`: how often a run returns to it. */
  readonly returns?: number;
}

export interface ApprovalDefinition {
  /** How long the question stands once it was asked, ms. */
  readonly expiresMs?: number;
  /** Its result where it expires: then that is no failure. */
  readonly otherwise?: unknown;
}

/** A length of time, ms, or how it is worked out when the run comes to it. */
export type Length = number | ((scope: DecisionScope) => Duration);
export interface MapDefinition {
  /** Pure: it is asked again after a crash. */
  readonly items: (scope: { readonly input: unknown; readonly results: Results }) => unknown;
  /** Items in flight at a time. */
  readonly concurrency: number;
  /** Whether its result are those of its items; else how many there were. */
  readonly collect: boolean;
  /** Of one item. */
  readonly check?: StepDefinition['check'];
}

export interface LoopDefinition {
  /** Numbers of its steps, a chain. */
  readonly body: readonly number[];
  /** Whether it is over. */
  readonly until: (scope: DecisionScope) => unknown;
  /** Rounds at most. */
  readonly most: number;
  /** What becomes of it then. */
  readonly atMost: 'fail' | 'goOn';
}

/** Whether an attempt that was not heard of again may have done something: else there is nothing to ask, and nothing to undo. */
export function leavesDoubt({ kind, transact }: Pick<StepDefinition, 'kind' | 'transact'>): boolean {
  return kind !== 'read' && !transact;
}

export function isControl({ kind }: Pick<StepDefinition, 'kind'>): boolean {
  return kind !== 'step' && kind !== 'read' && kind !== 'pivot';
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
  /** How many times the run has come to this step, from 1: again in a loop, and after a return to a savepoint. Each has a key of its own. */
  readonly round: number;
  /** In a loop: what its steps came to in the round before, by name, as plain data that its author knows; empty in the first. */
  readonly previous: Results;
  /** Aborted when the attempt timed out or the run is draining: stop, and throw. */
  readonly signal: AbortSignal;
  /** Rises whenever a run changes hands: pass it on, so that a participant can refuse an old owner. */
  readonly fence: number;
  readonly log: StepLog;
  /**
   * Says that the attempt is alive, and how far it has come: plain data, stored at most once a second. The next attempt,
   * here or elsewhere, finds what was stored last in `progress`.
   */
  readonly heartbeat: (progress?: unknown) => void;
  /** What the attempts before this one said last; undefined if they said nothing. */
  readonly progress: unknown;
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
export type StepOutcome<R, Data = unknown> =
  /** `undoData` is there if `run` returned it, not where a `check` or a person said that it happened. */
  | { readonly status: 'succeeded'; readonly result: R; readonly undoData?: Data | undefined }
  | { readonly status: 'unknown'; readonly result?: undefined; readonly undoData?: undefined; readonly failure?: Failure };

/** A logger that already knows run, step and attempt. */
export interface StepLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
