import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { Gates } from '../../src/policies/gates.ts';
import type { AttemptEnd } from '../../src/runtime/attempt.ts';
import { Executor } from '../../src/runtime/executor.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from './harness.ts';
import { planOf } from './plans.ts';

/** An executor, what it has begun, and how each attempt ended. */
function executing(limit: number) {
  const clock = new ManualClock();
  const executor = new Executor({ clock, limit, maxBytes: 1_000, gates: new Gates([], { clock, changed: () => {} }) });
  const begun: string[] = [];
  const ended = new Map<string, AttemptEnd>();
  const resolve = new Map<string, (value: unknown) => void>();
  const start = (key: string, losses = 0): void => {
    const plan = planOf({ step: key, losses, run: () => new Promise((done) => resolve.set(key, done)) });
    const listener = { begun: () => begun.push(key), ended: (end: AttemptEnd) => void ended.set(key, end), late: () => {} };
    executor.start(key, plan, { run: { id: key } } as never, listener);
  };
  const end = async (key: string): Promise<void> => {
    resolve.get(key)?.(key);
    await clock.settle();
  };
  return { clock, executor, begun, ended, start, end };
}

describe('an attempt that was lost twice in a row', () => {
  it('goes before those that wait, and runs with no other beside it', async () => {
    const { executor, begun, start, end } = executing(2);
    start('a');
    start('b');
    start('c');
    start('suspect', 2);
    await end('a');
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'suspect']);
    start('d');
    expect(executor).toMatchObject({ running: 1, waiting: 2 });
    await end('suspect');
    expect(begun).toEqual(['a', 'b', 'suspect', 'c', 'd']);
  });

  it('lost once, is one among others', () => {
    const { begun, start } = executing(3);
    start('a');
    start('once', 1);
    expect(begun).toEqual(['a', 'once']);
  });
});

describe('an attempt that waits for its place', () => {
  it('and is told to stop has certainly done nothing', async () => {
    const { executor, begun, ended, start, end } = executing(1);
    start('a');
    start('b');
    start('c');
    executor.abort('b', 'drain');
    executor.abort('nobody', 'drain');
    expect(ended.get('b')).toMatchObject({ error: { code: 'SC_ATTEMPT_NOT_BEGUN', class: 'transient', effect: 'none', step: 'b' }, ms: 0 });
    await end('a');
    expect(begun).toEqual(['a', 'c']);
    await end('c');
    expect(ended.get('c')).toEqual({ output: 'c', ms: 0 });
  });

  it('ends as not begun when the executor drains, and so does one that comes later', async () => {
    const { clock, executor, begun, ended, start, end } = executing(1);
    start('a');
    start('b');
    let drained = false;
    const draining = executor.drain().then(() => {
      drained = true;
    });
    start('late');
    await clock.settle();
    for (const key of ['b', 'late']) expect(ended.get(key)).toMatchObject({ error: { code: 'SC_ATTEMPT_NOT_BEGUN' } });
    expect([begun, drained]).toEqual([['a'], false]);
    await end('a');
    await draining;
    await executor.drain();
  });
});

describe('a step that kills its process', () => {
  let w: World;
  afterEach(async () => await w.close());

  it('runs again after two losses, alone; the third, alone, asks for a person', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('deadly', { version: 1, input: z.string() }).step('a', gate.run, { compensate: async () => {} });
    const crashes = async (): Promise<void> => {
      await w.open([s], { clock: new ManualClock(w.clock.now()) });
      await w.clock.settle();
    };
    await crashes();
    await w.engine.start(s, '', { id: 'deadly' });
    await w.engine.start(s, '', { id: 'other' });
    for (let loss = 1; loss <= 2; loss++) {
      await w.clock.advance(31_000);
      await crashes();
    }
    // Both have lost two now: they take turns, and only the one that runs can be the one that kills.
    expect(w.engine.load()).toMatchObject({ attempts: 1, waitingAttempts: 1 });
    const alone = gate.last.key.split('/')[1] as string;
    await w.clock.advance(31_000);
    await w.open([s]);
    await w.clock.settle();
    expect(gate.calls.filter(({ key }) => key.includes(`/${alone}/`))).toHaveLength(3);
    expect(await w.engine.run(alone).until('attention')).toEqual(['a']);
    expect(w.types(alone).filter((type) => type === 'attempt.lost')).toHaveLength(3);
  });
});
