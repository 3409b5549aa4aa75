import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, memory, saga, sagachartClient } from '../../src/index.ts';
import type { RunUpdate } from '../../src/runtime/updates.ts';
import type { Batch } from '../../src/stores/store.ts';
import { Gate, World } from './harness.ts';

const gate = new Gate<number>();
const s = saga('told', { version: 1, input: z.any(), signals: { go: z.number() } })
  .read('a', () => 1)
  .step('b', gate.run, { compensate: () => {}, timeout: '1d' })
  .waitFor('go');

let w: World;
afterEach(async () => await w.close());

/** All that is told until the end. */
async function collected(updates: AsyncIterable<RunUpdate>): Promise<readonly RunUpdate[]> {
  const all: RunUpdate[] = [];
  for await (const update of updates) all.push(update);
  return all;
}

/** Whoever watches: an engine's own handle, or a process beside it. */
const sides = {
  engine: async (id: string) => w.engine.run(id),
  client: async (id: string) => (await sagachartClient({ store: w.store, clock: w.clock, sagas: [s] })).run(id),
} as const;

describe.for(Object.entries(sides))('updates, on the handle of the %s,', ([side, watch]) => {
  const open = async (...sagas: Parameters<World['open']>[0]) => {
    w = new World();
    await w.open(sagas.length > 0 ? sagas : [s], { pollEvery: 20 });
    return w.engine;
  };

  it('are the present state first, then whatever it has changed to, and the end last', async () => {
    const engine = await open();
    const run = await engine.start(s, null, { id: 'r' });
    await w.clock.settle();
    const all = collected((await watch('r')).updates());
    await w.clock.advance(100);
    gate.last.resolve(7);
    await w.clock.advance(100);
    await run.pause();
    await w.clock.advance(100);
    await run.resume();
    await w.clock.advance(100);
    await run.signal('go', 1);
    await w.clock.advance(100);
    const told = await all;
    const flags = { attention: false, paused: false, degraded: false, progress: {} };
    expect(told).toEqual([
      { seq: 2, at: expect.any(Number), status: 'running', states: ['running.b.attempting.working'], ...flags },
      { seq: 3, at: expect.any(Number), status: 'sleeping', states: ['running.go.awaiting'], ...flags },
      { seq: 4, at: expect.any(Number), status: 'running', states: ['running.go.awaiting'], ...flags, paused: true },
      { seq: 5, at: expect.any(Number), status: 'sleeping', states: ['running.go.awaiting'], ...flags },
      { seq: 6, at: expect.any(Number), status: 'completed', states: ['completed'], ...flags },
    ]);
    const [first, ...later] = told.map(({ at }) => at);
    expect(later).toEqual([100, 200, 300, 400].map((ms) => (first as number) + ms));
  });

  it('of a run that has ended are its end alone', async () => {
    const engine = await open(saga('told', { version: 1, input: z.any() }).read('a', () => 1));
    await (await engine.start('told', null, { id: 'r' })).outcome();
    expect(await collected((await watch('r')).updates())).toMatchObject([{ seq: 2, status: 'completed', states: ['completed'] }]);
  });

  it('are the newest alone for a reader that is slow: nothing is kept for it but that', async () => {
    const engine = await open();
    const run = await engine.start(s, null, { id: 'r' });
    await w.clock.settle();
    const updates = (await watch('r')).updates();
    expect(await updates.next()).toMatchObject({ value: { seq: 2 } });
    gate.last.resolve(7);
    await w.clock.advance(100);
    for (let i = 0; i < 10; i++) {
      await run.pause();
      await run.resume();
    }
    expect(await updates.next()).toMatchObject({ value: { seq: 23 }, done: false });
    await run.signal('go', 1);
    await w.clock.advance(100);
    expect(await updates.next()).toMatchObject({ value: { seq: 24, status: 'completed' }, done: false });
    expect(await updates.next()).toEqual({ value: undefined, done: true });
  });

  it('hold what attempts say of how far they have come, and how far a map has', async () => {
    const items = new Gate<number>();
    const told = saga('told', { version: 1, input: z.any() })
      .read(
        'load',
        async (context) => {
          context.heartbeat({ rows: 10 });
          await w.clock.settle();
          return await gate.run(context);
        },
        { timeout: '1d', heartbeat: '1d' },
      )
      .mapRead(
        'each',
        () => [1, 2],
        (context) => items.run(context),
        { concurrency: 1, timeout: '1d' },
      );
    const engine = await open(told);
    await engine.start(told, null, { id: 'r' });
    await w.clock.advance(10);
    const all = collected((await watch('r')).updates());
    await w.clock.advance(100);
    gate.last.resolve(1);
    await w.clock.advance(100);
    items.last.resolve(1);
    await w.clock.advance(100);
    items.last.resolve(1);
    await w.clock.advance(100);
    expect((await all).map(({ progress }) => progress)).toEqual([
      { load: { rows: 10 } },
      { each: { total: 2, done: 0, stuck: 0 } },
      { each: { total: 2, done: 1, stuck: 0 } },
      {},
    ]);
  });

  it('say when it needs a person, and when it goes on degraded', async () => {
    const told = saga('told', { version: 1, input: z.any() })
      .read(
        'extra',
        (): number => {
          throw new HardError('no');
        },
        { optional: true },
      )
      .pivot('p', () => 1)
      .read('stuck', (): number => {
        throw new HardError('no');
      });
    const engine = await open(told);
    const run = await engine.start(told, null, { id: 'r' });
    await run.until('attention');
    const all = collected((await watch('r')).updates());
    await w.clock.advance(100);
    await run.skip('stuck', { reason: 'enough' });
    await w.clock.advance(100);
    expect(await all).toMatchObject([
      { attention: true, degraded: true, states: ['running.stuck.attention'] },
      { attention: false, degraded: true, status: 'completed' },
    ]);
  });

  it('are of one life: the next one of the same id is another run', async () => {
    const quick = saga('told', { version: 1, input: z.any() }).read('a', gate.run, { timeout: '1d' });
    const engine = await open(quick);
    await engine.start(quick, null, { id: 'r' });
    await w.clock.settle();
    const updates = (await watch('r')).updates();
    expect(await updates.next()).toMatchObject({ value: { seq: 1, status: 'running' } });
    gate.last.resolve(1);
    await engine.run('r').outcome();
    await engine.restart('r');
    await w.clock.advance(100);
    expect(await updates.next()).toMatchObject({ value: { seq: 2, status: 'completed' } });
    expect(await updates.next()).toEqual({ value: undefined, done: true });
    expect(await (await watch('r')).updates().next()).toMatchObject({ value: { seq: 1, status: 'running' } });
  });

  it('end for whoever leaves the loop, calls return, or aborts: nobody is left waiting', async () => {
    const engine = await open();
    await engine.start(s, null, { id: 'r' });
    await w.clock.settle();
    const before = { watchers: engine.load().watchers, alarms: w.clock.alarms };
    const now = () => ({ watchers: engine.load().watchers, alarms: w.clock.alarms });
    const run = await watch('r');
    for await (const update of run.updates()) {
      expect(update.seq).toBe(2);
      break;
    }
    expect(now()).toEqual(before);

    const returned = run.updates();
    await returned.next();
    const waiting = returned.next();
    await w.clock.settle();
    if (side === 'engine') expect(now().watchers).toBe(before.watchers + 1);
    expect(await returned.return()).toEqual({ value: undefined, done: true });
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await returned.next()).toEqual({ value: undefined, done: true });
    expect(now()).toEqual(before);

    const aborting = new AbortController();
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { seq } of run.updates({ signal: aborting.signal })) seen.push(seq);
    })();
    loop.catch(() => undefined);
    await w.clock.settle();
    aborting.abort(new Error('enough'));
    await expect(loop).rejects.toThrow('enough');
    expect(seen).toEqual([2]);
    expect(now()).toEqual(before);

    {
      await using disposed = run.updates();
      await disposed.next();
    }
    expect(now()).toEqual(before);
  });

  it('that were aborted before they began, or between two of them, tell the reason once and are over', async () => {
    const engine = await open();
    await engine.start(s, null, { id: 'r' });
    const run = await watch('r');
    const never = run.updates({ signal: AbortSignal.abort(new Error('never')) });
    await expect(never.next()).rejects.toThrow('never');
    expect(await never.next()).toEqual({ value: undefined, done: true });
    const aborting = new AbortController();
    const some = run.updates({ signal: aborting.signal });
    await some.next();
    aborting.abort(new Error('enough'));
    expect(engine.load().watchers).toBe(0);
    await expect(some.next()).rejects.toThrow('enough');
    expect(await some.next()).toEqual({ value: undefined, done: true });
  });

  it('are asked for one after the other, however many ask at once', async () => {
    const engine = await open();
    await engine.start(s, null, { id: 'r' });
    await w.clock.settle();
    const updates = (await watch('r')).updates();
    const both = Promise.all([updates.next(), updates.next()]);
    await w.clock.advance(100);
    gate.last.resolve(7);
    await w.clock.advance(100);
    expect(await both).toMatchObject([{ value: { seq: 2 } }, { value: { seq: 3 } }]);
    await updates.return();
  });

  it('of a run that is not there, or was purged, are an error', async () => {
    const engine = await open(saga('told', { version: 1, input: z.any() }).read('a', () => 1));
    await expect((await watch('nope')).updates().next()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await (await engine.start('told', null, { id: 'r' })).outcome();
    await engine.purge('r');
    await expect((await watch('r')).updates().next()).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
    expect(engine.load().watchers).toBe(0);
  });
});

