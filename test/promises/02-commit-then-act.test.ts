import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StoreError } from '../../src/base/errors.ts';
import { HardError, saga } from '../../src/index.ts';
import { Gate } from '../runtime/harness.ts';
import { Disk, happened, setting } from './setting.ts';

const worlds = setting();
const two = (a: Gate, b: Gate, undo = new Gate()) =>
  saga('two', { version: 1, input: z.any() })
    .step('a', a.run, { compensate: undo.run })
    .step('b', b.run, { compensate: () => {} })
    .output(({ results }) => results);

describe('2. commit, then act', () => {
  it('no step begins while the commit that demands it is not durable', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const [a, b] = [new Gate(), new Gate()];
    const engine = await w.open([two(a, b)]);
    disk.hold();
    const starting = engine.start('two', null, { id: 'r' });
    await w.clock.settle();
    expect(disk.batches).toHaveLength(1);
    expect(a.calls).toHaveLength(0);
    await disk.release(w.clock);
    await starting;
    expect(a.calls).toHaveLength(1);

    disk.hold();
    a.last.resolve('A');
    await w.clock.settle();
    expect(b.calls).toHaveLength(0);
    expect(w.types('r')).not.toContain('attempt.succeeded');
    await disk.release(w.clock);
    expect(b.calls).toHaveLength(1);
  });

  it('no undo begins either', async () => {
    const w = worlds.memory();
    const disk = new Disk(w.store);
    const [a, b, undo] = [new Gate(), new Gate(), new Gate()];
    const engine = await w.open([two(a, b, undo)]);
    await engine.start('two', null, { id: 'r' });
    a.last.resolve('A');
    await w.clock.settle();
    disk.hold();
    b.last.reject(new HardError('sold out'));
    await w.clock.settle();
    expect(undo.calls).toHaveLength(0);
    await disk.release(w.clock);
    expect(undo.calls).toHaveLength(1);
    undo.last.resolve(undefined);
  });

  it('a power cut before the result is durable repeats the attempt under the same key, and nothing came of the first', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const [a, b] = [new Gate(), new Gate()];
    const engine = await w.open([two(a, b)]);
    await engine.start('two', null, { id: 'r' });
    disk.hold();
    a.last.resolve('never durable');
    await w.clock.settle();
    const after = await worlds.crashed(w);
    await disk.release(w.clock);

    const [again, later] = [new Gate(), new Gate()];
    await after.open([two(again, later)]);
    await after.clock.settle();
    expect(again.calls.map(({ attempt, key }) => ({ attempt, key }))).toEqual([{ attempt: 2, key: a.last.key }]);
    expect(later.calls).toHaveLength(0);
    again.last.resolve('A');
    await after.clock.settle();
    later.last.resolve('B');
    expect(await after.engine.run('r').outcome()).toMatchObject({ status: 'completed', output: { a: 'A', b: 'B' } });
    expect(await happened(after.store, 'r')).toEqual(['started', 'lost a', 'succeeded a', 'succeeded b']);
  });

  it('a result is applied exactly once, however often its commit has to be tried', async () => {
    const w = worlds.memory();
    const commit = w.store.commit.bind(w.store);
    let failures = 0;
    w.store.commit = async (batch) => {
      if (failures-- > 0) throw new StoreError('SC_STORE_FULL', 'disk full', { retryable: true });
      return await commit(batch);
    };
    const [a, b] = [new Gate(), new Gate()];
    const engine = await w.open([two(a, b)]);
    const run = await engine.start('two', null, { id: 'r' });
    failures = 3;
    a.last.resolve('A');
    await w.clock.settle();
    expect(b.calls).toHaveLength(0);
    await w.clock.advance(10_000);
    expect([a.calls.length, b.calls.length]).toEqual([1, 1]);
    b.last.resolve('B');
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: { a: 'A', b: 'B' } });
    expect(await happened(w.store, 'r')).toEqual(['started', 'succeeded a', 'succeeded b']);
  });
});
