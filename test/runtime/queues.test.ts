import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import type { QueueOptions } from '../../src/runtime/queue.ts';
import { Lines } from '../observe/lines.ts';
import { Gate, World } from './harness.ts';

const noop = async () => 1;
let w: World;
afterEach(async () => await w.close());

const gated = (gate: Gate) =>
  saga('gated', { version: 1, input: z.number() })
    .step('a', gate.run, { compensate: noop })
    .output(({ input }) => input);
const begun = (gate: Gate): readonly string[] => gate.calls.map(({ key }) => key.split('/')[1] ?? '');

async function world(queues: readonly QueueOptions[], limits: object = {}) {
  w = new World();
  const gate = new Gate();
  const s = gated(gate);
  const engine = await w.open([s], { queues, limits });
  const start = async (id: string, options: object = {}) => {
    const run = await engine.start(s, 1, { id, queue: 'q', ...options });
    await w.clock.settle();
    return run;
  };
  /** Ends the run that has begun under this id. */
  const end = async (id: string): Promise<void> => {
    gate.calls.find(({ key }) => key.split('/')[1] === id)?.resolve(1);
    await w.clock.settle();
  };
  return { gate, s, engine, start, end, begun: () => begun(gate) };
}

describe('a queue', () => {
  it('lets as many begin as its concurrency says, and the next when one has ended', async () => {
    const q = await world([{ name: 'q', concurrency: 2 }]);
    for (let n = 1; n <= 4; n++) await q.start(`r${n}`);
    expect(q.begun()).toEqual(['r1', 'r2']);
    expect(await w.store.find('r3')).toMatchObject({ status: 'queued', due: null, place: { queue: 'q', key: '', priority: 0, stage: 'waiting' } });
    expect(q.engine.load().runs).toBe(2);
    await q.end('r2');
    expect(q.begun()).toEqual(['r1', 'r2', 'r3']);
    expect(await w.store.begun('q')).toBe(2);
    await q.end('r1');
    await q.end('r3');
    await q.end('r4');
    expect(await w.store.count()).toEqual({ completed: 4 });
    expect(await w.store.queues()).toEqual([]);
  });

  it('lets many that were started at once begin in the order of their starts', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.engine.startMany([1, 2, 3, 4].map((n) => ({ saga: q.s, input: n, id: `r${n}`, queue: 'q' })));
    for (let n = 1; n <= 4; n++) {
      await w.clock.settle();
      q.gate.last.resolve(1);
    }
    await w.clock.settle();
    expect(q.begun()).toEqual(['r1', 'r2', 'r3', 'r4']);
  });

  it('goes on with those that wait after a restart, and counts those that had begun', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    for (const id of ['r1', 'r2']) await q.start(id);
    const closing = q.engine.close();
    q.gate.last.reject(new Error('reset'));
    await closing;
    await w.open([q.s], { queues: [{ name: 'q', concurrency: 1 }] });
    await w.clock.advance(1_000);
    expect(q.begun()).toEqual(['r1', 'r1']);
    q.gate.last.resolve(1);
    await w.clock.advance(1);
    expect(q.begun()).toEqual(['r1', 'r1', 'r2']);
    q.gate.last.resolve(1);
    await w.clock.settle();
  });

  it('serves keys in turn, however many wait under one, and of a key the higher priority first', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.start('first');
    for (let n = 1; n <= 5; n++) await q.start(`big${n}`, { key: 'big' });
    await q.start('big-urgent', { key: 'big', priority: 3 });
    await q.start('small', { key: 'small' });
    for (const id of ['first', 'big-urgent', 'small', 'big1', 'big2']) await q.end(id);
    expect(q.begun()).toEqual(['first', 'big-urgent', 'small', 'big1', 'big2', 'big3']);
    for (const id of ['big3', 'big4', 'big5']) await q.end(id);
  });

  it('makes one that came late under a key of its own wait for no more than one of a crowd', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.engine.startMany(Array.from({ length: 300 }, (_, n) => ({ saga: q.s, input: 1, id: `big${n}`, queue: 'q', key: 'big' })));
    await w.clock.settle();
    await q.start('small', { key: 'small' });
    await q.end('big0');
    expect(q.begun()).toEqual(['big0', 'small']);
    expect(await q.engine.queues()).toEqual([{ queue: 'q', waiting: 299, begun: 1 }]);
    await q.end('small');
    q.gate.last.resolve(1);
    await w.engine.close();
    await w.open([q.s]);
  });

  it('bounds each key by itself, and goes on with the others', async () => {
    const q = await world([{ name: 'q', perKey: 1 }]);
    for (const id of ['a1', 'a2', 'b1', 'b2']) await q.start(id, { key: id[0] });
    expect(q.begun()).toEqual(['a1', 'b1']);
    await q.end('b1');
    expect(q.begun()).toEqual(['a1', 'b1', 'b2']);
    for (const id of ['a1', 'b2', 'a2']) await q.end(id);
    expect(await w.store.count()).toEqual({ completed: 4 });
  });

  it('begins no more in a time than its rate says, with a timer for the next', async () => {
    const q = await world([{ name: 'q', rate: { limit: 2, per: '1s' } }]);
    for (let n = 1; n <= 5; n++) await q.start(`r${n}`);
    expect(q.begun()).toEqual(['r1', 'r2']);
    await w.clock.advance(499);
    expect(q.begun().length).toBe(2);
    await w.clock.advance(1);
    expect(q.begun()).toEqual(['r1', 'r2', 'r3']);
    await w.clock.advance(1_000);
    expect(q.begun()).toEqual(['r1', 'r2', 'r3', 'r4', 'r5']);
    for (let n = 1; n <= 5; n++) await q.end(`r${n}`);
  });
});

