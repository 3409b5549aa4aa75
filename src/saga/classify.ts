import { BusyError, type ErrorClass, type ErrorEffect, HardError } from '../base/errors.ts';
import { own } from '../base/own.ts';
import { quoted } from '../base/quoted.ts';
import { definitionError, type Where } from './error.ts';
import { isWait, retryAfterOf } from './retry-after.ts';

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
  /** Nobody has said what it means: the safe reading holds, which retries what may be hopeless and doubts what may be certain. */
  readonly unclassified?: true;
}

/** The two readings that have a name: what `HardError` and what `BusyError` mean. */
export type NamedReading = 'refused' | 'busy';
type Reading = NamedReading | Omit<Classification, 'note' | 'unclassified'>;

/**
 * Says what an error means; `undefined` leaves it to the default. It must be pure and quick: it is asked more than
 * once about one error. Where it throws, is async or answers with anything else, the default holds, and the failure says so.
 */
export type Classify = (error: unknown) => Reading | undefined;

/** Classes of errors and what each means; the first that fits an error, a class of which it is an instance, has it. */
export type ErrorReadings = readonly (readonly [errorClass: abstract new (...args: never) => unknown, reading: Reading])[];

const NAMED: Readonly<Record<NamedReading, Classification>> = {
  refused: { class: 'hard', effect: 'none' },
  busy: { class: 'transient', effect: 'none' },
};

/** One function of a list of classes. @throws DefinitionError SC_DEFINITION_OPTION */
export function classifyBy(where: Where, readings: ErrorReadings): Classify {
  for (const [i, pair] of readings.entries()) {
    const [errorClass, reading] = (Array.isArray(pair) ? pair : []) as readonly unknown[];
    if (typeof errorClass === 'function' && readingOf(reading)) continue;
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `classify[${i}] is ${quoted(pair)}, not a class of errors and what it means`,
      next: "Write [SomeError, 'refused'], [SomeError, 'busy'] or [SomeError, { class, effect }].",
      option: `classify[${i}]`,
      value: pair,
    });
  }
  return (error) => readings.find(([errorClass]) => error instanceof errorClass)?.[1];
}

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
  if (error instanceof BusyError) return { class: 'transient', effect: 'none', ...wait(error) };
  return { class: 'transient', effect: 'maybe', ...wait(error), unclassified: true };
}

/** The step's own reading; undefined if it leaves it to the default; text that says why there is none. */
function ask(custom: Classify, error: unknown): Classification | string | undefined {
  try {
    const answer: unknown = custom(error);
    if (answer === undefined || answer === null) return undefined;
    // A rejection that nobody waits for ends the process.
    if (answer instanceof Promise) answer.catch(() => {});
    const read = readingOf(answer);
    if (!read) return `classify answered ${quoted(answer)}, which is no classification`;
    // What the error itself says of waiting holds where the reading says nothing.
    return { ...wait(error), ...read };
  } catch (thrown) {
    return `classify threw: ${messageOf(thrown)}`;
  }
}

function readingOf(answer: unknown): Classification | undefined {
  if (typeof answer === 'string') return own(NAMED, answer);
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { class: errorClass, effect, retryAfterMs } = answer as Partial<Record<keyof Classification, unknown>>;
  const known = (errorClass === 'transient' || errorClass === 'hard') && (effect === 'none' || effect === 'maybe');
  return known ? { class: errorClass, effect, ...(isWait(retryAfterMs) ? { retryAfterMs } : {}) } : undefined;
}

function wait(error: unknown): Pick<Classification, 'retryAfterMs'> {
  const retryAfterMs = retryAfterOf(error);
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown.message;
  } catch {
    // What cannot be read is shown as what it is.
  }
  return quoted(thrown);
}
