import { describe, expect, it } from 'vitest';
import { assign, cancel, createMachine, fromPromise, raise, sendTo, setup, stopChild } from 'xstate';
import { z } from 'zod';
import { fiveParts } from '../../sagas/five-parts.ts';
import { saga } from '../../src/index.ts';
import { decodeEntry, encodeBase, rebuild, replay } from '../../src/kernel/entry.ts';
import type { Parent } from '../../src/kernel/event.ts';
import { isFaulted, waitingTimers } from '../../src/kernel/pending.ts';
import { endOf, standingOf } from '../../src/kernel/standing.ts';
import { EMPTY } from '../../src/kernel/state.ts';
import { KernelRun } from './run.ts';

const work = fromPromise(async () => 1);
const m = (config: object, more: object = {}) => setup({ actors: { work }, ...more } as never).createMachine({ id: 'm', ...config } as never) as never;
const invoking = {
  initial: 'a',
  states: {
    a: { invoke: { id: 'w', src: 'work', input: { n: 1 }, onDone: 'b', onError: 'c' }, on: { again: { target: 'a', reenter: true }, leave: 'b' } },
    b: {},
    c: {},
  },
};

describe('invocations', () => {
  it('begin with the commit that made them, and end with their result', () => {
    const run = new KernelRun(m(invoking));
    expect(run.state.data.children).toEqual({ w: { src: 'work', at: [1, 0], round: 1, input: { n: 1 } } });
    const { effects } = run.done('w', 'result');
    expect(effects).toEqual({ start: [], stop: [], abort: [], actions: [] });
    expect([run.value, run.state.data.children]).toEqual(['b', {}]);
  });

  it('are known by more than their id: what an older one says is discarded', () => {
    const run = new KernelRun(m(invoking));
    const old = run.at('w');
    const { effects } = run.send('again');
    expect(effects.stop).toEqual([{ id: 'w', at: old }]);
    expect(effects.start).toMatchObject([{ id: 'w', child: { at: [2, 0], round: 2 } }]);
    expect(run.decide({ type: 'succeeded', child: 'w', at: old, output: 1 })).toMatchObject({ kind: 'discarded' });
    expect(run.decide({ type: 'succeeded', child: 'other', at: old, output: 1 })).toMatchObject({ kind: 'discarded' });
    const { at } = run.state.data.children.w ?? { at: [0, 0] as const };
    run.done('w');
    expect(run.decide({ type: 'succeeded', child: 'w', at, output: 1 })).toMatchObject({ kind: 'discarded' });
  });

  it('that one event starts and stops are nobody’s business', () => {
    const hop = {
      initial: 'z',
      states: { z: { on: { go: 'a' } }, a: { invoke: { id: 'w', src: 'work' }, always: 'b' }, b: { invoke: { id: 'v', src: 'work' } } },
    };
    const run = new KernelRun(m(hop));
    const { effects } = run.send('go');
    expect(effects.stop).toEqual([]);
    expect(effects.start.map(({ id }) => id)).toEqual(['v']);
    // The ordinal still counts the one that was netted out.
    expect(run.at('v')).toEqual([2, 1]);
  });

  it('that are left are stopped, and all of them at the end', () => {
    const run = new KernelRun(m(invoking));
    expect(run.send('leave').effects.stop).toHaveLength(1);
    const ending = { type: 'parallel', states: { a: { invoke: { id: 'w', src: 'work' } }, b: {} }, on: { end: '.done' } };
    const parallel = new KernelRun(
      m({ initial: 'on', states: { on: { ...ending, on: { end: '#m.off' } }, off: { type: 'final' } }, invoke: { id: 'root', src: 'work' } }),
    );
    const { effects } = parallel.send('end');
    expect(effects.stop.map(({ id }) => id).sort()).toEqual(['root', 'w']);
    expect(endOf(parallel.state)).toBe('completed');
  });

  it('of a hand-written machine begin again when they were lost', () => {
    const run = new KernelRun(m(invoking));
    const { effects } = run.do({
      type: 'lost',
      child: 'w',
      at: run.at('w'),
      error: { code: 'L', type: 'x', message: 'x', class: 'transient', effect: 'maybe' },
    });
    expect(effects.start).toMatchObject([{ id: 'w', child: { at: [2, 0], round: 1, losses: 1, input: { n: 1 } } }]);
    expect(run.value).toBe('a');
  });

  it('of a saga have no stored input, and hear of a loss as an error', () => {
    const run = new KernelRun(fiveParts.machine, { saga: true, input: { n: 1 } });
    expect(run.state.data.children.one).toEqual({ src: 'one', at: [1, 0], round: 1 });
    run.do({ type: 'lost', child: 'one', at: run.at('one'), error: { code: 'SC_ATTEMPT_LOST', type: 'x', message: 'x', class: 'transient', effect: 'maybe' } });
    expect(run.at('one')).toEqual([2, 0]);
  });

  it('without a handler for their error end the run', () => {
    const run = new KernelRun(m({ initial: 'a', states: { a: { invoke: { id: 'w', src: 'work' } } }, invoke: { id: 'other', src: 'work' } }));
    expect(run.failed('w').effects.stop).toMatchObject([{ id: 'other' }]);
    expect(run.state.data.children).toEqual({});
    expect([run.state.data.status, endOf(run.state)]).toEqual(['error', 'failed']);
    expect(run.state.data.error).toMatchObject({ code: 'X' });
  });

  it('that are told to stop stay until they answer', () => {
    const wide = saga('w', { version: 1, input: z.unknown() }).parallel(
      (b) => b.step('a', async () => 1, { compensate: async () => {} }),
      (b) => b.step('b', async () => 1, { compensate: async () => {} }),
    );
    const run = new KernelRun(wide.machine, { saga: true });
    const { effects } = run.send('cancel');
    expect(effects.abort.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(effects.stop).toEqual([]);
    expect(run.state.data.children.a).toMatchObject({ stopping: true });
    run.done('a', 1);
    run.failed('b');
    expect(run.value).toMatchObject({ compensating: {} });
  });

  it('that are told to stop in the same breath as they begin are told so', () => {
    const machine = m({
      initial: 'a',
      states: { a: { invoke: { id: 'w', src: 'work' }, initial: 'x', states: { x: { always: 'y' }, y: { entry: sendTo('w', { type: 'abort' }) } } } },
    });
    const run = new KernelRun(machine);
    expect(run.entries[0]?.change.length).toBeGreaterThan(0);
    expect(run.state.data.children.w).toMatchObject({ stopping: true });
  });

  it('hear nothing but that', () => {
    const machine = m({
      initial: 'a',
      states: {
        a: {
          invoke: { id: 'w', src: 'work' },
          on: { poke: { actions: sendTo('w', { type: 'poke' }) }, later: { actions: sendTo('w', { type: 'abort' }, { delay: 5 }) } },
        },
      },
    });
    const run = new KernelRun(machine);
    expect(run.send('poke').effects.abort).toEqual([]);
    expect(run.send('later').effects.abort).toEqual([]);
  });
});

describe('timers', () => {
  const timed = { initial: 'a', states: { a: { after: { 500: 'b' }, on: { again: { target: 'a', reenter: true } } }, b: {} } };
  it('keep their deadline', () => {
    const run = new KernelRun(m(timed));
    const [timer] = waitingTimers(run.state.data);
    expect(timer).toMatchObject({ due: 1_500, at: [1, 0] });
    run.now = 9_999;
    run.do({ type: 'due', timer: timer?.id ?? '', at: timer?.at ?? [0, 0] });
    expect([run.value, run.state.data.timers]).toEqual(['b', {}]);
  });

  it('of an earlier arming are discarded', () => {
    const run = new KernelRun(m(timed));
    const [old] = waitingTimers(run.state.data);
    run.now = 1_200;
    run.send('again');
    expect(run.decide({ type: 'due', timer: old?.id ?? '', at: old?.at ?? [0, 0] })).toMatchObject({ kind: 'discarded' });
    expect(waitingTimers(run.state.data)).toMatchObject([{ due: 1_700, at: [2, 0] }]);
  });

  it('armed twice under one id both stand, and a cancel takes the last', () => {
    const machine = m({
      on: {
        arm: { actions: raise({ type: 'ring' }, { id: 'x', delay: 100 }) },
        disarm: { actions: cancel('x') },
        none: { actions: cancel('nope') },
        anonymous: { actions: raise({ type: 'ring' }, { delay: 1 }) },
        self: { actions: sendTo(({ self }) => self, { type: 'ring' }, { delay: 7 }) },
      },
    });
    const run = new KernelRun(machine);
    run.send('arm');
    run.send('arm');
    expect(waitingTimers(run.state.data).map(({ at }) => at)).toEqual([
      [2, 0],
      [3, 0],
    ]);
    run.send('disarm');
    run.send('none');
    expect(waitingTimers(run.state.data).map(({ at }) => at)).toEqual([[2, 0]]);
    run.send('anonymous');
    run.send('self');
    expect(waitingTimers(run.state.data).map(({ id }) => id)).toEqual(['ring', 'ring', 'x']);
  });

  it('wait in the order of their deadlines', () => {
    const arm = (id: string, delay: number) => raise({ type: id }, { id, delay });
    const run = new KernelRun(m({ entry: [arm('late', 300), arm('early', 100), arm('middle', 200)] }));
    expect(waitingTimers(run.state.data).map(({ id }) => id)).toEqual(['early', 'middle', 'late']);
  });

  it('end with the run', () => {
    const run = new KernelRun(
      m({ initial: 'a', states: { a: { on: { end: 'z' } }, z: { type: 'final' } }, entry: raise({ type: 'ring' }, { id: 'x', delay: 100 }) }),
    );
    run.send('end');
    expect(run.state.data.timers).toEqual({});
  });
});

describe('events from outside', () => {
  const machine = m({ initial: 'a', states: { a: { on: { go: 'b', guarded: { guard: () => false, target: 'b' } } }, b: { type: 'final' } } });
  it('are refused where they are XState’s own, not taken, or too late', () => {
    const run = new KernelRun(machine);
    for (const type of ['xstate.done.actor.w', 'xstate.after.500.m.a', '*', ''])
      expect(run.decide({ type: 'sent', event: { type } })).toMatchObject({ kind: 'refused', reason: 'reserved' });
    expect(run.decide({ type: 'sent', event: { type: 'nope' } })).toMatchObject({ kind: 'refused', reason: 'not accepted' });
    expect(run.decide({ type: 'sent', event: { type: 'guarded' } })).toMatchObject({ kind: 'refused', reason: 'not accepted' });
    expect(run.decide({ type: 'refitted' })).toMatchObject({ kind: 'refused', reason: 'not accepted' });
    expect(run.decide({ type: 'started', run: 'r' })).toMatchObject({ kind: 'discarded' });
    run.send('go');
    for (const event of [{ type: 'sent', event: { type: 'go' } }, { type: 'refitted' }, { type: 'terminated' }] as const)
      expect(run.decide(event)).toMatchObject({ kind: 'refused', reason: 'ended' });
    expect(run.decide({ type: 'succeeded', child: 'w', at: [1, 0], output: 1 })).toMatchObject({ kind: 'discarded' });
    expect(run.decide({ type: 'started', run: 'r' })).toMatchObject({ kind: 'discarded' });
  });
  it('of a kind that only the journal has are discarded', () => {
    const run = new KernelRun(machine);
    expect(run.decide({ type: 'faulted', event: { type: 'started', run: 'r' }, error: {} as never })).toMatchObject({ kind: 'discarded' });
  });
});

describe('terminate', () => {
  it('stops any machine', () => {
    const run = new KernelRun(m(invoking));
    const { effects } = run.do({ type: 'terminated', by: 'Ann' });
    expect(effects.stop).toHaveLength(1);
    expect([run.state.data.status, endOf(run.state)]).toEqual(['stopped', 'terminated']);
  });
  it('takes the end that the chart has for it', () => {
    const run = new KernelRun(fiveParts.machine, { saga: true, input: { n: 1 } });
    run.do({ type: 'terminated' });
    expect([run.value, endOf(run.state)]).toEqual(['terminated', 'terminated']);
  });
});

describe('a run that was queued', () => {
  it('begins with the input it was queued with', () => {
    const run = new KernelRun(m({ context: ({ input }: { input: unknown }) => ({ input }) }));
    run.state = EMPTY;
    run.entries.length = 0;
    const queued = run.decide({ type: 'queued', input: { n: 7 } });
    if (queued.kind !== 'decided') throw new Error('not decided');
    expect(standingOf(queued.state, { now: 5, sleepMs: 1 })).toEqual({ status: 'queued', attention: false, due: 5 });
    run.state = queued.state;
    const begun = run.decide({ type: 'started', run: 'r' });
    expect(begun).toMatchObject({ kind: 'decided', state: { seq: 2, data: { context: { input: { n: 7 } } } } });
  });
});

describe('user code that throws inside the chart', () => {
  const throwing = (where: object) =>
    m({
      context: { ok: false },
      initial: 'a',
      states: {
        a: { invoke: { id: 'w', src: 'work', onDone: where }, on: { go: where, fix: { actions: assign({ ok: true }) } }, after: { 50: where } },
        b: {},
      },
    });
  const guarded = {
    target: 'b',
    guard: ({ context }: { context: { ok: boolean } }) => {
      if (!context.ok) throw new Error('guard broke');
      return true;
    },
  };

  for (const [what, event] of [
    ['a result', (run: KernelRun) => run.done('w', 1)],
    ['a signal', (run: KernelRun) => run.send('go')],
    ['a timer', (run: KernelRun) => run.do({ type: 'due', timer: 't', at: waitingTimers(run.state.data)[0]?.at ?? [0, 0] })],
  ] as const) {
    it(`leaves the run where it was, keeps ${what}, and applies it again when a person says so`, () => {
      const run = new KernelRun(throwing(guarded));
      const { effects, event: kept } = event(run);
      expect(effects.stop).toEqual([]);
      expect(kept).toMatchObject({ type: 'faulted', error: { message: expect.stringContaining('guard broke') } });
      expect(run.value).toBe('a');
      expect(standingOf(run.state, { now: 0, sleepMs: 0 }).attention).toBe(true);
      expect(isFaulted(run.state.data, 'w')).toBe(what === 'a result');
      expect(waitingTimers(run.state.data)).toHaveLength(what === 'a timer' ? 0 : 1);
      // Again too early: it throws again, and is still kept once.
      run.do({ type: 'refitted' });
      expect(run.state.data.faults).toHaveLength(1);
      run.send('fix');
      run.do({ type: 'refitted', by: 'Ann' });
      expect(run.value).toBe('b');
      expect(run.state.data.faults).toBeUndefined();
    });
  }

  it('answers to whom the kept event named, once it is applied', () => {
    const of = (life: number): Parent => ({ run: 'p', child: 'w', life, at: [1, 0] });
    const run = new KernelRun(throwing(guarded));
    run.do({ type: 'sent', event: { type: 'go' }, parent: of(1) });
    expect(run.state.data.parent).toBeUndefined();
    run.send('fix');
    run.do({ type: 'refitted' });
    expect(run.state.data.parent).toEqual(of(1));
    expect(run.value).toBe('b');

    const other = new KernelRun(throwing(guarded));
    other.do({ type: 'sent', event: { type: 'go' }, parent: of(1) });
    other.do({ type: 'sent', event: { type: 'go' }, parent: of(2) });
    other.send('fix');
    other.do({ type: 'refitted' });
    expect(other.state.data.parent).toEqual(of(2));
  });

  it('forgets what has lost its meaning meanwhile', () => {
    const run = new KernelRun(
      m({
        context: { ok: false },
        initial: 'a',
        states: { a: { invoke: { id: 'w', src: 'work', onDone: guarded }, on: { leave: 'c' }, after: { 50: guarded } }, b: {}, c: {} },
      }),
    );
    run.done('w', 1);
    run.do({ type: 'due', timer: 't', at: waitingTimers(run.state.data)[0]?.at ?? [0, 0] });
    expect(run.state.data.faults).toHaveLength(2);
    run.send('leave');
    run.do({ type: 'refitted' });
    expect([run.value, run.state.data.faults]).toEqual(['c', undefined]);
  });

  it('a machine whose context cannot be made has failed', () => {
    const run = new KernelRun(
      m({
        context: () => {
          throw new Error('no context');
        },
      }),
      { persist: false },
    );
    expect([run.state.data.status, endOf(run.state)]).toEqual(['error', 'failed']);
    expect(run.state.data.error).toMatchObject({ message: expect.stringContaining('no context') });
  });

  it('an endless loop is stopped', () => {
    const machine = m({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } }, options: { maxIterations: 50 } });
    const run = new KernelRun(machine);
    expect(run.send('go').event).toMatchObject({ type: 'faulted', error: { message: expect.stringContaining('Infinite loop') } });
    expect(run.value).toBe('a');
    // What the machine had collected before it threw is not done by the next event.
    expect(run.decide({ type: 'sent', event: { type: 'go' } })).toMatchObject({ effects: { actions: [] } });
  });
});

