import { describe, expect, expectTypeOf, it } from 'vitest';
import { createActor, fromPromise, waitFor } from 'xstate';
import { z } from 'zod';
import { childRunId } from '../../src/base/ids.ts';
import { foldedMermaid, mermaid } from '../../src/chart/diagram.ts';
import { fingerprint } from '../../src/chart/fingerprint.ts';
import { statelySource } from '../../src/chart/stately.ts';
import { HardError, saga } from '../../src/index.ts';
import { harness, simplePaths, succeeds, throws, verify } from '../../src/testing/index.ts';

const input = z.object({ n: z.number() });
const run = (): string => 'done';
const compensate = (): void => {};
const payment = saga('payment', { version: 1, nested: true, input })
  .step('reserve', run, { compensate })
  .output(({ input: { n } }) => ({ paid: n }));
const trip = saga('trip', { version: 1, input })
  .step('flight', run, { compensate })
  .child('pay', payment, ({ input: own }) => own)
  .step('last', run, { compensate })
  .output(({ results }) => results.pay.paid);

/** The machine with actors that succeed, and these. */
function actorOf(machine: typeof trip.machine, actors: Readonly<Record<string, () => Promise<unknown>>>) {
  const all: Readonly<Record<string, () => Promise<unknown>>> = {
    flight: async () => 1,
    'flight.undo': async () => {},
    'pay.undo': async () => {},
    last: async () => 1,
    'last.undo': async () => {},
    ...actors,
  };
  return machine.provide({ actors: Object.fromEntries(Object.entries(all).map(([name, one]) => [name, fromPromise(one)])) } as never);
}

async function ends(machine: typeof trip.machine): Promise<{ readonly value: unknown; readonly output: unknown }> {
  const actor = createActor(machine, { input: { input: { n: 5 } } }).start();
  const { value, output } = await waitFor(actor, ({ status }) => status === 'done');
  return { value, output };
}

