import type { ErrorClass, ErrorEffect } from './errors.ts';

/**
 * A failed attempt as data: what is stored, shown and decided on. It never holds an Error object,
 * because JSON turns one into `{}`.
 */
export interface Failure {
  /** `code` of the error if it had one, else its class name. */
  readonly code: string;
  /** Class name of the error: `HardError`, `TypeError`, … */
  readonly type: string;
  readonly message: string;
  readonly class: ErrorClass;
  readonly effect: ErrorEffect;
  readonly stack?: string;
  readonly retryAfterMs?: number;
  readonly step?: string;
  /** The dependency responsible, as the step names it. */
  readonly dependency?: string;
  /** The step's input, with sensitive fields replaced. */
  readonly input?: unknown;
  /** Message chain of `error.cause`, outermost first; and why a `classify` had no say, if so. */
  readonly causes?: readonly string[];
  /** Neither the error itself nor the step's `classify` says what it means: the safe reading holds. */
  readonly unclassified?: true;
}

/** Code of the failure that stands for an attempt whose process died under it. */
export const LOST = 'SC_ATTEMPT_LOST';
/** Code of the failure that stands for an attempt that outlived its timeout and its grace. */
export const TIMEOUT = 'SC_ATTEMPT_TIMEOUT';
/** Code of the failure that stands for an attempt that did not say for too long that it is alive. */
export const SILENT = 'SC_ATTEMPT_SILENT';
/** Code of the failure that stands for an attempt that was aborted and did not end within its grace. */
export const ABORTED = 'SC_ATTEMPT_ABORTED';
/** Code of the failure that stands for an attempt that was aborted because its process was shutting down. */
export const INTERRUPTED = 'SC_ATTEMPT_INTERRUPTED';
/** Code of the failure that stands for an attempt that was aborted before it began. */
export const NOT_BEGUN = 'SC_ATTEMPT_NOT_BEGUN';
/** Code of the failure that stands for an attempt that was not begun because its dependency keeps failing. */
export const BREAKER_OPEN = 'SC_ATTEMPT_BREAKER_OPEN';
/** Code of the failure that stands for an attempt that was not begun because too many others of its dependency were. */
export const RATE_LIMITED = 'SC_ATTEMPT_RATE_LIMITED';
/** Code of the failure that stands for a retry that was not begun because its dependency has had too many. */
export const BUDGET_SPENT = 'SC_ATTEMPT_BUDGET';
/** Code of the failure that stands for an attempt that was not begun because a person has paused what it belongs to. */
export const PAUSED = 'SC_ATTEMPT_PAUSED';

const NEVER_BEGUN: ReadonlySet<string> = new Set([NOT_BEGUN, BREAKER_OPEN, RATE_LIMITED, BUDGET_SPENT, PAUSED]);

/** Whether it stands for an attempt that never began: it has spent nothing, and certainly nothing happened. */
export function wasNotBegun(failure: Pick<Failure, 'code'> | undefined): boolean {
  return failure !== undefined && NEVER_BEGUN.has(failure.code);
}

/** Codes of this family are given to failures by the runtime alone, and decide what becomes of an attempt. */
const RESERVED = 'SC_ATTEMPT_';

/** How often in a row something may be lost with its process: the third time it ran alone, so it is what kills it. */
export const MOST_LOSSES = 3;

const LONGEST_STACK = 4_000;

type Read = (error: unknown) => Pick<Failure, 'class' | 'effect' | 'retryAfterMs' | 'unclassified'> & { readonly note?: string };
type About = Pick<Failure, 'step' | 'dependency' | 'input'>;

/**
 * What a chart hears of as a failure; one that is a failure already stays as it is.
 * @param read what the error means
 */
export function asFailure(error: unknown, read: Read, about: About = {}): Failure {
  return isFailure(error) ? error : thrownFailure(error, read, about);
}

/**
 * What user code has thrown as a failure, whatever it looks like: even a failure of another run is none of this one,
 * and what it says of itself is not believed.
 * @param read what the error means
 */
export function thrownFailure(error: unknown, read: Read, about: About = {}): Failure {
  const { class: errorClass, effect, retryAfterMs, note, unclassified } = read(error);
  const { code, stack } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; stack?: unknown };
  const type = error instanceof Error ? error.name : typeof error;
  const causes = [...causesOf(error), ...(note === undefined ? [] : [note])];
  return {
    code: [code, type].find(isOwnCode) ?? 'Error',
    type,
    message: error instanceof Error ? error.message : text(error),
    class: errorClass,
    effect,
    ...(typeof stack === 'string' ? { stack: stack.slice(0, LONGEST_STACK) } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(causes.length > 0 ? { causes } : {}),
    ...(unclassified ? { unclassified } : {}),
    ...about,
  };
}

/** A code that user code may give: with one of ours a step could make its attempts count as lost, or as never begun. */
function isOwnCode(code: unknown): code is string {
  return typeof code === 'string' && code !== '' && !code.startsWith(RESERVED);
}

function isFailure(value: unknown): value is Failure {
  return (
    typeof value === 'object' && value !== null && !(value instanceof Error) && 'class' in value && 'effect' in value && 'code' in value && 'message' in value
  );
}

function causesOf(error: unknown): readonly string[] {
  const causes: string[] = [];
  for (
    let cause = error instanceof Error ? error.cause : undefined;
    cause !== undefined && causes.length < 10;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : text(cause));
  }
  return causes;
}

/** `String()` throws for an object without a prototype. */
function text(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}
