import { type AnyStateMachine, setup } from 'xstate';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { compensationState } from './compensation.ts';
import type { StateConfig } from './config.ts';
import { type Cause, initialContext, leftBehind, type MachineInput, type SagaContext } from './context.ts';
import { implementations } from './implementations.ts';
import { type Lane, lanesOf } from './lanes.ts';
import { resultsOf } from './results.ts';
import { stepState } from './step.ts';

/**
 * Compiles a saga to the XState machine that people look at and the kernel runs. Independent of any store: the
 * machine also runs under plain `createActor(machine, { input: { runId, input } })`: the saga's own input is a field
 * of the machine's (`MachineInput`), beside the id that seeds the jitter of its waits.
 */
export function compileSaga(definition: SagaDefinition): AnyStateMachine {
  const lanes = lanesOf(definition.steps);
  const undoLanes = lanes.map((lane) => lane.filter((step) => step.compensate !== undefined).reverse() as readonly StepDefinition[]).filter(isLane);
  const undoable = undoLanes.length > 0;
  const config: StateConfig & { id: string; context: unknown; output: unknown } = {
    id: definition.name,
    description: definition.why ?? `Saga ${definition.name}, version ${definition.version}`,
    context: ({ input }: { input: MachineInput | undefined }) => initialContext({ runId: input?.runId ?? definition.name, input: input?.input }),
    output: ({ event }: { event: { output: unknown } }) => event.output,
    initial: 'running',
    on: { terminate: { target: '.terminated', actions: 'recordAbandoned', description: 'ends the run at once: nothing more begins, nothing is undone' } },
    states: {
      running: running(lanes, definition, undoable),
      ...(undoable ? { compensating: compensating(undoLanes, definition) } : {}),
      ...ends(definition, undoable),
    },
  };
  const { guards, actions, delays, actors } = implementations(definition);
  // The config is computed, so its literal types say nothing; the chart's tests run every state of it.
  return setup({ guards, actions, delays, actors } as never).createMachine(config as never) as unknown as AnyStateMachine;
}

function isLane(steps: readonly StepDefinition[]): steps is Lane {
  return steps.length > 0;
}

function running(lanes: readonly Lane[], definition: SagaDefinition, undoable: boolean): StateConfig {
  const wide = lanes.length > 1;
  return {
    description: 'the steps go forward; after a failure or a cancel no new attempt begins and the running ones are waited for',
    ...(wide
      ? { type: 'parallel' as const, states: Object.fromEntries(lanes.map((lane) => [laneName(lane[0]), laneState(lane, definition, true)])) }
      : laneState(lanes[0] as Lane, definition, false)),
    on: { cancel: { actions: ['recordCancel', 'abort'], description: 'drains, then undoes what was done' } },
    onDone: [
      { guard: 'nothingFailed', target: 'completed' },
      ...(undoable ? [{ guard: 'somethingToUndo', target: 'compensating' }] : []),
      { guard: 'canceledByRequest', target: 'canceled' },
      { target: 'failed' },
    ],
  };
}

/** A chain of steps that depend on each other: one region of the chart. */
function laneState(lane: Lane, { steps }: SagaDefinition, wide: boolean): StateConfig {
  const own = new Set(lane.map((step) => step.number));
  const states = lane.map((step, place) => {
    const elsewhere = step.after.filter((before) => !own.has(before));
    const waitsFor = step.after.map((before) => (steps[before] as StepDefinition).name);
    return [step.name, stepState(step, { elsewhere, waitsFor, next: lane[place + 1]?.name ?? 'ended', wide })] as const;
  });
  return {
    ...(wide ? { description: `the chain of steps that begins with ${lane[0].name}` } : {}),
    initial: lane[0].name,
    states: {
      ...Object.fromEntries(states),
      ended: { type: 'final', description: wide ? 'this chain has nothing more to do' : 'no step has anything more to do' },
    },
  };
}

function laneName(first: StepDefinition): string {
  return `${first.name}Lane`;
}

function compensating(lanes: readonly Lane[], definition: SagaDefinition): StateConfig {
  const wide = lanes.length > 1;
  const lane = (steps: Lane): StateConfig => ({
    ...(wide ? { description: `undoes the chain that ends with ${steps[0].name}, last step first` } : {}),
    initial: steps[0].name,
    states: {
      ...Object.fromEntries(steps.map((step, place) => [step.name, compensationState(step, definition, steps[place + 1]?.name ?? 'ended')])),
      ended: { type: 'final', description: wide ? 'this chain is undone' : 'everything is undone' },
    },
  });
  return {
    description: 'what may have happened is undone, in reverse order of dependency',
    tags: ['compensating'],
    ...(wide
      ? { type: 'parallel' as const, states: Object.fromEntries(lanes.map((steps) => [laneName(steps.at(-1) as StepDefinition), lane(steps)])) }
      : lane(lanes[0] as Lane)),
    on: { cancel: { actions: 'noteLateCancel', description: 'the undoing has begun already: recorded, changes nothing' } },
    onDone: [{ guard: 'canceledByRequest', target: 'canceled' }, { target: 'compensated' }],
  };
}

function ends(definition: SagaDefinition, undoable: boolean): Record<string, StateConfig> {
  const end = (description: string, output: (context: SagaContext) => unknown): StateConfig => ({
    type: 'final',
    description,
    output: ({ context }: { context: SagaContext }) => output(context),
  });
  const failure = (context: SagaContext): unknown => {
    const { step, failure: last } = context.cause as Extract<Cause, { kind: 'failure' }>;
    return { step, failure: last, left: leftBehind(definition, context, false) };
  };
  return {
    completed: end('every step succeeded', (context) => ({
      output: outputOf(definition, context),
      left: leftBehind(definition, context, false),
    })),
    ...(undoable ? { compensated: end('a step failed, and everything that may have happened is undone', failure) } : {}),
    canceled: end('canceled on request, and everything that may have happened is undone', (context) => {
      const { by, reason } = context.cause as Extract<Cause, { kind: 'cancel' }>;
      return { by, reason, left: leftBehind(definition, context, false) };
    }),
    failed: end('a step failed, and there was nothing to undo', failure),
    terminated: end('stopped by an operator; what was done stays done', (context) => ({ left: leftBehind(definition, context, true) })),
  };
}

/** What a person skipped has no result: an output that needs it is left out, because the run must be able to end. */
function outputOf(definition: SagaDefinition, context: SagaContext): unknown {
  try {
    return definition.output?.({ input: context.input, results: resultsOf(definition, context) });
  } catch (error) {
    if (context.steps.some((step) => step?.status === 'skipped')) return undefined;
    throw error;
  }
}
