import { fraction } from '../base/fraction.ts';

const SHORTEST_MS = 1_000;
const LONGEST_MS = 60_000;

/**
 * How long who is turned away is to stay away, ms, for a reason that may last: the longer it has lasted the longer, so
 * that asking in vain costs ever less. Between an eighth and a quarter of that time, from 0.5 s to 1 min; derived from
 * `seed`, so that many do not come back together.
 */
export function patienceMs(lastedMs: number, seed: string): number {
  const longest = Math.min(Math.max(lastedMs / 4, SHORTEST_MS), LONGEST_MS);
  return Math.round(longest * (0.5 + fraction(seed) / 2));
}
