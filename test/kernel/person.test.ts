import { describe, expect, it } from 'vitest';
import { assign, createMachine, enqueueActions, fromPromise, raise, setup } from 'xstate';
import { z } from 'zod';
import { fiveParts } from '../../sagas/five-parts.ts';
import { saga } from '../../src/index.ts';
import { decide, faulted } from '../../src/kernel/decide.ts';
import { isFaulted, waitingTimers } from '../../src/kernel/pending.ts';
import { endOf, standingOf } from '../../src/kernel/standing.ts';
import { KernelRun, LOST_FAILURE } from './run.ts';

const work = fromPromise(async () => 1);
const m = (config: object, more: object = {}) => setup({ actors: { work }, ...more } as never).createMachine({ id: 'm', ...config } as never) as never;
const when = { now: 0, sleepMs: 1 };
const failure = { code: 'X', type: 'X', message: 'x', class: 'hard', effect: 'none' } as const;

/** A switch outside the machine: what its user repairs. */
const breaking = () => {
  const code = { broken: true };
  const check = (): boolean => {
    if (code.broken) throw new Error('broken');
    return true;
  };
  return { code, check };
};

describe('a queued run', () => {
  const queued = (config: object) => new KernelRun(m(config), { queued: true, input: { n: 7 } });
  const takesInput = { context: ({ input }: { input: unknown }) => ({ input }) };

  it('whose beginning faulted waits for a person, who has it tried again with the same input', () => {
    const run = queued(takesInput);
    // As the runtime does where the context that it begins with cannot be stored.
    run.state = faulted(run.state, { type: 'started', run: 'r' }, failure).state;
    expect(standingOf(run.state, when)).toEqual({ status: 'queued', attention: true, due: null });
    expect(run.decide({ type: 'started', run: 'r' })).toMatchObject({ kind: 'discarded' });
    expect(run.decide({ type: 'refitted', by: 'Ann' })).toMatchObject({
      kind: 'decided',
      state: { data: { status: 'active', context: { input: { n: 7 } }, children: {} } },
    });
    const own = { type: 'started', run: 'r', input: { n: 8 } } as const;
    const other = faulted(queued(takesInput).state, own, failure).state;
    expect(decide(run.chart, other, { type: 'refitted' }, 0)).toMatchObject({ state: { data: { context: { input: { n: 8 } } } } });
  });

  it('whose beginning faults again stays where it was, with one fault', () => {
    const nan = new KernelRun(m({ entry: raise({ type: 'x' }, { id: 'late', delay: () => Number.NaN }) }), { queued: true });
    nan.do({ type: 'started', run: 'r' });
    nan.do({ type: 'refitted' });
    expect(nan.state.data).toMatchObject({
      status: 'queued',
      faults: [{ event: { type: 'started' }, error: { message: expect.stringContaining('late is NaN') } }],
    });
  });

  it('is ended by terminate, before and after a fault, and nothing begins', () => {
    const context = () => {
      throw new Error('must not be made');
    };
    for (const faults of [false, true]) {
      const run = queued({ context });
      if (faults) run.state = faulted(run.state, { type: 'started', run: 'r' }, failure).state;
      const { effects } = run.do({ type: 'terminated', by: 'Ann' });
      expect(effects.start).toEqual([]);
      expect([run.state.data.status, endOf(run.state), run.state.snapshot]).toEqual(['stopped', 'terminated', undefined]);
      expect(standingOf(run.state, when)).toEqual({ status: 'terminated', attention: false, due: null });
      for (const event of [{ type: 'terminated' }, { type: 'refitted' }, { type: 'sent', event: { type: 'go' } }] as const)
        expect(run.decide(event)).toMatchObject({ kind: 'refused', reason: 'ended' });
      expect(run.decide({ type: 'started', run: 'r' })).toMatchObject({ kind: 'discarded' });
    }
  });

  it('takes nothing else, and is not said to have ended', () => {
    const run = queued({});
    expect(run.decide({ type: 'refitted' })).toMatchObject({ kind: 'refused', reason: 'not accepted' });
    expect(run.decide({ type: 'sent', event: { type: 'go' } })).toMatchObject({ kind: 'refused', reason: 'not accepted' });
    expect(run.decide({ type: 'due', timer: 't', at: [1, 0] })).toMatchObject({ kind: 'discarded' });
  });
});

