import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memory, saga, sqlite } from '../../src/index.ts';
import type { Batch } from '../../src/stores/store.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate } from '../runtime/harness.ts';
import { Disk, journalOf, setting } from './setting.ts';

const worlds = setting();
const LEASE_MS = 30_000;
const two = (a: Gate, b: Gate) =>
  saga('two', { version: 1, input: z.any() })
    .step('a', a.run, { compensate: () => {}, timeout: '1h' })
    .step('b', b.run, { compensate: () => {}, timeout: '1h' })
    .output(({ results }) => results);

/** A worker that stands still past its lease, and the one that has taken its run over. */
const takenOver = async () => {
  const clock = new ManualClock();
  const store = memory({ clock });
  const [old, next] = [await worlds.worker(store, clock), await worlds.worker(store, clock)];
  const gates = { old: [new Gate(), new Gate()] as const, next: [new Gate(), new Gate()] as const };
  await old.open([two(...gates.old)]);
  const run = await old.engine.start('two', null, { id: 'r' });
  await clock.advance(LEASE_MS + 1);
  await next.open([two(...gates.next)], { clock });
  await clock.settle();
  return { clock, store, old, next, gates, run };
};

describe('11. one writer', () => {
  it('while its lease holds, nobody takes a run away from its worker', async () => {
    const clock = new ManualClock();
    const store = memory({ clock });
    const [first, second] = [await worlds.worker(store, clock), await worlds.worker(store, clock)];
    const [mine, theirs] = [new Gate(), new Gate()];
    await first.open([two(mine, new Gate())]);
    await first.engine.start('two', null, { id: 'r' });
    await clock.advance(LEASE_MS - 1);
    await second.open([two(theirs, new Gate())], { clock });
    await clock.settle();
    expect(theirs.calls).toHaveLength(0);
    await expect(second.engine.run('r').cancel()).rejects.toMatchObject({ code: 'SC_RUN_HELD', retryable: true });
  });

  it('a zombie changes nothing: its result is refused, it acts on nothing, and it says so', async () => {
    const { clock, store, old, next, gates, run } = await takenOver();
    const waiting = expect(run.outcome()).rejects.toMatchObject({ code: 'SC_RUN_HELD', retryable: true });
    const before = await journalOf(store, 'r');
    gates.old[0].last.resolve('of the zombie');
    await old.clock.settle();
    await waiting;
    expect(await journalOf(store, 'r')).toEqual(before);
    expect(gates.old[1].calls).toHaveLength(0);
    expect(old.engine.load().runs).toBe(0);

    gates.next[0].last.resolve('A');
    await clock.settle();
    gates.next[1].last.resolve('B');
    expect(await next.engine.run('r').outcome()).toMatchObject({ status: 'completed', output: { a: 'A', b: 'B' } });
  });

  it('not even where the new owner has written nothing yet, so that only the fence tells them apart', async () => {
    const clock = new ManualClock();
    const store = memory({ clock });
    const [old, next] = [await worlds.worker(store, clock), await worlds.worker(store, clock)];
    const s = saga('short', { version: 1, input: z.any() })
      .sleep('45s')
      .read('after', async () => 1);
    await old.open([s], { sleepAfter: '1m' });
    await old.engine.start(s, null, { id: 'r' });
    await clock.advance(LEASE_MS + 1);
    await next.open([s], { clock, sleepAfter: '1m' });
    const before = await journalOf(store, 'r');
    expect(before).toHaveLength(1);
    await old.clock.advance(45_000);
    expect(await journalOf(store, 'r')).toEqual(before);
    await clock.advance(15_000);
    expect(await next.engine.run('r').status()).toMatchObject({ status: 'completed' });
  });

  it('nor do its commands change anything: a cancel through the old worker is refused', async () => {
    const { clock, store, old, next, gates, run } = await takenOver();
    const before = await journalOf(store, 'r');
    await expect(run.cancel()).rejects.toMatchObject({ code: 'SC_RUN_HELD' });
    expect(await journalOf(store, 'r')).toEqual(before);
    expect(old.engine.load().runs).toBe(0);
    gates.next[0].last.resolve('A');
    await clock.settle();
    gates.next[1].last.resolve('B');
    expect(await next.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('steps are given a fence that rises with each take-over, for services that want to refuse an old worker', async () => {
    const fences: number[] = [];
    const clock = new ManualClock();
    const store = memory({ clock });
    const s = saga('fenced', { version: 1, input: z.any() }).read('a', async ({ fence }) => await new Promise<never>(() => fences.push(fence)), {
      timeout: '1h',
    });
    const first = await worlds.worker(store, clock);
    await first.open([s]);
    await first.engine.start(s, null);
    for (let n = 0; n < 2; n++) {
      await clock.advance(LEASE_MS + 1);
      const next = await worlds.worker(store, clock);
      await next.open([s]);
      await next.clock.settle();
    }
    expect(fences).toHaveLength(3);
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
  });

  it('a commit is conditional on its number: the same one a second time is a conflict', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const [a, b] = [new Gate(), new Gate()];
    const engine = await w.open([two(a, b)]);
    const run = await engine.start('two', null, { id: 'r' });
    a.last.resolve('A');
    await w.clock.settle();
    const before = await journalOf(w.store, 'r');
    expect(await w.store.commit(disk.batches.at(-1) as Batch)).toEqual(['conflict']);
    expect(await journalOf(w.store, 'r')).toEqual(before);
    b.last.resolve('B');
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('on SQLite one process executes; one that has lost the lock without knowing it is fenced off', async () => {
    const w = worlds.file();
    const [a, b] = [new Gate(), new Gate()];
    const engine = await w.open([two(a, b)]);
    const run = await engine.start('two', null, { id: 'r' });
    const next = sqlite(w.path);
    await next.open();
    const worker = { name: 'next', pid: 1, host: 'elsewhere', since: 0, leaseMs: LEASE_MS };
    await expect(next.join(worker)).rejects.toMatchObject({ code: 'SC_STORE_LOCKED' });
    await w.store.leave({ worker: '', fence: 0 });
    await next.join(worker);

    const before = await journalOf(next, 'r');
    const waiting = expect(run.outcome()).rejects.toMatchObject({ code: 'SC_RUN_HELD' });
    a.last.resolve('of the zombie');
    await w.clock.settle();
    await waiting;
    expect(await journalOf(next, 'r')).toEqual(before);
    expect(b.calls).toHaveLength(0);
    await next.close();
  });
});
