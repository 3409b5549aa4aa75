import { quoted } from '../base/quoted.ts';
import type { StepDefinition } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError, type Where } from './error.ts';
import { checkDependencyName } from './name.ts';
import { checkOptions } from './options.ts';

/** How a service that steps depend on is protected. All of it counts in one process, over all its runs. */
export interface DependencyOptions {
  /** Attempts at a time; more wait for their turn. A whole number from 1. Default: no bound. */
  readonly concurrency?: number;
  /** Attempts begun in a length of time (a token bucket: after a pause up to `limit` at once). Default: no bound. */
  readonly rate?: RateOptions;
  /** Stops calling a service that fails, and tries it again with one attempt at a time. Default: none. */
  readonly breaker?: BreakerOptions;
  /** Attempts after the first of a step, in a length of time: what is over it is put off, and not spent. Default: no bound. */
  readonly retryBudget?: RetryBudgetOptions;
  /** How long the service remembers idempotency keys, from 1 ms. Default: for ever. */
  readonly keyTtl?: Duration;
  /** Whether a refusal settles earlier attempts under the same key, whose outcome is unknown. Default: false. */
  readonly refusalSettles?: boolean;
}

export interface RateOptions {
  /** A whole number from 1. */
  readonly limit: number;
  /** From 1 ms. */
  readonly per: Duration;
}

export interface RetryBudgetOptions {
  /** A whole number from 1. */
  readonly retries: number;
  /** From 1 ms. */
  readonly per: Duration;
}

export interface BreakerOptions {
  /** Failures in a row that open it, from 1; or more than a part (`ratio`, between 0 and 1) `of` the last attempts, 1 to 10,000. */
  readonly failures: number | { readonly ratio: number; readonly of: number };
  /** How long it stays open before one attempt is let through, from 1 ms. */
  readonly openFor: Duration;
}

const PROTECTION = Symbol.for('sagachart.dependency');

/** A service that steps depend on, and how it is protected: checked, complete and frozen. What is missing is not asked for. */
export interface Dependency {
  readonly [PROTECTION]: true;
  readonly name: string;
  readonly concurrency?: number;
  readonly rate?: { readonly limit: number; readonly perMs: number };
  readonly breaker?: { readonly failures: number | { readonly ratio: number; readonly of: number }; readonly openForMs: number };
  readonly retryBudget?: { readonly retries: number; readonly perMs: number };
  readonly keyTtlMs?: number;
  readonly refusalSettles?: boolean;
}

/** Attempts that a breaker looks back on are kept in memory. */
const LONGEST_WINDOW = 10_000;
const OPTIONS = ['concurrency', 'rate', 'breaker', 'retryBudget', 'keyTtl', 'refusalSettles'];

/**
 * A service that steps name as their `dependency`, and how it is protected. One value is to be shared by all sagas of
 * an engine: two that differ under one name are an error when it opens.
 * @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION
 */
export function dependency(name: string, options: DependencyOptions = {}): Dependency {
  checkDependencyName(name);
  const where = { dependency: name };
  checkOptions(where, 'options', options, OPTIONS);
  const { concurrency, rate, breaker, retryBudget, keyTtl, refusalSettles } = options;
  if (refusalSettles !== undefined && typeof refusalSettles !== 'boolean') throw wrong(where, 'refusalSettles', refusalSettles, 'true or false');
  return Object.freeze({
    [PROTECTION]: true as const,
    name,
    ...(concurrency === undefined ? {} : { concurrency: count(where, 'concurrency', concurrency) }),
    ...(rate === undefined ? {} : { rate: rateOf(where, rate) }),
    ...(breaker === undefined ? {} : { breaker: breakerOf(where, breaker) }),
    ...(retryBudget === undefined ? {} : { retryBudget: budgetOf(where, retryBudget) }),
    ...(keyTtl === undefined ? {} : { keyTtlMs: length(where, 'keyTtl', keyTtl) }),
    ...(refusalSettles === undefined ? {} : { refusalSettles }),
  });
}

/** What a step says of its dependency, as its definition keeps it. @throws DefinitionError SC_DEFINITION_OPTION */
export function namedDependency(where: Where, value: unknown): Pick<StepDefinition, 'dependency' | 'protection'> {
  if (typeof value === 'string') return { dependency: value };
  if (typeof value === 'object' && value !== null && PROTECTION in value) return { dependency: (value as Dependency).name, protection: value as Dependency };
  throw wrong(where, 'dependency', value, 'text or what `dependency()` made');
}

function rateOf(where: Where, rate: RateOptions): NonNullable<Dependency['rate']> {
  checkOptions(where, 'rate', rate, ['limit', 'per']);
  return Object.freeze({ limit: count(where, 'rate.limit', rate.limit), perMs: length(where, 'rate.per', rate.per) });
}

function budgetOf(where: Where, budget: RetryBudgetOptions): NonNullable<Dependency['retryBudget']> {
  checkOptions(where, 'retryBudget', budget, ['retries', 'per']);
  return Object.freeze({ retries: count(where, 'retryBudget.retries', budget.retries), perMs: length(where, 'retryBudget.per', budget.per) });
}

function breakerOf(where: Where, breaker: BreakerOptions): NonNullable<Dependency['breaker']> {
  checkOptions(where, 'breaker', breaker, ['failures', 'openFor']);
  const { failures, openFor } = breaker;
  const openForMs = length(where, 'breaker.openFor', openFor);
  if (typeof failures !== 'object' || failures === null) return Object.freeze({ failures: count(where, 'breaker.failures', failures), openForMs });
  checkOptions(where, 'breaker.failures', failures, ['ratio', 'of']);
  const { ratio, of } = failures;
  if (!(typeof ratio === 'number' && ratio > 0 && ratio < 1)) throw wrong(where, 'breaker.failures.ratio', ratio, 'a number between 0 and 1');
  if (!(Number.isSafeInteger(of) && of >= 1 && of <= LONGEST_WINDOW))
    throw wrong(where, 'breaker.failures.of', of, `a whole number from 1 to ${LONGEST_WINDOW.toLocaleString('en')}`);
  return Object.freeze({ failures: Object.freeze({ ratio, of }), openForMs });
}

function count(where: Where, option: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
  throw wrong(where, option, value, 'a whole number from 1');
}

function length(where: Where, option: string, value: Duration): number {
  const ms = durationMs(value, option, where);
  if (ms >= 1) return ms;
  throw wrong(where, option, value, 'a length of time from 1 ms');
}

function wrong(where: Where, option: string, value: unknown, wanted: string): Error {
  return definitionError('SC_DEFINITION_OPTION', where, { what: `${option} is ${quoted(value)}, not ${wanted}`, next: `Give ${wanted}.`, option, value });
}
