import { leavesDoubt, type StepDefinition } from '../saga/definition.ts';
import { asked, awaiting, isDecided } from './approval.ts';
import type { Named, StateConfig, Transition } from './config.ts';
import { isGraceful } from './judgment.ts';
import { about, ended, judged, type Place, passed, REFUSES_CANCEL, type Shape, succeeded, tagged, WHILE_DRAINING, whenLost } from './meta.ts';
import { undoStates } from './undo.ts';

/** Where a step may go after an attempt, in the order in which the chart asks. */
const OUTCOMES = ['refused', 'unknown', 'undoing', 'fallingBack', 'passed', 'checking', 'attention', 'attempting', 'backingOff'] as const;
type Outcome = (typeof OUTCOMES)[number];

/** The states of a step that calls something. */
export function attemptStates(step: StepDefinition, place: Place): Shape {
  const { name, check, kind, forward, why, fallback, child } = step;
  const can = possible(step);
  const afterCheck = (guard: string, action: string): readonly Transition[] =>
    outcomes(step, (to) => judged(step, guard, to), action, { ...can, checking: false });
  const afterRun = outcomes(step, (to) => judged(step, 'judgedFailure', to), 'recordFailure', can);
  // One that loses its race all the same is undone like one that never heard back.
  const lost = { guard: { type: 'raceWon', params: { race: step.racing } }, target: can.undoing ? 'undoing' : 'passed' };
  const success = (action: string, loser: string): readonly Transition[] => [
    ...(step.racing === undefined ? [] : [{ ...lost, actions: [about(step, loser)] }]),
    ...(step.approval ? asked(step) : [succeeded(step, place, action)]),
  ];
  return {
    initial: 'attempting',
    states: {
      attempting: attempt(step, place, {
        id: name,
        onDone: success('recordSuccess', 'recordLoser'),
        onError: [...(step.approval ? [isDecided(step)] : []), ...afterRun],
        description: `${child ? `a run of the saga ${child.name} is under way` : `attempts ${name}`}${why ? `: ${why}` : ''}`,
      }),
      ...(check
        ? {
            checking: attempt(step, place, {
              id: `${name}.check`,
              onDone: [
                ...success('recordHappened', 'recordHappenedLoser').map((one) => ({ ...one, guard: one.guard ? about(step, 'happenedTooLate') : 'happened' })),
                ...afterCheck('judgedNotHappened', 'recordNotHappened').map((one) => (one.guard ? one : { ...one, guard: 'didNotHappen' })),
                ...afterCheck('judgedOpen', 'recordOpen'),
              ],
              onError: afterCheck('judgedOpen', 'recordOpen'),
              description: `an attempt of ${name} may have happened: asks whether it did`,
            }),
          }
        : {}),
      ...(can.backingOff ? { backingOff: backingOff(step, place, can) } : {}),
      ...(step.approval ? { awaiting: awaiting(step, place) } : {}),
      ...(can.attention ? { attention: attention(step, place, can) } : {}),
      ...(can.undoing ? { undoing: undoing(step) } : {}),
      ...(fallback ? { fallingBack: fallingBack(step, place), fellBack: ended(`${name} has the result of its fallback`) } : {}),
      succeeded: ended(`${name} succeeded`),
      ...(can.refused ? { refused: ended(`${name} certainly did not happen`, place) } : {}),
      ...(can.unknown ? { unknown: ended(`${name} may have happened, and nobody knows`, place) } : {}),
      ...(forward && kind !== 'pivot' && !isGraceful(step) ? { skipped: ended(`${name} was skipped by a person`) } : {}),
    },
  };
}

type Possible = Readonly<Record<Outcome, boolean>>;

/** Which ways there are for a step: what cannot be is not in its chart. */
function possible(step: StepDefinition): Possible {
  const { kind, forward, check, compensate, fallback, optional, racing, child, transact } = step;
  // A child tries again for itself; what it did, it has undone when it says that it failed.
  const again = child === undefined;
  return {
    refused: !forward || kind === 'pivot',
    unknown: !forward && leavesDoubt(step),
    undoing: isGraceful(step) && compensate !== undefined && ((again && !transact) || racing !== undefined),
    fallingBack: fallback !== undefined,
    passed: (optional === true && !fallback) || racing !== undefined,
    checking: check !== undefined,
    attention: again || forward,
    attempting: again,
    backingOff: again,
  };
}

