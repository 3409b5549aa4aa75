import { freeze } from 'immer';
import type { AnyMachineSnapshot } from 'xstate';
import { asFailure, type Failure, MOST_LOSSES } from '../base/failure.ts';
import { own } from '../base/own.ts';
import { type Change, difference } from './change.ts';
import { EffectReader, sourceName, spawnedFreely } from './effects.ts';
import { isReserved, type RunEvent, type SentEvent } from './event.ts';
import { takeItemEvent, turnOf } from './item-turn.ts';
import { type ItemChange, isDone, itemAt } from './items.ts';
import { parentAfter } from './parent.ts';
import { isKept } from './pending.ts';
import { current, resultEvent, retold } from './result.ts';
import { type InertScope, scopeOf } from './scope.ts';
import { dataOf } from './snapshot.ts';
import { type Chart, type Child, type Effects, EMPTY, type Fault, type RunState, type StateData } from './state.ts';
import { placeAfter, seenAfter, whileQueued } from './waiting.ts';

/** What one event does to one run. */
export type Decision = Decided | Discarded | Refused;

export interface Decided {
  readonly kind: 'decided';
  readonly state: RunState;
  readonly event: RunEvent;
  readonly change: readonly Change[];
  readonly effects: Effects;
  /** Rows of items that changed. */
  readonly items?: readonly ItemChange[];
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

/** XState's own, which any machine takes. */
const STOP: SentEvent = { type: 'xstate.stop' };

const NO_FAULTS: readonly Fault[] = [];
export const NO_EFFECTS: Effects = { start: [], stop: [], abort: [], actions: [] };

/**
 * The whole of what a run does: pure, so that it can be explored, repeated and thrown away. The next state, the
 * difference to the last one, and what is to be done once that is durable.
 * @param now wall time in ms: deadlines of timers are counted from it
 */
export function decide(chart: Chart, state: RunState, event: RunEvent, now: number): Decision {
  const seq = state.seq + 1;
  if (event.type === 'paused' || event.type === 'resumed') return switched(chart, state, event, { seq, now });
  if (event.type === 'progressed') return progressed(state, event);
  if (event.type === 'queued') {
    const { type: _, ...given } = event;
    return decided(state, { ...EMPTY, seq, data: { ...EMPTY.data, ...given } }, event, NO_EFFECTS);
  }
  if (state.data.status !== 'active') {
    const answer = state.data.status === 'queued' ? waiting(chart, state, event) : over(event);
    if (answer) return answer;
  }
  const reader = readerOf(chart, state.data, { seq, now });
  const accepted = accept(chart, state, event, reader);
  if ('kind' in accepted) return accepted;
  try {
    const snapshot = run(chart, state.data, accepted, reader);
    if (chart.freezesContext) freeze(snapshot.context, true);
    if (snapshot.status !== 'active') reader.finished();
    const faults = event.type === 'refitted' ? undefined : state.data.faults;
    const { paused } = state.data;
    const seen = seenAfter(state.data, event, seq);
    const parent = parentAfter(state.data, event);
    const place = placeAfter(state.data, event);
    const data = dataOf(snapshot, { children: reader.children, timers: reader.timers, rounds: reader.rounds, faults, seen, paused, parent, place });
    return decided(state, { seq, data, snapshot }, event, reader.effects, reader.rows);
  } catch (thrown) {
    return faulted(
      state,
      event,
      asFailure(thrown, () => ({ class: 'hard', effect: 'none' })),
    );
  }
}

/** Pausing changes nothing of the chart: what it starts is held back, and timers wait. Pausing twice is pausing once. */
function switched(
  chart: Chart,
  state: RunState,
  event: Extract<RunEvent, { type: 'paused' | 'resumed' }>,
  { seq, now }: { readonly seq: number; readonly now: number },
): Decision {
  const { paused, ...data } = state.data;
  if (data.status !== 'active' && data.status !== 'queued') return { kind: 'refused', event, reason: 'ended' };
  if (event.type === 'paused') {
    if (paused) return { kind: 'discarded', event };
    const { by, reason } = event;
    const pause = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
    return decided(state, { ...state, seq, data: { ...data, paused: pause } }, event, NO_EFFECTS);
  }
  if (!paused) return { kind: 'discarded', event };
  const reader = new EffectReader(data, { seq, now, storesInput: true });
  reader.resumed();
  for (const id of Object.keys(data.children)) if (data.children[id]?.items) turnOf(chart, id, reader, data)?.resumed();
  return decided(state, { ...state, seq, data: { ...data, children: reader.children } }, event, reader.effects);
}

/** Reads what one event leads to; what the chart says to its maps they hear at once. */
export function readerOf(chart: Chart, data: StateData, { seq, now }: { readonly seq: number; readonly now: number }): EffectReader {
  const reader: EffectReader = new EffectReader(data, { seq, now, storesInput: chart.storesInput, runOf: chart.runOf }, (id, event) => {
    const child = own(reader.children, id);
    if (!child || !chart.items?.(id)) return false;
    if (event.type === 'abort') reader.changed(id, { ...child, stopping: true });
    turnOf(chart, id, reader, data)?.told(event);
    return true;
  });
  return reader;
}

function progressed(state: RunState, event: Extract<RunEvent, { type: 'progressed' }>): Decision {
  const child = event.item === undefined ? current(state.data, event) : own(state.data.children, event.child);
  if (state.data.status !== 'active' || !child || isKept(state.data, event.at)) return { kind: 'discarded', event };
  const after = event.item === undefined ? { ...child, progress: event.progress } : withProgress(child, event);
  if (!after) return { kind: 'discarded', event };
  const children = { ...state.data.children, [event.child]: after };
  return decided(state, { ...state, seq: state.seq + 1, data: { ...state.data, children } }, event, NO_EFFECTS);
}

function withProgress(child: Child, { at, progress }: Extract<RunEvent, { type: 'progressed' }>): Child | undefined {
  const { items } = child;
  const found = itemAt(items, at);
  if (!items || !found) return undefined;
  const item = { ...found.item, record: { ...found.item.record, progress } };
  return { ...child, items: { ...items, open: items.open.with(found.place, item) } };
}

/** A run that has not begun stays as it is, or changes where it stands, unless it begins with this. */
function waiting(chart: Chart, state: RunState, event: RunEvent): Decision | undefined {
  const after = whileQueued(chart, state.data, event);
  if (after === 'discarded') return { kind: 'discarded', event };
  if (after === 'refused') return { kind: 'refused', event, reason: 'not accepted' };
  return after && decided(state, { ...state, seq: state.seq + 1, data: after }, event, NO_EFFECTS);
}

/** Past its end a run discards what still comes from its attempts, and refuses what is sent to it. */
function over(event: RunEvent): Decision {
  return event.type === 'sent' || event.type === 'refitted' || event.type === 'terminated' || event.type === 'putOff'
    ? { kind: 'refused', event, reason: 'ended' }
    : { kind: 'discarded', event };
}

/** What the chart is to be told of the event, in order; nothing of the snapshot has moved yet. */
interface Told {
  readonly tell: readonly SentEvent[];
  readonly from: AnyMachineSnapshot | { readonly input: unknown };
  /** Told after each other: each means something only if what it came from is still there after the one before it. */
  readonly faults?: readonly Fault[];
}

function accept(chart: Chart, state: RunState, event: RunEvent, reader: EffectReader): Told | Decision {
  const { data } = state;
  const from = state.snapshot as AnyMachineSnapshot;
  switch (event.type) {
    case 'started':
      return state.snapshot ? { kind: 'discarded', event } : beginning(chart, event, data);
    case 'succeeded':
    case 'failed':
    case 'lost': {
      const child = current(data, event);
      // While items of it are under way a map says nothing of its own.
      if (!child || isKept(data, event.at) || (child.items && !isDone(child.items))) return { kind: 'discarded', event };
      if (event.type === 'lost' && (chart.onLoss === 'restart' || chart.items?.(event.child))) {
        const losses = (child.losses ?? 0) + 1;
        // It ran alone, so it is what kills its process: a person has to see to it.
        if (losses >= MOST_LOSSES) return faulted(state, event, event.error);
        reader.restarted(event.child, losses);
        return { tell: [], from };
      }
      reader.ended(event.child, false);
      return { tell: [resultEvent(event, child)], from };
    }
    case 'due': {
      const timer = own(data.timers, event.at.join('.'));
      if (data.paused || isKept(data, event.at)) return { kind: 'discarded', event };
      if (!timer) return takeItemEvent(chart, data, event, reader) ? { tell: [], from } : { kind: 'discarded', event };
      reader.fired(event.at.join('.'));
      return { tell: [timer.event], from };
    }
    case 'planned':
    case 'itemSucceeded':
    case 'itemFailed':
    case 'itemLost':
      return !isKept(data, event.at) && takeItemEvent(chart, data, event, reader) ? { tell: [], from } : { kind: 'discarded', event };
    case 'sent':
      if (event.once !== undefined && data.seen && own(data.seen, event.once) !== undefined) return { kind: 'discarded', event };
      if (isReserved(event.event.type)) return { kind: 'refused', event, reason: 'reserved' };
      if (!canTake(from, event.event)) return { kind: 'refused', event, reason: 'not accepted' };
      return { tell: [event.event], from };
    case 'putOff':
      // It has begun: whoever asked starts another.
      return { kind: 'refused', event, reason: 'not accepted' };
    case 'terminated':
      return {
        tell: [chart.terminates === 'event' ? { type: 'terminate', running: Object.keys(data.children).filter((id) => hasBegun(chart, data, id)) } : STOP],
        from,
      };
    case 'refitted':
      if (!data.faults) return { kind: 'refused', event, reason: 'not accepted' };
      return state.snapshot ? { tell: [], from, faults: data.faults } : beginning(chart, (data.faults[0] as Fault).event as Started, data);
    default:
      return { kind: 'discarded', event };
  }
}

type Started = Extract<RunEvent, { type: 'started' }>;

function beginning(chart: Chart, event: Started, data: StateData): Told {
  const { early = [] } = data;
  const { holds = false } = event.parent ?? data.parent ?? {};
  return {
    tell: early.map((sent) => sent.event),
    from: { input: chart.startInput({ run: event.run, input: 'input' in event ? event.input : data.input, holds }) },
  };
}

/** Of a map that has begun no item yet nothing can have happened. */
function hasBegun(chart: Chart, { children }: StateData, id: string): boolean {
  return !chart.items?.(id) || (children[id]?.items?.next ?? 0) > 0;
}

/** A guard that throws lets the event in: the transition throws again, and then the fault is recorded. */
function canTake(snapshot: AnyMachineSnapshot, event: SentEvent): boolean {
  try {
    return snapshot.can(event);
  } catch {
    return true;
  }
}

export function run(chart: Chart, data: StateData, { tell, from, faults = NO_FAULTS }: Told, reader: EffectReader): AnyMachineSnapshot {
  const { machine } = chart;
  const scope = scopeOf(machine);
  let snapshot = 'input' in from ? (machine.getInitialSnapshot(scope, from.input as never) as AnyMachineSnapshot) : from;
  drain(scope, snapshot, reader);
  const queue = [...tell];
  let told = 0;
  for (;;) {
    queue.push(...reader.toSelf.splice(0));
    while (queue.length === 0 && told < faults.length) queue.push(...retold(chart, data, (faults[told++] as Fault).event, reader));
    const event = queue.shift();
    if (event === undefined || snapshot.status !== 'active') return snapshot;
    snapshot = machine.transition(snapshot, event as never, scope) as AnyMachineSnapshot;
    drain(scope, snapshot, reader);
  }
}

function drain(scope: InertScope, { children }: AnyMachineSnapshot, reader: EffectReader): void {
  if (scope.spawned) {
    const unknown = Object.values(children as Readonly<Record<string, { readonly id: string; readonly src: unknown }>>).filter(
      ({ id }) => !scope.invokes.has(id),
    );
    throw spawnedFreely(unknown.map(({ id, src }) => `${id}, an actor of ${sourceName(src)}`).join('; ') || 'an actor under the id of an invocation');
  }
  const actions = scope.collected;
  scope.collected = [];
  reader.read(actions, scope);
}

export function decided(before: RunState, state: RunState, event: RunEvent, effects: Effects, items: readonly ItemChange[] = []): Decided {
  const change = difference(before.data, state.data, carriedBy(event));
  return { kind: 'decided', state, event, change, effects, ...(items.length > 0 ? { items } : {}) };
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
