import { type AnyStateMachine, setup } from 'xstate';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { decisions } from './approval.ts';
import { compensationState, roundsBefore } from './compensation.ts';
import { completion } from './completion.ts';
import type { StateConfig, Transition } from './config.ts';
import { type Cause, initialContext, type MachineInput, type SagaContext } from './context.ts';
import { heldState } from './held.ts';
import { implementations } from './implementations.ts';
import { type Lane, laneName, lanesOf } from './lanes.ts';
import { leftBehind } from './left.ts';
import { canRewind } from './rewind.ts';
import { beginsRewind, resumingState, rewound, rewoundWhileUndoing } from './rewinding.ts';
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
    context: ({ input }: { input: MachineInput | undefined }) =>
      initialContext({
        runId: input?.runId ?? definition.name,
        input: input?.input,
        nested: definition.nested === true && input?.nested === true,
      }),
    output: ({ event }: { event: { output: unknown } }) => event.output,
    initial: 'running',
    on: {
      terminate: { target: '.terminated', actions: 'recordAbandoned', description: 'ends the run at once: nothing more begins, nothing is undone' },
      ...Object.fromEntries(Object.keys(definition.signals).map((signal) => [signal, { actions: { type: 'keepSignal', params: { signal } } }])),
      ...decisions(definition.steps),
    },
    ...(definition.deadlineMs === undefined ? {} : { after: { deadline: deadlinePassed(definition) } }),
    states: {
      running: running(lanes, definition, undoable),
      ...(definition.nested ? { held: heldState(definition, undoable) } : {}),
      ...(undoable ? { compensating: compensating(undoLanes, lanes, definition) } : {}),
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
    on: {
      cancel: { actions: ['recordCancel', 'abort'], description: 'drains, then undoes what was done' },
      ...(canRewind(definition)
        ? { rewind: { guard: 'mayRewind', actions: ['recordRewind', 'abort'], description: 'drains, then goes back to a step, and on from there' } }
        : {}),
    },
    onDone: [
      ...(definition.nested ? [{ guard: 'heldForParent', target: 'held' }] : []),
      { guard: 'nothingFailed', target: 'completed' },
      ...(canRewind(definition) ? [undoable ? beginsRewind() : rewound('rewinding', lanes, definition.name, ['beginRewind', 'goForwardAgain'])] : []),
      ...(definition.onFailure === 'toSavepoint' && !undoable ? returningAtOnce(definition, lanes) : []),
      ...(definition.onFailure === 'toSavepoint' && undoable
        ? [{ guard: 'mayReturn', target: 'compensating', actions: 'beginReturn', description: 'what came after the savepoint is undone, and done again' }]
        : []),
      ...(undoable ? [{ guard: 'somethingToUndo', target: 'compensating' }] : []),
      ...(definition.onFailure === 'forward'
        ? []
        : [
            { guard: 'canceledByRequest', target: 'canceled' },
            ...(undoable ? [{ guard: 'somethingUndone', target: 'compensated' }] : []),
            { target: 'failed' },
          ]),
    ],
  };
}

/** Whether anything can fail in it is a matter of where the run stands. */
function deadlinePassed({ nested }: SagaDefinition): readonly Transition[] {
  return [
    ...(nested ? [{ guard: 'isHeld', description: 'it is done: that it stays done is for its parent to say' }] : []),
    { guard: 'mayStillFail', actions: ['recordDeadline', 'abort'], description: 'it took too long: drains, then undoes what was done' },
    { actions: 'recordOverdue', description: 'it takes too long, and can only go on' },
  ];
}

/** A chain of steps that depend on each other: one region of the chart. */
function laneState(lane: Lane, definition: SagaDefinition, wide: boolean): StateConfig {
  const { steps } = definition;
  const own = new Set(lane.map((step) => step.number));
  const states = lane.map((step, place) => {
    const elsewhere = step.after.filter((before) => !own.has(before));
    const named = (number: number): string => (steps[number] as StepDefinition).name;
    return [
      step.name,
      stepState(step, {
        elsewhere,
        waitsFor: step.after.map(named),
        next: lane[place + 1]?.name ?? 'ended',
        wide,
        ...(step.loop ? { around: named(step.loop.body[0] as number) } : {}),
        ...(step.racing === undefined ? {} : { race: named(step.racing) }),
      }),
    ] as const;
  });
  return {
    ...(wide ? { description: `the chain of steps that begins with ${lane[0].name}` } : {}),
    initial: lane[0].name,
    states: {
      ...(canRewind(definition) ? { resuming: resumingState(lane) } : {}),
      ...Object.fromEntries(states),
      ended: { type: 'final', description: wide ? 'this chain has nothing more to do' : 'no step has anything more to do' },
    },
  };
}