describe('a queue and the rest', () => {
  it('counts only the runs in memory of one process for perWorker', async () => {
    w = new World();
    const nap = saga('nap', { version: 1, input: z.number() }).sleep('long', '1h').read('a', noop);
    const engine = await w.open([nap], {
      queues: [
        { name: 'q', perWorker: 1 },
        { name: 'held', concurrency: 1 },
      ],
    });
    for (const id of ['r1', 'r2']) await engine.start(nap, 1, { id, queue: 'q' });
    for (const id of ['h1', 'h2']) await engine.start(nap, 1, { id, queue: 'held' });
    await w.clock.settle();
    // One that sleeps is in no memory; of a queue it keeps its place.
    const statuses = Object.fromEntries((await engine.list()).map(({ id, status }) => [id, status]));
    expect(statuses).toEqual({ r1: 'sleeping', r2: 'sleeping', h1: 'sleeping', h2: 'queued' });
    await w.clock.advance(2 * 3_600_000 + 1);
    expect(await w.store.count()).toEqual({ completed: 4 });
  });

  it('cancels, terminates and pauses what waits, and nothing of it has run', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.start('r1');
    const [r2, r3, r4] = [await q.start('r2'), await q.start('r3'), await q.start('r4')];
    await r2.cancel({ by: 'Ann' });
    expect(await r2.outcome()).toMatchObject({ status: 'canceled', by: 'Ann' });
    await r3.terminate();
    expect(await r3.outcome()).toMatchObject({ status: 'terminated' });
    await r4.pause();
    await q.start('r5');
    await q.end('r1');
    expect(q.begun()).toEqual(['r1', 'r5']);
    await r4.resume();
    await q.end('r5');
    expect(q.begun()).toEqual(['r1', 'r5', 'r4']);
    await q.end('r4');
    expect(await w.store.count()).toEqual({ canceled: 1, terminated: 1, completed: 3 });
  });

  it('keeps a signal that comes before its run has begun', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('waits', { version: 1, input: z.number(), signals: { go: z.number() } })
      .step('a', gate.run, { compensate: noop })
      .waitFor('go')
      .output(({ results }) => results.go);
    const engine = await w.open([s], { queues: [{ name: 'q', concurrency: 1 }] });
    const [r1, r2] = [await engine.start(s, 1, { id: 'r1', queue: 'q' }), await engine.start(s, 2, { id: 'r2', queue: 'q' })];
    await w.clock.settle();
    for (const id of ['once', 'once']) await r2.signal('go', 7, { id });
    expect(gate.calls.length).toBe(1);
    await expect(r2.retry('a')).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    gate.last.resolve(1);
    await r1.signal('go', 1);
    await w.clock.settle();
    gate.last.resolve(1);
    expect(await r2.outcome()).toMatchObject({ status: 'completed', output: 7 });
    await r1.outcome();
  });

  it('refuses a queue that the engine does not have, and what makes no sense', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await expect(q.start('r', { queue: 'mail' })).rejects.toMatchObject({ code: 'SC_UNKNOWN_QUEUE', message: 'there is no queue "mail"' });
    const wrong: readonly (readonly [object, string])[] = [
      [{ queue: '' }, 'queue is "", but must be text of 1 to 200 characters'],
      [{ queue: undefined, key: 'a' }, 'key is "a", but must be given with the queue that it is for'],
      [{ priority: 1.5 }, 'priority is 1.5, but must be a whole number'],
      [{ delay: 0 }, 'delay is 0, but must be 1 ms or more'],
      [{ delay: 'soon' }, 'start: delay is "soon", which is not a duration'],
      [{ singleton: 7 }, 'singleton is 7, but must be text of 1 to 200 characters'],
      [{ debounce: { key: 'a', for: '1s' } }, 'id is "r", but must be left out with debounce'],
    ];
    for (const [options, message] of wrong) await expect(q.start('r', options)).rejects.toMatchObject({ message: expect.stringContaining(message) });
    const bad: readonly (readonly [unknown, string])[] = [
      ['q', 'queues is "q", but must be a list'],
      [[{ name: '' }], 'queues[0].name is "", but must be text of 1 to 200 characters'],
      [[{ name: 'a', concurrency: 0 }], 'queue a: concurrency is 0, but must be a whole number from 1'],
      [[{ name: 'a', keys: 1 }], 'queue a: keys is "keys", but must be one of name, concurrency, perWorker, perKey, rate'],
      [[{ name: 'a', rate: { limit: 1, per: 0 } }], 'queue a: rate.per is 0, but must be 1 ms or more'],
      [[{ name: 'a', rate: { limit: 0, per: '1s' } }], 'queue a: rate.limit is 0, but must be a whole number from 1'],
      [[{ name: 'a' }, { name: 'a' }], 'queues is "a", but must be the name of one queue only'],
    ];
    for (const [queues, message] of bad)
      await expect(new World().open([q.s], { queues: queues as never })).rejects.toMatchObject({
        code: 'SC_OPTION',
        message: expect.stringContaining(message),
      });
  });

  it('leaves what waits in a queue that a deploy has taken away, and says so', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    for (const id of ['r1', 'r2']) await q.start(id);
    const closing = q.engine.close();
    q.gate.last.resolve(1);
    await closing;
    const lines = new Lines();
    await w.open([q.s], { queues: [], log: { level: 'warn', to: lines } });
    await w.clock.advance(60_000);
    expect(lines.of('runs wait in a queue that this engine does not have')).toMatchObject([{ queue: 'q', waiting: 1 }]);
    expect(await w.store.count()).toEqual({ completed: 1, queued: 1 });
    await w.close();
    await w.open([q.s], { queues: [{ name: 'q' }] });
    await w.clock.settle();
    await q.end('r2');
    expect(await w.store.count()).toEqual({ completed: 2 });
  });

  it('shares the last room in memory with runs that are in no queue', async () => {
    const q = await world([{ name: 'q' }], { runs: 1 });
    await q.start('r0');
    for (let n = 1; n <= 3; n++) await q.start(`q${n}`);
    for (let n = 1; n <= 3; n++) await q.start(`p${n}`, { queue: undefined });
    for (let n = 0; n < 7; n++) {
      await w.clock.advance(1);
      q.gate.last.resolve(1);
    }
    await w.clock.advance(1);
    expect(
      q
        .begun()
        .map((id) => id[0])
        .slice(1, 5)
        .sort(),
    ).toEqual(['p', 'p', 'q', 'q']);
    expect(await w.store.count()).toEqual({ completed: 7 });
  });
});

