import { afterEach, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { programOf } from '../../src/definitions.ts';
import { HardError, saga, sagachartClient, workflow } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

let w: World;
afterEach(async () => await w.close());

const gate = new Gate<number>();
const begun = saga('batch', { version: 1, input: z.object({ size: z.number() }), signals: { go: z.number() } })
  .read('first', ({ input }) => ({ list: [input.size] }))
  .step('second', gate.run, { compensate: () => {}, timeout: '1d' })
  .waitFor('go')
  .output(({ results }) => results.go);
const batch = begun.queries({
  position: ({ input, results, states, status }) => ({ of: input.size, done: Object.keys(results), second: results.second ?? null, states, status }),
  bad: ({ results }) => results.first?.list.map((n) => (n as unknown as { deep: { er: number } }).deep.er),
  vandal: ({ results, input }) => {
    results.first?.list.push(99);
    (input as { size: number }).size = 99;
    return results.first?.list.length;
  },
});

describe('a query', () => {
  it('answers from what the run knows now: running, sleeping and ended', async () => {
    w = new World();
    const run = await (await w.open([batch])).start(batch, { size: 3 }, { id: 'r' });
    await w.clock.settle();
    expect(await run.query('position')).toEqual({ of: 3, done: ['first'], second: null, states: ['running.second.attempting.working'], status: 'running' });
    gate.last.resolve(7);
    await w.clock.settle();
    expect(await run.query('position')).toEqual({ of: 3, done: ['first', 'second'], second: 7, states: ['running.go.awaiting'], status: 'sleeping' });
    const { seq } = await run.signal('go', 1);
    expect(await run.query('position', { after: seq })).toMatchObject({ done: ['first', 'second', 'go'], states: ['completed'], status: 'completed' });
  });

  it('waits for the commit that its reader has heard of', async () => {
    w = new World();
    const run = await (await w.open([batch])).start(batch, { size: 3 }, { id: 'r' });
    const asked = run.query('position', { after: 3 });
    gate.last.resolve(7);
    expect(await asked).toMatchObject({ second: 7 });
  });

  it('changes nothing, whatever it does to what it is given', async () => {
    w = new World();
    const run = await (await w.open([batch])).start(batch, { size: 3 }, { id: 'r' });
    await w.clock.settle();
    const before = await w.store.revision();
    expect(await run.query('vandal')).toBe(2);
    expect(await run.query('vandal')).toBe(2);
    expect(await run.query('position')).toMatchObject({ of: 3 });
    expect(await w.store.revision()).toBe(before);
    expect((await run.status()).seq).toBe(2);
  });

  it('that is not declared is an error that lists those that are', async () => {
    w = new World();
    const engine = await w.open([batch, saga('plain', { version: 1, input: z.any() }).read('a', () => 1)]);
    await engine.start(batch, { size: 3 }, { id: 'r' });
    await engine.start('plain', null, { id: 'p' });
    const error = { code: 'SC_QUERY_UNKNOWN', next: 'Declared are: position, bad, vandal.', details: { run: 'r', query: 'positron' } };
    await expect(engine.run('r').query('positron')).rejects.toMatchObject(error);
    await expect(engine.run('r').query('constructor')).rejects.toMatchObject({ code: 'SC_QUERY_UNKNOWN' });
    await expect(engine.run('p').query('position')).rejects.toMatchObject({ code: 'SC_QUERY_UNKNOWN', next: expect.stringContaining('declares no queries') });
    await expect(engine.run('nope').query('position')).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });

  it('that throws, or gives a promise, is an error with its cause and the run', async () => {
    w = new World();
    const late = saga('late', { version: 1, input: z.any() })
      .read('a', () => 1)
      .queries({ late: (() => Promise.reject(new Error('too late'))) as unknown as () => number });
    const engine = await w.open([batch, late]);
    await engine.start(batch, { size: 3 }, { id: 'r' });
    await engine.start(late, null, { id: 'l' });
    await w.clock.settle();
    const failed = await engine
      .run('r')
      .query('bad')
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'SC_QUERY_FAILED', retryable: false, details: { run: 'r', query: 'bad' }, cause: expect.any(TypeError) });
    await expect(engine.run('l').query('late')).rejects.toMatchObject({ code: 'SC_QUERY_FAILED', message: expect.stringContaining('a query answers at once') });
  });

  it('does not answer for a run that is blocked, and says why', async () => {
    w = new World();
    await (await w.open([batch])).start(batch, { size: 3 }, { id: 'r' });
    await w.close();
    const engine = await w.open([saga('batch', { version: 2, input: z.any() }).read('a', () => 1)]);
    await expect(engine.run('r').query('position')).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
  });

  it('of a run that was undone no longer has the results that are gone', async () => {
    w = new World();
    const s = saga('gone', { version: 1, input: z.any() })
      .step('a', () => 1, { compensate: () => {} })
      .read('b', (): number => {
        throw new HardError('no');
      })
      .queries({ a: ({ results }) => results.a ?? 'none', where: ({ states }) => states });
    const run = await (await w.open([s])).start(s, null, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(await run.query('where')).toEqual(['compensated']);
  });

  it('changes neither the chart nor its fingerprint: runs go on, and the newest queries answer', async () => {
    expect(programOf(batch).fingerprint).toBe(programOf(begun).fingerprint);
    w = new World();
    await (await w.open([begun])).start(begun, { size: 3 }, { id: 'r' });
    await w.close();
    const engine = await w.open([batch]);
    expect(await engine.run('r').query('position')).toMatchObject({ of: 3 });
  });
});

