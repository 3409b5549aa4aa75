import { z } from 'zod';
import { saga, step, type } from '../src/index.ts';
import type { TravelServices } from './services/travel.ts';

/** Reusable: any saga that has the hotel service can book a room. */
export const reserveHotel = step(
  { input: z.object({ guest: z.string() }), services: type<Pick<TravelServices, 'hotel'>>() },
  ({ input, key, signal, services }) => services.hotel.reserve(input.guest, { key, signal }),
  {
    compensate: ({ outcome, runKey, undoKey, services }) => services.hotel.release(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    retry: { from: '50ms', to: '1s' },
    dependency: 'hotel',
  },
);

/** A trip: flight, hotel and car side by side, then the charge that settles it, then the tickets. */
export const tripBooking = saga('trip-booking', {
  version: 1,
  services: type<TravelServices>(),
  input: z.object({ traveler: z.string().min(1), cents: z.number().int().positive(), card: z.string().meta({ sensitive: true }).optional() }),
  why: 'a traveler pays only for a trip that is booked as a whole',
})
  .parallel(
    (b) =>
      b
        .step('flight', ({ input, key, signal, services }) => services.airline.reserve(input.traveler, { key, signal }), {
          compensate: ({ outcome, runKey, undoKey, services }) => services.airline.release(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
          timeout: '10s',
          retry: { attempts: 5, from: '50ms', to: '1s' },
          dependency: 'airline',
          why: 'seats are held for 20 minutes',
        })
        .read('seat', ({ results }) => `${results.flight.ref.slice(-4)}/12A`),
    (b) => b.use('hotel', reserveHotel, ({ input }) => ({ guest: input.traveler })),
    (b) =>
      b.step('car', ({ input, key, signal, services }) => services.cars.reserve(input.traveler, { key, signal }), {
        compensate: ({ outcome, runKey, undoKey, services }) => services.cars.release(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
        retry: { from: '50ms', to: '1s' },
        dependency: 'cars',
      }),
  )
  .pivot('charge', ({ input, key, signal, services }) => services.bank.charge(input.cents, { key, signal }), {
    check: ({ runKey, services }) => services.bank.find(runKey),
    retry: { from: '50ms', to: '1s' },
    dependency: 'bank',
    why: 'once the card is charged the trip is sold',
  })
  .step('tickets', ({ results, key, signal, services }) => services.airline.issue(results.flight.ref, { key, signal }), {
    retry: { attempts: 'forever', from: '50ms', to: '5s' },
    dependency: 'airline',
    why: 'the traveler has paid, so tickets are issued however long it takes',
  })
  .output(({ results }) => ({ ticket: results.tickets.number, seat: results.seat }));
