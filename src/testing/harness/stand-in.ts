import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';

/**
 * A step with functions of its own in place of the run of a child, so that a script can say what comes of it: it is
 * tried once, as a child is.
 */
export function standIn({ child: _, ...step }: StepDefinition): StepDefinition {
  const once = { ...step.policy, retry: { attempts: 1, tiers: step.policy.retry.tiers.map((tier) => ({ ...tier, attempts: 1 })) } };
  return { ...step, policy: once, run: () => undefined, ...(step.compensate ? { compensate: () => undefined } : {}) };
}

/** The saga with a stand-in for each of these children. */
export function withStandIns(definition: SagaDefinition, replaces: (step: string) => boolean): SagaDefinition {
  return { ...definition, steps: definition.steps.map((step) => (step.child && replaces(step.name) ? standIn(step) : step)) };
}
