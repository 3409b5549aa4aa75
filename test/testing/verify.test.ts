import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { BusyError, didNotHappen, HardError, happened, saga, workflow } from '../../src/index.ts';
import { replay, type VerifyOptions, verify, type WorldModel } from '../../src/testing/index.ts';
import { DIAMOND, graphSaga, type Shape } from '../chart/shapes.ts';

const LONGEST_MS = 60_000;
const run = async () => {};
const undo = { compensate: async () => {} };
const start = () => saga('s', { version: 1, input: z.any() });

/** How its runs can end, and with what of the world. */
async function ends(shape: Shape, options: VerifyOptions): Promise<ReadonlySet<string>> {
  const all = new Set<string>();
  const { violations } = await verify(graphSaga(shape), {
    ...options,
    invariants: {
      note: ({ status, left, world }) => {
        // By whose hand is of no account for what comes of it.
        all.add(JSON.stringify([status, left.map(({ step }) => step), Object.entries(world as object).sort()]));
        return true;
      },
    },
  });
  expect(violations).toEqual([]);
  return all;
}

describe('verify', () => {
  it('goes through every run of a small saga, and finds the same each time', async () => {
    const small = start().step('a', run, undo);
    const first = await verify(small);
    expect(first).toMatchObject({ name: 's', complete: true, depth: null, violations: [] });
    expect(first.states).toBeGreaterThan(50);
    expect({ ...(await verify(small)), ms: 0 }).toEqual({ ...first, ms: 0 });
  });

  it(
    'covers chains, branches, checks, pivots, sleeps, and steps that never give up',
    async () => {
      const check = () => undefined;
      for (const one of [
        graphSaga(DIAMOND),
        start()
          .step('a', run, { ...undo, check })
          .pivot('b', run, { check })
          .step('c', run, { retry: 'forever' }),
        start().read('a', run).step('b', run, undo).sleep('1d').step('c', run, undo),
        start().parallel(
          (b) => b.step('a', run, undo),
          (b) => b.read('b', run),
        ),
      ]) {
        expect(await verify(one, { limits: { faults: 2 } })).toMatchObject({ violations: [] });
      }
    },
    LONGEST_MS,
  );

  test.prop([fc.constantFrom<Shape>([[]], [[], []], [[], [0]])], { numRuns: 3 })(
    'one order stands for all where the order cannot matter: the ends are the same',
    async (shape) => {
      const limits = { faults: 3 };
      expect(await ends(shape, { reduce: true, limits })).toEqual(await ends(shape, { reduce: false, limits }));
    },
    LONGEST_MS,
  );

  it('says up to how many faults it has come, when there are too many states', async () => {
    const cut = await verify(graphSaga(DIAMOND), { limits: { states: 2_000 } });
    expect(cut).toMatchObject({ complete: false, violations: [] });
    expect(cut.depth).toBeGreaterThanOrEqual(0);
    expect(await verify(graphSaga(DIAMOND), { limits: { faults: 1 } })).toMatchObject({ complete: false, depth: 1 });
  });

  it('tells how far it is', async () => {
    const told: number[] = [];
    await verify(graphSaga(DIAMOND), { limits: { faults: 1 }, onProgress: ({ states, most }) => told.push(states / most) });
    expect(told.length).toBeGreaterThan(1);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  it('refuses what it cannot go through', async () => {
    const one = start().step('a', run, undo);
    const world: WorldModel<{ n: number }> = { make: () => ({ n: 0 }), services: () => ({}) };
    const refusal = (message: string) => ({ code: 'SC_VERIFY', message: expect.stringContaining(message) });
    await expect(verify(one, { world })).rejects.toMatchObject(refusal('no inputs are given'));
    const typed = saga('s', { version: 1, input: z.object({ n: z.number() }) }).step('a', run, undo);
    await expect(verify(typed, { world, inputs: [{ n: 'x' }] })).rejects.toMatchObject(refusal('an input does not fit its schema'));
    for (const [limit, value] of [
      ['attempts', 0],
      ['states', 1.5],
      ['faults', -1],
    ] as const)
      await expect(verify(one, { limits: { [limit]: value } })).rejects.toMatchObject(refusal(`limits.${limit} is ${value}`));
    const counting = setup({ types: { context: {} as { n: number } } }).createMachine({
      id: 'counting',
      context: { n: 0 },
      on: { more: { actions: ({ context }) => context } },
      initial: 'a',
      states: { a: { after: { 10: { target: 'a', reenter: true } } } },
    });
    const endless = workflow(counting, { version: 1, events: { more: z.object({}) } });
    let n = 0;
    await expect(verify(endless, { inputs: [1], distinguish: () => n++, limits: { states: 50 } })).rejects.toMatchObject(refusal('cannot be gone through'));
  });
});

describe('what a saga does by itself', () => {
  const counter: WorldModel<{ n: number; log: string[] }> = {
    make: () => ({ n: 0, log: [] }),
    services: (world) => ({
      add: async (by: number) => {
        world.n += by;
        return world.n;
      },
      now: () => world.n,
      deep: { er: { set: (n: number) => void Object.assign(world, { n }) } },
    }),
    effects: ({ n }) => n,
  };
  type Services = { add(by: number): Promise<number>; now(): number; deep: { er: { set(n: number): void } } };
  const counts = () => saga('counts', { version: 1, input: z.object({ by: z.number() }) });
  const of = ({ services }: { readonly services: unknown }): Services => services as Services;

  it('a step that is not the same when it is repeated', async () => {
    const twice = counts().pivot('add', (context) => of(context).add(context.input.by), { check: () => undefined });
    const { violations } = await verify(twice, { world: counter, inputs: [{ by: 2 }] });
    expect(violations[0]).toMatchObject({ rule: 'everything is done, once', step: 'add' });
  });

  it('services that answer at once fail at once, and deep ones are wrapped', async () => {
    const sets = counts()
      .step('set', (context) => of(context).deep.er.set(context.input.by), {
        compensate: (context) => of(context).deep.er.set(0),
        check: (context) => (of(context).now() > 0 ? happened(undefined) : didNotHappen),
      })
      .output(({ input }) => input.by);
    expect(await verify(sets, { world: counter, inputs: [{ by: 2 }] })).toMatchObject({ complete: true, violations: [] });
  });

  it('what must hold at every end', async () => {
    const sets = counts().step('set', (context) => of(context).deep.er.set(context.input.by), { compensate: (context) => of(context).deep.er.set(0) });
    const { violations } = await verify(sets, {
      world: counter,
      inputs: [{ by: 2 }],
      invariants: { 'at most one': ({ world }) => world.n <= 1, named: ({ status }) => (status === 'canceled' ? 'nobody may cancel' : true) },
    });
    expect(violations.map(({ rule, step, message }) => [rule, step, message])).toEqual([
      ['invariant', 'at most one', 'at most one: does not hold at the end completed'],
    ]);
    const canceled = await verify(sets, {
      world: counter,
      inputs: [{ by: 1 }],
      invariants: { named: ({ status }) => (status === 'canceled' ? 'nobody may cancel' : true) },
    });
    expect(canceled.violations[0]).toMatchObject({ rule: 'invariant', message: 'named: nobody may cancel' });
  });

  it('an output that throws', async () => {
    const broken = counts()
      .read('a', () => 1)
      .output(({ input }) => (input.by as unknown as { x: { y: number } }).x.y);
    expect((await verify(broken, { world: counter, inputs: [{ by: 1 }] })).violations[0]).toMatchObject({
      rule: 'the chart does not throw',
      message: expect.stringContaining('undefined'),
      path: ['the run starts', 'a succeeds'],
    });
  });

  it('errors of its own are told from those that were injected, whatever wraps them', async () => {
    const wraps = counts().step(
      'add',
      async (context) => {
        try {
          of(context).deep.er.set(1);
        } catch (cause) {
          throw new BusyError('later', { cause });
        }
      },
      {
        compensate: async (context) => {
          try {
            of(context).deep.er.set(0);
          } catch (cause) {
            throw new Error('no luck', { cause });
          }
        },
      },
    );
    const { violations } = await verify(wraps, { world: { ...counter, effects: () => 0 }, inputs: [{ by: 1 }] });
    expect(violations).toEqual([]);
  });

  it('a step that denies what it has done', async () => {
    const denies = counts().step(
      'add',
      async (context) => {
        await of(context).add(1);
        throw new HardError('no');
      },
      { compensate: (context) => of(context).deep.er.set(0) },
    );
    const { violations } = await verify(denies, { world: counter, inputs: [{ by: 1 }] });
    expect(violations[0]).toMatchObject({ rule: 'everything is undone', step: 'add', next: expect.stringContaining('says that nothing happened') });
  });
});

describe('replay', () => {
  const forgetful = saga('forgetful', { version: 1, input: z.object({}) }).step('a', (context) => (context.services as { do(): void }).do(), {
    compensate: () => {},
  });
  const world: WorldModel<{ n: number }> = {
    make: () => ({ n: 0 }),
    services: (one) => ({
      do: () => {
        one.n = 1;
      },
    }),
  };

  it('goes the way that was found, and finds the same', async () => {
    const { violations } = await verify(forgetful, { world, inputs: [{}] });
    const { path = [], sequence, test: text } = violations[0] ?? {};
    const again = await replay(forgetful, { world, input: {}, path });
    expect(again.violations).toMatchObject([{ rule: 'everything is undone', step: 'a', path }]);
    expect(again.steps.map(({ label }) => label)).toEqual(path);
    expect(again.status).toBe('canceled');
    expect(sequence).toContain('  run->>a: undo');
    for (const label of path) expect(text).toContain(`'${label}'`);
  });

  it('says what can happen where the path leads nowhere', async () => {
    await expect(replay(forgetful, { world, input: {}, path: ['the run starts', 'a melts'] })).rejects.toMatchObject({
      code: 'SC_VERIFY_PATH',
      message: 'saga forgetful: move 2 of the path cannot happen there: "a melts"',
      next: expect.stringContaining('a succeeds; a is refused by do;'),
    });
  });
});
