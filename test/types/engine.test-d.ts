import { describe, expectTypeOf, it } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';
import type { InputOf, OutputOf } from '../../src/definitions.ts';
import { memory, saga, sagachart, type, workflow } from '../../src/index.ts';
import type { Sagachart } from '../../src/sagachart.ts';

interface Airline {
  readonly airline: { fly(): string };
}

interface Bank {
  readonly bank: { charge(): number };
}

const fly = saga('fly', { version: 1, services: type<Airline>(), input: z.object({ to: z.string(), bags: z.number().optional() }) })
  .read('seat', ({ services }) => services.airline.fly())
  .output(({ input, results }) => ({ seat: results.seat, to: input.to }));
const pay = saga('pay', { version: 1, services: type<Bank>(), input: z.object({ cents: z.number() }) }).pivot('charge', ({ services }) =>
  services.bank.charge(),
);
const free = saga('free', { version: 1, input: z.object({}) }).read('nothing', () => undefined);
const approval = workflow(createMachine({ id: 'approval' }), { version: 1, input: z.object({ title: z.string() }) });

const airline = { fly: () => '12A' };
const bank = { charge: () => 1 };
const store = memory();

describe('sagachart', () => {
  it('demands the services of all sagas', async () => {
    await sagachart({ sagas: [fly, pay, approval], store, services: { airline, bank } });
    await sagachart({ sagas: [free, approval], store });
    // @ts-expect-error no services
    await sagachart({ sagas: [fly], store });
    // @ts-expect-error no bank
    await sagachart({ sagas: [fly, pay], store, services: { airline } });
    // @ts-expect-error no airline
    await sagachart({ sagas: [fly, approval], store, services: {} });
    // @ts-expect-error not such an airline
    await sagachart({ sagas: [fly], store, services: { airline: { fly: () => 12 } } });
  });
});

describe('start', async () => {
  const engine = await sagachart({ sagas: [fly, pay, approval], store, services: { airline, bank } });

  it('demands the input that the schema takes', async () => {
    expectTypeOf<InputOf<typeof fly>>().toEqualTypeOf<{ to: string; bags?: number | undefined }>();
    await engine.start(fly, { to: 'Rome' }, { id: 'trip-7' });
    // @ts-expect-error not a string
    await engine.start(fly, { to: 7 });
    // @ts-expect-error no destination
    await engine.start(fly, {});
    // @ts-expect-error no input
    await engine.start(fly);
  });

  it('takes what the schema takes, not what it makes of it', async () => {
    const n = z.object({ n: z.string().transform(Number), to: z.string().default('Rome') });
    expectTypeOf<InputOf<typeof defaulted>>().toEqualTypeOf<{ n: string; to?: string | undefined }>();
    const defaulted = saga('defaulted', { version: 1, input: n }).read('a', ({ input }) => input.n.toFixed() + input.to.trim());
    expectTypeOf<InputOf<ReturnType<typeof flow>>>().toEqualTypeOf<{ n: string; to?: string | undefined }>();
    const flow = () => workflow(createMachine({ id: 'x' }), { version: 1, input: n });
  });

  it('is given a version only with a name', async () => {
    await engine.start('fly', { to: 'Rome' }, { version: 2, id: 'trip-7' });
    // @ts-expect-error the definition has one
    await engine.start(fly, { to: 'Rome' }, { version: 2 });
  });

  it('knows its sagas by name', async () => {
    const outcome = await (await engine.start('fly', { to: 'Rome' })).outcome();
    if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<{ seat: string; to: string }>();
    // @ts-expect-error not a string
    await engine.start('fly', { to: 7 });
    // The name of a workflow is its machine's id, which its type does not hold.
    await engine.start('approval', { title: 'Laptop' });
    const sagas = await sagachart({ sagas: [fly, free], store, services: { airline } });
    await sagas.start('free', {});
    // @ts-expect-error no such saga
    await sagas.start('flee', {});
    const any: Sagachart = sagas;
    await any.start('flee', 7);
  });

  it('demands the input of a workflow', async () => {
    expectTypeOf<InputOf<typeof approval>>().toEqualTypeOf<{ title: string }>();
    await engine.start(approval, { title: 'Laptop' });
    // @ts-expect-error no title
    await engine.start(approval, { cents: 5 });
  });

  it('gives a run whose outcome has the output of the saga, if it completed', async () => {
    const outcome = await (await engine.start(fly, { to: 'Rome' })).outcome();
    expectTypeOf(outcome.status).toEqualTypeOf<'completed' | 'compensated' | 'canceled' | 'failed' | 'terminated'>();
    // @ts-expect-error there is none unless it completed
    outcome.output;
    if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<{ seat: string; to: string }>();
    if (outcome.status === 'compensated') expectTypeOf(outcome.step).toEqualTypeOf<string>();
  });

  it('has no output where the saga computes none', () => {
    expectTypeOf<OutputOf<typeof pay>>().toEqualTypeOf<undefined>();
    expectTypeOf<OutputOf<typeof approval>>().toBeUnknown();
  });

  it('keeps the output of a saga that goes on after it', () => {
    const longer = fly.read('more', () => 1);
    expectTypeOf<OutputOf<typeof longer>>().toEqualTypeOf<{ seat: string; to: string }>();
  });
});
