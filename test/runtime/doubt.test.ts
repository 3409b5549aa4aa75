import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StoreError } from '../../src/base/errors.ts';
import { memory, saga } from '../../src/index.ts';
import type { Batch, CommitVerdict, Store } from '../../src/stores/store.ts';
import { Gate, World } from './harness.ts';

const gate = new Gate<number>();
const one = saga('one', { version: 1, input: z.any() }).step('a', gate.run, { compensate: async () => {} });

/** A store whose next commits go as the list says: `lost` is applied and its answer lost, `no` is not applied. */
function moody(store: Store, moods: ('ok' | 'lost' | 'no')[]): Store {
  const commit = store.commit.bind(store);
  store.commit = async (batch: Batch): Promise<readonly CommitVerdict[]> => {
    const mood = moods.shift() ?? 'ok';
    if (mood === 'no') throw new StoreError('SC_STORE_FULL', 'full', { retryable: true });
    const verdicts = await commit(batch);
    if (mood === 'lost') throw new StoreError('SC_STORE_IO', 'the connection broke', { retryable: true });
    return verdicts;
  };
  return store;
}

describe('a commit whose answer is lost', () => {
  for (const moods of [
    ['ok', 'lost'],
    ['ok', 'no'],
    ['ok', 'lost', 'no', 'lost'],
    ['ok', 'no', 'no', 'lost'],
  ] as const) {
    it(`(${moods.join(', ')}) is applied once, and the run goes on`, async () => {
      const w = new World((clock) => moody(memory({ clock }), [...moods]));
      const engine = await w.open([one]);
      const run = await engine.start(one, 1, { id: 'r' });
      gate.last.resolve(7);
      await w.clock.advance(30_000);
      expect(await run.outcome()).toMatchObject({ status: 'completed' });
      expect(w.types('r').filter((type) => type === 'attempt.succeeded')).toHaveLength(1);
      const entries = await w.store.journal((await w.store.find('r'))?.number ?? 0);
      expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
      await w.close();
    });
  }

  it('leaves a start that was refused to its caller alone where it is not there', async () => {
    const w = new World((clock) => moody(memory({ clock }), ['no', 'ok']));
    const engine = await w.open([one]);
    const calls = gate.calls.length;
    await expect(engine.start(one, 1, { id: 'r' })).rejects.toMatchObject({ code: 'SC_STORE_FULL' });
    await w.clock.advance(10_000);
    expect(await w.store.find('r')).toBeUndefined();
    expect([gate.calls.length - calls, engine.load().runs]).toEqual([0, 0]);
    expect((await engine.start(one, 1, { id: 'r' })).id).toBe('r');
    gate.last.resolve(1);
    await w.close();
  });

  it('lets a run go on whose caller was told of the failure, where it is there after all', async () => {
    const w = new World((clock) => moody(memory({ clock }), ['lost']));
    const engine = await w.open([one]);
    await expect(engine.start(one, 1, { id: 'r' })).rejects.toMatchObject({ code: 'SC_STORE_IO', retryable: true });
    await w.clock.advance(10_000);
    gate.last.resolve(1);
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    // The same start again gives the run that is there.
    expect((await engine.start(one, 1, { id: 'r' })).id).toBe('r');
    await w.close();
  });
});

describe('what was decided on a state that never became durable', () => {
  it('is not told to anybody, and decided again', async () => {
    const w = new World((clock) => moody(memory({ clock }), ['ok', 'no']));
    const engine = await w.open([one]);
    const run = await engine.start(one, 1, { id: 'r' });
    gate.last.resolve(7);
    const cancel = run.cancel();
    cancel.catch(() => {});
    await w.clock.settle();
    // Not SC_RUN_ENDED: the end it would have come after is not there.
    await expect(cancel).rejects.toMatchObject({ code: 'SC_STORE_FULL' });
    await w.clock.advance(10_000);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    await w.close();
  });

  it('is not there for a second start either, as long as nobody knows', async () => {
    const w = new World((clock) => moody(memory({ clock }), ['no', 'no', 'ok']));
    const engine = await w.open([one]);
    const refused = { code: 'SC_STORE_FULL', retryable: true };
    await expect(engine.start(one, 1, { id: 'r' })).rejects.toMatchObject(refused);
    await expect(engine.start(one, 1, { id: 'r' })).rejects.toMatchObject(refused);
    await w.clock.advance(10_000);
    expect(await w.store.find('r')).toBeUndefined();
    await w.close();
  });
});