describe('the progress that a query sees', () => {
  it('is what attempts said last, also between two of them, and that of a map is how many items are done', async () => {
    w = new World();
    const items = new Gate<number>();
    const told = saga('told', { version: 1, input: z.any() })
      .read(
        'load',
        async ({ attempt, heartbeat }) => {
          heartbeat({ rows: attempt * 10 });
          if (attempt === 1) throw new Error('reset');
          return await gate.run({ attempt, signal: new AbortController().signal });
        },
        { retry: { attempts: 3, from: '1m', to: '1m', jitter: 'none' }, timeout: '1d' },
      )
      .mapRead(
        'each',
        () => [1, 2, 3],
        (context) => items.run(context),
        { concurrency: 2, timeout: '1d' },
      )
      .queries({ progress: ({ progress }) => ({ ...progress }), load: ({ progress }) => progress.load });
    const run = await (await w.open([told])).start(told, null, { id: 'r' });
    await w.clock.settle();
    expect(await run.query('load')).toEqual({ rows: 10 });
    await w.clock.advance(60_000);
    expect(await run.query('load')).toEqual({ rows: 20 });
    gate.last.resolve(1);
    await w.clock.advance(10);
    items.last.resolve(1);
    await w.clock.advance(10);
    expect(await run.query('progress')).toEqual({ each: { total: 3, done: 1, stuck: 0 } });
  });
});

describe('a query of a workflow', () => {
  const counter = setup({ types: { context: {} as { readonly n: number } } }).createMachine({
    id: 'counter',
    context: { n: 0 },
    initial: 'up',
    states: { up: { on: { more: { actions: assign(({ context }) => ({ n: context.n + 1 })) }, stop: 'down' } }, down: {} },
  });
  const counting = workflow(counter, {
    version: 1,
    events: { more: z.any(), stop: z.any() },
    queries: { count: ({ context, value, states, status }) => ({ n: context.n, value, states, status }) },
  });

  it('is given its context and where it stands', async () => {
    w = new World();
    const run = await (await w.open([counting])).start(counting, undefined, { id: 'r' });
    expect(await run.query('count')).toEqual({ n: 0, value: 'up', states: ['up'], status: 'sleeping' });
    await run.signal('more', {});
    const { seq } = await run.signal('stop', {});
    expect(await run.query('count', { after: seq })).toMatchObject({ n: 1, value: 'down' });
  });

  it('cannot be answered before the machine has begun', async () => {
    w = new World();
    const engine = await w.open([counting, batch], { limits: { runs: 1 } });
    await engine.start(batch, { size: 1 }, { id: 'first' });
    const run = await engine.start(counting, undefined, { id: 'r' });
    await w.clock.settle();
    expect((await run.status()).status).toBe('queued');
    await expect(run.query('count')).rejects.toMatchObject({ code: 'SC_QUERY_FAILED', retryable: true });
  });
});

describe('a query of a saga that is queued', () => {
  it('knows what it was started with', async () => {
    w = new World();
    const engine = await w.open([batch], { limits: { runs: 1 } });
    await engine.start(batch, { size: 1 }, { id: 'first' });
    const run = await engine.start(batch, { size: 2 }, { id: 'r' });
    await w.clock.settle();
    expect(await run.query('position')).toEqual({ of: 2, done: [], second: null, states: [], status: 'queued' });
  });
});

describe('a query by a client', () => {
  it('is worked out by the definitions that it was given, beside an executor or without one', async () => {
    w = new World();
    await (await w.open([begun], { pollEvery: 20 })).start(begun, { size: 3 }, { id: 'r' });
    await w.clock.settle();
    const client = await sagachartClient({ store: w.store, clock: w.clock, sagas: [batch] });
    const bare = await sagachartClient({ store: w.store, clock: w.clock });
    const run = client.run('r');
    const asked = run.query('position', { after: 3 });
    gate.last.resolve(7);
    await w.clock.advance(200);
    expect(await asked).toMatchObject({ second: 7 });
    await expect(run.query('positron')).rejects.toMatchObject({ code: 'SC_QUERY_UNKNOWN' });
    await expect(bare.run('r').query('position')).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
    await expect(client.run('nope').query('position')).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });
});
