import { DefinitionError } from '../base/errors.ts';
import { type Duration, durationMs } from './duration.ts';

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
  /** `'full'`: anywhere between 0 and the wait, derived from run, step and attempt. Default: `'full'`. */
  readonly jitter?: 'full' | 'none';
}

/** How one kind of attempt is run. */
export interface AttemptOptions {
  /** How long one attempt may take before it is aborted. Default: 30 s. */
  readonly timeout?: Duration;
  /** How long an aborted attempt may take to end before it counts as unknown. Default: 5 s. */
  readonly grace?: Duration;
  /** A number of attempts, `'forever'`, or the whole policy. */
  readonly retry?: RetryOptions | 'forever';
}

/** Checked and complete. */
export interface AttemptPolicy {
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly retry: RetryPolicy;
}

export interface RetryPolicy {
  readonly attempts: number | 'forever';
  readonly fromMs: number;
  readonly toMs: number;
  readonly factor: number;
  readonly jitter: 'full' | 'none';
}

const RUN_DEFAULTS = { attempts: 5, from: '200ms', to: '30s', factor: 2, jitter: 'full' } as const;
const UNDO_DEFAULTS = { ...RUN_DEFAULTS, attempts: 10, to: '1m' } as const;

/**
 * @param where the saga and step the options belong to, for the message
 * @throws DefinitionError SC_DEFINITION_DURATION, SC_DEFINITION_RETRY
 */
export function attemptPolicy(where: string, options: AttemptOptions = {}, kind: 'run' | 'undo' = 'run'): AttemptPolicy {
  const { timeout = '30s', grace = '5s', retry = {} } = options;
  return {
    timeoutMs: durationMs(timeout, `${where}: timeout`),
    graceMs: durationMs(grace, `${where}: grace`),
    retry: retryPolicy(where, retry === 'forever' ? { attempts: 'forever' } : retry, kind === 'undo' ? UNDO_DEFAULTS : RUN_DEFAULTS),
  };
}

function retryPolicy(where: string, options: RetryOptions, defaults: Required<RetryOptions>): RetryPolicy {
  const { attempts, from, to, factor, jitter } = { ...defaults, ...options };
  if (attempts !== 'forever' && !(Number.isSafeInteger(attempts) && attempts >= 1)) {
    throw badRetry(where, 'attempts', attempts, "a whole number from 1, or 'forever'");
  }
  if (!(Number.isFinite(factor) && factor >= 1)) throw badRetry(where, 'factor', factor, 'a number from 1');
  if (jitter !== 'full' && jitter !== 'none') throw badRetry(where, 'jitter', jitter, "'full' or 'none'");
  const fromMs = durationMs(from, `${where}: retry.from`);
  const toMs = durationMs(to, `${where}: retry.to`);
  if (toMs < fromMs) {
    // A policy that names only one end keeps its meaning: the other follows.
    if (options.to === undefined) return { attempts, fromMs, toMs: fromMs, factor, jitter };
    if (options.from === undefined) return { attempts, fromMs: toMs, toMs, factor, jitter };
    throw badRetry(where, 'to', to, `at least retry.from (${from})`);
  }
  return { attempts, fromMs, toMs, factor, jitter };
}

function badRetry(where: string, option: string, value: unknown, wanted: string): DefinitionError {
  return new DefinitionError('SC_DEFINITION_RETRY', `${where}: retry.${option} is ${JSON.stringify(value)}, but must be ${wanted}`, {
    next: `Correct retry.${option} where the step is defined.`,
    details: { option, value },
  });
}