describe('a child in a chart', () => {
  it('is an actor by its name, as any step: a test gives it a promise', async () => {
    expect(await ends(actorOf(trip.machine, { pay: async () => ({ paid: 3 }) }))).toMatchObject({ value: 'completed', output: { output: 3 } });
    expect(await ends(actorOf(trip.machine, { pay: async () => Promise.reject(new HardError('no')) }))).toMatchObject({ value: 'compensated' });
  });

  it('is tried once, whatever it fails with: it has tried for itself', async () => {
    let begun = 0;
    const pay = async (): Promise<never> => {
      begun++;
      throw new Error('busy');
    };
    expect(await ends(actorOf(trip.machine, { pay }))).toMatchObject({ value: 'compensated' });
    expect(begun).toBe(1);
  });

  it('tries nothing again, and asks nobody', () => {
    expect(Object.keys(trip.machine.root.states.running?.states.pay?.states ?? {})).toEqual(['attempting', 'succeeded', 'refused', 'unknown']);
  });

  it('is shown with the name of its saga', () => {
    expect(mermaid(trip.machine)).toContain('attempting (saga payment)');
    expect(foldedMermaid(trip.definition)).toContain('pay: saga payment');
    expect(statelySource(trip.machine)).toContain('a run of the saga payment is under way');
  });

  it('has the name of its saga in the fingerprint, and not its version', () => {
    const other = (name: string, version: number) => {
      const nested = saga(name, { version, nested: true, input }).step('reserve', run, { compensate });
      return saga('parent', { version: 1, input }).child('c', nested, ({ input: own }) => own);
    };
    const of = (one: ReturnType<typeof other>): string => fingerprint(one.machine, one.definition);
    expect(of(other('a', 1))).toBe(of(other('a', 2)));
    expect(of(other('a', 1))).not.toBe(of(other('b', 1)));
  });

  it('gives the output of its saga, by type too', () => {
    saga('typed', { version: 1, input })
      .child('pay', payment, ({ input: own }) => own)
      .child('maybe', payment, ({ results }) => ({ n: results.pay.paid }), { optional: true })
      .output(({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly pay: { paid: number }; readonly maybe: { paid: number } | undefined }>());
    // @ts-expect-error it takes a number
    saga('typed', { version: 1, input }).child('pay', payment, () => ({ n: 'x' }));
    const pastPivot = saga('typed', { version: 1, input }).child('pay', payment, ({ input: own }) => own, { pivot: true });
    // @ts-expect-error past the pivot nothing is undone
    expect(() => pastPivot.step('last', run, { compensate })).toThrow('only goes forward');
  });

  it('stands in a graph, too', () => {
    const { steps } = saga('graph', { version: 1, input }).graph((g) =>
      g
        .step('a', run, { compensate })
        .after('a')
        .child('b', payment, ({ input: own }) => own),
    ).definition;
    expect(steps.map(({ name, after, child }) => [name, after, child?.name])).toEqual([
      ['a', [], undefined],
      ['b', [0], 'payment'],
    ]);
  });
});

describe('a nested saga', () => {
  it('by itself completes when it is done', async () => {
    const machine = payment.machine.provide({ actors: { reserve: fromPromise(async () => 1) } as never });
    expect(await ends(machine)).toMatchObject({ value: 'completed', output: { output: { paid: 5 }, left: [] } });
  });

  for (const [event, value] of [
    ['release', 'completed'],
    ['undo', 'compensated'],
  ] as const) {
    it(`as a child is held when it is done, and ${value} when it is told to ${event}`, async () => {
      const machine = payment.machine.provide({ actors: { reserve: fromPromise(async () => 1), 'reserve.undo': fromPromise(async () => {}) } as never });
      const actor = createActor(machine, { input: { input: { n: 5 }, nested: true } }).start();
      const held = await waitFor(actor, (snapshot) => snapshot.matches('held'));
      expect(held.context).toMatchObject({ held: { output: { paid: 5 }, left: [] } });
      actor.send({ type: event });
      expect(await waitFor(actor, ({ status }) => status === 'done')).toMatchObject({ value });
    });
  }

  it('is refused where it could not be undone as a unit', () => {
    const plain = saga('plain', { version: 1, input }).step('a', run, { compensate });
    const pivotal = saga('pivotal', { version: 1, nested: true, input }).pivot('a', run);
    const code = (make: () => unknown): unknown => {
      try {
        make();
        return 'fine';
      } catch (error) {
        return [(error as { code: string }).code, (error as Error).message];
      }
    };
    const parent = () => saga('parent', { version: 1, input });
    const same = ({ input: own }: { readonly input: { n: number } }) => own;
    expect(code(() => parent().child('c', plain, same))).toEqual([
      'SC_DEFINITION_CHILD',
      'saga parent, step c: the saga plain does not say that it can be undone by a parent',
    ]);
    expect(code(() => parent().child('c', pivotal, same))).toEqual([
      'SC_DEFINITION_CHILD',
      'saga parent, step c: the saga pivotal has a pivot (a), past which it cannot be undone as a unit',
    ]);
    for (const one of [plain, pivotal]) {
      expect(code(() => parent().child('c', one, same, { pivot: true }))).toBe('fine');
      expect(code(() => parent().pivot('p', run).child('c', one, same))).toBe('fine');
    }
    expect(code(() => saga('s', { version: 1, nested: true, input, onFailure: 'forward' }))).toMatchObject(['SC_DEFINITION_CHILD', expect.any(String)]);
    expect(code(() => parent().child('c', undefined as never, same as never))).toMatchObject(['SC_DEFINITION_OPTION', expect.stringContaining('not a saga')]);
    expect(code(() => parent().child('c', payment, undefined as never))).toMatchObject(['SC_DEFINITION_OPTION', expect.any(String)]);
    expect(code(() => parent().child('c', payment, same, { retry: 3 } as never))).toMatchObject(['SC_DEFINITION_OPTION', expect.any(String)]);
    expect(code(() => parent().child('c', payment, same, { pivot: true, optional: true }))).toMatchObject(['SC_DEFINITION_OPTION', expect.any(String)]);
    expect(code(() => saga('s', { version: 1, input, signals: { undo: input } }))).toMatchObject(['SC_DEFINITION_RESERVED', expect.any(String)]);
  });
});

describe('the id of a child', () => {
  const of = (parent: string, round = 1, attempt = 1): string => childRunId(parent, { step: 'pay', round, attempt });

  it('is that of its parent and its step, and says which of several it is', () => {
    expect([of('r'), of('r', 2), of('r', 1, 2), of('r', 3, 2)]).toEqual(['r/pay', 'r/pay.2', 'r/pay.1.2', 'r/pay.3.2']);
  });

  it('is as long as an id may be at most, and different for each', () => {
    const long = ['a', 'b'].map((end) => of(`${'x'.repeat(199)}${end}`));
    expect(long.map((id) => Buffer.byteLength(id))).toEqual([200, 200]);
    expect(new Set([...long, of('x'.repeat(200), 2)]).size).toBe(3);
    expect(of('日'.repeat(66)).isWellFormed()).toBe(true);
  });
});

describe('the tools', () => {
  it('verify goes through a parent and its child, each by itself', async () => {
    for (const one of [
      payment,
      saga('s', { version: 1, input })
        .read('a', run, { retry: 1 })
        .child('c', payment, ({ input: own }) => own)
        .read('b', run, { retry: 1 }),
    ])
      expect(await verify(one)).toMatchObject({ complete: true, violations: [] });
    await expect(verify(trip, { world: { make: () => ({}), services: () => ({}) }, inputs: [{ n: 1 }] })).rejects.toMatchObject({ code: 'SC_VERIFY' });
  });

  it('a harness runs the child as it is written, or does what a script says', async () => {
    for (const [script, status] of [
      [{}, 'completed'],
      [{ pay: [succeeds({ paid: 9 })] }, 'completed'],
      [{ pay: [throws(new HardError('no'))] }, 'compensated'],
    ] as const) {
      await using h = await harness(trip, { script });
      const outcome = await h.outcome(await h.start({ n: 5 }));
      expect(outcome.status).toBe(status);
      if (outcome.status === 'completed') expect(outcome.output).toBe('pay' in script ? 9 : 5);
    }
  });

  it('paths of a parent take a child for a step', async () => {
    const paths = simplePaths(
      saga('s', { version: 1, input })
        .child('pay', payment, ({ input: own }) => own)
        .read('b', run),
      { outcomes: ['succeeds', 'is refused'] },
    );
    for (const path of paths) await path.check({ input: { n: 1 }, results: { pay: { paid: 1 } } });
    expect(paths.map(({ end }) => end)).toContain('compensated');
  });
});
