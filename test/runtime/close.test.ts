import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StoreError } from '../../src/base/errors.ts';
import { memory, saga, sqlite } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const undo = { compensate: async () => {} };

describe('close', () => {
  it('answers a start that came just before it, whatever comes of it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sagachart-close-'));
    for (const id of ['r', undefined]) {
      for (let turns = 0; turns < 8; turns++) {
        const w = new World(() => sqlite(join(directory, 'runs.db')));
        const s = saga('one', { version: 1, input: z.any() }).read('a', async () => 1);
        const engine = await w.open([s]);
        const starting = engine.start(s, turns, id ? { id: `${id}${turns}` } : {}).then(
          () => 'started',
          (error: { code: string }) => error.code,
        );
        for (let i = 0; i < turns; i++) await Promise.resolve();
        await w.close();
        expect(['started', 'SC_ENGINE_CLOSED']).toContain(await starting);
      }
    }
    rmSync(directory, { recursive: true });
  });

  it('commits that attempts were not begun, so that the next engine does not take them for lost', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sagachart-close-'));
    const w = new World(() => sqlite(join(directory, 'runs.db')));
    const gate = new Gate();
    const s = saga('two', { version: 1, input: z.any() })
      .step('a', gate.run, undo)
      .step('b', async () => 1, undo);
    const engine = await w.open([s]);
    for (let i = 0; i < 5; i++) await engine.start(s, i, { id: `r${i}` });
    const closing = engine.close();
    await w.clock.settle();
    for (const call of gate.calls) call.resolve(1);
    await w.clock.advance(1_000);
    await closing;
    w.events.length = 0;
    await w.open([s]);
    await w.clock.advance(60_000);
    expect(w.types().filter((type) => type === 'attempt.lost')).toEqual([]);
    expect(w.types().filter((type) => type === 'run.ended')).toHaveLength(5);
    await w.close();
    rmSync(directory, { recursive: true });
  });

  it('does not wait past its deadline for a store that takes nothing', async () => {
    const state = { full: false };
    const w = new World((clock) => {
      const store = memory({ clock });
      const commit = store.commit.bind(store);
      store.commit = async (batch) => {
        if (state.full) throw new StoreError('SC_STORE_FULL', 'full', { retryable: true });
        return await commit(batch);
      };
      return store;
    });
    const gate = new Gate();
    const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, undo);
    const engine = await w.open([s]);
    const outcome = (await engine.start(s, 1, { id: 'r' })).outcome();
    outcome.catch(() => {});
    state.full = true;
    gate.last.resolve(1);
    await w.clock.advance(100);
    let closed = false;
    const closing = engine.close({ deadlineMs: 1_000 }).then(() => {
      closed = true;
    });
    await w.clock.advance(999);
    expect(closed).toBe(false);
    await w.clock.advance(1);
    await closing;
    await expect(outcome).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    await expect(engine.run('r').outcome()).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    state.full = false;
    await w.open([s]);
    await w.clock.settle();
    // What the attempt said was never durable: it counts as lost, and is made again under its key.
    expect(w.types('r')).toContain('attempt.lost');
    gate.last.resolve(1);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    expect(gate.calls[0]?.key).toBe(gate.calls[1]?.key);
    await w.close();
  });

  it('undoes nothing by interrupting the only attempt that a policy allows', async () => {
    const w = new World();
    const gate = new Gate();
    const s = saga('once', { version: 1, input: z.any() }).step('a', gate.run, { ...undo, retry: 1 });
    const engine = await w.open([s]);
    await engine.start(s, 1, { id: 'r' });
    const closing = engine.close({ deadlineMs: 100 });
    await w.clock.advance(100);
    gate.last.reject(gate.last.signal.reason);
    await closing;
    await w.open([s]);
    await w.clock.advance(1_000);
    expect(gate.calls).toHaveLength(2);
    gate.last.resolve(1);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    await w.close();
  });

  it('follows the loss of the role', async () => {
    const w = new World();
    const s = saga('one', { version: 1, input: z.any() }).read('a', async () => 1);
    const engine = await w.open([s]);
    w.store.renew = async () => {
      throw new StoreError('SC_STORE_FENCED', 'another executor has taken over');
    };
    await w.clock.advance(10_000);
    await expect(engine.start(s, 1)).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
  });
});
