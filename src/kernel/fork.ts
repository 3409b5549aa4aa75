import { asFailure } from '../base/failure.ts';
import { difference } from './change.ts';
import { carriedBy, type Decided, faulted } from './decide.ts';
import type { RunEvent } from './event.ts';
import { restore } from './snapshot.ts';
import { type Chart, EMPTY, type StartEffect, type StateData } from './state.ts';

/** What a fork is at its beginning: the data of another run at some point, as its own. */
export interface ForkedState {
  /** Without invocations and timers: those of the other run are its own. */
  readonly data: StateData;
  /** What that run had under way: begun anew here, for the first time. */
  readonly invoked: readonly { readonly id: string; readonly src: string; readonly round: number }[];
  /** Waits, and how long each had still to go, ms. */
  readonly waits: readonly { readonly id: string; readonly restMs: number; readonly event: StateData['timers'][string]['event'] }[];
}

/** The first commit of a fork: all that it has of the other run, and what begins with it. */
export function decideFork(chart: Chart, { data: copied, invoked, waits }: ForkedState, event: Extract<RunEvent, { type: 'forked' }>, now: number): Decided {
  const children = invoked.map(({ id, src, round }, i) => [id, { src, at: [1, i] as const, round }] as const);
  const timers = waits.map(({ restMs, ...wait }, i) => {
    const at = [1, children.length + i] as const;
    return [at.join('.'), { ...wait, at, due: now + restMs }] as const;
  });
  const data: StateData = { ...copied, children: Object.fromEntries(children), timers: Object.fromEntries(timers) };
  try {
    const snapshot = restore(chart.machine, data);
    const start = children.map(([id, child]): StartEffect => ({ id, child }));
    const change = difference(EMPTY.data, data, carriedBy(event));
    return { kind: 'decided', state: { seq: 1, data, snapshot }, event, change, effects: { start, stop: [], abort: [], actions: [] } };
  } catch (thrown) {
    return faulted(
      EMPTY,
      event,
      asFailure(thrown, () => ({ class: 'hard', effect: 'none' })),
    );
  }
}
