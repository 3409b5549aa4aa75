import type { Call, Fault, FaultPlan } from '../sagas/services/fault.ts';

/** A number in [0, 1) from text, the same in every process. */
export function fraction(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * A mix for batches of `five-parts`, from the seed and what is asked: lost answers, broken and busy calls, refusals,
 * crashes in the middle of a call, compensations that need several attempts. Only the first calls under a key fail, so
 * that every run comes to its end by itself.
 */
export function mixedFaults(seed: number, { crashes }: { readonly crashes: boolean }): FaultPlan {
  return (call) => faultOf(call, fraction(`${seed}/${call.run}/${call.step}/${call.kind}/${call.nth}`), crashes);
}

function faultOf({ kind, nth, step }: Call, dice: number, crashes: boolean): Fault {
  if (nth > 2) return { type: 'none' };
  if (dice < 0.05) return { type: 'loseAnswer' };
  if (dice < 0.1) return { type: 'break' };
  if (dice < 0.13) return { type: 'busy' };
  if (dice < 0.135 && crashes && nth === 1) return { type: 'crash', when: dice < 0.1325 ? 'before' : 'after' };
  if (dice < 0.155 && nth === 1) return { type: 'stall', ms: 30 };
  if (kind === 'run' && nth === 1 && (step === 'three' || step === 'four' || step === 'five') && dice > 0.91) return { type: 'refuse' };
  return { type: 'none' };
}
