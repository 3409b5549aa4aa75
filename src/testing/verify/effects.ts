import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { didNotHappen, happened } from '../../saga/verdict.ts';
import type { WorldModel } from './world.ts';

/** One effect for each step: what a saga comes to when its own functions are left out. */
export type Effects = Record<string, 'done' | 'undone' | 'done after its undo' | 'left'>;

interface EffectServices {
  readonly effects: { run(step: string): void; undo(step: string): void; find(step: string): boolean };
}

/** Services that honor idempotency keys: a step is done once, and undone once. */
export const EFFECTS: WorldModel<Effects> = {
  make: () => ({}),
  services: (world): EffectServices => ({
    effects: {
      run: (step) => {
        if (world[step] === 'undone') world[step] = 'done after its undo';
        world[step] ??= 'done';
      },
      undo: (step) => {
        // Nothing is there to undo: the service remembers the key all the same.
        world[step] = 'undone';
      },
      find: (step) => world[step] === 'done',
    },
  }),
  effects: (world) =>
    Object.entries(world)
      .flatMap(([step, effect]) => (effect === 'undone' || effect === 'left' ? [] : [`${step}: ${effect}`]))
      .sort(),
};

/** What a person skipped or did by hand is theirs. */
export function leftTo(world: unknown, step: string): Effects {
  return { ...(world as Effects), [step]: 'left' };
}

/** The saga with one effect in place of each of its functions: its chart, policies and order are what is looked at. */
export function withEffects({ output: _, ...definition }: SagaDefinition): SagaDefinition {
  return { ...definition, steps: definition.steps.map(effectStep) };
}

function effectStep({ mapInput: _, inputSchema: __, resultSchema: ___, classify: ____, ...step }: StepDefinition): StepDefinition {
  const { name } = step;
  const of = ({ services }: { readonly services: unknown }): EffectServices['effects'] => (services as EffectServices).effects;
  return {
    ...step,
    ...(step.run ? { run: step.kind === 'read' ? () => undefined : (context) => of(context).run(name) } : {}),
    ...(step.compensate ? { compensate: (context) => of(context).undo(name) } : {}),
    ...(step.check ? { check: (context) => (of(context).find(name) ? happened(undefined) : didNotHappen) } : {}),
  };
}
