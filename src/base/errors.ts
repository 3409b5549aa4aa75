/** What every error of Sagachart carries besides its message. */
export interface ErrorDetails {
  /** Whether trying the same call again, unchanged, can succeed. Default: false. */
  readonly retryable?: boolean;
  /** What the reader should do next, as a sentence. */
  readonly next?: string;
  /** The values the message is about: run, step, path, offending value. Plain data. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one base class. `code` is stable and has a page in docs/errors; the message says what happened,
 * to which run and step, with the offending value; `next` says what to do about it.
 */
export class SagachartError extends Error {
  override readonly name: string = 'SagachartError';
  readonly code: string;
  readonly retryable: boolean;
  readonly next: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, { retryable = false, next, details = {}, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    this.next = next;
    this.details = details;
  }
}

/** A saga, step or policy that is wrong as written: thrown when it is defined, never at run time. */
export class DefinitionError extends SagachartError {
  override readonly name = 'DefinitionError';
}

/** A store that cannot be opened, read or written. */
export class StoreError extends SagachartError {
  override readonly name = 'StoreError';
}

/** Whether an attempt may be tried again (`transient`) or not (`hard`). */
export type ErrorClass = 'transient' | 'hard';
/** Whether the failed attempt certainly changed nothing (`none`) or may have (`maybe`). */
export type ErrorEffect = 'none' | 'maybe';

/**
 * Thrown by a step when the dependency has refused for good and nothing happened: declined card, sold out.
 * Class hard, effect none.
 */
export class HardError extends Error {
  override readonly name: string = 'HardError';
}

/**
 * Thrown by a step when the dependency did nothing because it is busy: a 429, a lock that was not had.
 * Class transient, effect none.
 */
export class BusyError extends Error {
  override readonly name: string = 'BusyError';
  /** How long the dependency asked to be left alone, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { retryAfterMs, cause }: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryAfterMs = retryAfterMs;
  }
}
