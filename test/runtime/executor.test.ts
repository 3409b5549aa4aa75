import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dependency, saga } from '../../src/index.ts';
import { Gates } from '../../src/policies/gates.ts';
import type { AttemptEnd } from '../../src/runtime/attempt.ts';
import { Executor } from '../../src/runtime/executor.ts';
import type { DependencyOptions } from '../../src/saga/dependency.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from './harness.ts';
import { planOf } from './plans.ts';

/** An executor, what it has begun, and how each attempt ended; those named `air…` depend on a protected airline. */
function executing(limit: number, options: DependencyOptions = {}) {
  const clock = new ManualClock();
  const airline = dependency('airline', options);
  const gates = new Gates([{ saga: 's', dependency: 'airline', protection: airline }], { clock, changed: () => {} });
  const executor = new Executor({ clock, limit, maxBytes: 1_000, gates });
  const begun: string[] = [];
  const ended = new Map<string, AttemptEnd>();
  const settle = new Map<string, { resolve(value: unknown): void; reject(error: unknown): void }>();
  const then = new Map<string, () => void>();
  const start = (key: string, losses = 0): void => {
    const run = () => new Promise((resolve, reject) => settle.set(key, { resolve, reject }));
    const plan = planOf({ step: key, losses, run, ...(key.startsWith('air') ? { dependency: 'airline', protection: airline } : {}) });
    const listener = {
      begun: () => begun.push(key),
      ended: (end: AttemptEnd) => {
        ended.set(key, end);
        then.get(key)?.();
      },
      late: () => {},
    };
    executor.start(key, plan, { run: { id: key, saga: 's' } } as never, listener);
  };
  const end = async (key: string): Promise<void> => {
    settle.get(key)?.resolve(key);
    await clock.settle();
  };
  const fail = async (key: string): Promise<void> => {
    settle.get(key)?.reject(new Error('down'));
    await clock.settle();
  };
  /** Does something in the very moment in which an attempt has ended. */
  const after = (key: string, what: () => void): void => void then.set(key, what);
  return { clock, executor, begun, ended, start, end, fail, after };
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

describe('an attempt whose dependency has no place', () => {
  it('steps aside, and goes before those that come after it', async () => {
    const { executor, begun, start, end } = executing(2, { concurrency: 1 });
    for (const key of ['air1', 'air2', 'b', 'c']) start(key);
    expect([begun, executor.waiting]).toEqual([['air1', 'b'], 2]);
    await end('air1');
    expect(begun).toEqual(['air1', 'b', 'air2']);
    await end('air2');
    expect([begun, executor.waiting]).toEqual([['air1', 'b', 'air2', 'c'], 0]);
  });

  it('does not go before one that must run alone', async () => {
    const { begun, start, end } = executing(2, { concurrency: 1 });
    for (const key of ['air1', 'air2', 'b']) start(key);
    start('suspect', 2);
    await end('air1');
    expect(begun).toEqual(['air1', 'b']);
    await end('b');
    expect(begun).toEqual(['air1', 'b', 'suspect']);
    await end('suspect');
    expect(begun).toEqual(['air1', 'b', 'suspect', 'air2']);
  });

  it('and is told to stop in the moment in which it is called leaves its place to the next', async () => {
    const { begun, ended, executor, start, end, after } = executing(2, { concurrency: 1 });
    for (const key of ['air1', 'air2', 'air3', 'b']) start(key);
    after('air1', () => executor.abort('air2', 'drain'));
    await end('air1');
    expect([begun, ended.has('air2')]).toEqual([['air1', 'b', 'air3'], true]);
  });
});

describe('a failure that opens a breaker', () => {
  it('is counted before its run hears of it: what that begins at once is turned away', async () => {
    const { begun, ended, start, fail, after } = executing(2, { breaker: { failures: 1, openFor: '10s' } });
    start('air1');
    after('air1', () => start('air2'));
    await fail('air1');
    expect([begun, ended.get('air2')]).toMatchObject([
      ['air1'],
      { error: { code: 'SC_ATTEMPT_BREAKER_OPEN', step: 'air2', dependency: 'airline', effect: 'none' } },
    ]);
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
