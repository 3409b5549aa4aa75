import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import type { Sagachart } from '../../src/sagachart.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from './harness.ts';

/** Two engines on one store, each with a clock of its own: that of the first stands still while it is frozen. */
let w: World;
let frozen: ManualClock;
let first: Sagachart;
afterEach(async () => {
  const closing = first.close({ deadlineMs: 0 });
  await frozen.advance(60_000);
  await closing;
  await w.close();
});

const make = (gate: Gate) => saga('one', { version: 1, input: z.any() }).step('a', gate.run, { compensate: async () => {} });

async function twoEngines(advanceMs: number) {
  w = new World();
  const gate = new Gate();
  const s = make(gate);
  frozen = new ManualClock(w.clock.now());
  first = await w.open([s], { clock: frozen });
  await first.start(s, null, { id: 'r' });
  await w.clock.advance(advanceMs);
  const second = await w.open([s]);
  await w.clock.settle();
  return { gate, s, second };
}

describe('a second engine on the store', () => {
  it('leaves a run alone while the lease of the first holds', async () => {
    const { gate, second } = await twoEngines(29_999);
    expect(second.load().runs).toBe(0);
    expect(gate.calls).toHaveLength(1);
    await expect(second.run('r').cancel()).rejects.toMatchObject({ code: 'SC_RUN_HELD', retryable: true });
    gate.last.resolve(1);
    await frozen.settle();
    expect(await first.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('takes it over afterwards; what the first decides then is refused, and its callers are told', async () => {
    const { gate, second } = await twoEngines(30_000);
    expect(gate.calls.map(({ attempt, key }) => [attempt, key])).toEqual([
      [1, 'sc1:ns/r/1/a/-/1/run'],
      [2, 'sc1:ns/r/1/a/-/1/run'],
    ]);
    const before = await w.store.journal((await w.store.find('r'))?.number ?? 0);
    const waiting = first.run('r').outcome();
    const refused = expect(waiting).rejects.toMatchObject({ code: 'SC_RUN_HELD' });
    await expect(first.run('r').cancel()).rejects.toMatchObject({ code: 'SC_RUN_HELD', retryable: true });
    await refused;
    gate.calls[0]?.resolve('from the frozen one');
    await frozen.settle();
    expect(await w.store.journal((await w.store.find('r'))?.number ?? 0)).toEqual(before);
    expect(w.types('r')).toContain('discarded');
    gate.calls[1]?.resolve('from the new owner');
    expect(await second.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('does not start a run with an id that the first has started', async () => {
    const { gate, s, second } = await twoEngines(0);
    expect((await second.start(s, null, { id: 'r' })).id).toBe('r');
    await expect(second.start(s, 'other', { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
    const both = await Promise.allSettled([first.start(s, null, { id: 'same' }), second.start(s, 'other', { id: 'same' })]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'SC_RUN_EXISTS' } });
    expect(gate.calls).toHaveLength(2);
    for (const call of gate.calls) call.resolve(1);
  });

  it('goes on after the first has given the role up, without a loss', async () => {
    w = new World();
    const gate = new Gate();
    const s = make(gate);
    frozen = w.clock;
    first = await w.open([s]);
    await first.start(s, null, { id: 'r' });
    const closing = first.close();
    gate.last.reject(new Error('reset'));
    await closing;
    await w.open([s]);
    await w.clock.advance(1_000);
    expect(w.types('r')).not.toContain('attempt.lost');
    gate.last.resolve(1);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('that renews keeps its runs', async () => {
    const { gate, second } = await twoEngines(30_000);
    await w.clock.advance(120_000);
    gate.calls[1]?.reject(new Error('timed out'));
    await w.clock.settle();
    expect(second.load().runs).toBe(1);
    const third = await w.open([]);
    expect(third.load()).toMatchObject({ runs: 0, blocked: 0 });
    await third.close();
    w.engine = second;
    for (const call of gate.calls) call.resolve(1);
  });
});
