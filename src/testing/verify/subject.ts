import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { compileSaga } from '../../chart/chart.ts';
import type { Program } from '../../runtime/program.ts';
import { sagaProgram } from '../../runtime/saga-program.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { AttemptPolicy } from '../../saga/policy.ts';
import { EFFECTS, withEffects } from './effects.ts';
import type { Performed } from './perform.ts';
import type { WorldModel } from './world.ts';

/** What is explored: a saga as it runs, made small enough to be gone through. */
export interface Subject {
  readonly name: string;
  readonly definition: SagaDefinition;
  readonly program: Program;
  readonly world: WorldModel;
  /** Whether the saga's own functions run, or one effect stands for each of its steps. */
  readonly own: boolean;
  /** What attempts came to, as far as that is always the same. */
  readonly performed: Map<string, Performed>;
}

/** @param attempts policies are cut to this many: giving up after two attempts is the same as after ten */
export function subjectOf(given: SagaDefinition, { world, attempts }: { readonly world: WorldModel | undefined; readonly attempts: number }): Subject {
  const whole = world ? given : withEffects(given);
  const definition = { ...whole, steps: whole.steps.map((step) => shortened(step, attempts)) };
  // Nothing here is logged or stored.
  const program = sagaProgram(definition, telling(compileSaga(definition)), { redact: () => null, sensitiveTexts: () => [], mask: (value) => value });
  return { name: definition.name, definition, program, world: world ?? EFFECTS, own: world !== undefined, performed: new Map() };
}

/** The action by which a state says that it is entered: what is passed through within one commit is seen nowhere else. */
export const ENTERED = 'verify.entered';

function telling(compiled: AnyStateMachine): AnyStateMachine {
  const machine = compiled.provide({ actions: { [ENTERED]: () => {} } as never });
  for (const [id, node] of nodesOf(machine)) node.entry = [...node.entry, { type: ENTERED, params: id as never }];
  return machine;
}

/** Every state of a machine by its id. */
export function nodesOf(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  return (machine as unknown as { readonly idMap: ReadonlyMap<string, AnyStateNode> }).idMap;
}

function shortened(step: StepDefinition, attempts: number): StepDefinition {
  const short = (policy: AttemptPolicy): AttemptPolicy => {
    const { retry } = policy;
    return retry.attempts === 'forever' || retry.attempts <= attempts ? policy : { ...policy, retry: { ...retry, attempts } };
  };
  return { ...step, policy: short(step.policy), undoPolicy: short(step.undoPolicy) };
}
