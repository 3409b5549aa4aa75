import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { happened, saga, type } from '../../src/index.ts';
import { busy, harness, refused, runs, stalls, succeeds, throws, unanswered } from '../../src/testing/index.ts';

interface Services {
  readonly bank: { pay(cents: number): Promise<string> };
}

const stay = saga('stay', { version: 1, input: z.object({ cents: z.number() }), services: type<Services>() })
  .step('room', async () => ({ number: 7 }), { compensate: async () => {}, retry: { attempts: 3, from: '1s', jitter: 'none' } })
  .step('meal', async ({ results }) => `at ${results.room.number}`, { compensate: async () => {}, check: () => happened('found'), timeout: '10s', grace: '1s' })
  .sleep('night', '24h')
  .pivot('pay', ({ input, services }) => services.bank.pay(input.cents))
  .output(({ results }) => ({ ref: results.pay, meal: results.meal }));

const services: Services = { bank: { pay: async (cents) => `paid ${cents}` } };

describe('the harness', () => {
  it('runs a saga with its own functions, and skips its nights', async () => {
    await using h = await harness(stay, { services });
    const run = await h.start({ cents: 5 });
    expect(await h.outcome(run)).toMatchObject({ status: 'completed', output: { ref: 'paid 5', meal: 'at 7' } });
    expect(h.order).toEqual(['room', 'meal', 'pay']);
    const [, meal, pay] = h.began;
    expect((pay?.at ?? 0) - (meal?.at ?? 0)).toBeGreaterThanOrEqual(24 * 3_600_000);
  });

  it('has attempts do what the script says, one after the other', async () => {
    await using h = await harness(stay, { services, script: { room: [busy(), unanswered(), succeeds({ number: 9 })], pay: [refused('declined')] } });
    const run = await h.start({ cents: 5 }, { id: 'stay-1' });
    expect(await h.outcome(run)).toMatchObject({ status: 'compensated', step: 'pay', failure: { message: 'declined' } });
    expect(h.order).toEqual(['room', 'room', 'room', 'meal', 'pay', 'meal.undo', 'room.undo']);
    expect(h.began.slice(0, 3).map(({ at }) => at)).toEqual([0, 1_000, 3_000]);
    expect(h.began.every(({ run: id }) => id === 'stay-1')).toBe(true);
    expect(h.events.filter(({ type }) => type === 'retry.scheduled')).toHaveLength(2);
  });

  it('times out what says nothing, asks the check, and lets the own function run where that is wanted', async () => {
    await using h = await harness(stay, { services, script: { meal: [stalls()], 'meal.check': [runs()], pay: [throws(new TypeError('odd')), runs()] } });
    const run = await h.start({ cents: 5 });
    expect(await h.outcome(run)).toMatchObject({ status: 'completed', output: { ref: 'paid 5', meal: 'found' } });
    expect(h.order).toEqual(['room', 'meal', 'meal.check', 'pay', 'pay']);
  });

  it('stops where a person is needed, and takes what that person does', async () => {
    await using h = await harness(stay, { services, script: { pay: [refused()], 'meal.undo': [refused('not now')] } });
    const run = await h.start({ cents: 5 });
    await expect(h.outcome(run)).rejects.toMatchObject({
      code: 'SC_HARNESS',
      message: expect.stringContaining('needs a person, in compensating.meal.attention'),
    });
    expect(await h.attention(run)).toEqual(['meal']);
    expect(await h.states(run)).toEqual(['compensating.meal.attention']);
    await h.does(run.skip('meal', { reason: 'eaten' }));
    expect(await h.outcome(run)).toMatchObject({ status: 'compensated', left: [{ step: 'meal', what: 'undo skipped' }] });
  });

  it('lets the process die at any time, and another one go on', async () => {
    await using h = await harness(stay, { services });
    const run = await h.start({ cents: 5 }, { id: 'r' });
    await h.advance('10h');
    h.kill();
    expect(() => h.engine).toThrow('no process');
    await h.restart();
    expect(await h.outcome(run)).toMatchObject({ status: 'completed' });
    expect(h.order).toEqual(['room', 'meal', 'pay']);
    const pay = h.began[2]?.at ?? 0;
    expect(pay).toBeGreaterThanOrEqual(24 * 3_600_000);
    expect(pay).toBeLessThan(24 * 3_600_000 + 60_000);
  });

  it('an attempt that died with its process is tried again', async () => {
    await using h = await harness(stay, { services, script: { room: [stalls(), succeeds({ number: 1 })] } });
    const run = await h.start({ cents: 5 });
    await h.restart();
    expect(await h.outcome(run)).toMatchObject({ status: 'completed' });
    expect(h.order.filter((attempt) => attempt === 'room')).toHaveLength(2);
    expect(h.events.map(({ type: what }) => what)).toContain('attempt.lost');
  });

  it('refuses a script that is for nobody, and one that ends too soon', async () => {
    await expect(harness(stay, { script: { rom: [succeeds()] } as never })).rejects.toMatchObject({
      code: 'SC_SCRIPT_MISSING',
      message: 'saga stay has nothing to script by the name "rom"',
      next: 'There are: room, room.undo, meal, meal.check, meal.undo, pay.',
    });
    const h = await harness(stay, { services, script: { room: [busy()] } });
    const run = await h.start({ cents: 5 });
    await expect(h.outcome(run)).rejects.toMatchObject({ code: 'SC_SCRIPT_MISSING', message: 'saga stay: attempt 2 of room has no scripted outcome' });
    await expect(h.outcome(run)).rejects.toMatchObject({ code: 'SC_SCRIPT_MISSING' });
  });
});
