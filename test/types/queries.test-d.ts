import { describe, expectTypeOf, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import { z } from 'zod';
import { memory, saga, sagachart, sagachartClient, workflow } from '../../src/index.ts';

const batch = saga('batch', { version: 1, input: z.object({ size: z.number() }) })
  .read('first', ({ input }) => input.size)
  .read('second', () => ({ text: 'x' }))
  .output(({ results }) => results.second.text)
  .queries({
    position: ({ input, results, states, progress, status }) => {
      expectTypeOf(input).toEqualTypeOf<{ size: number }>();
      expectTypeOf(results).toEqualTypeOf<{ readonly first?: number; readonly second?: { text: string } }>();
      expectTypeOf(states).toEqualTypeOf<readonly string[]>();
      expectTypeOf(progress).toEqualTypeOf<{ readonly first?: unknown; readonly second?: unknown }>();
      expectTypeOf(status).toEqualTypeOf<
        'queued' | 'running' | 'sleeping' | 'compensating' | 'completed' | 'compensated' | 'canceled' | 'failed' | 'terminated'
      >();
      return { of: input.size, at: results.first ?? 0 };
    },
    isDone: ({ results }) => results.second !== undefined,
  });
const plain = saga('plain', { version: 1, input: z.object({}) }).read('nothing', () => undefined);
const counter = setup({ types: { context: {} as { readonly n: number } } }).createMachine({
  id: 'counter',
  context: { n: 0 },
  initial: 'up',
  states: { up: { on: { more: { actions: assign(({ context }) => ({ n: context.n + 1 })) } } }, down: {} },
});
const counting = workflow(counter, {
  version: 1,
  input: z.object({ from: z.number() }),
  queries: {
    count: ({ context, value }) => {
      expectTypeOf(context).toEqualTypeOf<{ readonly n: number }>();
      expectTypeOf(value).toEqualTypeOf<'up' | 'down'>();
      return context.n;
    },
  },
});
const bare = workflow(createMachine({ id: 'bare' }), { version: 1 });
const store = memory();

describe('queries', async () => {
  const engine = await sagachart({ sagas: [batch, plain, counting, bare], store });
  const client = await sagachartClient({ sagas: [batch, plain, counting, bare], store });

  it('answer by name what they return, on the handle of an engine and on that of a client', async () => {
    const run = await engine.start(batch, { size: 3 });
    expectTypeOf(run.query('position')).resolves.toEqualTypeOf<{ of: number; at: number }>();
    expectTypeOf(run.query('isDone', { after: 3 })).resolves.toEqualTypeOf<boolean>();
    const remote = await client.start(batch, { size: 3 });
    expectTypeOf(remote.query('position')).resolves.toEqualTypeOf<{ of: number; at: number }>();
    // @ts-expect-error no such query
    await run.query('positron');
    // @ts-expect-error no such query
    await remote.query('positron');
  });

  it('are known of a saga that is named', async () => {
    expectTypeOf((await engine.start('batch', { size: 3 })).query('isDone')).resolves.toEqualTypeOf<boolean>();
    expectTypeOf((await client.start('batch', { size: 3 })).query('isDone')).resolves.toEqualTypeOf<boolean>();
  });

  it('are known of a workflow, whose machine types them', async () => {
    const run = await engine.start(counting, { from: 1 });
    expectTypeOf(run.query('count')).resolves.toEqualTypeOf<number>();
    // @ts-expect-error no such query
    await run.query('sum');
  });

  it('are none where none are declared, and any where the run is only known by its id', async () => {
    // @ts-expect-error none
    await (await engine.start(plain, {})).query('position');
    // @ts-expect-error none
    await (await client.start(bare, {})).query('position');
    expectTypeOf(engine.run('r').query('position')).resolves.toBeUnknown();
    expectTypeOf(client.run('r').query('position')).resolves.toBeUnknown();
    expectTypeOf(engine.run<typeof batch>('r').query('isDone')).resolves.toEqualTypeOf<boolean>();
    expectTypeOf(client.run<typeof batch>('r').query('isDone')).resolves.toEqualTypeOf<boolean>();
  });

  it('may read only what there is, may not be sure of it, and answer at once', () => {
    // @ts-expect-error no such step
    plain.queries({ x: ({ results }) => results.something });
    const one = saga('one', { version: 1, input: z.any() }).read('a', () => ({ n: 1 }));
    // @ts-expect-error it may not have happened yet
    one.queries({ x: ({ results }) => results.a.n });
    // @ts-expect-error a promise
    plain.queries({ x: async () => 1 });
  });
});
