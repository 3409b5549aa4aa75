import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { Gate } from '../runtime/harness.ts';
import { setting } from './setting.ts';

const worlds = setting();

interface Undo {
  readonly step: string;
  readonly outcome: { readonly status: string; readonly result?: unknown };
  readonly input: unknown;
  readonly runKey: string;
  readonly undoKey: string;
}

/** base, then left and right side by side, then last: a diamond whose runs and undos the test drives. */
const diamond = () => {
  const runs = { base: new Gate(), left: new Gate(), right: new Gate(), last: new Gate() };
  const undos = { base: new Gate(), left: new Gate(), right: new Gate(), last: new Gate() };
  const told: Undo[] = [];
  const options = (step: keyof typeof undos) => ({
    retry: { attempts: 1 },
    compensate: async (scope: Omit<Undo, 'step'> & { readonly attempt: number; readonly signal: AbortSignal }) => {
      const { outcome, input, runKey, undoKey } = scope;
      told.push({ step, outcome, input, runKey, undoKey });
      return await undos[step].run(scope);
    },
  });
  const s = saga('diamond', { version: 1, input: z.object({ n: z.number() }) }).graph((g) =>
    g
      .step('base', runs.base.run, options('base'))
      .after('base')
      .step('left', runs.left.run, options('left'))
      .after('base')
      .step('right', runs.right.run, options('right'))
      .after('left', 'right')
      .step('last', runs.last.run, options('last')),
  );
  return { s, runs, undos, told, steps: () => told.map(({ step }) => step) };
};

describe('5. what may have happened is undone, what did not is not', () => {
  it('in reverse order of dependency, independent steps side by side', async () => {
    const w = worlds.memory();
    const { s, runs, undos, steps } = diamond();
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 1 });
    for (const gate of [runs.base, runs.left, runs.right]) {
      gate.last.resolve('done');
      await w.clock.settle();
    }
    runs.last.last.reject(new HardError('refused'));
    await w.clock.settle();
    // The refused one did not happen; the two before it are undone at the same time, and the base waits for both.
    expect(steps().sort()).toEqual(['left', 'right']);
    undos.left.last.resolve(undefined);
    await w.clock.settle();
    expect(steps()).not.toContain('base');
    undos.right.last.resolve(undefined);
    await w.clock.settle();
    expect(steps().at(-1)).toBe('base');
    undos.base.last.resolve(undefined);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', step: 'last', left: [] });
    expect(steps()).toHaveLength(3);
  });

  it('with the outcome, the input, and the key that run used: enough to undo what was never heard back from', async () => {
    const w = worlds.memory();
    const { s, runs, undos, told } = diamond();
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 7 }, { id: 'r' });
    runs.base.last.resolve({ ref: 'B-1' });
    await w.clock.settle();
    runs.left.last.reject(new Error('read ECONNRESET'));
    await w.clock.settle();
    runs.right.last.reject(new HardError('refused'));
    await w.clock.settle();
    expect(told).toEqual([
      {
        step: 'left',
        outcome: { status: 'unknown', failure: expect.objectContaining({ effect: 'maybe' }) },
        input: { n: 7 },
        runKey: runs.left.last.key,
        undoKey: 'sc1:ns/r/1/left/-/1/undo',
      },
    ]);
    undos.left.last.resolve(undefined);
    await w.clock.settle();
    expect(told.at(-1)).toMatchObject({ step: 'base', outcome: { status: 'succeeded', result: { ref: 'B-1' } }, runKey: runs.base.last.key });
    undos.base.last.resolve(undefined);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', step: 'left' });
    expect(told.map(({ step }) => step)).toEqual(['left', 'base']);
  });

  it('every attempt to undo has the same keys', async () => {
    const w = worlds.memory();
    const { s, runs, undos, told } = diamond();
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 1 });
    runs.base.last.reject(new Error('socket hang up'));
    await w.clock.settle();
    undos.base.last.reject(new Error('socket hang up'));
    await w.clock.advance(200);
    undos.base.last.resolve(undefined);
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(told).toHaveLength(2);
    expect(told[1]).toEqual(told[0]);
  });

  it('a cancel undoes like a failure; a run of which nothing happened ends as failed, with nothing called', async () => {
    const w = worlds.memory();
    const { s, runs, undos, steps } = diamond();
    const engine = await w.open([s]);
    const canceled = await engine.start(s, { n: 1 });
    runs.base.last.resolve(1);
    await w.clock.settle();
    await canceled.cancel({ by: 'Ann' });
    runs.left.last.resolve('just in time');
    runs.right.last.reject(new HardError('refused'));
    await w.clock.settle();
    expect(steps()).toEqual(['left']);
    undos.left.last.resolve(undefined);
    await w.clock.settle();
    undos.base.last.resolve(undefined);
    expect(await canceled.outcome()).toMatchObject({ status: 'canceled', by: 'Ann' });

    const failed = await engine.start(s, { n: 2 });
    runs.base.last.reject(new HardError('refused'));
    expect(await failed.outcome()).toMatchObject({ status: 'failed', step: 'base' });
    expect(steps()).toEqual(['left', 'base']);
  });
});