describe('updates of an engine', () => {
  it('cost a run that nobody watches nothing, and are told of no happening', async () => {
    w = new World();
    const engine = await w.open([s]);
    expect(engine.load().watchers).toBe(0);
    await engine.start(s, null, { id: 'r' });
    const updates = engine.run('r').updates();
    // It begins with the first `next`.
    expect(engine.load().watchers).toBe(0);
    await updates.next();
    expect(engine.load().watchers).toBe(1);
    await updates.return();
  });

  it('neither go back nor come twice, where the store is ahead of what is told of it, or behind', async () => {
    const held = { load: [] as (() => void)[], commit: [] as (() => void)[], hold: new Set<string>() };
    w = new World((clock) => {
      const store = memory({ clock });
      const answer = async <T>(name: 'load' | 'commit', given: Promise<T>): Promise<T> => {
        const value = await given;
        if (held.hold.has(name)) await new Promise<void>((resolve) => held[name].push(resolve));
        return value;
      };
      return new Proxy(store, {
        get: (target, name) => {
          if (name === 'load') return (run: number) => answer('load', target.load(run));
          if (name === 'commit') return (batch: Batch) => answer('commit', target.commit(batch));
          const member: unknown = Reflect.get(target, name);
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
    });
    const release = async (name: 'load' | 'commit'): Promise<void> => {
      held.hold.delete(name);
      for (const go of held[name].splice(0)) go();
      await w.clock.settle();
    };
    const three = saga('three', { version: 1, input: z.any() })
      .read('a', gate.run, { timeout: '1d' })
      .read('b', gate.run, { timeout: '1d' })
      .read('c', gate.run, { timeout: '1d' });
    const engine = await w.open([three]);
    await engine.start(three, null, { id: 'r' });
    await w.clock.settle();

    held.hold.add('load');
    const behind = engine.run('r').updates();
    const first = behind.next();
    await w.clock.settle();
    gate.last.resolve(1);
    await w.clock.settle();
    // It was read before that commit.
    await release('load');
    expect(await first).toMatchObject({ value: { seq: 2, states: ['running.b.attempting.working'] } });

    held.hold.add('commit');
    gate.last.resolve(2);
    await w.clock.settle();
    const ahead = engine.run('r').updates();
    // It was read before anybody is told of that commit.
    expect(await ahead.next()).toMatchObject({ value: { seq: 3 } });
    const next = ahead.next();
    await release('commit');
    gate.last.resolve(3);
    expect(await next).toMatchObject({ value: { seq: 4, status: 'completed' } });
    expect(await behind.next()).toMatchObject({ value: { seq: 4 } });
  });

  it('go on over runs that leave memory and come back', async () => {
    w = new World();
    const slow = saga('slow', { version: 1, input: z.any() })
      .sleep('1h')
      .read('a', () => 1);
    const engine = await w.open([slow]);
    await engine.start(slow, null, { id: 'r' });
    const all = collected(engine.run('r').updates());
    await w.clock.advance(60_000);
    expect(engine.load().runs).toBe(0);
    await w.clock.advance(3_600_000);
    const told = await all;
    expect(told[0]).toMatchObject({ status: 'sleeping' });
    expect(told.at(-1)).toMatchObject({ status: 'completed' });
    expect(engine.load().watchers).toBe(0);
  });

  it('are an error where the run is blocked, and where the engine is closed', async () => {
    w = new World();
    const first = await w.open([s]);
    await first.start(s, null, { id: 'r' });
    const updates = first.run('r').updates();
    await updates.next();
    const all = collected(updates);
    all.catch(() => undefined);
    await w.close();
    await expect(all).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    expect(await updates.next()).toEqual({ value: undefined, done: true });
    await expect(first.run('r').updates().next()).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    const engine = await w.open([saga('told', { version: 2, input: z.any() }).read('a', () => 1)]);
    await expect(engine.run('r').updates().next()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
    expect(engine.load().watchers).toBe(0);
  });
});

describe('updates of a client', () => {
  it('are waited for from the start on, an executor or none', async () => {
    w = new World();
    const client = await sagachartClient({ store: w.store, clock: w.clock, sagas: [s] });
    const run = await client.start(s, null, { id: 'r' });
    const updates = run.updates();
    const first = updates.next();
    await w.clock.advance(60_000);
    await w.open([s], { pollEvery: 20 });
    await w.clock.advance(100);
    expect(await first).toMatchObject({ value: { states: ['running.b.attempting.working'] } });
    const pending = updates.next();
    pending.catch(() => undefined);
    await w.clock.advance(100);
    const { alarms } = w.clock;
    await client.close();
    await expect(pending).rejects.toMatchObject({ code: 'SC_CLIENT_CLOSED' });
    expect(await updates.next()).toEqual({ value: undefined, done: true });
    expect(w.clock.alarms).toBe(alarms - 1);
  });

  it('tell the end of a life that a next one has followed, and say so where it was purged', async () => {
    w = new World();
    const quick = saga('told', { version: 1, input: z.any() }).read('a', gate.run, { timeout: '1d' });
    const engine = await w.open([quick], { pollEvery: 20 });
    const client = await sagachartClient({ store: w.store, clock: w.clock });
    await engine.start(quick, null, { id: 'r' });
    await w.clock.settle();
    const updates = client.run('r').updates();
    await updates.next();
    gate.last.resolve(1);
    await engine.run('r').outcome();
    await engine.purge('r');
    await engine.restart('r', { input: null });
    await expect(updates.next()).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
  });
});
