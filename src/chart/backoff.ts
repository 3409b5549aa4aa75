import { fraction } from '../base/fraction.ts';
import type { RetryPolicy } from '../saga/policy.ts';

/** The longest wait: a dependency that asks for more has sent a date or nonsense, and a deadline must stay a number. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/**
 * The wait before the next attempt, ms: exponential, with "full jitter" (anywhere between 0 and the wait) as in
 * Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. The random part is derived from
 * `seed`, so runs spread out and a run can be reproduced.
 * @param retryAfterMs how long the dependency asked to be left alone; what is no length of time is passed over
 */
export function backoffMs(policy: RetryPolicy, attempts: number, seed: string, retryAfterMs = 0): number {
  const exponent = Math.min(Math.max(attempts - 1, 0), 64);
  const longest = Math.min(policy.toMs, policy.fromMs * policy.factor ** exponent);
  const wait = policy.jitter === 'none' ? longest : longest * fraction(seed);
  const asked = Number.isFinite(retryAfterMs) ? retryAfterMs : 0;
  return Math.round(Math.min(Math.max(wait, asked), LONGEST_MS));
}
