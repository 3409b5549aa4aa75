import { fraction } from '../base/fraction.ts';
import type { RetryPolicy, RetryTier } from '../saga/policy.ts';

/** The longest wait: a dependency that asks for more has sent a date or nonsense, and a deadline must stay a number. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/**
 * The wait before the next attempt, ms: exponential, with the jitter that the policy names, each as in Marc Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. The random part is derived from `seed` and the number
 * of the attempt, so runs spread out and a run can be reproduced.
 * @param attempts how many there have been since the policy began
 * @param seed of all waits of a step: run and step
 * @param retryAfterMs how long the dependency asked to be left alone; what is no length of time is passed over
 */
export function backoffMs({ tiers }: RetryPolicy, attempts: number, seed: string, retryAfterMs = 0): number {
  let at = 0;
  /** The attempt after which the tier's first wait comes. */
  let first = 1;
  for (let end = 0; at < tiers.length - 1; at++) {
    end += (tiers[at] as RetryTier).attempts as number;
    if (attempts < end) break;
    first = end;
  }
  const wait = waitMs(tiers[at] as RetryTier, Math.max(attempts - first, 0), (number) => fraction(`${seed}/${first + number}`));
  const asked = Number.isFinite(retryAfterMs) ? retryAfterMs : 0;
  return Math.round(Math.min(Math.max(wait, asked), LONGEST_MS));
}

/**
 * @param number which wait of its tier this is, from 0
 * @param random of each wait, in [0, 1)
 */
function waitMs({ fromMs, toMs, factor, jitter }: RetryTier, number: number, random: (number: number) => number): number {
  const longest = Math.min(toMs, fromMs * factor ** Math.min(number, 64));
  switch (jitter) {
    case 'none':
      return longest;
    case 'full':
      return longest * random(number);
    case 'equal':
      return (longest / 2) * (1 + random(number));
    case 'decorrelated':
      return decorrelated(fromMs, toMs, number, random);
  }
}

/** Each wait grows out of the one before it; what lies further back than this it has forgotten. */
const REMEMBERED = 32;

/** Waits are not stored: each is made again from those before it. */
function decorrelated(fromMs: number, toMs: number, number: number, random: (number: number) => number): number {
  let wait = fromMs;
  for (let i = Math.max(0, number - REMEMBERED); i <= number; i++) wait = Math.min(toMs, fromMs + (3 * wait - fromMs) * random(i));
  return wait;
}
