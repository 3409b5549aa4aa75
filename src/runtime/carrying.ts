import type { AnyStateMachine } from 'xstate';
import { carry } from '../chart/carry/carry.ts';
import { carryWorkflow } from '../chart/carry/workflow.ts';
import { type Shape, shapeOf } from '../chart/fingerprint.ts';
import type { Workflow } from '../chart/workflow.ts';
import type { StateData } from '../kernel/state.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { Carrying, Program } from './program.ts';

type Part = Pick<Program, 'shape' | 'carry'>;

/** How runs of other versions of a saga come to this one. */
export function carrying(definition: SagaDefinition, machine: AnyStateMachine): Part {
  const shape = once(() => shapeOf(machine, definition));
  return {
    shape,
    carry: (data, from) => {
      const migration = definition.migrations?.find((one) => one.from === from.version);
      const { enter, items, ...carried } = carry(data, from.shape, { shape: shape(), definition, migration });
      const input = migration?.input && data.input !== undefined ? { input: migration.input(data.input) } : {};
      // In which order its states were entered is that of the old chart.
      const { order: _, ...rest } = data;
      return { data: { ...rest, ...carried, ...input } as StateData, enter, items };
    },
  };
}

/** How runs of other versions of a workflow come to this one. */
export function carryingWorkflow(workflow: Workflow<never> | Workflow): Part {
  const shape = once(() => shapeOf(workflow.machine));
  return {
    shape,
    carry: (data, from): Carrying => {
      const { order: _, ...rest } = data;
      return { data: { ...rest, ...carryWorkflow(data, from, { shape: shape(), workflow }) } as StateData, enter: [], items: [] };
    },
  };
}

function once(make: () => Shape): () => Shape {
  let made: Shape | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
