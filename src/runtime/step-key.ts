import { idempotencyKey, type KeyParts } from '../base/key.ts';
import type { StepRecord } from '../chart/context.ts';
import type { StepDefinition } from '../saga/definition.ts';
import type { AttemptScope } from './program.ts';

/** The idempotency key of a step, or of an item of one. */
export function keyOf(
  { namespace, run }: AttemptScope,
  step: StepDefinition,
  part: Pick<KeyParts, 'round' | 'kind' | 'item'> & Partial<Pick<KeyParts, 'step'>>,
): string {
  return idempotencyKey({ namespace, run: run.id, incarnation: run.incarnation, step: step.name, ...part });
}

/** A step that has another name now has asked under the one it had. */
export function keyed({ round, named }: StepRecord): Pick<KeyParts, 'round'> & { readonly step?: string } {
  return { round, ...(named === undefined ? {} : { step: named }) };
}
