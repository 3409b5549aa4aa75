import { isUnderWay, waitingTimers } from './pending.ts';
import { dueToBegin } from './place.ts';
import type { RunState } from './state.ts';

const ENDS = ['completed', 'compensated', 'canceled', 'failed', 'terminated'] as const;
export type End = (typeof ENDS)[number];

/** Where a run stands, as people and stores see it. */
export interface Standing {
  readonly status: 'queued' | 'running' | 'sleeping' | 'compensating' | End;
  /** Whether a person is needed. */
  readonly attention: boolean;
  /** When it has to be looked at if nothing arrives: 0 at once, null never, else ms since 1970. */
  readonly due: number | null;
}

/** A wait that is longer than `sleepMs` makes a run sleep, if nothing else goes on in it. */
export function standingOf(state: RunState, { now, sleepMs }: { readonly now: number; readonly sleepMs: number }): Standing {
  const { data, snapshot } = state;
  const end = endOf(state);
  if (end) return { status: end, attention: false, due: null };
  // One whose beginning faulted would fault again: a person has it tried again, or ends it.
  if (!snapshot) return data.faults ? { status: 'queued', attention: true, due: null } : { status: 'queued', attention: false, due: dueToBegin(data, now) };
  const due = dueOf(state, now, sleepMs);
  const attention = data.faults !== undefined || snapshot.hasTag('attention');
  // Whoever waits for a signal, with or without an end to it, sleeps; one that waits for a person does not.
  const isAsleep = due === null ? !attention && data.paused === undefined : due > 0;
  const forward = isAsleep ? 'sleeping' : 'running';
  return { status: snapshot.hasTag('compensating') ? 'compensating' : forward, attention, due };
}

/** A final state of the chart that is named like an end of a run is that end; any other final state completes it. */
export function endOf({ data }: RunState): End | undefined {
  if (data.status === 'done') return ENDS.find((end) => end === data.value) ?? 'completed';
  if (data.status === 'error') return 'failed';
  return data.status === 'stopped' ? 'terminated' : undefined;
}

function dueOf(state: RunState, now: number, sleepMs: number): number | null {
  const { children } = state.data;
  if (Object.keys(children).some((id) => isUnderWay(state.data, id))) return 0;
  const first = waitingTimers(state.data)[0]?.due;
  if (first === undefined) return null;
  return first - now > sleepMs ? first : 0;
}