describe('a start for later', () => {
  it('begins when its delay has passed, out of memory until then, also over a restart', async () => {
    const q = await world([]);
    await q.start('r', { queue: undefined, delay: '1h' });
    expect(await w.store.find('r')).toMatchObject({ status: 'queued', due: 1_000_000 + 3_600_000 });
    expect(q.engine.load().runs).toBe(0);
    await w.clock.advance(3_599_999);
    await q.engine.close();
    await w.open([q.s]);
    expect(q.begun()).toEqual([]);
    await w.clock.advance(1);
    expect(q.begun()).toEqual(['r']);
    await q.end('r');
  });

  it('stands in line in its queue after that, with those that came before it', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.start('late', { delay: '10s', priority: 9 });
    await q.start('r1');
    await q.start('r2');
    expect(await w.store.find('late')).toMatchObject({ status: 'queued' });
    expect((await w.store.find('late'))?.place).toBeUndefined();
    await w.clock.advance(10_000);
    expect((await w.store.find('late'))?.place?.stage).toBe('waiting');
    for (const id of ['r1', 'late', 'r2']) await q.end(id);
    expect(q.begun()).toEqual(['r1', 'late', 'r2']);
  });
});

describe('a singleton', () => {
  it('is one run until it has ended, whatever id is asked for', async () => {
    const q = await world([]);
    const plain = { queue: undefined, singleton: 'sync' };
    await q.start('r1', plain);
    const [again, other] = await Promise.all([q.start('r2', plain), q.engine.start(q.s, 1, { singleton: 'sync' })]);
    expect([again.id, other.id]).toEqual(['r1', 'r1']);
    await expect(q.engine.start(q.s, 2, { singleton: 'sync' })).rejects.toMatchObject({
      code: 'SC_SINGLETON_TAKEN',
      message: 'run r1 of gated has that singleton, and was started with another input',
      retryable: true,
    });
    expect((await q.engine.start(q.s, 2, { id: 'r3', singleton: 'another' })).id).toBe('r3');
    await q.end('r1');
    expect((await q.start('r4', plain)).id).toBe('r4');
    // An id that is there is that run, as ever.
    expect((await q.start('r1', plain)).id).toBe('r1');
    await q.end('r4');
    await q.end('r3');
  });

  it('is one run of many starts at the same time, in a queue too', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    const runs = await Promise.all(Array.from({ length: 20 }, () => q.engine.start(q.s, 1, { queue: 'q', singleton: 'x' })));
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
    await w.clock.settle();
    expect(await w.store.count()).toEqual({ running: 1 });
    q.gate.last.resolve(1);
    await w.clock.settle();
  });

  it('is kept by the next life of its run, which waits if another has the name', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.start('r1', { key: 'k', priority: 2, singleton: 'x' });
    await q.end('r1');
    await q.start('r2', { singleton: 'x' });
    await expect(q.engine.restart('r1')).rejects.toMatchObject({ code: 'SC_SINGLETON_TAKEN' });
    await q.end('r2');
    await q.start('r3');
    await q.engine.restart('r1');
    await w.clock.settle();
    expect(await w.store.find('r1')).toMatchObject({
      status: 'queued',
      place: { queue: 'q', key: 'k', priority: 2, stage: 'waiting' },
      sole: 'singleton/gated/x',
    });
    await q.end('r3');
    q.gate.last.resolve(1);
    await w.clock.settle();
  });
});

