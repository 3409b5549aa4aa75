import { isControl, type StepDefinition } from '../saga/definition.ts';
import { attemptStates } from './attempt.ts';
import type { Named, StateConfig, Transition } from './config.ts';
import { controlStates } from './control.ts';
import { isGraceful } from './judgment.ts';
import { mapStates } from './map.ts';
import { about, ended, type Place, passed, stepMeta, WHILE_DRAINING, whenLost } from './meta.ts';

/** The states of one step going forward. */
export function stepState(step: StepDefinition, place: Place): StateConfig {
  const { name, kind, forward, gate, racing } = step;
  const shape = isControl(step) ? controlStates(step, place) : step.map ? mapStates(step, place) : attemptStates(step, place);
  const waits = place.elsewhere.length > 0 || gate !== undefined;
  const clocks = clocksOf(step);
  // A child undoes itself, so that its fallback never follows an undo.
  const graceful = step.child ? step.optional === true : isGraceful(step) && !isControl(step);
  const mayPass = gate !== undefined || graceful || racing !== undefined;
  const mayStayOut = place.elsewhere.length > 0 || (!forward && (kind === 'sleep' || kind === 'wait'));
  return {
    description: step.why ?? `${step.map ? 'map' : step.approval ? 'approval' : kind} ${name}`,
    meta: { ...stepMeta(step), waitsFor: place.waitsFor },
    initial: !waits && clocks.start.length > 0 ? { target: shape.initial, actions: clocks.start } : waits ? 'waiting' : shape.initial,
    ...(clocks.stop.length > 0 ? { exit: clocks.stop } : {}),
    ...(step.keyTtlMs === undefined ? {} : { on: { [`${name}.keyExpired`]: { actions: [about(step, 'recordKeyExpired')] } } }),
    states: {
      ...(waits ? { waiting: waiting(step, place, { target: shape.initial, actions: clocks.start }) } : {}),
      ...shape.states,
      ...(mayPass ? { passed: ended(`the run goes on without ${name}`) } : {}),
      ...(mayStayOut ? { notStarted: ended(`${name} was not begun`) } : {}),
    },
    onDone: [{ guard: 'draining', target: 'ended' }, ...around(step, place), { target: place.next }],
  };
}

/** It begins once the steps of other chains that it depends on are there, unless it is passed over. */
function waiting(step: StepDefinition, place: Place, { target, actions }: { readonly target: string; readonly actions: readonly string[] }): StateConfig {
  const { name, gate } = step;
  const { elsewhere } = place;
  const begin: Transition = { target, ...(actions.length > 0 ? { actions } : {}) };
  const ready: Named = { type: 'succeeded', params: { steps: elsewhere } };
  return {
    description: elsewhere.length > 0 ? `${name} waits for steps of other chains` : `${name} is begun, or passed over`,
    always: [
      ...(gate === undefined
        ? []
        : [{ guard: { type: 'passesOver', params: { gate, steps: elsewhere } }, target: 'passed', actions: [about(step, 'recordPassed')] }]),
      elsewhere.length > 0 ? { guard: ready, ...begin } : begin,
    ],
    ...(elsewhere.length > 0
      ? {
          on: {
            abort: { ...WHILE_DRAINING, target: 'notStarted' },
            ...whenLost(step, place, [passed(step, 'recordPassed')]),
          },
        }
      : {}),
  };
}

/** Clocks that run from the first attempt to the end of the step. */
function clocksOf({ name, withinMs, keyTtlMs }: StepDefinition): { readonly start: readonly string[]; readonly stop: readonly string[] } {
  const clocks = [...(withinMs === undefined ? [] : ['Clock']), ...(keyTtlMs === undefined ? [] : ['KeyClock'])];
  return { start: clocks.map((clock) => `${name}.start${clock}`), stop: clocks.map((clock) => `${name}.stop${clock}`) };
}

function around(step: StepDefinition, { around: first }: Place): readonly Transition[] {
  if (first === undefined) return [];
  return [{ guard: about(step, 'goesAround'), target: first, actions: [about(step, 'beginRound')], description: 'the next round' }];
}
