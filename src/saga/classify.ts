import { BusyError, type ErrorClass, type ErrorEffect, HardError } from '../base/errors.ts';

/** What an error of an attempt means. */
export interface Classification {
  /** `transient`: try again. `hard`: do not. */
  readonly class: ErrorClass;
  /** `none`: certainly nothing happened. `maybe`: it may have. */
  readonly effect: ErrorEffect;
  /** How long the dependency asked to be left alone, ms. */
  readonly retryAfterMs?: number;
}

/** Says what an error means; `undefined` leaves it to the default. Must not throw. */
export type Classify = (error: unknown) => Classification | undefined;

/**
 * The default reading: `HardError` is hard and did nothing, `BusyError` is transient and did nothing, everything
 * else is transient and may have had its effect: a reset connection says nothing about the other end.
 */
export function classify(error: unknown, custom?: Classify): Classification {
  const own = custom?.(error);
  if (own) return own;
  if (error instanceof HardError) return { class: 'hard', effect: 'none' };
  if (error instanceof BusyError) {
    return { class: 'transient', effect: 'none', ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }) };
  }
  return { class: 'transient', effect: 'maybe' };
}
