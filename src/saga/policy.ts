import type { DefinitionError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError, type Where } from './error.ts';
import { checkOptions, isPlain } from './options.ts';

/** How a failed attempt is tried again. */
export interface RetryOptions {
  /** Attempts in all, the first included; `'forever'` never gives up. 1 or more. Default: 5 (compensation: 10). */
  readonly attempts?: number | 'forever';
  /** First wait. Default: 200 ms. */
  readonly from?: Duration;
  /** Longest wait. Default: 30 s (compensation: 1 min). */
  readonly to?: Duration;
  /** What each wait is multiplied by. 1 or more. Default: 2. */
  readonly factor?: number;
  /**
   * Where in the wait the next attempt falls, derived from run, step and attempt. `'full'`: anywhere between 0 and the
   * wait; `'equal'`: in its second half; `'decorrelated'`: between `from` and three times the last wait; `'none'`: at its
   * end. Default: `'full'`.
   */
  readonly jitter?: Jitter;
}

export type Jitter = (typeof JITTERS)[number];
const JITTERS = ['full', 'equal', 'decorrelated', 'none'] as const;

/** A number of attempts in all (`3` is `{ attempts: 3 }`), `'forever'`, a whole policy, or tiers: each begins where the one before it is used up. */
export type Retry = number | 'forever' | RetryOptions | readonly RetryOptions[];

/** How one kind of attempt is run. */
export interface AttemptOptions {
  /** How long one attempt may take before it is aborted. Default: 30 s. */
  readonly timeout?: Duration;
  /** How long an attempt may go without calling `heartbeat` before it is aborted. Default: for ever. */
  readonly heartbeat?: Duration;
  /** How long an aborted attempt may take to end before it counts as unknown. Default: 5 s. */
  readonly grace?: Duration;
  /** Default: 5 attempts (compensation: 10). */
  readonly retry?: Retry;
}

/** Checked and complete. */
export interface AttemptPolicy {
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly heartbeatMs?: number;
  readonly retry: RetryPolicy;
}

export interface RetryPolicy {
  /** Of all tiers. */
  readonly attempts: number | 'forever';
  readonly tiers: readonly RetryTier[];
}

/** How the waits after some of the attempts are made. */
export interface RetryTier {
  readonly attempts: number | 'forever';
  readonly fromMs: number;
  readonly toMs: number;
  readonly factor: number;
  readonly jitter: Jitter;
}

const DEFAULTS = { run: { attempts: 5, to: '30s' }, undo: { attempts: 10, to: '1m' } } as const;
const OPTIONS = ['timeout', 'grace', 'heartbeat', 'retry'];
const RETRY_OPTIONS = ['attempts', 'from', 'to', 'factor', 'jitter'];

/**
 * The policy of one kind of attempt; what is left out, or undefined, has its default.
 * @param where what the options belong to, for the message
 * @throws DefinitionError SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_RETRY
 */
export function attemptPolicy(where: Where, options: AttemptOptions = {}, kind: 'run' | 'undo' = 'run'): AttemptPolicy {
  const prefix = kind === 'undo' ? 'undo.' : '';
  checkOptions(where, kind === 'undo' ? 'undo' : 'its policy', options, OPTIONS);
  const { timeout = '30s', grace = '5s', heartbeat, retry = {} } = options;
  return {
    timeoutMs: durationMs(timeout, `${prefix}timeout`, where),
    graceMs: durationMs(grace, `${prefix}grace`, where),
    ...(heartbeat === undefined ? {} : { heartbeatMs: durationMs(heartbeat, `${prefix}heartbeat`, where) }),
    retry: retryPolicy(where, `${prefix}retry`, retry, DEFAULTS[kind]),
  };
}

type Defaults = (typeof DEFAULTS)['run' | 'undo'];

function retryPolicy(where: Where, name: string, given: Retry, defaults: Defaults): RetryPolicy {
  if (!Array.isArray(given)) {
    const tier = retryTier(where, name, given as RetryOptions, defaults);
    return { attempts: tier.attempts, tiers: [tier] };
  }
  if (given.length === 0) throw badRetry(where, name, given, 'at least one tier');
  const tiers = given.map((one: unknown, i) => {
    // Where a tier ends cannot be left to a default: it is where the next one begins.
    if (!isPlain(one) || one.attempts === undefined) throw badRetry(where, `${name}[${i}]`, one, 'a tier that says how many attempts it has');
    return retryTier(where, `${name}[${i}]`, one as RetryOptions, defaults);
  });
  const endless = tiers.findIndex(({ attempts }) => attempts === 'forever');
  if (endless !== -1 && endless < tiers.length - 1) throw badRetry(where, `${name}[${endless}].attempts`, 'forever', 'a number, because another tier follows');
  const attempts = endless === -1 ? tiers.reduce((sum, tier) => sum + (tier.attempts as number), 0) : 'forever';
  return { attempts, tiers };
}

function retryTier(where: Where, name: string, given: RetryOptions | number | 'forever', defaults: Defaults): RetryTier {
  const options = retryOptions(where, name, given);
  const { attempts = defaults.attempts, from = '200ms', to = defaults.to, factor = 2, jitter = 'full' } = options;
  if (!isAttempts(attempts)) throw badRetry(where, `${name}.attempts`, attempts, "a whole number from 1, or 'forever'");
  if (!(Number.isFinite(factor) && factor >= 1)) throw badRetry(where, `${name}.factor`, factor, 'a number from 1');
  if (!JITTERS.includes(jitter)) throw badRetry(where, `${name}.jitter`, jitter, JITTERS.map((one) => `'${one}'`).join(', '));
  const fromMs = durationMs(from, `${name}.from`, where);
  const toMs = durationMs(to, `${name}.to`, where);
  if (toMs < fromMs) {
    // A policy that names only one end keeps its meaning: the other follows.
    if (options.to === undefined) return { attempts, fromMs, toMs: fromMs, factor, jitter };
    if (options.from === undefined) return { attempts, fromMs: toMs, toMs, factor, jitter };
    throw badRetry(where, `${name}.to`, to, `at least ${name}.from, which is ${quoted(from)}`);
  }
  return { attempts, fromMs, toMs, factor, jitter };
}

function retryOptions(where: Where, name: string, given: RetryOptions | number | 'forever'): RetryOptions {
  if (typeof given === 'number' || given === 'forever') {
    if (isAttempts(given)) return { attempts: given };
  } else if (isPlain(given)) {
    const unknown = Object.keys(given).find((option) => !RETRY_OPTIONS.includes(option));
    if (unknown === undefined) return given;
    const value = given[unknown as keyof RetryOptions];
    throw definitionError('SC_DEFINITION_RETRY', where, {
      what: `${name} has no option ${quoted(unknown)} (it is ${quoted(value)})`,
      next: `Options of ${name} are: ${RETRY_OPTIONS.join(', ')}.`,
      option: `${name}.${unknown}`,
      value,
    });
  }
  throw badRetry(where, name, given, `a whole number from 1, 'forever', an object with ${RETRY_OPTIONS.join(', ')}, or a list of those`);
}

function isAttempts(value: unknown): value is number | 'forever' {
  return value === 'forever' || (Number.isSafeInteger(value) && (value as number) >= 1);
}

function badRetry(where: Where, option: string, value: unknown, wanted: string): DefinitionError {
  return definitionError('SC_DEFINITION_RETRY', where, {
    what: `${option} is ${quoted(value)}, but must be ${wanted}`,
    next: `Correct ${option} where it is defined.`,
    option,
    value,
  });
}
