import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { decide } from '../../src/kernel/decide.ts';
import type { RunEvent } from '../../src/kernel/event.ts';
import type { Place } from '../../src/kernel/place.ts';
import { inQueue, isPutOff } from '../../src/kernel/place.ts';
import { standingOf } from '../../src/kernel/standing.ts';
import { type Chart, EMPTY, type RunState } from '../../src/kernel/state.ts';

const machine = createMachine({ initial: 'a', states: { a: {} }, on: { go: {} } });
const chart: Chart = { machine, startInput: ({ input }) => input, storesInput: true, freezesContext: true, onLoss: 'error', terminates: 'event' };

function reached(events: readonly RunEvent[], of: Chart = chart): RunState {
  return events.reduce<RunState>((state, event) => {
    const decision = decide(of, state, event, 5);
    if (decision.kind !== 'decided') throw new Error(`${event.type} is ${decision.kind}`);
    return decision.state;
  }, EMPTY);
}
const queued = (place: Place): RunEvent => ({ type: 'queued', input: 1, place });
const kindOf = (state: RunState, event: RunEvent, of: Chart = chart): string => decide(of, state, event, 5).kind;
const sent = (type: string, once?: string): RunEvent => ({ type: 'sent', event: { type }, ...(once === undefined ? {} : { once }) });
const due = (state: RunState) => standingOf(state, { now: 5, sleepMs: 1 }).due;

describe('a run that waits to begin', () => {
  it('stands in line at once, or when its time has come', () => {
    const inLine = reached([queued({ queue: 'q' })]);
    expect([inQueue(inLine), due(inLine), isPutOff(inLine)]).toEqual([{ queue: 'q', key: '', priority: 0, stage: 'waiting' }, null, true]);
    const later = reached([queued({ queue: 'q', key: 'k', priority: 2, due: 9 })]);
    expect([inQueue(later), due(later)]).toEqual([undefined, 9]);
    const lined = reached([queued({ queue: 'q', key: 'k', priority: 2, due: 9 }), { type: 'lined' }]);
    expect([inQueue(lined), due(lined)]).toEqual([{ queue: 'q', key: 'k', priority: 2, stage: 'waiting' }, null]);
    expect(kindOf(lined, { type: 'lined' })).toBe('discarded');
    expect(due(reached([queued({ sole: 'x' })]))).toBe(5);
  });

  it('takes up a place when it begins, and none when it is paused before or has ended', () => {
    const begun = reached([queued({ queue: 'q', sole: 'x', due: 9, until: 20 }), { type: 'started', run: 'r' }]);
    expect([inQueue(begun), begun.data.place]).toEqual([{ queue: 'q', key: '', priority: 0, stage: 'begun' }, { queue: 'q' }]);
    expect(reached([{ type: 'started', run: 'r', input: 1, place: { sole: 'x' } }]).data.place).toEqual({ sole: 'x' });
    expect(reached([queued({ due: 9 }), { type: 'started', run: 'r' }]).data.place).toBeUndefined();
    expect(inQueue(reached([queued({ queue: 'q' }), { type: 'paused' }]))).toBeUndefined();
    expect(inQueue(reached([queued({ queue: 'q' }), { type: 'terminated' }]))).toBeUndefined();
  });

  it('is put off with another input while it may be, and not once it has begun', () => {
    const debounced = reached([queued({ due: 9, sole: 'x', until: 20 }), { type: 'putOff', input: 2, due: 15 }]);
    expect([debounced.data.input, due(debounced)]).toEqual([2, 15]);
    expect(due(reached([queued({ queue: 'q', due: 9, until: 20 }), { type: 'putOff', input: 2 }]))).toBeNull();
    expect(kindOf(reached([queued({ due: 9 })]), { type: 'putOff', input: 2 })).toBe('refused');
    const begun = reached([queued({ due: 9, sole: 'x', until: 20 }), { type: 'started', run: 'r' }]);
    expect(kindOf(begun, { type: 'putOff', input: 2, due: 15 })).toBe('refused');
    const ended = reached([queued({ due: 9, sole: 'x', until: 20 }), { type: 'terminated' }]);
    expect(kindOf(ended, { type: 'putOff', input: 2, due: 15 })).toBe('refused');
  });

  it('keeps what is sent to a saga, once by its id, and tells it of that when it begins', () => {
    const early = reached([queued({ queue: 'q' }), sent('go', 'a'), sent('go')]);
    expect(early.data.early?.length).toBe(2);
    expect(kindOf(early, sent('go', 'a'))).toBe('discarded');
    const begun = reached([queued({ queue: 'q' }), sent('go', 'a'), { type: 'started', run: 'r' }]);
    expect([begun.data.early, begun.data.seen]).toEqual([undefined, { a: 3 }]);
    expect(kindOf(begun, sent('go', 'a'))).toBe('discarded');
    for (const type of ['cancel', 'a.retry', 'xstate.stop']) expect(kindOf(early, sent(type))).toBe('refused');
    const { terminates: _, ...workflow } = chart;
    expect(kindOf(reached([queued({ queue: 'q' })]), sent('go'), workflow)).toBe('refused');
  });
});
