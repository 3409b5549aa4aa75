import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { BusyError, memory, saga, workflow } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate } from '../runtime/harness.ts';
import { setting } from './setting.ts';

const worlds = setting();
const HOUR = 3_600_000;
const sleepy = saga('sleepy', { version: 1, input: z.any() })
  .sleep('1h')
  .read('after', async () => 1);
/** XState alone would begin the hour anew, or forget it. */
const waiting = workflow(
  setup({}).createMachine({ id: 'waiting', initial: 'idle', states: { idle: { after: { [HOUR]: 'late' } }, late: { type: 'final' } } }),
  { version: 1 },
);

describe('8. timers keep their deadline', () => {
  for (const definition of [sleepy, waiting]) {
    it(`${definition.name}: over a crash the rest is waited for, not the whole`, async () => {
      const w = worlds.file();
      const began = w.clock.now();
      const engine = await w.open([definition]);
      await engine.start(definition.name, undefined, { id: 'r' });
      await w.clock.advance(HOUR / 4);
      const after = await worlds.crashed(w);
      await after.clock.advance(HOUR / 4);
      await after.open([definition]);
      await after.clock.advance(HOUR / 2 - 1);
      expect(await after.engine.run('r').status()).toMatchObject({ status: 'sleeping', due: began + HOUR });
      await after.clock.advance(1);
      expect(await after.engine.run('r').status()).toMatchObject({ status: 'completed', endedAt: began + HOUR });
    });

    it(`${definition.name}: a deadline that passed while nobody was there is met at once`, async () => {
      const w = worlds.file();
      const engine = await w.open([definition]);
      await engine.start(definition.name, undefined, { id: 'r' });
      await w.clock.settle();
      const after = await worlds.crashed(w);
      await after.clock.advance(2 * HOUR);
      await after.open([definition]);
      await after.clock.advance(0);
      expect(await after.engine.run('r').status()).toMatchObject({ status: 'completed', endedAt: after.clock.now() });
    });
  }

  for (const [length, ms] of [
    ['short enough to stay in memory', 3_000],
    ['long enough to sleep', 60_000],
  ] as const) {
    it(`a wait between two attempts, ${length}, is such a timer`, async () => {
      const w = worlds.file();
      const busy = (gate: Gate) =>
        saga('busy', { version: 1, input: z.any() }).step('a', gate.run, { compensate: () => {}, retry: { from: ms, to: ms, jitter: 'none' } });
      const first = new Gate();
      const engine = await w.open([busy(first)]);
      await engine.start('busy', null, { id: 'r' });
      first.last.reject(new BusyError('429'));
      await w.clock.advance(ms / 3);
      const after = await worlds.crashed(w);
      const gate = new Gate();
      await after.open([busy(gate)]);
      await after.clock.advance((ms * 2) / 3 - 1);
      expect(gate.calls).toHaveLength(0);
      await after.clock.advance(1);
      expect(gate.calls.map(({ attempt }) => attempt)).toEqual([2]);
      gate.last.resolve(1);
      expect(await after.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    });
  }

  it('a move to another worker changes nothing of it', async () => {
    const clock = new ManualClock();
    const store = memory({ clock });
    const frozen = await worlds.worker(store, clock);
    const s = saga('short', { version: 1, input: z.any() })
      .sleep('45s')
      .read('after', async () => 1);
    // The run stays in the memory of the first worker, which then stands still.
    await frozen.open([s], { sleepAfter: '1m' });
    await frozen.engine.start(s, null, { id: 'r' });
    const began = frozen.clock.now();
    await clock.advance(31_000);
    const next = await worlds.worker(store, clock);
    await next.open([s], { clock, sleepAfter: '1m' });
    await clock.advance(13_999);
    expect(await next.engine.run('r').status()).toMatchObject({ endedAt: null });
    await clock.advance(1);
    expect(await next.engine.run('r').status()).toMatchObject({ status: 'completed', endedAt: began + 45_000 });
  });
});
