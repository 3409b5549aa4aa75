import { describe, expectTypeOf, it } from 'vitest';
import { didNotHappen, happened } from '../../src/index.ts';
import { begin, type Services, settled, undo } from './trip.ts';

describe('what a step is given', () => {
  it('is the input as the schema gives it back, the services, a key and a signal', () => {
    begin.read('quote', ({ input, services, key, signal, run }) => {
      expectTypeOf(input).toEqualTypeOf<{ traveler: string; bags: number }>();
      expectTypeOf(services).toEqualTypeOf<Services>();
      expectTypeOf(key).toEqualTypeOf<string>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      expectTypeOf(run.id).toEqualTypeOf<string>();
    });
  });

  it('has no service that the saga did not ask for', () => {
    // @ts-expect-error there is no bank
    begin.read('quote', ({ services }) => services.bank.rate());
  });
});

describe('the name of a step', () => {
  it('is taken once', () => {
    // @ts-expect-error taken
    begin.read('a', () => 1).read('a', () => 1);
    // @ts-expect-error taken
    begin.read('a', () => 1).step('a', () => 1, undo);
    // @ts-expect-error taken
    begin.read('a', () => 1).pivot('a', () => 1);
    // @ts-expect-error taken before the branches
    begin.read('a', () => 1).parallel((b) => b.read('a', () => 1));
    // @ts-expect-error taken in a branch
    begin.parallel((b) => b.read('a', () => 1)).read('a', () => 1);
    // @ts-expect-error taken in a graph
    begin.graph((g) => g.read('a', () => 1)).read('a', () => 1);
    begin.read('a', () => 1).read('b', () => 1);
  });
});

describe('check', () => {
  const charge = async () => ({ cents: 5 });

  it('answers with the result, that it cannot be told, or that the effect cannot come', () => {
    begin.pivot('charge', charge, { check: () => ({ cents: 5 }) });
    begin.pivot('charge', charge, { check: async () => undefined });
    begin.pivot('charge', charge, { check: async () => null });
    begin.pivot('charge', charge, { check: () => didNotHappen });
    begin.pivot('charge', charge, { check: () => happened({ cents: 5 }) });
    begin.pivot('charge', charge, { check: ({ attempt }) => (attempt > 1 ? didNotHappen : { cents: 5 }) });
    begin.step('charge', charge, { ...undo, check: () => ({ cents: 5 }) });
  });

  it('cannot answer with anything else', () => {
    // @ts-expect-error not the result
    begin.pivot('charge', charge, { check: () => ({ paid: true }) });
    // @ts-expect-error not the result
    begin.pivot('charge', charge, { check: async () => happened({ cents: 'five' }) });
    // @ts-expect-error a verdict is the result, not a yes
    begin.pivot('charge', charge, { check: () => true });
    // @ts-expect-error not the result
    settled.step('mail', charge, { check: () => 'sent' });
    // @ts-expect-error it does not say what `run` returns
    begin.pivot('charge', () => {}, { check: () => ({ cents: 5 }) });
  });

  it('is given the key that run used, and no bare key', () => {
    begin
      .read('quote', () => 5)
      .pivot('charge', charge, {
        check: (context) => {
          expectTypeOf(context.runKey).toEqualTypeOf<string>();
          expectTypeOf(context.results).toEqualTypeOf<{ readonly quote: number }>();
          expectTypeOf(context).not.toHaveProperty('key');
          return undefined;
        },
      });
  });
});
