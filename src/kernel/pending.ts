import { own } from '../base/own.ts';
import { type Identity, type RunEvent, sameIdentity } from './event.ts';
import { isDone, itemsUnderWay } from './items.ts';
import type { Child, StateData, StopEffect, Timer } from './state.ts';

/** Whether what came of an invocation or a timer is kept as a fault: it waits for a person, and a second delivery is nothing new. */
export function isKept({ faults }: StateData, at: Identity): boolean {
  return faults?.some(({ event }) => 'at' in event && sameIdentity(event.at, at)) ?? false;
}

/** Whether an invocation's result is in, but user code in the chart threw at it, or it has taken its process with it too often. */
export function isFaulted(data: StateData, id: string): boolean {
  const child = own(data.children, id);
  return child !== undefined && isKept(data, child.at);
}

/** What is waiting for its time, the next one first. A timer whose event the chart threw at waits for a person; in a run that is paused all wait. */
export function waitingTimers(data: StateData): readonly Wait[] {
  if (data.paused) return [];
  const waits: Wait[] = [...Object.values(data.timers), ...Object.entries(data.children).flatMap(([id, child]) => itemWaits(id, child))];
  return waits.filter(({ at }) => !isKept(data, at)).sort((a, b) => a.due - b.due);
}

/** A timer of the chart, or the wait of an item for its next attempt. */
export type Wait = Pick<Timer, 'id' | 'at' | 'due'>;

function itemWaits(id: string, { items }: Child): readonly Wait[] {
  return items?.open.flatMap((item) => (item?.due === undefined ? [] : [{ id: `${id}[${item.index}]`, at: item.at, due: item.due }])) ?? [];
}

/** Whether something goes on in an invocation, here or in a process that is gone; what is a run of its own goes on elsewhere. */
export function isUnderWay(data: StateData, id: string): boolean {
  const child = own(data.children, id);
  const idle = child?.items && !isDone(child.items) && itemsUnderWay(child.items).every(({ at }) => isKept(data, at));
  return child?.held !== true && child?.run === undefined && !idle && !isFaulted(data, id);
}

/** The attempts of an invocation that go on, here or in a process that is gone. */
export function attemptsOf(data: StateData): readonly StopEffect[] {
  return Object.entries(data.children).flatMap(([id, { at, items }]) => (items ? itemsUnderWay(items).map((item) => ({ id, at: item.at })) : [{ id, at }]));
}

/** The event that tells the chart of a timer. */
export function dueEvent({ id, at }: Wait): RunEvent {
  return { type: 'due', timer: id, at };
}
