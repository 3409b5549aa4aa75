import type { StepDefinition } from '../saga/definition.ts';
import { durationText } from '../saga/duration.ts';
import type { Named, StateConfig, StepMeta, Transition } from './config.ts';

/** Where a step stands in its lane. */
interface Place {
  /** Numbers of its dependencies in other lanes. */
  readonly elsewhere: readonly number[];
  /** Names of all its direct dependencies, wherever they are. */
  readonly waitsFor: readonly string[];
  /** The state after it in its lane. */
  readonly next: string;
  /** Whether there are other lanes. */
  readonly wide: boolean;
}

/** Cancel is refused past the pivot: a forbidden transition, so that the one of `running` is not taken. */
const REFUSES_CANCEL = { cancel: { description: 'refused: past the pivot a run only completes' } } as const;

/** What the steps raise to each other when the run begins to drain. From outside it means nothing, so nothing moves before. */
const WHILE_DRAINING = { guard: 'draining' } as const;

/** The states of one step going forward. */
export function stepState(step: StepDefinition, place: Place): StateConfig {
  const shape = step.kind === 'sleep' ? sleepStates(step) : attemptStates(step);
  const waits = place.elsewhere.length > 0;
  return {
    description: step.why ?? `${step.kind} ${step.name}`,
    meta: { ...stepMeta(step), waitsFor: place.waitsFor },
    initial: waits ? 'waiting' : shape.initial,
    states: {
      ...(waits ? { waiting: waiting(place, shape.initial) } : {}),
      ...shape.states,
      ...(waits || step.kind === 'sleep' ? { notStarted: ended(`${step.name} was not begun`, false) } : {}),
    },
    onDone: [{ guard: 'draining', target: 'ended' }, ...(place.next === 'ended' ? [{ target: 'ended' }] : [{ target: place.next }])],
  };

  function waiting({ elsewhere }: Place, initial: string): StateConfig {
    return {
      description: `${step.name} waits for steps of other chains`,
      always: [{ guard: { type: 'succeeded', params: { steps: elsewhere } }, target: initial }],
      on: { abort: { ...WHILE_DRAINING, target: 'notStarted' } },
    };
  }

  function ended(description: string, aborts: boolean): StateConfig {
    return { type: 'final', description, ...(aborts && place.wide ? { entry: ['abort'] } : {}) };
  }

  function sleepStates({ name, sleepMs = 0, forward }: StepDefinition): { initial: string; states: Record<string, StateConfig> } {
    return {
      initial: 'sleeping',
      states: {
        sleeping: {
          description: `waits for ${durationText(sleepMs)}`,
          tags: ['sleeping', ...(forward ? ['pastPivot'] : [])],
          after: { [`${name}.sleep`]: { target: 'succeeded', actions: [about('recordSleep')] } },
          on: forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: 'notStarted' } },
        },
        succeeded: ended(`${name} is over`, false),
      },
    };
  }

  function attemptStates({ name, check, kind, forward, dependency }: StepDefinition): { initial: string; states: Record<string, StateConfig> } {
    const pastPivot = forward ? { tags: ['pastPivot'] } : {};
    const attempt = (id: string, onDone: readonly Transition[], onError: readonly Transition[], what: string): StateConfig => ({
      description: `${what}${dependency ? ` (${dependency})` : ''}`,
      ...pastPivot,
      invoke: { id, src: id, input: ({ context }) => context, onDone, onError },
      initial: 'working',
      states: {
        working: {
          description: 'an attempt is under way',
          on: forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: 'stopping' } },
        },
        ...(forward ? {} : { stopping: { description: 'told to stop; its result still counts', entry: [{ type: 'tellToStop', params: { child: id } }] } }),
      },
    });
    const outcomes = (guard: (to: string) => Named, action: string): Record<string, Transition> => ({
      refused: { guard: guard('refused'), target: 'refused', actions: [about(action), about('fail')] },
      unknown: { guard: guard('unknown'), target: 'unknown', actions: [about(action), about('fail')] },
      attention: { guard: guard('attention'), target: 'attention', actions: [about(action)] },
      attempting: { guard: guard('attempting'), target: 'attempting', reenter: true, actions: [about(action)] },
      checking: { guard: guard('checking'), target: 'checking', actions: [about(action)] },
      backingOff: { target: 'backingOff', actions: [about(action)] },
    });
    const pick = (all: Record<string, Transition>, names: readonly string[]): readonly Transition[] => names.map((to) => all[to] as Transition);
    const mayBeRefused = !forward || kind === 'pivot' ? ['refused'] : [];
    const mayBeUnknown = !forward && kind !== 'read' ? ['unknown'] : [];
    const afterRun = pick(
      outcomes((to) => judged('judgedFailure', to), 'recordFailure'),
      [...mayBeRefused, ...mayBeUnknown, ...(check ? ['checking'] : []), 'attention', 'attempting', 'backingOff'],
    );
    const afterCheck = (guard: string, action: string): readonly Transition[] =>
      pick(
        outcomes((to) => judged(guard, to), action),
        [...mayBeRefused, ...mayBeUnknown, 'attention', 'attempting', 'backingOff'],
      );
    const succeeded: Transition = { target: 'succeeded', actions: [about('recordSuccess')] };
    return {
      initial: 'attempting',
      states: {
        attempting: attempt(name, [succeeded], afterRun, step.why ? `attempts ${name}: ${step.why}` : `attempts ${name}`),
        ...(check
          ? {
              checking: attempt(
                `${name}.check`,
                [
                  { guard: 'happened', target: 'succeeded', actions: [about('recordHappened')] },
                  ...afterCheck('judgedNotHappened', 'recordNotHappened').map((transition) =>
                    transition.guard ? transition : { ...transition, guard: 'didNotHappen' },
                  ),
                  ...afterCheck('judgedOpen', 'recordOpen'),
                ],
                afterCheck('judgedOpen', 'recordOpen'),
                `an attempt of ${name} may have happened: asks whether it did`,
              ),
            }
          : {}),
        backingOff: {
          description: `waits before the next attempt of ${name}`,
          ...pastPivot,
          after: { [`${name}.backoff`]: { target: 'attempting' } },
          on: forward
            ? REFUSES_CANCEL
            : {
                abort: [
                  ...(mayBeUnknown.length > 0 ? [{ guard: judged('judgedAbort', 'unknown'), target: 'unknown', actions: [about('recordAbort')] }] : []),
                  { guard: judged('judgedAbort', 'refused'), target: 'refused', actions: [about('recordAbort')] },
                ],
              },
        },
        attention: {
          description: `${name} needs a person: retry, skip or resolve it`,
          tags: ['attention', ...(forward ? ['pastPivot'] : [])],
          on: {
            [`${name}.retry`]: { target: 'attempting', actions: [about('recordRetry')], description: 'try again, with a fresh policy' },
            [`${name}.skip`]: skip(step),
            [`${name}.resolve`]: { target: 'succeeded', actions: [about('recordResolved')], description: 'a person did it: this is its result' },
            ...(forward
              ? REFUSES_CANCEL
              : { abort: { ...WHILE_DRAINING, target: mayBeUnknown.length > 0 ? 'unknown' : 'refused', actions: [about('recordAbort')] } }),
          },
        },
        succeeded: ended(`${name} succeeded`, false),
        ...(mayBeRefused.length > 0 ? { refused: ended(`${name} certainly did not happen`, true) } : {}),
        ...(mayBeUnknown.length > 0 ? { unknown: ended(`${name} may have happened, and nobody knows`, true) } : {}),
        ...(forward && kind !== 'pivot' ? { skipped: ended(`${name} was skipped by a person`, false) } : {}),
      },
    };
  }

  function about(type: string): Named {
    return { type, params: { step: step.number } };
  }

  function judged(type: string, to: string): Named {
    return { type, params: { step: step.number, to } };
  }

  function skip({ name, kind, forward }: StepDefinition): Transition {
    if (kind === 'pivot') return { target: 'refused', actions: [about('recordRefused'), about('fail')], description: 'a person knows that it did not happen' };
    if (forward) return { target: 'skipped', actions: [about('recordSkipped')], description: `go on without ${name}` };
    return {
      target: kind === 'read' ? 'refused' : 'unknown',
      actions: [about('recordAbort'), about('fail')],
      description: 'give it up: what it may have done is undone',
    };
  }
}

export function stepMeta({ name, kind, why, dependency }: StepDefinition): StepMeta {
  return { step: name, kind, ...(why === undefined ? {} : { why }), ...(dependency === undefined ? {} : { dependency }) };
}
