import { describe, expectTypeOf, it } from 'vitest';
import type { Failure } from '../../src/index.ts';
import type { StepUndoContext } from '../../src/saga/types.ts';
import { begin, type Services, settled, undo } from './trip.ts';

describe('compensate', () => {
  it('is given both keys, the outcome, and what the step was given', () => {
    begin
      .read('quote', () => 5)
      .step('hotel', ({ key, services }) => services.hotel.reserve('Ada', { key }), {
        compensate: (context) => {
          expectTypeOf(context.runKey).toEqualTypeOf<string>();
          expectTypeOf(context.undoKey).toEqualTypeOf<string>();
          expectTypeOf(context.services).toEqualTypeOf<Services>();
          expectTypeOf(context.results).toEqualTypeOf<{ readonly quote: number }>();
          expectTypeOf(context.input).toEqualTypeOf<{ traveler: string; bags: number }>();
          expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
          expectTypeOf(context.attempt).toEqualTypeOf<number>();
        },
      });
  });

  it('has no bare key, which would compile where runKey was meant', () => {
    expectTypeOf<StepUndoContext>().not.toHaveProperty('key');
    // @ts-expect-error no bare key
    begin.step('hotel', () => 1, { compensate: ({ key }) => key });
  });

  it('knows the result only where the outcome is a success', () => {
    begin.step('hotel', async () => ({ room: 7 }), {
      compensate: ({ outcome }) => {
        expectTypeOf(outcome.status).toEqualTypeOf<'succeeded' | 'unknown'>();
        expectTypeOf(outcome.result?.room).toEqualTypeOf<number | undefined>();
        // @ts-expect-error it may be unknown
        outcome.result.room;
        if (outcome.status === 'succeeded') expectTypeOf(outcome.result).toEqualTypeOf<{ room: number }>();
        else {
          expectTypeOf(outcome.result).toEqualTypeOf<undefined>();
          expectTypeOf(outcome.failure).toEqualTypeOf<Failure | undefined>();
        }
      },
    });
  });

  it('may be async, and has a policy of its own', () => {
    begin.step('hotel', () => 1, { compensate: async () => undefined, undo: { retry: { attempts: 3 }, timeout: '1s' } });
    // @ts-expect-error not a length of time
    begin.step('hotel', () => 1, { compensate: () => undefined, undo: { timeout: 'soon' } });
  });
});

describe('an undo', () => {
  it('is demanded of every step before the pivot', () => {
    // @ts-expect-error no options
    begin.step('hotel', () => 1);
    // @ts-expect-error options, but no compensate
    begin.step('hotel', () => 1, { timeout: '1s' });
    // @ts-expect-error a policy is not an undo
    begin.step('hotel', () => 1, { undo: { retry: 'forever' } });
    // @ts-expect-error a branch demands it too
    begin.parallel((b) => b.step('hotel', () => 1));
    begin.step('hotel', () => 1, undo);
  });

  it('is refused of a read, of a pivot and of what comes after it', () => {
    // @ts-expect-error a read has nothing to undo
    begin.read('quote', () => 1, { compensate: () => undefined });
    // @ts-expect-error nor has it a policy for undoing
    begin.read('quote', () => 1, { undo: { timeout: '1s' } });
    // @ts-expect-error a pivot is the point of no return
    begin.pivot('charge', () => 1, { compensate: () => undefined });
    const joined = begin.parallel(
      (b) => b.pivot('charge', () => 1),
      (b) => b,
    );
    // @ts-expect-error after the branch with the pivot, too
    joined.step('tickets', () => 1, undo);
    joined.step('tickets', () => 1);
    // @ts-expect-error from the pivot on a run only goes forward
    settled.step('tickets', () => 1, { compensate: () => undefined });
    // @ts-expect-error in a branch, too
    settled.parallel((b) => b.step('tickets', () => 1, { compensate: () => undefined }));
    settled.step('tickets', () => 1).step('mail', () => 2, { retry: 'forever' });
  });
});
