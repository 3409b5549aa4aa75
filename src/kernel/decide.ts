import { freeze } from 'immer';
import type { AnyMachineSnapshot } from 'xstate';
import { asFailure, type Failure } from '../base/failure.ts';
import { type Change, difference } from './change.ts';
import { EffectReader } from './effects.ts';
import { isReserved, type RunEvent, type SentEvent, sameIdentity } from './event.ts';
import { type InertScope, scopeOf } from './scope.ts';
import { dataOf } from './snapshot.ts';
import { type Chart, type Effects, EMPTY, type RunState, type StateData } from './state.ts';

/** What one event does to one run. */
export type Decision = Decided | Discarded | Refused;

export interface Decided {
  readonly kind: 'decided';
  readonly state: RunState;
  readonly event: RunEvent;
  readonly change: readonly Change[];
  readonly effects: Effects;
}

/** It came from an older invocation or timer, or a second time: nothing changes. */
export interface Discarded {
  readonly kind: 'discarded';
  readonly event: RunEvent;
}

/** It was sent from outside, and the chart does not take it in this state. */
export interface Refused {
  readonly kind: 'refused';
  readonly event: RunEvent;
  readonly reason: 'reserved' | 'ended' | 'not accepted';
}

/** A chart that has an end for it takes the first; any machine takes XState's own. */
const TERMINATE: SentEvent = { type: 'terminate' };
const STOP: SentEvent = { type: 'xstate.stop' };

const NO_EFFECTS: Effects = { start: [], stop: [], abort: [], actions: [] };

/**
 * The whole of what a run does: pure, so that it can be explored, repeated and thrown away. The next state, the
 * difference to the last one, and what is to be done once that is durable.
 * @param now wall time in ms: deadlines of timers are counted from it
 */
export function decide(chart: Chart, state: RunState, event: RunEvent, now: number): Decision {
  const seq = state.seq + 1;
  if (event.type === 'queued') return decided(state, { ...EMPTY, seq, data: { ...EMPTY.data, input: event.input } }, event, NO_EFFECTS);
  if (event.type !== 'started' && event.type !== 'terminated' && state.data.status !== 'active') return over(event);
  if (event.type === 'terminated' && state.snapshot?.status !== 'active') return over(event);
  const reader = new EffectReader(event.type === 'started' ? EMPTY.data : state.data, { seq, now, storesInput: chart.storesInput });
  const accepted = accept(chart, state, event, reader);
  if ('kind' in accepted) return accepted;
  try {
    const snapshot = run(chart, state, accepted, reader);
    if (chart.freezesContext) freeze(snapshot.context, true);
    if (snapshot.status !== 'active') reader.finished();
    const faults = event.type === 'refitted' ? undefined : state.data.faults;
    const data = dataOf(snapshot, { children: reader.children, timers: reader.timers, rounds: reader.rounds, faults });
    return decided(state, { seq, data, snapshot }, event, reader.effects);
  } catch (thrown) {
    return faulted(
      state,
      event,
      asFailure(thrown, () => ({ class: 'hard', effect: 'none' })),
    );
  }
}

/** Past its end a run discards what still comes from its attempts, and refuses what is sent to it. */
function over(event: RunEvent): Decision {
  return event.type === 'sent' || event.type === 'refitted' || event.type === 'terminated'
    ? { kind: 'refused', event, reason: 'ended' }
    : { kind: 'discarded', event };
}

/** What the chart is to be told of the event, in order; nothing of the snapshot has moved yet. */
type Told = { readonly tell: readonly SentEvent[]; readonly from: AnyMachineSnapshot | { readonly input: unknown } };

