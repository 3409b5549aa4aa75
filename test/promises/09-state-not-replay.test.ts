import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { saga, workflow } from '../../src/index.ts';
import { Gate } from '../runtime/harness.ts';
import { journalOf, setting } from './setting.ts';

const worlds = setting();

/** The code of one deploy: what it calls is counted, and what it says depends on it. */
const deploy = (name: string) => {
  const calls: string[] = [];
  const gate = new Gate();
  const note = (what: string): string => {
    calls.push(what);
    return `${what} of ${name}`;
  };
  const options = { compensate: () => {} };
  const s = saga('counted', { version: 1, input: z.any() })
    .step('a', () => note('a'), options)
    .use('b', { input: z.any(), run: () => note('b'), options }, () => note('the input of b'))
    .step('c', gate.run, options)
    .output(({ results }) => results);
  return { s, calls, gate };
};

describe('9. state, not replay', () => {
  it('what a run has done is never executed again to find out where it stands, so code may change under it', async () => {
    const w = worlds.file();
    const old = deploy('Monday');
    const engine = await w.open([old.s]);
    await engine.start('counted', null, { id: 'r' });
    await w.clock.settle();
    expect(old.calls).toEqual(['a', 'the input of b', 'b']);

    const after = await worlds.crashed(w);
    const next = deploy('Tuesday');
    await after.open([next.s]);
    await after.clock.settle();
    expect(next.calls).toEqual([]);
    next.gate.last.resolve('c');
    expect(await after.engine.run('r').outcome()).toMatchObject({ output: { a: 'a of Monday', b: 'b of Monday', c: 'c' } });
    expect(next.calls).toEqual([]);
  });

  it('nor is the code of a hand-written chart: actions, guards and actors', async () => {
    const counting = (calls: string[]) => {
      const counted =
        <T>(what: string, value: T) =>
        (): T => {
          calls.push(what);
          return value;
        };
      const machine = setup({
        actors: { first: fromPromise(async () => counted('first', 1)()) },
        guards: { allowed: counted('allowed', true) },
        actions: { add: assign({ n: ({ context }) => counted('add', (context as { n: number }).n + 1)() }) },
      }).createMachine({
        id: 'counting',
        context: { n: 0 },
        initial: 'one',
        states: {
          one: { invoke: { src: 'first', onDone: { target: 'two', guard: 'allowed', actions: 'add' } } },
          two: { on: { go: { target: 'three', actions: 'add' } } },
          three: { type: 'final' },
        },
        output: ({ context }) => context.n,
      });
      return workflow(machine, { version: 1, events: { go: z.object({}) } });
    };
    const w = worlds.file();
    const before: string[] = [];
    const engine = await w.open([counting(before)]);
    await engine.start('counting', undefined, { id: 'r' });
    await w.clock.settle();
    expect(before.sort()).toEqual(['add', 'allowed', 'first']);

    const after = await worlds.crashed(w);
    const calls: string[] = [];
    await after.open([counting(calls)]);
    await after.engine.run('r').signal('go');
    expect(await after.engine.run('r').outcome()).toMatchObject({ output: 2 });
    expect(calls).toEqual(['add']);
  });

  it('a chart that changed under a live run, or a version that is gone: a clear error, and the run waits untouched', async () => {
    const w = worlds.file();
    const old = deploy('Monday');
    const engine = await w.open([old.s]);
    await engine.start('counted', null, { id: 'r' });
    await w.clock.settle();

    const steps = { compensate: () => {} };
    const changed = saga('counted', { version: 1, input: z.any() }).step('a', async () => 1, steps);
    const newer = saga('counted', { version: 2, input: z.any() }).step('a', async () => 1, steps);
    for (const other of [changed, newer]) {
      const after = await worlds.crashed(w);
      const before = await journalOf(w.store, 'r');
      await after.open([other]);
      await after.clock.advance(60_000);
      expect(after.engine.load().blocked).toBe(1);
      await expect(after.engine.run('r').outcome()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
      await expect(after.engine.run('r').cancel()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
      expect(await after.engine.run('r').status()).toMatchObject({ status: 'running', version: 1 });
      expect(await journalOf(after.store, 'r')).toEqual(before);

      const back = await worlds.crashed(after);
      const again = deploy('Wednesday');
      await back.open([again.s]);
      await back.clock.settle();
      again.gate.last.resolve('c');
      expect(await back.engine.run('r').outcome()).toMatchObject({ status: 'completed', output: { a: 'a of Monday' } });
    }
  });
});
