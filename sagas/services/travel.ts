import type { Reference, Simulator } from './simulator.ts';

interface Asked {
  readonly key: string;
  readonly signal?: AbortSignal;
}

export interface Booking {
  readonly ref: string;
}

/** What a travel agency calls. */
export interface TravelServices {
  readonly airline: {
    reserve(traveler: string, asked: Asked): Promise<Booking>;
    release(what: Reference, asked: Asked): Promise<void>;
    issue(flight: string, asked: Asked): Promise<{ readonly number: string }>;
  };
  readonly hotel: { reserve(guest: string, asked: Asked): Promise<Booking>; release(what: Reference, asked: Asked): Promise<void> };
  readonly cars: { reserve(driver: string, asked: Asked): Promise<Booking>; release(what: Reference, asked: Asked): Promise<void> };
  readonly bank: {
    charge(cents: number, asked: Asked): Promise<Booking & { readonly cents: number }>;
    find(key: string): Promise<(Booking & { readonly cents: number }) | undefined>;
  };
}

export function travelServices(simulator: (name: string) => Simulator): TravelServices {
  const [airline, hotel, cars, bank] = ['airline', 'hotel', 'cars', 'bank'].map(simulator) as [Simulator, Simulator, Simulator, Simulator];
  return {
    airline: {
      reserve: (_traveler, asked) => airline.act('reserve', asked, (ref) => ({ ref })),
      release: (what, asked) => airline.undo('release', what, asked),
      issue: (flight, asked) => airline.act('issue', asked, () => ({ number: `T-${flight.slice(-6)}` })),
    },
    hotel: { reserve: (_guest, asked) => hotel.act('reserve', asked, (ref) => ({ ref })), release: (what, asked) => hotel.undo('release', what, asked) },
    cars: { reserve: (_driver, asked) => cars.act('reserve', asked, (ref) => ({ ref })), release: (what, asked) => cars.undo('release', what, asked) },
    bank: { charge: (cents, asked) => bank.act('charge', asked, (ref) => ({ ref, cents })), find: (key) => bank.find(key) },
  };
}