function accept(chart: Chart, state: RunState, event: RunEvent, reader: EffectReader): Told | Decision {
  const { data } = state;
  const from = state.snapshot as AnyMachineSnapshot;
  switch (event.type) {
    case 'started':
      if (state.snapshot) return { kind: 'discarded', event };
      return { tell: [], from: { input: chart.startInput({ run: event.run, input: 'input' in event ? event.input : data.input }) } };
    case 'succeeded':
    case 'failed':
    case 'lost': {
      if (!isCurrent(data, event)) return { kind: 'discarded', event };
      if (event.type === 'lost' && chart.onLoss === 'restart') {
        reader.restarted(event.child);
        return { tell: [], from };
      }
      reader.ended(event.child, false);
      return { tell: [resultEvent(event)], from };
    }
    case 'due': {
      const timer = data.timers[event.at.join('.')];
      if (!timer) return { kind: 'discarded', event };
      reader.fired(event.at.join('.'));
      return { tell: [timer.event], from };
    }
    case 'sent':
      if (isReserved(event.event.type)) return { kind: 'refused', event, reason: 'reserved' };
      if (!canTake(from, event.event)) return { kind: 'refused', event, reason: 'not accepted' };
      return { tell: [event.event], from };
    case 'terminated':
      return { tell: [canTake(from, TERMINATE) ? TERMINATE : STOP], from };
    case 'refitted':
      if (!data.faults) return { kind: 'refused', event, reason: 'not accepted' };
      return { tell: data.faults.flatMap((fault) => retold(fault.event, data, reader)), from };
    default:
      return { kind: 'discarded', event };
  }
}

/** A guard that throws lets the event in: the transition throws again, and then the fault is recorded. */
function canTake(snapshot: AnyMachineSnapshot, event: SentEvent): boolean {
  try {
    return snapshot.can(event);
  } catch {
    return true;
  }
}

function resultEvent(event: Extract<RunEvent, { child: string }>): SentEvent {
  return event.type === 'succeeded'
    ? { type: `xstate.done.actor.${event.child}`, output: event.output, actorId: event.child }
    : { type: `xstate.error.actor.${event.child}`, error: event.error, actorId: event.child };
}

/** A faulted event once more, as far as what it came from is still there. */
function retold(event: RunEvent, data: StateData, reader: EffectReader): readonly SentEvent[] {
  if (event.type === 'sent') return [event.event];
  if (event.type === 'due') {
    const key = event.at.join('.');
    const timer = data.timers[key];
    reader.fired(key);
    return timer ? [timer.event] : [];
  }
  if (!('child' in event) || !isCurrent(data, event)) return [];
  reader.ended(event.child, false);
  return [resultEvent(event)];
}

function isCurrent({ children }: StateData, { child, at }: Extract<RunEvent, { child: string }>): boolean {
  const current = children[child];
  return current !== undefined && sameIdentity(current.at, at);
}

function run({ machine }: Chart, state: RunState, { tell, from }: Told, reader: EffectReader): AnyMachineSnapshot {
  const scope = scopeOf(machine);
  let snapshot = 'input' in from ? (machine.getInitialSnapshot(scope, from.input as never) as AnyMachineSnapshot) : from;
  drain(scope, reader);
  if (snapshot.status === 'error' && !state.snapshot) return snapshot;
  const queue = [...tell];
  for (;;) {
    queue.push(...reader.toSelf.splice(0));
    const event = queue.shift();
    if (event === undefined || snapshot.status !== 'active') return snapshot;
    snapshot = machine.transition(snapshot, event as never, scope) as AnyMachineSnapshot;
    drain(scope, reader);
  }
}

function drain(scope: InertScope, reader: EffectReader): void {
  const actions = scope.collected;
  scope.collected = [];
  reader.read(actions, scope.self);
}

function decided(before: RunState, state: RunState, event: RunEvent, effects: Effects): Decided {
  return { kind: 'decided', state, event, change: difference(before.data, state.data, carriedBy(event)), effects };
}

/** What of an event a state may refer to. */
export function carriedBy(event: RunEvent): { readonly input?: unknown; readonly output?: unknown; readonly error?: unknown } {
  return event as { readonly input?: unknown; readonly output?: unknown; readonly error?: unknown };
}

/** Nothing of the event is applied; it is kept with the failure until a person has it applied again. */
export function faulted(state: RunState, event: RunEvent, error: Failure): Decided {
  const before = state.data.faults ?? [];
  const kept = event.type === 'refitted' ? before : [...before, { event, error }];
  const next: RunState = { ...state, seq: state.seq + 1, data: { ...state.data, faults: kept } };
  return decided(state, next, { type: 'faulted', event, error }, NO_EFFECTS);
}