function outcomes(step: StepDefinition, guard: (to: Outcome) => Named, action: string, can: Possible): readonly Transition[] {
  const fails = [about(step, action), about(step, 'fail')];
  const all: Record<Outcome, Transition> = {
    refused: { guard: guard('refused'), target: 'refused', actions: fails },
    unknown: { guard: guard('unknown'), target: 'unknown', actions: fails },
    undoing: { guard: guard('undoing'), target: 'undoing', actions: [about(step, action)] },
    fallingBack: { guard: guard('fallingBack'), target: 'fallingBack', actions: [about(step, action)] },
    passed: { guard: guard('passed'), ...passed(step, action) },
    checking: { guard: guard('checking'), target: 'checking', actions: [about(step, action)] },
    attention: { guard: guard('attention'), target: 'attention', actions: [about(step, action)] },
    attempting: { guard: guard('attempting'), target: 'attempting', reenter: true, actions: [about(step, action)] },
    backingOff: { target: 'backingOff', actions: [about(step, action)] },
  };
  return OUTCOMES.filter((to) => can[to]).map((to) => all[to]);
}

interface Invoked {
  readonly id: string;
  readonly onDone: readonly Transition[];
  readonly onError: readonly Transition[];
  readonly description: string;
}

/** One attempt under way; where something may tell it to stop, its result still counts. */
function attempt(step: StepDefinition, place: Place, { id, onDone, onError, description }: Invoked): StateConfig {
  const { name, forward, dependency, withinMs, racing } = step;
  const canStop = !forward || withinMs !== undefined || racing !== undefined;
  const late = withinMs === undefined ? {} : { [`${name}.late`]: { target: 'stopping', actions: [about(step, 'recordLate')] } };
  const refuses = forward ? REFUSES_CANCEL : {};
  return {
    description: `${description}${dependency ? ` (${dependency})` : ''}`,
    ...tagged(step),
    invoke: { id, src: id, input: ({ context }) => context, onDone, onError },
    initial: 'working',
    states: {
      working: {
        description: step.child ? 'it is under way' : 'an attempt is under way',
        on: {
          ...refuses,
          ...(forward ? {} : { abort: { ...WHILE_DRAINING, target: 'stopping' } }),
          ...late,
          ...whenLost(step, place, [{ target: 'stopping' }]),
        },
      },
      ...(canStop
        ? {
            stopping: {
              description: 'told to stop; its result still counts',
              entry: [{ type: 'tellToStop', params: { child: id } }],
              ...(forward ? { on: refuses } : {}),
            },
          }
        : {}),
    },
  };
}

function backingOff(step: StepDefinition, place: Place, can: Possible): StateConfig {
  const { name, forward, withinMs, keyTtlMs, check } = step;
  const stops = (guard: string, action: string, to: readonly Outcome[]): readonly Transition[] =>
    outcomes(step, (one) => judged(step, guard, one), action, Object.fromEntries(OUTCOMES.map((one) => [one, can[one] && to.includes(one)])) as never);
  const ends = ['refused', 'unknown', 'undoing', 'fallingBack', 'passed', 'attention'] as const;
  // What may have happened under a key that is forgotten is asked for, or ends as it stands.
  const doubt = check ? [{ target: 'checking', actions: [about(step, 'recordKeyExpired')] }] : stops('judgedForgotten', 'recordForgotten', ends);
  return {
    description: `waits before the next attempt of ${name}`,
    ...tagged(step),
    ...(step.approval ? { always: [isDecided(step)] } : {}),
    after: { [`${name}.backoff`]: { target: 'attempting' } },
    on: {
      ...(forward ? REFUSES_CANCEL : { abort: stops('judgedStop', 'recordStop', ['unknown', 'refused']) }),
      ...(withinMs === undefined ? {} : { [`${name}.late`]: stops('judgedLate', 'recordLateStop', ends) }),
      ...(keyTtlMs === undefined ? {} : { [`${name}.keyExpired`]: doubt.map((one) => (one.guard ? one : { ...one, guard: about(step, 'doubtful') })) }),
      ...whenLost(step, place, lost(step, can)),
    },
  };
}

