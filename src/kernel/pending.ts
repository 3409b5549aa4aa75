import type { RunEvent } from './event.ts';
import type { StateData, Timer } from './state.ts';

/** Whether an invocation's result is in, but user code in the chart threw at it. */
export function isFaulted({ children, faults }: StateData, id: string): boolean {
  const at = children[id]?.at.join('.');
  return faults?.some(({ event }) => 'child' in event && event.child === id && event.at.join('.') === at) ?? false;
}

/** What is waiting for its time, the next one first. A timer whose event the chart threw at waits for a person. */
export function waitingTimers({ timers, faults }: StateData): readonly Timer[] {
  const faulted = new Set(faults?.map(({ event }) => (event.type === 'due' ? event.at.join('.') : '')));
  return Object.keys(timers)
    .filter((key) => !faulted.has(key))
    .map((key) => timers[key] as Timer)
    .sort((a, b) => a.due - b.due);
}

/** The event that tells the chart of a timer. */
export function dueEvent({ id, at }: Timer): RunEvent {
  return { type: 'due', timer: id, at };
}