describe('a debounced start', () => {
  const debounced = (q: Awaited<ReturnType<typeof world>>, n: number, more: object = {}) =>
    q.engine.start(q.s, n, { debounce: { key: 'k', for: '10s', ...more } });

  it('begins once, with the last input, after the last start', async () => {
    const q = await world([]);
    const first = await debounced(q, 1);
    await w.clock.advance(9_000);
    const second = await debounced(q, 2);
    expect(second.id).toBe(first.id);
    await w.clock.advance(9_999);
    expect(q.begun()).toEqual([]);
    await w.clock.advance(1);
    expect(q.begun()).toEqual([first.id]);
    expect((await first.view()).input).toBe(2);
    expect(await q.engine.queues()).toEqual([]);
    const next = await debounced(q, 3);
    expect(next.id).not.toBe(first.id);
    await q.end(first.id);
    expect(await first.outcome()).toMatchObject({ status: 'completed', output: 2 });
    // Its next life has the input that it began with.
    await q.engine.restart(first.id);
    expect((await first.view()).input).toBe(2);
    q.gate.last.resolve(1);
    await w.clock.advance(10_000);
    q.gate.last.resolve(1);
    await w.clock.settle();
  });

  it('is put off no longer than the most it may be', async () => {
    const q = await world([]);
    const { id } = await debounced(q, 0, { most: '15s' });
    for (let n = 1; n <= 3; n++) {
      await w.clock.advance(4_500);
      expect((await debounced(q, n, { most: '15s' })).id).toBe(id);
    }
    await w.clock.advance(1_500);
    expect(q.begun()).toEqual([id]);
    expect((await q.engine.run(id).view()).input).toBe(3);
    await q.end(id);
  });

  it('leaves its line when it is put off again, and can still be found by its last input', async () => {
    const q = await world([{ name: 'q', concurrency: 1 }]);
    await q.start('first');
    const start = (n: number) => q.engine.start(q.s, n, { queue: 'q', debounce: { key: 'k', for: '10s', most: '25s' } });
    const { id } = await start(1);
    await w.clock.advance(10_000);
    expect((await w.store.find(id))?.place?.stage).toBe('waiting');
    await start(2);
    await q.end('first');
    expect(q.begun()).toEqual(['first']);
    await start(3);
    await w.clock.advance(10_000);
    expect(q.begun()).toEqual(['first', id]);
    expect((await q.engine.start(q.s, 3, { id })).id).toBe(id);
    await q.end(id);
  });
});