describe('effects are data', () => {
  it('of an actor that is not there are none: it is stopped, or told to stop, in vain', () => {
    const run = new KernelRun(
      m({
        initial: 'a',
        on: { end: { actions: stopChild('nobody') } },
        states: { a: { on: { go: 'b' } }, b: { entry: sendTo('w', { type: 'abort' }), invoke: { id: 'w', src: 'work' } } },
      }),
    );
    expect(run.send('end').effects).toEqual({ start: [], stop: [], abort: [], actions: [] });
    // The chart speaks before its invocation begins: nobody hears it.
    expect(run.send('go').effects).toMatchObject({ start: [{ id: 'w' }], abort: [] });
    expect(run.state.data.children.w?.stopping).toBeUndefined();
  });

  it('custom actions are handed over, not run', () => {
    const ran: unknown[] = [];
    const machine = m(
      {
        initial: 'a',
        states: {
          a: {
            entry: [{ type: 'note', params: { n: 1 } }, 'missing'],
            on: {
              go: { actions: [raise({ type: 'inner' }), sendTo(({ self }) => self, { type: 'outer' })] },
              inner: { actions: assign({ inner: true }) },
              outer: 'b',
            },
          },
          b: {},
        },
      },
      { actions: { note: (_: unknown, params: unknown) => ran.push(params) } },
    );
    const run = new KernelRun(machine);
    expect(ran).toEqual([]);
    run.state = EMPTY;
    const decision = run.decide({ type: 'started', run: 'r' });
    if (decision.kind !== 'decided') throw new Error('not decided');
    for (const { run: act } of decision.effects.actions) act();
    expect(ran).toEqual([{ n: 1 }]);
    run.state = decision.state;
    // `raise` is part of the step; an event to itself is a step of its own after it, in the same commit.
    run.do({ type: 'sent', event: { type: 'go' } });
    expect([run.value, run.context]).toEqual(['b', { inner: true }]);
  });

  it('deciding changes nothing: the same event gives the same decision', () => {
    const run = new KernelRun(m(invoking));
    const event = { type: 'succeeded', child: 'w', at: run.at('w'), output: { deep: { n: 1 } } } as const;
    const strip = (decision: object) => JSON.stringify({ ...decision, state: undefined });
    expect(strip(run.decide(event))).toBe(strip(run.decide(event)));
    expect(run.value).toBe('a');
  });

  it('a context cannot be changed behind the kernel’s back', () => {
    const mutating = m({
      context: { list: [1] },
      on: {
        go: {
          actions: assign(({ context }: { context: { list: number[] } }) => {
            context.list.push(2);
            return context;
          }),
        },
      },
    });
    const run = new KernelRun(mutating, { persist: false });
    expect(run.send('go').event).toMatchObject({ type: 'faulted' });
    expect(run.context).toEqual({ list: [1] });
  });
});