/** Another has won, and no attempt is under way: what may have happened is undone. */
function lost(step: StepDefinition, can: Possible): readonly Transition[] {
  const undo = can.undoing ? [{ guard: judged(step, 'judgedStop', 'undoing'), target: 'undoing', actions: [about(step, 'recordStop')] }] : [];
  return [...undo, { ...passed(step, 'recordStop') }];
}

function attention(step: StepDefinition, place: Place, can: Possible): StateConfig {
  const { name, forward } = step;
  const restart = step.withinMs === undefined ? [] : [`${name}.startClock`];
  return {
    description: `${name} needs a person: retry, skip or resolve it`,
    ...tagged(step, 'attention'),
    on: {
      [`${name}.retry`]: { target: 'attempting', actions: [about(step, 'recordRetry'), ...restart], description: 'try again, with a fresh policy' },
      [`${name}.skip`]: skip(step),
      [`${name}.resolve`]: { ...succeeded(step, place, 'recordResolved'), description: 'a person did it: this is its result' },
      ...(forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: can.unknown ? 'unknown' : 'refused', actions: [about(step, 'recordStop')] } }),
      ...whenLost(step, place, lost(step, can)),
    },
  };
}

function skip(step: StepDefinition): Transition {
  const { name, kind, forward, compensate } = step;
  if (isGraceful(step)) {
    const description = `go on without ${name}`;
    return compensate && leavesDoubt(step)
      ? { target: 'undoing', actions: [about(step, 'recordGivenUp')], description }
      : { ...passed(step, 'recordSkippedOver'), description };
  }
  if (kind === 'pivot')
    return { target: 'refused', actions: [about(step, 'recordRefused'), about(step, 'fail')], description: 'a person knows that it did not happen' };
  if (forward) return { target: 'skipped', actions: [about(step, 'recordSkipped')], description: `go on without ${name}` };
  return {
    target: leavesDoubt(step) ? 'unknown' : 'refused',
    actions: [about(step, 'recordGivenUp'), about(step, 'fail')],
    description: 'give it up: what it may have done is undone',
  };
}

/** What it did, or may have done, is undone before the run goes on without it. */
function undoing(step: StepDefinition): StateConfig {
  const { name, fallback } = step;
  return {
    description: `the run goes on without ${name}: what it may have done is undone first`,
    entry: ['noteCompensation'],
    initial: 'attempting',
    states: undoStates(step),
    onDone: [
      ...(fallback ? [{ guard: about(step, 'goesForward'), target: 'fallingBack', actions: [about(step, 'recordUndoneFirst')] }] : []),
      passed(step, 'recordPassed'),
    ],
  };
}

function fallingBack(step: StepDefinition, place: Place): StateConfig {
  const { name, forward, optional } = step;
  // How long the step itself may take is over, or of no account any more.
  const { withinMs: _, ...unhurried } = step;
  const by = (to: string): Named => judged(step, 'judgedFallback', to);
  return attempt(unhurried, place, {
    id: `${name}.fallback`,
    onDone: [{ target: 'fellBack', actions: [about(step, 'recordFellBack'), about(step, 'degrade')] }],
    onError: [
      { guard: by('attempting'), target: 'fallingBack', reenter: true, actions: [about(step, 'recordFallbackLoss')] },
      ...(optional ? [{ guard: by('passed'), ...passed(step, 'recordFallbackFailure') }] : []),
      forward
        ? { target: 'attention', actions: [about(step, 'recordFallbackFailure')] }
        : { target: 'refused', actions: [about(step, 'recordFallbackFailure'), about(step, 'fail')] },
    ],
    description: `${name} has failed: its fallback gives the result`,
  });
}
