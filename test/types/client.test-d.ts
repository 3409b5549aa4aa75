import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { memory, saga, sagachart, sagachartClient } from '../../src/index.ts';

const fly = saga('fly', { version: 1, input: z.object({ to: z.string() }) })
  .read('seat', () => '12A')
  .output(({ results }) => ({ seat: results.seat }));
const pay = saga('pay', { version: 1, input: z.object({ cents: z.number() }) }).pivot('charge', () => 1);
const ask = saga('ask', { version: 1, input: z.string(), signals: { answer: z.object({ yes: z.boolean() }) } }).pivot('charge', () => 1);
const store = memory();

describe('sagachartClient', async () => {
  const client = await sagachartClient({ store, sagas: [fly, pay] });
  const bare = await sagachartClient({ store });

  it('knows inputs and outputs, by the definition or by its name', async () => {
    const run = await client.start(fly, { to: 'Rome' }, { id: 'trip-7' });
    const outcome = await run.outcome();
    if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<{ seat: string }>();
    const named = await (await client.start('fly', { to: 'Rome' }, { version: 1 })).outcome();
    if (named.status === 'completed') expectTypeOf(named.output).toEqualTypeOf<{ seat: string }>();
    // @ts-expect-error not a string
    await client.start(fly, { to: 7 });
    // @ts-expect-error not a number
    await client.start('pay', { cents: '7' });
    // @ts-expect-error nobody is called so
    await client.start('flee', { to: 'Rome' });
    // @ts-expect-error a definition has its own version
    await client.start(fly, { to: 'Rome' }, { version: 2 });
  });

  it('knows signals', async () => {
    const run = await (await sagachartClient({ store, sagas: [ask] })).start('ask', 'who?');
    await run.signal('answer', { yes: true }, { id: 'once' });
    // @ts-expect-error not so
    await run.signal('answer', { yes: 1 });
    // @ts-expect-error nobody asks that
    await run.signal('question', { yes: true });
  });

  it('takes any name where no sagas are given, and knows definitions all the same', async () => {
    const run = await bare.start('anything', { at: 'all' });
    expectTypeOf(run.signal('go')).resolves.toEqualTypeOf<{ readonly seq: number }>();
    const outcome = await (await bare.start(fly, { to: 'Rome' })).outcome();
    if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<{ seat: string }>();
    // @ts-expect-error not a string
    await bare.start(fly, { to: 7 });
  });
});

describe('startMany', async () => {
  const engine = await sagachart({ store, sagas: [fly, pay] });
  const client = await sagachartClient({ store, sagas: [fly, pay] });

  it('knows the input of each entry', async () => {
    const answers = await engine.startMany([
      { saga: fly, input: { to: 'Rome' }, id: 'a' },
      { saga: 'pay', input: { cents: 7 }, labels: { of: 'Ann' } },
    ]);
    for (const answer of answers) if (answer.status !== 'error') expectTypeOf(answer.id).toEqualTypeOf<string>();
    await client.startMany([{ saga: pay, input: { cents: 7 } }]);
    // @ts-expect-error the input of another
    await engine.startMany([{ saga: fly, input: { cents: 7 } }]);
    // @ts-expect-error the input of another
    await client.startMany([{ saga: 'pay', input: { to: 'Rome' } }]);
    // @ts-expect-error nobody is called so
    await engine.startMany([{ saga: 'flee', input: { to: 'Rome' } }]);
  });
});
