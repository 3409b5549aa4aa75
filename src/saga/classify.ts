import { BusyError, type ErrorClass, type ErrorEffect, HardError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';

/** What an error of an attempt means. */
export interface Classification {
  /** `transient`: try again. `hard`: do not. */
  readonly class: ErrorClass;
  /** `none`: certainly nothing happened. `maybe`: it may have. */
  readonly effect: ErrorEffect;
  /** How long the dependency asked to be left alone, ms. 0 or more; what is no such number is passed over. */
  readonly retryAfterMs?: number;
  /** Why this is the default reading although the step has a `classify`: it threw, or its answer meant nothing. */
  readonly note?: string;
}

/**
 * Says what an error means; `undefined` leaves it to the default. It must be pure and quick: it is asked more than
 * once about one error. Where it throws, is async or answers with anything else, the default holds, and the failure says so.
 */
export type Classify = (error: unknown) => Omit<Classification, 'note'> | undefined;

/**
 * The default reading: `HardError` is hard and did nothing, `BusyError` is transient and did nothing, everything
 * else is transient and may have had its effect: a reset connection says nothing about the other end.
 * Never throws: a step that cannot even fail would hang, or take the run with it.
 */
export function classify(error: unknown, custom?: Classify): Classification {
  const own = custom ? ask(custom, error) : undefined;
  return typeof own === 'object' ? own : { ...byDefault(error), ...(own === undefined ? {} : { note: own }) };
}

function byDefault(error: unknown): Classification {
  if (error instanceof HardError) return { class: 'hard', effect: 'none' };
  if (error instanceof BusyError) return { class: 'transient', effect: 'none', ...wait(error.retryAfterMs) };
  return { class: 'transient', effect: 'maybe' };
}

/** The step's own reading; undefined if it leaves it to the default; text that says why there is none. */
function ask(custom: Classify, error: unknown): Classification | string | undefined {
  try {
    const answer: unknown = custom(error);
    if (answer === undefined || answer === null) return undefined;
    // A rejection that nobody waits for ends the process.
    if (answer instanceof Promise) answer.catch(() => {});
    const { class: errorClass, effect, retryAfterMs } = answer as Partial<Record<keyof Classification, unknown>>;
    const known = (errorClass === 'transient' || errorClass === 'hard') && (effect === 'none' || effect === 'maybe');
    return known ? { class: errorClass, effect, ...wait(retryAfterMs) } : `classify answered ${quoted(answer)}, which is no classification`;
  } catch (thrown) {
    return `classify threw: ${messageOf(thrown)}`;
  }
}

function wait(retryAfterMs: unknown): Pick<Classification, 'retryAfterMs'> {
  return typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? { retryAfterMs } : {};
}

function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown.message;
  } catch {
    // What cannot be read is shown as what it is.
  }
  return quoted(thrown);
}
