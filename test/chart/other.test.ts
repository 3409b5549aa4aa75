import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, and, createActor, createMachine, fromCallback, fromPromise, not, raise, sendTo, setup, spawnChild, stateIn } from 'xstate';
import { z } from 'zod';
import { approval, approvalMachine } from '../../machines/approval.ts';
import { tripBooking } from '../../sagas/trip-booking.ts';
import { asFailure, thrownFailure } from '../../src/base/failure.ts';
import { backoffMs } from '../../src/chart/backoff.ts';
import { foldedMermaid, mermaid } from '../../src/chart/diagram.ts';
import { fingerprint } from '../../src/chart/fingerprint.ts';
import { statePaths } from '../../src/chart/path.ts';
import { resultsOf } from '../../src/chart/results.ts';
import { statelySource } from '../../src/chart/stately.ts';
import { saga, workflow } from '../../src/index.ts';
import type { RetryPolicy, RetryTier } from '../../src/saga/policy.ts';

const run = async () => 1;
const compensate = async () => {};
const five = (name = 'five') => saga(name, { version: 1, input: z.unknown() });

describe('backoff', () => {
  const tier = { attempts: 5, fromMs: 200, toMs: 3_000, factor: 2, jitter: 'none' } as const;
  const tiers = (...given: readonly Partial<RetryTier>[]): RetryPolicy => ({ attempts: 5, tiers: given.map((one) => ({ ...tier, ...one })) });
  const policy = tiers({});
  it('grows by its factor up to its bound', () => {
    expect([1, 2, 3, 4, 5, 6, 1_000].map((attempts) => backoffMs(policy, attempts, 's'))).toEqual([200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
    expect(backoffMs(policy, 1, 's', 9_000)).toBe(9_000);
    expect(backoffMs(policy, 0, 's')).toBe(200);
  });
  it('passes over what is no length of time, and never gets beyond a hundred years', () => {
    for (const odd of [Number.NaN, Infinity, -Infinity, -5, '7' as never, null as never]) expect(backoffMs(policy, 1, 's', odd)).toBe(200);
    expect(backoffMs(policy, 1, 's', Number.MAX_VALUE)).toBe(3_153_600_000_000);
  });
  test.prop([fc.string(), fc.integer({ min: 1, max: 50 })])('with jitter stays within its bound, and is the same for the same seed', (seed, attempts) => {
    const full = tiers({ jitter: 'full' });
    const wait = backoffMs(full, attempts, seed);
    expect(wait).toBeGreaterThanOrEqual(0);
    expect(wait).toBeLessThanOrEqual(backoffMs(policy, attempts, seed));
    expect(backoffMs(full, attempts, seed)).toBe(wait);
  });
  test.prop([fc.string(), fc.integer({ min: 1, max: 200 })])('falls where its jitter says', (seed, attempts) => {
    const longest = backoffMs(policy, attempts, seed);
    const equal = backoffMs(tiers({ jitter: 'equal' }), attempts, seed);
    expect(equal).toBeGreaterThanOrEqual(Math.floor(longest / 2));
    expect(equal).toBeLessThanOrEqual(longest);
    const decorrelated = backoffMs(tiers({ jitter: 'decorrelated' }), attempts, seed);
    expect(decorrelated).toBeGreaterThanOrEqual(200);
    expect(decorrelated).toBeLessThanOrEqual(3_000);
    const before = attempts === 1 ? 200 : backoffMs(tiers({ jitter: 'decorrelated' }), attempts - 1, seed);
    if (attempts < 30) expect(decorrelated).toBeLessThanOrEqual(Math.max(201, 3 * before + 2));
  });
  it('goes from tier to tier, each with a first wait of its own', () => {
    const two = tiers({ attempts: 3, toMs: 300 }, { attempts: 2, fromMs: 60_000, toMs: 100_000 }, { attempts: 'forever', fromMs: 7, toMs: 7 });
    expect([1, 2, 3, 4, 5, 6].map((attempts) => backoffMs(two, attempts, 's'))).toEqual([200, 300, 60_000, 100_000, 7, 7]);
  });
  it('spreads neighbors', () => {
    const waits = Array.from({ length: 1_000 }, (_, i) => backoffMs(tiers({ jitter: 'full', fromMs: 1_000 }), 1, `run-${i}/a/run`));
    for (let quarter = 0; quarter < 4; quarter++) expect(waits.filter((wait) => Math.floor(wait / 250.01) === quarter).length).toBeGreaterThan(180);
  });
});

describe('the fingerprint', () => {
  const of = (s: { readonly machine: never | Parameters<typeof fingerprint>[0]; readonly definition: Parameters<typeof fingerprint>[1] }) =>
    fingerprint(s.machine, s.definition as never);
  const a = () => five().step('a', run, { compensate });
  it('is the same for the same chart, whatever its texts and policies', () => {
    expect(of(a().read('b', run))).toBe(of(a().read('b', async () => 2, { why: 'because', retry: { attempts: 9 }, timeout: '1s', dependency: 'x' })));
  });
  it('differs where states, order, kinds, checks, dependencies or invocations differ', () => {
    const charts = [
      a(),
      a().read('b', run),
      a().pivot('b', run),
      a().pivot('b', run, { check: run as never }),
      a().sleep('b', '1s'),
      five().read('b', run).step('a', run, { compensate }),
      five().step('a', run, { compensate }).read('c', run),
    ];
    expect(new Set(charts.map((chart) => of(chart))).size).toBe(charts.length);
  });
  it('knows hand-written charts: guards, actions, delays and initial states', () => {
    const charts = [
      {},
      { initial: 'b' },
      { on: { go: { target: '.b', guard: 'g' } } },
      { on: { go: { target: '.b', guard: { type: 'g', params: { n: 1 } } } } },
      { on: { go: { target: '.b', guard: stateIn('a') } } },
      { on: { go: { target: '.b', actions: ['x', { type: 'y', params: () => ({}) }, () => {}] } } },
      { after: { 500: '.b' } },
      { always: { target: '.b', guard: () => false } },
      { always: { target: '.b', guard: and(['g', 'h']) } },
      { always: { target: '.b', guard: and(['h', 'g']) } },
      { entry: raise({ type: 'x' }) },
      { entry: raise({ type: 'y' }) },
      { entry: raise({ type: 'y' }, { delay: 5 }) },
      { entry: raise({ type: 'y' }, { delay: 6 }) },
      { entry: raise(() => ({ type: 'x' })) },
      { entry: sendTo('w', { type: 'x' }) },
      { entry: sendTo('w', { type: 'y' }) },
      { entry: sendTo('v', { type: 'y' }) },
      { initial: { target: 'a', actions: 'x' } },
    ];
    const prints = charts.map((more) => fingerprint(createMachine({ id: 'm', initial: 'a', states: { a: {}, b: {} }, ...more } as never)));
    expect(new Set(prints).size).toBe(charts.length);
    expect(fingerprint(approvalMachine)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('paths', () => {
  it('leave lanes out', () => {
    expect(statePaths({ running: { flightLane: { flight: { attempting: 'working' } }, hotelLane: 'ended', emptyLane: {} } })).toEqual([
      'running.flight.attempting.working',
      'running.ended',
    ]);
    expect(statePaths({ compensating: { flightLane: { flight: 'attempting' }, hotelLane: 'ended' } })).toEqual([
      'compensating.flight.attempting',
      'compensating.ended',
    ]);
    expect(statePaths({ running: {} })).toEqual(['running']);
    expect(statePaths(null)).toEqual([]);
  });
});

describe('paths of a hand-written machine', () => {
  it('keep every state, whatever its name', () => {
    const wide = { running: { fastLane: 'paying', slowLane: { deep: 'waiting' } } };
    expect(statePaths(wide, 'workflow')).toEqual(['running.fastLane.paying', 'running.slowLane.deep.waiting']);
    // Also where nobody says whose they are, unless they look just like a saga's.
    for (const value of [
      { fastLane: 'paying' },
      { running: { fastLane: 'paying' } },
      { running: { fastLane: 'a', slow: 'b' } },
      { on: { aLane: 'a', bLane: 'b' } },
    ])
      expect(statePaths(value)).toEqual(statePaths(value, 'workflow'));
  });
});

describe('results', () => {
  it('are a view that shows what precedes, and cannot be written', () => {
    const { definition } = five().step('a', run, { compensate }).read('b', run).read('c', run);
    const context = {
      runId: 'r',
      input: 1,
      steps: [
        { status: 'succeeded', attempts: 1, result: 7 },
        { status: 'resolved', attempts: 1, result: 8 },
      ],
      undos: [],
      cause: null,
    } as const;
    const results = resultsOf(definition, context, 2);
    expect({ ...results }).toEqual({ a: 7, b: 8 });
    expect(resultsOf(definition, context, 1).b).toBeUndefined();
    expect('b' in resultsOf(definition, context, 1)).toBe(false);
    expect(Symbol.iterator in results).toBe(false);
    expect((results as Record<symbol, unknown>)[Symbol.iterator]).toBeUndefined();
    expect(Object.getOwnPropertyDescriptor(results, 'nope')).toBeUndefined();
    expect(() => Object.assign(results, { a: 1 })).toThrow(TypeError);
    expect(() => delete (results as Record<string, unknown>).a).toThrow(TypeError);
  });
});

describe('failures', () => {
  const read = () => ({ class: 'hard', effect: 'maybe' }) as const;
  it('say what was thrown, whatever it was', () => {
    expect(asFailure(new TypeError('x', { cause: new Error('y', { cause: 'z' }) }), read)).toMatchObject({
      code: 'TypeError',
      type: 'TypeError',
      message: 'x',
      causes: ['Error: y', 'z'],
    });
    expect(asFailure(Object.assign(new Error('x'), { code: 'ECONNRESET' }), read)).toMatchObject({ code: 'ECONNRESET' });
    expect(asFailure('text', read)).toMatchObject({ code: 'string', message: 'text' });
    expect(asFailure(null, read)).toMatchObject({ message: 'null' });
    expect(asFailure(undefined, read)).toMatchObject({ message: 'undefined' });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(asFailure(circular, read)).toMatchObject({ message: '[object Object]' });
  });
});

describe('codes of the runtime', () => {
  const read = () => ({ class: 'transient', effect: 'maybe' }) as const;
  it('cannot be had by throwing them', () => {
    for (const code of [
      'SC_ATTEMPT_LOST',
      'SC_ATTEMPT_NOT_BEGUN',
      'SC_ATTEMPT_PAUSED',
      'SC_ATTEMPT_BREAKER_OPEN',
      'SC_ATTEMPT_TIMEOUT',
      'SC_ATTEMPT_ABORTED',
    ]) {
      expect(asFailure(Object.assign(new TypeError('x'), { code }), read)).toMatchObject({ code: 'TypeError' });
      expect(asFailure(Object.assign(new Error('x'), { code, name: code }), read)).toMatchObject({ code: 'Error' });
      const data = { code, type: code, message: 'x', class: 'hard', effect: 'none' } as const;
      // The runtime gives them as data; a step that throws such data is not believed.
      expect(asFailure(data, read)).toBe(data);
      expect(thrownFailure(data, read)).toMatchObject({ code: 'object', class: 'transient', effect: 'maybe' });
    }
  });
});

describe('diagrams', () => {
  it('have every state and every transition of the machine', () => {
    const text = mermaid(approval.machine);
    expect(text).toContain('waiting --> recordingApproval: approve');
    expect(text).toContain('triage --> recordingApproval: [small]');
    expect(text).toContain('waiting --> waiting: after reminder');
    expect(text).toContain('recordingApproval --> approved: done');
    expect(text).toContain('recordingApproval --> waiting: error');
    const trip = mermaid(tripBooking.machine);
    expect(trip).toContain('after flight.backoff');
    expect(trip).toContain('[judgedFailure refused]');
    expect(trip.match(/--\n/g)?.length).toBeGreaterThanOrEqual(3);
    expect(mermaid(createMachine({ id: 'x', initial: 'a', states: { a: { on: { go: { target: 'b', guard: () => true } } }, b: {} } } as never))).toContain(
      'a --> b: go [guard]',
    );
  });

  it('fold to one state a step', () => {
    const text = foldedMermaid(tripBooking.definition);
    for (const edge of ['started --> s0', 's0 --> s1', 's1 --> s4', 's4 --> s5', 's5 --> completed', 's0 -. "may have happened" .-> u0', 'u0 --> compensated'])
      expect(text).toContain(edge);
    const chain = foldedMermaid(five().step('a', run, { compensate }).read('b', run).step('c', run, { compensate }).sleep('d', '1s').definition);
    expect(chain).toContain('u2 --> u0');
    expect(chain).not.toContain('u2 --> compensated');
    expect(foldedMermaid(five().read('a', run).definition)).not.toContain('compensated');
  });

  it('become TypeScript that builds the same states again', async () => {
    for (const machine of [tripBooking.machine, approval.machine]) {
      const source = statelySource(machine)
        .replace(/import[^\n]*\n/, '')
        .replace('export const machine =', 'return');
      const again = new Function('setup', 'fromPromise', source)(setup, fromPromise);
      const ids = (m: typeof again) => [...m.idMap.keys()];
      expect(ids(again)).toEqual(ids(machine));
      expect(mermaid(again)).toBe(mermaid(machine));
    }
  });

  it('name what is written inline', () => {
    const machine = createMachine({
      id: 'x',
      initial: 'a',
      states: { a: { entry: [() => {}, { type: 'named', params: { n: 1 } }], on: { 'odd event': 'b' }, tags: [] }, b: {} },
    });
    const source = statelySource(machine);
    expect(source).toContain('"inline"');
    expect(source).toContain('"named"');
    expect(source).toContain('"odd event": "b"');
    expect(source).toContain('tags: []');
  });
});

describe('a workflow', () => {
  const work = fromPromise(async () => 1);
  const make = (config: object, actors: object = { work }): AnyStateMachine =>
    setup({ actors: actors as never }).createMachine({ id: 'w', initial: 'a', states: { a: {} }, ...config } as never) as never;
  const child = createMachine({ id: 'child' });
  const callback = fromCallback(() => {});
  const refused: readonly [what: string, config: object, named: string, actors?: object][] = [
    ['history', { states: { a: {}, h: { type: 'history' } } }, 'state h uses a history state'],
    ['a spawned child', { entry: spawnChild('work') }, '(root) uses spawnChild'],
    ['a child spawned on the way in', { initial: { target: 'a', actions: spawnChild('work') } }, '(root) uses spawnChild'],
    ['an invoke id that every object has', { states: { a: { invoke: { src: 'work', id: 'toLocaleString' } } } }, "the invoke id 'toLocaleString'"],
    ['an actor that every object has', { states: { a: { invoke: { src: 'valueOf', id: 'i' } } } }, "the actor 'valueOf', which has no implementation"],
    ['an action that every object has', { entry: 'valueOf' }, "(root) uses the action 'valueOf', which has no implementation"],
    ['a child machine', { states: { a: { invoke: { src: 'child', id: 'c' } } } }, "the child machine 'child'", { child }],
    ['a callback actor', { states: { a: { invoke: { src: 'callback', id: 'c' } } } }, 'not a promise actor', { callback }],
    ['an inline actor', { states: { a: { invoke: { src: work } } } }, 'an inline actor'],
    ['an action without implementation', { entry: 'nope' }, "(root) uses the action 'nope', which has no implementation"],
    ['a delay without implementation', { states: { a: { after: { soon: 'a' } } } }, "state a uses the delay 'soon', which has no implementation"],
    ['a guard without implementation', { on: { x: { guard: 'nope' } } }, "(root) uses the guard 'nope', which has no implementation"],
    ['one with parameters', { states: { a: { always: { guard: { type: 'nope', params: 1 } } } } }, "state a uses the guard 'nope'"],
    ['one inside others', { on: { x: { guard: and([() => true, not('nope')]) } } }, "(root) uses the guard 'nope'"],
    ['an actor without implementation', { states: { a: { invoke: { src: 'nope' } } } }, "the actor 'nope'"],
    [
      'one invoke id twice',
      { type: 'parallel', states: { a: { invoke: { src: 'work', id: 'same' } }, b: { invoke: { src: 'work', id: 'same' } } } },
      "invoke id 'same'",
    ],
  ];
  for (const [what, config, named, actors] of refused) {
    it(`is refused with ${what}, by name`, () => {
      expect(() => workflow(make(config, actors), { version: 1 })).toThrowError(
        expect.objectContaining({ code: 'SC_WORKFLOW_UNSUPPORTED', message: expect.stringContaining(named) }),
      );
    });
  }
  it('is refused with actions by name that forward to others', () => {
    const machine = setup({ actions: { up: Object.assign(() => {}, { type: 'xstate.sendParent' }) as never } }).createMachine({
      id: 'w',
      initial: 'a',
      states: { a: { on: { go: { actions: [{ type: 'up' }] } }, always: { guard: () => false, actions: 'up' } } },
    });
    expect(() => workflow(machine, { version: 1 })).toThrowError(expect.objectContaining({ code: 'SC_WORKFLOW_UNSUPPORTED' }));
  });
  it('may have actions, guards and delays of any kind', () => {
    const machine = setup({
      actions: { own: () => {}, raised: raise({ type: 'x' }) },
      guards: { yes: () => true, both: and(['yes', stateIn('a')]) },
      delays: { soon: 5 },
    }).createMachine({
      id: 'w',
      initial: 'a',
      entry: ['own', () => {}],
      states: { a: { exit: { type: 'raised' }, after: { soon: { guard: 'both' }, 7: { guard: 'yes' } } } },
    });
    expect(workflow(machine, { version: 1 }).name).toBe('w');
  });
  it('is refused with a bad version, a policy for nobody, or an event of XState', () => {
    expect(() => workflow(make({}), { version: 0 })).toThrowError(expect.objectContaining({ code: 'SC_DEFINITION_OPTION' }));
    expect(() => workflow(make({}), { version: 1, actors: { nobody: {} } })).toThrowError(
      expect.objectContaining({ code: 'SC_DEFINITION_OPTION', message: expect.stringContaining("'nobody'") }),
    );
    expect(() => workflow(make({ states: { a: { invoke: { src: 'work', id: 'i' } } } }), { version: 1, actors: { nobody: {} } })).toThrowError(
      expect.objectContaining({ next: 'The chart invokes: work.' }),
    );
    expect(() => workflow(make({}), { version: 1, events: { 'xstate.done.actor.x': z.object({}) } })).toThrowError(
      expect.objectContaining({ code: 'SC_WORKFLOW_UNSUPPORTED' }),
    );
    expect(() => workflow(make({}), { version: 1, events: { '*': z.object({}) } })).toThrowError(expect.objectContaining({ code: 'SC_WORKFLOW_UNSUPPORTED' }));
  });
  it('stops an endless loop, which XState would not', () => {
    const looping = workflow(make({ states: { a: { always: 'b' }, b: { always: 'a' } } }), { version: 1 });
    expect(looping.machine.options.maxIterations).toBe(10_000);
    const bounded = make({ options: { maxIterations: 7 } });
    expect(workflow(bounded, { version: 1 }).machine.options.maxIterations).toBe(7);
  });
  it('runs under plain createActor too', async () => {
    const actor = createActor(approvalMachine, { input: { title: 'Pens', cents: 100 } });
    const done = new Promise<unknown>((resolve) => actor.subscribe({ complete: () => resolve(actor.getSnapshot().output) }));
    actor.start();
    expect(await done).toEqual({ decision: 'approved', receipt: 'approved:Pens' });
  });
});
