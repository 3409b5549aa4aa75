import { own } from '../base/own.ts';
import { type Identity, type RunEvent, sameIdentity } from './event.ts';
import type { StateData, Timer } from './state.ts';

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
export function waitingTimers(data: StateData): readonly Timer[] {
  if (data.paused) return [];
  return Object.values(data.timers)
    .filter(({ at }) => !isKept(data, at))
    .sort((a, b) => a.due - b.due);
}

/** Whether something goes on in an invocation, here or in a process that is gone; what is a run of its own goes on elsewhere. */
export function isUnderWay(data: StateData, id: string): boolean {
  const child = own(data.children, id);
  return child?.held !== true && child?.run === undefined && !isFaulted(data, id);
}

/** The event that tells the chart of a timer. */
export function dueEvent({ id, at }: Timer): RunEvent {
  return { type: 'due', timer: id, at };
}
