import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { approval } from '../../machines/approval.ts';
import { saga, sqlite } from '../../src/index.ts';
import { Gate } from '../runtime/harness.ts';
import { Disk, setting, settledOf } from './setting.ts';

const worlds = setting();
const one = (gate: Gate) => saga('one', { version: 1, input: z.object({ n: z.number() }) }).step('a', gate.run, { compensate: () => {} });

describe('1. acknowledged is durable', () => {
  it('start() resolves after the commit, and then a power cut does not lose the run', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const engine = await w.open([one(new Gate())]);
    disk.hold();
    const starting = engine.start('one', { n: 7 }, { id: 'r' });
    const acknowledged = settledOf(starting);
    await w.clock.settle();
    expect(disk.batches).toHaveLength(1);
    expect(acknowledged.done).toBe(false);
    const before = await worlds.crashed(w);
    await disk.release(w.clock);
    await starting;
    const after = await worlds.crashed(w);

    await before.open([one(new Gate())]);
    expect(await before.store.find('r')).toBeUndefined();
    const gate = new Gate();
    await after.open([one(gate)]);
    await after.clock.settle();
    gate.last.resolve('done by the next process');
    expect(await after.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('signal() resolves after the commit, and then a power cut does not lose it', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const engine = await w.open([approval]);
    const run = await engine.start(approval, { title: 'Trip', cents: 90_000 }, { id: 'r' });
    disk.hold();
    const sending = run.signal('approve', { by: 'Grace' });
    const acknowledged = settledOf(sending);
    await w.clock.settle();
    expect(acknowledged.done).toBe(false);
    await disk.release(w.clock);
    expect((await sending).seq).toBeGreaterThan(1);

    const after = await worlds.crashed(w);
    await after.open([approval]);
    expect(await after.engine.run('r').outcome()).toMatchObject({ status: 'completed', output: { decision: 'approved' } });
  });

  it('what another process adds to the inbox is kept too, and done by whoever executes next', async () => {
    const w = worlds.file();
    await w.store.open();
    const other = sqlite(w.path);
    await other.open();
    const body = JSON.stringify({ type: 'start', saga: 'one', input: { n: 1 } });
    expect(await other.send({ id: 'from elsewhere', run: 'r', body, at: 0 })).toMatchObject({ duplicate: false });
    const after = await worlds.crashed(w);
    await other.close();
    await w.store.close();

    const gate = new Gate();
    await after.open([one(gate)]);
    await after.clock.settle();
    expect(gate.calls).toHaveLength(1);
    expect(await after.store.inbox('from elsewhere')).toMatchObject({ answer: expect.stringContaining('"ok":true') });
  });

  it('durable means that the disk has said so: each commit is synced', async () => {
    const w = worlds.file();
    await w.open([one(new Gate())]);
    const seen: unknown[] = [];
    const looking = w.store.transact?.((connection) => {
      for (const name of ['journal_mode', 'synchronous']) seen.push(Object.values((connection as DatabaseSync).prepare(`PRAGMA ${name}`).get() ?? {})[0]);
      throw new Error('only looking');
    });
    await expect(looking).rejects.toThrow();
    const FULL = 2;
    expect(seen).toEqual(['wal', FULL]);
  });
});