function compensating(lanes: readonly Lane[], forward: readonly Lane[], definition: SagaDefinition): StateConfig {
  const wide = lanes.length > 1;
  const lane = (steps: Lane): StateConfig => ({
    ...(wide ? { description: `undoes the chain that ends with ${steps[0].name}, last step first` } : {}),
    initial: steps[0].name,
    states: {
      ...Object.fromEntries(
        steps.map((step, place) => [
          step.name,
          compensationState(step, definition, { next: steps[place + 1]?.name ?? 'ended', rounds: roundsBefore(step, definition) }),
        ]),
      ),
      ended: { type: 'final', description: wide ? 'this chain is undone' : 'everything is undone' },
    },
  });
  const savepoints = definition.steps.filter(({ kind }) => kind === 'savepoint');
  return {
    description: 'what may have happened is undone, in reverse order of dependency',
    tags: ['compensating'],
    ...(wide
      ? { type: 'parallel' as const, states: Object.fromEntries(lanes.map((steps) => [laneName(steps.at(-1) as StepDefinition), lane(steps)])) }
      : lane(lanes[0] as Lane)),
    on: {
      rewind: rewoundWhileUndoing(),
      cancel: { actions: 'noteLateCancel', description: 'the undoing has begun already: it is recorded, and keeps the run from going forward again' },
    },
    onDone: [
      rewound('rewound', forward, definition.name, ['goForwardAgain']),
      ...savepoints.map((savepoint) => returning(savepoint, forward, definition.name)),
      { guard: 'somethingToUndo', target: 'compensating', reenter: true, actions: 'beginRewind', description: 'more is to be undone than at first' },
      { guard: 'canceledByRequest', target: 'canceled' },
      { target: 'compensated' },
    ],
  };
}

/** With nothing that could be undone. */
function returningAtOnce({ steps, name }: SagaDefinition, lanes: readonly Lane[]): readonly Transition[] {
  return steps
    .filter(({ kind }) => kind === 'savepoint')
    .map((savepoint) => ({
      ...returning(savepoint, lanes, name),
      guard: { type: 'mayReturnTo', params: { step: savepoint.number } },
      actions: ['beginReturn', 'goForwardAgain'],
      reenter: true,
    }));
}

/** Forward again from just after a savepoint: what came before it has ended. */
function returning({ number, name }: StepDefinition, lanes: readonly Lane[], machine: string): Transition {
  const target = lanes.map((lane) => {
    const first = lane.find((step) => step.number > number)?.name ?? 'ended';
    return `#${machine}.running${lanes.length > 1 ? `.${laneName(lane[0])}` : ''}.${first}`;
  });
  return { guard: { type: 'returnsTo', params: { step: number } }, target, actions: ['goForwardAgain'], description: `forward again from ${name}` };
}

function ends(definition: SagaDefinition, undoable: boolean): Record<string, StateConfig> {
  const end = (description: string, output: (context: SagaContext) => unknown): StateConfig => ({
    type: 'final',
    description,
    output: ({ context }: { context: SagaContext }) => output(context),
  });
  const failure = (context: SagaContext): unknown => {
    const { step = '', failure: last = null } = context.cause as Partial<Extract<Cause, { kind: 'failure' }>>;
    return { step, failure: last, left: leftBehind(definition, context, false) };
  };
  return {
    completed: end('every step succeeded', (context) => completion(definition, context)),
    ...(undoable || definition.nested ? { compensated: end('a step failed, and everything that may have happened is undone', failure) } : {}),
    ...(definition.onFailure === 'forward'
      ? {}
      : {
          canceled: end('canceled on request, and everything that may have happened is undone', (context) => {
            const { by, reason } = context.cause as Extract<Cause, { kind: 'cancel' }>;
            return { by, reason, left: leftBehind(definition, context, false) };
          }),
          failed: end('a step failed, and there was nothing to undo', failure),
        }),
    terminated: end('stopped by an operator; what was done stays done', (context) => ({ left: leftBehind(definition, context, true) })),
  };
}
