import { z } from 'zod';
import { saga, type } from '../../src/index.ts';

interface Asked {
  readonly key: string;
}

export interface Services {
  readonly airline: { reserve(traveler: string, asked: Asked): Promise<{ readonly ref: string }>; release(what: string, asked: Asked): Promise<void> };
  readonly hotel: { reserve(guest: string, asked: Asked): Promise<{ readonly room: number }>; release(room: number | undefined, asked: Asked): Promise<void> };
}

/** What the programs of these tests begin with. They are compiled and never run. */
export const begin = saga('trip', {
  version: 1,
  services: type<Services>(),
  input: z.object({ traveler: z.string(), bags: z.string().transform((text) => text.length) }),
});

export const undo = { compensate: () => undefined };

/** A beginning past its pivot. */
export const settled = begin.step('flight', ({ key, services }) => services.airline.reserve('Ada', { key }), undo).pivot('charge', () => ({ cents: 1 }));
