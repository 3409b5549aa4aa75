import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { saga, step, type } from '../../src/index.ts';
import type { ReusableStep } from '../../src/saga/reusable.ts';
import { begin, type Services, undo } from './trip.ts';

const hotel = step(
  { input: z.object({ guest: z.string() }), services: type<Pick<Services, 'hotel'>>() },
  ({ input, key, services }) => services.hotel.reserve(input.guest, { key }),
  { compensate: ({ outcome, undoKey, services }) => services.hotel.release(outcome.result?.room, { key: undoKey }) },
);

describe('a reusable step', () => {
  it('knows its input, its result and its services', () => {
    expectTypeOf(hotel).toEqualTypeOf<ReusableStep<{ guest: string }, { readonly room: number }, Pick<Services, 'hotel'>>>();
  });

  it('is given its own input and no results', () => {
    step(
      { input: z.object({ n: z.number() }) },
      ({ input, results }) => {
        expectTypeOf(input).toEqualTypeOf<{ n: number }>();
        expectTypeOf<keyof typeof results>().toBeNever();
      },
      undo,
    );
  });

  it('demands an undo and a result that can be stored', () => {
    const input = z.object({});
    // @ts-expect-error no compensate
    step({ input }, () => 1, {});
    // @ts-expect-error a Date
    step({ input }, () => new Date(), undo);
    // @ts-expect-error no bare key
    step({ input }, () => 1, { compensate: ({ key }) => key });
  });
});

describe('use', () => {
  it('gives the result the name of this saga', () => {
    begin
      .read('quote', () => 5)
      .use('stay', hotel, ({ input, results }) => {
        expectTypeOf(input).toEqualTypeOf<{ traveler: string; bags: number }>();
        expectTypeOf(results).toEqualTypeOf<{ readonly quote: number }>();
        return { guest: input.traveler };
      })
      .read('room', ({ results }) => expectTypeOf(results.stay).toEqualTypeOf<{ readonly room: number }>());
    begin.graph((g) => g.use('stay', hotel, () => ({ guest: 'Ada' }))).read('room', ({ results }) => results.stay.room.toFixed());
  });

  it('demands the input of the step', () => {
    // @ts-expect-error no guest
    begin.use('stay', hotel, () => ({}));
    // @ts-expect-error not a string
    begin.use('stay', hotel, ({ input }) => ({ guest: input.bags }));
    // @ts-expect-error no input
    begin.use('stay', hotel);
  });

  it('takes what the schema of the step takes, not what it makes of it', () => {
    const input = z.object({ at: z.string().transform(Number), floor: z.number().default(1) });
    const lift = step({ input }, ({ input: { at, floor } }) => at.toFixed(floor), undo);
    begin.use('lift', lift, () => ({ at: '5' }));
    // @ts-expect-error a string becomes the number
    begin.use('lift', lift, () => ({ at: 5 }));
  });

  it('demands a free name, and that the saga has the services', () => {
    // @ts-expect-error taken
    begin.read('stay', () => 1).use('stay', hotel, () => ({ guest: 'Ada' }));
    const poor = saga('poor', { version: 1, input: z.object({}), services: type<Pick<Services, 'airline'>>() });
    // @ts-expect-error no hotel
    poor.use('stay', hotel, () => ({ guest: 'Ada' }));
    // @ts-expect-error no hotel
    poor.graph((g) => g.use('stay', hotel, () => ({ guest: 'Ada' })));
  });
});