describe('terminate', () => {
  for (const [what, on] of [
    ['takes everything', { '*': { target: 'b' } }],
    ['has an event of that name', { terminate: { target: 'b' } }],
  ] as const) {
    it(`stops a machine that ${what}`, () => {
      const run = new KernelRun(m({ initial: 'a', states: { a: { on }, b: {} } }));
      run.do({ type: 'terminated' });
      expect([run.value, run.state.data.status, endOf(run.state)]).toEqual(['a', 'stopped', 'terminated']);
    });
  }

  it('lists what was under way: it may have happened', () => {
    const compensate = async () => {};
    const step = async () => 1;
    const trip = saga('trip', { version: 1, input: z.unknown() })
      .parallel(
        (b) => b.step('a', step, { compensate }),
        (b) => b.step('b', step, { compensate }),
        (b) => b.read('c', step),
      )
      .pivot('pay', step)
      .step('send', step);
    const ended = (until: (run: KernelRun) => unknown): unknown => {
      const run = new KernelRun(trip.machine, { saga: true });
      until(run);
      run.do({ type: 'terminated' });
      return run.state.data.output;
    };
    const all = (run: KernelRun, ...steps: readonly string[]): void => {
      for (const name of steps) run.done(name, 1);
    };
    const left = (...entries: readonly (readonly [string, string])[]) => ({ left: entries.map(([name, what]) => ({ step: name, what })) });
    const maybe = 'may have happened';
    const not = 'not undone';
    expect(ended(() => {})).toEqual(left(['a', maybe], ['b', maybe]));
    expect(ended((run) => all(run, 'a'))).toEqual(left(['a', not], ['b', maybe]));
    // Between two attempts: of the first nobody knows.
    expect(ended((run) => [all(run, 'b'), run.failed('a')])).toEqual(left(['a', maybe], ['b', not]));
    expect(ended((run) => all(run, 'a', 'b', 'c'))).toEqual(left(['a', not], ['b', not], ['pay', maybe]));
    expect(ended((run) => all(run, 'a', 'b', 'c', 'pay'))).toEqual(left(['a', not], ['b', not], ['send', maybe]));
    // Draining, and being undone: `a` is not known, `b` is undone.
    const canceled = (run: KernelRun): void => {
      run.send('cancel');
      run.failed('a');
      all(run, 'b', 'c');
      expect(run.value).toMatchObject({ compensating: {} });
    };
    expect(ended(canceled)).toEqual(left(['a', maybe], ['b', not]));
    expect(ended((run) => [canceled(run), all(run, 'b.undo')])).toEqual(left(['a', maybe]));
  });
});

describe('an invocation of a hand-written machine that is lost', () => {
  const lossy = () => new KernelRun(m({ initial: 'a', states: { a: { invoke: { id: 'w', src: 'work', onDone: 'b' } }, b: {} } }));

  it('a third time in a row needs a person, who has it tried again', () => {
    const run = lossy();
    run.lost('w');
    run.lost('w');
    expect(standingOf(run.state, when)).toEqual({ status: 'running', attention: false, due: 0 });
    const at = run.at('w');
    expect(run.lost('w').effects.start).toEqual([]);
    expect(run.state.data.faults).toMatchObject([{ event: { type: 'lost', child: 'w' }, error: { code: 'SC_ATTEMPT_LOST' } }]);
    expect(standingOf(run.state, when)).toEqual({ status: 'running', attention: true, due: null });
    expect(isFaulted(run.state.data, 'w')).toBe(true);
    expect(run.decide({ type: 'lost', child: 'w', at, error: LOST_FAILURE })).toMatchObject({ kind: 'discarded' });
    const { effects } = run.do({ type: 'refitted' });
    expect(effects.start).toEqual([{ id: 'w', child: { src: 'work', at: [5, 0], round: 1 } }]);
    expect(run.state.data.faults).toBeUndefined();
    run.lost('w');
    expect(run.state.data.children.w).toMatchObject({ losses: 1 });
    run.done('w', 1);
    expect(run.value).toBe('b');
  });
});

describe('faults', () => {
  it('of a result are told once, however often it is delivered', () => {
    const { code, check } = breaking();
    const run = new KernelRun(
      m({
        initial: 'a',
        states: { a: { invoke: { id: 'w', src: 'work', onDone: { target: 'b', guard: check } }, after: { 5: { target: 'b', guard: check } } }, b: {} },
      }),
    );
    const at = run.at('w');
    const timer = waitingTimers(run.state.data)[0]?.at ?? [0, 0];
    for (const event of [
      { type: 'succeeded', child: 'w', at, output: 1 },
      { type: 'due', timer: 't', at: timer },
    ] as const) {
      expect(run.do(event).event).toMatchObject({ type: 'faulted' });
      expect(run.decide(event)).toMatchObject({ kind: 'discarded' });
    }
    expect(isFaulted(run.state.data, 'nobody')).toBe(false);
    code.broken = false;
    run.do({ type: 'refitted' });
    expect([run.value, run.state.data.faults]).toEqual(['b', undefined]);
  });

  it('are told one after the other: what the one before has removed means nothing any more', () => {
    const { code, check } = breaking();
    const leave = { target: '#m.b', guard: check };
    const counted = assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 });
    const one = { invoke: { id: 'v', src: 'work', onDone: { guard: check } }, after: { 5: { guard: check } } };
    const run = new KernelRun(
      m({
        context: { n: 0 },
        initial: 'a',
        states: { a: { type: 'parallel', states: { x: { invoke: { id: 'w', src: 'work', onDone: leave } }, y: one } }, b: {} },
        on: { 'xstate.done.actor.v': { actions: counted }, 'xstate.after.*': { actions: counted }, end: { guard: check, actions: counted } },
      }),
    );
    run.done('w', 1);
    run.done('v', 1);
    run.do({ type: 'due', timer: 't', at: waitingTimers(run.state.data)[0]?.at ?? [0, 0] });
    run.send('end');
    expect(run.state.data.faults).toHaveLength(4);
    code.broken = false;
    run.do({ type: 'refitted' });
    expect([run.value, run.context, run.state.data.faults]).toEqual(['b', { n: 1 }, undefined]);
  });

  it('are none left to tell once one of them has ended the run', () => {
    const { code, check } = breaking();
    const run = new KernelRun(m({ initial: 'a', states: { a: { on: { go: { target: 'b', guard: check } } }, b: { type: 'final' } } }));
    run.send('go');
    run.send('go');
    code.broken = false;
    run.do({ type: 'refitted' });
    expect(endOf(run.state)).toBe('completed');
  });

  it('are delays that are no number', () => {
    const run = new KernelRun(m({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { after: { pause: 'a' } } } }, { delays: { pause: () => Number.NaN } }));
    expect(run.send('go').event).toMatchObject({ type: 'faulted', error: { message: expect.stringMatching(/pause.* is NaN/) } });
    expect(run.value).toBe('a');
  });
});

