import type { Length, StepDefinition } from '../saga/definition.ts';
import { durationText } from '../saga/duration.ts';
import type { StateConfig, Transition } from './config.ts';
import { about, ended, type Place, passed, REFUSES_CANCEL, type Shape, succeeded, tagged, unanswered, WHILE_DRAINING, whenLost } from './meta.ts';

/** The states of a step that calls nothing: it only says how the run goes on. */
export function controlStates(step: StepDefinition, place: Place): Shape {
  switch (step.kind) {
    case 'sleep':
      return sleepStates(step, place);
    case 'wait':
      return waitStates(step, place);
    case 'choice':
      return decidingStates(step, place, {
        description: 'decides whether what follows is done',
        ends: { taken: 'what follows is done', notTaken: 'what follows is passed over' },
        action: 'recordChoice',
      });
    case 'loop':
      return decidingStates(step, place, {
        description: `decides whether to go around again, ${step.loop?.most} times at most`,
        ends: { goingAround: 'another round follows', succeeded: 'there is no other round' },
        action: 'recordRound',
      });
    case 'race':
      return decidingStates(step, place, {
        description: 'sees who has won',
        ends: { succeeded: 'one has won, and the others are undone' },
        action: 'recordRace',
      });
    default:
      return savepointStates(step);
  }
}

function sleepStates(step: StepDefinition, place: Place): Shape {
  const { name, sleepMs = 0, forward, racing } = step;
  return measured(step, place, sleepMs, 'sleeping', {
    sleeping: {
      description: `waits ${lengthText('for', sleepMs)}`,
      ...tagged(step, 'sleeping'),
      after: { [`${name}.sleep`]: succeeded(step, place, 'recordSleep') },
      on: {
        ...(forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: 'notStarted' } }),
        ...whenLost(step, place, [passed(step, 'recordPassed')]),
      },
    },
    succeeded: ended(`${name} is over`),
    ...(racing === undefined ? {} : { passed: ended(`another was faster than ${name}`) }),
  });
}

function waitStates(step: StepDefinition, place: Place): Shape {
  const { name, wait = { signal: name }, forward, optional, racing } = step;
  const { signal, timeoutMs } = wait;
  const timedOut = (): Transition => ('otherwise' in wait ? succeeded(step, place, 'recordOtherwise') : unanswered(step, 'recordTimeout'));
  const canFail = timeoutMs !== undefined && !optional && racing === undefined && !('otherwise' in wait);
  const mayPass = (timeoutMs !== undefined && optional === true) || racing !== undefined;
  return measured(step, place, timeoutMs, 'awaiting', {
    awaiting: {
      description: `waits for the signal ${signal}${timeoutMs === undefined ? '' : `, ${lengthText('up to', timeoutMs)}`}`,
      ...tagged(step, 'awaiting'),
      always: [
        { guard: about(step, 'signalTaken'), ...succeeded(step, place) },
        { guard: { type: 'signalArrived', params: { signal } }, actions: [about(step, 'takeSignal')], description: 'takes it, unless another wait has' },
      ],
      ...(timeoutMs === undefined ? {} : { after: { [`${name}.timeout`]: timedOut() } }),
      on: {
        ...(forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: 'notStarted' } }),
        ...whenLost(step, place, [passed(step, 'recordPassed')]),
      },
    },
    ...(canFail && forward ? attention(step, 'awaiting') : {}),
    ...(canFail && !forward ? { refused: ended(`the signal ${signal} did not come in time`, place) } : {}),
    ...(mayPass ? { passed: ended(`the run goes on without the signal ${signal}`) } : {}),
    succeeded: ended('otherwise' in wait ? `the signal ${signal} has come, or its time is over` : `the signal ${signal} has come`),
  });
}

function lengthText(how: string, length: Length): string {
  return typeof length === 'number' ? `${how} ${durationText(length)}` : 'as long as is worked out when the run comes to it';
}

/** Where how long it waits is to be worked out, that comes first, and may fail. */
function measured(step: StepDefinition, place: Place, length: Length | undefined, then: string, states: Record<string, StateConfig>): Shape {
  if (typeof length !== 'function') return { initial: then, states };
  const { name, forward, racing } = step;
  const failed =
    racing === undefined ? (forward ? { target: 'attention' } : { target: 'refused', actions: [about(step, 'fail')] }) : passed(step, 'recordPassed');
  return {
    initial: 'deciding',
    states: {
      deciding: {
        description: 'works out how long it waits',
        ...tagged(step),
        entry: [about(step, 'recordLength')],
        always: [{ guard: about(step, 'measured'), target: then }, failed],
      },
      ...states,
      ...(racing !== undefined ? {} : forward ? attention(step, 'deciding') : { refused: ended(`${name} failed`, place) }),
    },
  };
}

interface Deciding {
  readonly description: string;
  /** Where it may lead, by the name of the final state, and what that means. */
  readonly ends: Readonly<Record<string, string>>;
  /** Writes down what is decided; the guards read it. */
  readonly action: string;
}

/** Passed through within one commit: it writes down what the user's function says, and goes on by that. */
function decidingStates(step: StepDefinition, place: Place, { description, ends, action }: Deciding): Shape {
  const { name, forward } = step;
  const names = Object.keys(ends);
  return {
    initial: 'deciding',
    states: {
      deciding: {
        description,
        ...tagged(step),
        entry: [about(step, action)],
        always: [
          ...names.map((to): Transition => ({ guard: { type: 'decided', params: { step: step.number, to } }, target: to })),
          forward ? { target: 'attention' } : { target: 'refused', actions: [about(step, 'fail')] },
        ],
      },
      ...(forward ? attention(step, 'deciding') : { refused: ended(`${name} failed`, place) }),
      ...Object.fromEntries(names.map((to) => [to, ended(ends[to] as string)])),
    },
  };
}

/** Past the pivot nothing fails: a person sees to it. */
function attention(step: StepDefinition, again: string): Record<string, StateConfig> {
  const { name, kind } = step;
  const resolved = [about(step, 'recordResolved')];
  const resolve: readonly Transition[] =
    kind === 'choice'
      ? [
          { guard: 'resolvedAsTrue', target: 'taken', actions: resolved, description: 'what follows is done' },
          { target: 'notTaken', actions: resolved, description: 'what follows is passed over' },
        ]
      : [{ target: 'succeeded', actions: resolved, description: 'go on with this result' }];
  return {
    attention: {
      description: `${name} needs a person: retry, skip or resolve it`,
      ...tagged(step, 'attention'),
      on: {
        [`${name}.retry`]: { target: again, actions: [about(step, 'recordRetry')], description: 'try again' },
        [`${name}.skip`]: { target: 'skipped', actions: [about(step, 'recordSkipped')], description: `go on without ${name}` },
        [`${name}.resolve`]: resolve,
        ...REFUSES_CANCEL,
      },
    },
    skipped: ended(`${name} was skipped by a person`),
  };
}

function savepointStates(step: StepDefinition): Shape {
  const { name, returns } = step;
  const times = returns === 1 ? 'once' : `${returns} times`;
  return {
    initial: 'reached',
    states: {
      reached: {
        description: `a run returns here when a later step fails, ${times} at most`,
        entry: [about(step, 'recordSleep')],
        always: [{ target: 'succeeded' }],
      },
      succeeded: ended(`${name} is reached`),
    },
  };
}
