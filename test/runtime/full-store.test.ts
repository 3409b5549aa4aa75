import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import type { RuntimeEvent } from '../../src/runtime/event.ts';
import { type Breakage, breakable } from './breakable.ts';
import { Gate, World } from './harness.ts';

const noop = async () => 1;
let w: World;
let breakage: Breakage;
afterEach(async () => {
  breakage = Object.assign(breakage, { code: undefined, error: undefined, until: undefined });
  await w.clock.advance(5_000);
  await w.close();
});

async function opened(gate: Gate) {
  breakage = {};
  w = new World(breakable(breakage));
  const s = saga('one', { version: 1, input: z.number() }).step('a', gate.run, { compensate: noop }).read('b', noop);
  const engine = await w.open([s], { pollEvery: '1s' });
  return { s, engine, gate };
}

const failures = (): readonly RuntimeEvent[] => w.events.filter(({ type }) => type === 'store.failed');

describe('while the store is full', () => {
  it('whoever waits for an acknowledgment is told, and whoever comes later at once', async () => {
    const { s, engine, gate } = await opened(new Gate());
    const run = await engine.start(s, 1, { id: 'r' });
    breakage.code = 'SC_STORE_FULL';
    const asked = [engine.start(s, 2, { id: 'x' }), engine.start(s, 3), run.cancel()];
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'SC_STORE_FULL', retryable: true });
    await expect(engine.start(s, 4)).rejects.toMatchObject({ code: 'SC_STORE_FULL' });
    await expect(run.terminate()).rejects.toMatchObject({ code: 'SC_STORE_FULL' });
    expect(await w.store.list({})).toHaveLength(1);
    expect(gate.last.signal.aborted).toBe(false);
    expect(gate.calls).toHaveLength(1);
    gate.last.resolve(1);
  });

  it('it is tried again after ever longer waits, 5 s at most, and work resumes by itself', async () => {
    const { s, engine, gate } = await opened(new Gate());
    const run = await engine.start(s, 1, { id: 'r' });
    const told = w.types('r').length;
    breakage.code = 'SC_STORE_FULL';
    gate.last.resolve({ kept: true });
    await w.clock.advance(20_000);
    const waits = failures().map((event) => (event as { retryInMs?: number }).retryInMs);
    expect(waits.slice(0, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000]);
    expect(waits.at(-1)).toBe(5_000);
    expect(w.types('r')).toHaveLength(told);
    expect(await w.store.journal((await w.store.find('r'))?.number ?? 0)).toHaveLength(1);
    breakage.code = undefined;
    await w.clock.advance(5_000);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect(gate.calls).toHaveLength(1);
    expect(w.types().filter((type) => type === 'store.recovered')).toHaveLength(1);
    await expect(engine.start(s, 2, { id: 'next' })).resolves.toMatchObject({ id: 'next' });
    gate.last.resolve(1);
  });

  it('results of many attempts stay, and each is applied once', async () => {
    const { s, engine, gate } = await opened(new Gate());
    const runs = await Promise.all([1, 2, 3, 4, 5].map((n) => engine.start(s, n, { id: `r${n}` })));
    breakage.code = 'SC_STORE_FULL';
    for (const call of gate.calls) {
      call.resolve(1);
      await w.clock.advance(60);
    }
    breakage.code = undefined;
    await w.clock.advance(5_000);
    for (const run of runs) expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect(w.types().filter((type) => type === 'attempt.succeeded')).toHaveLength(10);
    expect(gate.calls).toHaveLength(5);
  });

  it('commands of other processes wait in the inbox, and are answered when it has room', async () => {
    const { s, engine, gate } = await opened(new Gate());
    const run = await engine.start(s, 1, { id: 'r' });
    breakage.code = 'SC_STORE_FULL';
    await w.store.send({ id: 'c1', run: 'r', body: '{"type":"cancel","by":"Ann"}', at: 0 });
    await w.clock.advance(2_000);
    expect(await w.store.inbox('c1')).toMatchObject({ answer: null });
    breakage.code = undefined;
    await w.clock.advance(5_000);
    expect((await w.store.inbox('c1'))?.answer).toContain('"ok":true');
    gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'canceled', by: 'Ann' });
  });

  it('an error of another kind is told as one of the store', async () => {
    const { s, engine } = await opened(new Gate());
    breakage.error = new TypeError('broken pipe');
    await expect(engine.start(s, 1)).rejects.toMatchObject({ code: 'SC_STORE_IO', message: expect.stringContaining('broken pipe'), retryable: true });
    expect(failures()).toMatchObject([{ error: { code: 'SC_STORE_IO' }, retryInMs: 100 }]);
  });
});