describe('restoring', () => {
  it('keeps the order in which states were entered: competing transitions follow it', () => {
    const region = (set: string) => ({
      initial: 'off',
      states: {
        off: { on: { [`${set}On`]: 'on' } },
        on: { on: { go: { actions: assign(({ context }: { context: { order: string } }) => ({ order: context.order + set })) } } },
      },
    });
    const machine = m({ context: { order: '' }, type: 'parallel', states: { a: region('a'), b: region('b') } });
    const both = [true, false].map((persist) => {
      const run = new KernelRun(machine, { persist });
      run.send('bOn');
      run.send('aOn');
      run.send('go');
      return [run.context, run.state.data.order];
    });
    expect(both[0]).toEqual(both[1]);
    expect(both[0]?.[1]).toMatch(/^\d+(\.\d+)+$/);
  });

  it('keeps what JSON loses in a context', () => {
    const machine = m({ context: { gone: undefined, at: new Date(5), nan: Number.NaN } });
    const run = new KernelRun(machine);
    expect(run.context).toStrictEqual({ gone: undefined, at: new Date(5), nan: Number.NaN });
  });

  it('keeps history', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'on',
      states: { on: { initial: 'x', states: { x: { on: { next: 'y' } }, y: {}, h: { type: 'history' } }, on: { off: 'off' } }, off: { on: { on: 'on.h' } } },
    });
    const run = new KernelRun(machine);
    run.send('next');
    run.send('off');
    expect(run.state.data.history).toEqual({ 'm.on.h': ['m.on.y'] });
    run.send('on');
    expect(run.value).toEqual({ on: 'y' });
  });

  it('a state that is gone, or an order of states that is gone, is an error or left out', () => {
    const run = new KernelRun(m(invoking));
    expect(() => new KernelRun(m({ initial: 'x', states: { x: {} } })).chart.machine.resolveState({ value: run.value, context: {} } as never)).toThrow();
  });

  it('a child answers what XState asks of it', () => {
    const run = new KernelRun(m(invoking));
    const child = run.state.snapshot?.children.w as never as { getSnapshot(): { status: string }; send(): void; toJSON(): unknown };
    expect([child.getSnapshot().status, child.send(), child.toJSON()]).toEqual(['active', undefined, { id: 'w' }]);
  });

  it('reads no layout it does not know', () => {
    expect(() => decodeEntry({ format: 9, text: '{}' })).toThrowError(expect.objectContaining({ code: 'SC_FORMAT' }));
    expect(() => rebuild({ format: 9, text: '{}' }, [])).toThrowError(expect.objectContaining({ code: 'SC_FORMAT' }));
  });

  it('is the same from a full snapshot and from the beginning, and every state between can be seen', () => {
    const run = new KernelRun(fiveParts.machine, { saga: true, input: { n: 1 } });
    for (const step of ['one', 'two']) run.done(step, { ref: step });
    const middle = encodeBase(run.state.data);
    run.done('three', { ref: 'x'.repeat(200) });
    const [, , , last] = run.entries;
    expect(rebuild({ format: 1, text: middle }, last ? [last] : [])).toEqual(run.state.data);
    const values = [...replay(run.entries)].map(({ after }) => Object.keys((after.value as { running: object }).running)[0]);
    expect(values).toEqual(['one', 'two', 'three', 'four']);
  });
});

describe('standing', () => {
  const of = (config: object, sleepMs = 100) => standingOf(new KernelRun(m(config)).state, { now: 1_000, sleepMs });
  it('says when a run has to be looked at', () => {
    expect(of(invoking)).toEqual({ status: 'running', attention: false, due: 0 });
    expect(of({})).toEqual({ status: 'sleeping', attention: false, due: null });
    expect(of({ initial: 'a', states: { a: { after: { 50: 'b' } }, b: {} } })).toMatchObject({ status: 'running', due: 0 });
    expect(of({ initial: 'a', states: { a: { after: { 5000: 'b' } }, b: {} } })).toEqual({ status: 'sleeping', attention: false, due: 6_000 });
    expect(of({ initial: 'a', states: { a: { tags: ['compensating', 'attention'] } } })).toEqual({ status: 'compensating', attention: true, due: null });
    expect(of({ initial: 'canceled', states: { canceled: { type: 'final' } } })).toMatchObject({ status: 'canceled', due: null });
    expect(of({ initial: 'whatever', states: { whatever: { type: 'final' } } })).toMatchObject({ status: 'completed' });
  });
});