describe('an actor that no state invokes', () => {
  const child = createMachine({ id: 'c', initial: 'z', states: { z: {} } });
  const enqueued = (...spawn: readonly unknown[]) => ({
    entry: enqueueActions(({ enqueue }) => (enqueue.spawnChild as (...args: readonly unknown[]) => void)(...spawn)),
  });
  const assigned = (...args: readonly unknown[]) => ({
    entry: assign({ r: ({ spawn }: { spawn: (...args: readonly unknown[]) => unknown }) => ({ of: typeof spawn(...args) }) }),
  });
  const invoked = { invoke: { id: 'w', src: 'work' } };
  for (const [how, b, named] of [
    ['enqueued', enqueued('child', { id: 'k' }), "k, an actor of 'child'"],
    ['enqueued, without a name', enqueued(child, { id: 'k' }), 'k, an actor of a source without a name'],
    ['enqueued under the id of an invocation', enqueued('child', { id: 'w' }), "w, an actor of 'child'"],
    ['assigned', assigned('child', { id: 'k' }), "k, an actor of 'child'"],
    ['assigned, without an id', assigned(child), 'an actor of a source without a name'],
    ['assigned under the id of an invocation', assigned('child', { id: 'w' }), 'an actor under the id of an invocation'],
  ] as const) {
    it(`is a fault that names it: ${how}`, () => {
      const run = new KernelRun(m({ context: {}, initial: 'a', states: { a: { on: { go: 'b', on: 'c' } }, b, c: invoked } }, { actors: { work, child } }));
      const { event, effects } = run.send('go');
      expect(event).toMatchObject({ type: 'faulted', error: { code: 'SC_WORKFLOW_UNSUPPORTED', message: expect.stringContaining(named) } });
      expect([run.value, effects.start]).toEqual(['a', []]);
      // What it left in the kernel does not meet the next event.
      expect(run.send('on').effects.start).toMatchObject([{ id: 'w' }]);
    });
  }

  it('is a fault of the beginning where the context is made', () => {
    const context = ({ spawn }: { spawn: (...args: readonly unknown[]) => unknown }) => ({ r: spawn('child', { id: 'k' }) });
    const run = new KernelRun(m({ context }, { actors: { child } }), { queued: true });
    run.do({ type: 'started', run: 'r' });
    expect(run.state.data).toMatchObject({ status: 'queued', faults: [{ error: { code: 'SC_WORKFLOW_UNSUPPORTED' } }] });
  });
});

describe('ids that every object of JavaScript has', () => {
  it('name no invocation, timer or round that is not there', () => {
    const run = new KernelRun(m({ initial: 'a', states: { a: { invoke: { id: 'toLocaleString', src: 'work', onDone: 'b' } }, b: {} } }), { persist: false });
    expect(run.done('toLocaleString', 1).effects.stop).toEqual([]);
    const five = new KernelRun(fiveParts.machine, { saga: true });
    for (const child of ['constructor', 'valueOf'])
      expect(five.decide({ type: 'succeeded', child, at: [1, 0], output: 1 })).toMatchObject({ kind: 'discarded' });
    expect(five.decide({ type: 'due', timer: 't', at: ['constructor'] as never })).toMatchObject({ kind: 'discarded' });
    const flow = new KernelRun(
      m({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { invoke: { id: 'isPrototypeOf', src: 'work' } } }, invoke: { id: 'v', src: 'work' } }),
    );
    flow.send('go');
    expect(flow.state.data.children.isPrototypeOf).toMatchObject({ round: 1 });
  });
});
