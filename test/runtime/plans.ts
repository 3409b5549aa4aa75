import { asFailure } from '../../src/base/failure.ts';
import type { AttemptPlan } from '../../src/runtime/program.ts';
import { classify } from '../../src/saga/classify.ts';

/** An attempt without a saga around it. */
export function planOf(plan: Partial<AttemptPlan> & { readonly timeoutMs?: number; readonly graceMs?: number } = {}): AttemptPlan {
  const { timeoutMs = 1_000, graceMs = 500, ...rest } = plan;
  return {
    step: 'a',
    kind: 'run',
    attempt: 1,
    losses: 0,
    policy: { timeoutMs, graceMs, retry: { attempts: 1, tiers: [{ attempts: 1, fromMs: 0, toMs: 0, factor: 1, jitter: 'none' }] } },
    subject: () => ({ key: 'key', input: () => null }),
    run: () => undefined,
    failure: (error) => asFailure(error, classify),
    ...rest,
  };
}
