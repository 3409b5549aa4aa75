import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { approval } from './machines/approval.ts';
import { documentPipeline } from './sagas/document-pipeline.ts';
import { fiveCountedParts, fiveParts } from './sagas/five-parts.ts';
import { orderFulfillment } from './sagas/order-fulfillment.ts';
import { serviceWorld } from './sagas/services/books.ts';
import { Ledger } from './sagas/services/ledger.ts';
import { services } from './sagas/services/services.ts';
import { tripBooking } from './sagas/trip-booking.ts';
import { defineConfig } from './src/index.ts';

/** The repository's own sagas, against simulated services, in `.sagachart/`. */
const directory = join(import.meta.dirname, '.sagachart');

export default defineConfig({
  store: `${directory}/runs.db`,
  sagas: [orderFulfillment, tripBooking, documentPipeline, fiveParts, fiveCountedParts, approval],
  services: () => {
    const ledger = new Ledger(`${directory}/ledger.db`);
    return { ...services({ ledger, latencyMs: 20 }), countedParts: services({ ledger, honorsKeys: false }).parts };
  },
  drill: {
    services: () => services({ ledger: new Ledger(`${directory}/drill-ledger.db`), latencyMs: 20 }),
    workload: (n) =>
      [
        { saga: 'order-fulfillment', input: { sku: 'lamp', quantity: 1, cents: 4_900, address: 'Rome' } },
        { saga: 'trip-booking', input: { traveler: 'Ada', cents: 42_000 } },
        { saga: 'five-parts', input: { n } },
      ][n % 3] as { saga: string; input: unknown },
  },
  verify: {
    'order-fulfillment': { world: serviceWorld, inputs: [{ sku: 'lamp', quantity: 2, cents: 4_900, address: 'Rome' }] },
    'trip-booking': { world: serviceWorld, inputs: [{ traveler: 'Ada', cents: 42_000 }], limits: { faults: 2 } },
    'document-pipeline': { world: serviceWorld, inputs: [{ text: 'some words' }] },
    'five-parts': { world: serviceWorld, inputs: [{ n: 1 }] },
    approval: {
      inputs: [
        { title: 'Desk', cents: 90_000 },
        { title: 'Pen', cents: 100 },
      ],
      signals: { approve: [{ by: 'Grace' }], reject: [{ by: 'Grace', because: 'too dear' }] },
      // Reminders and what was decided before go on without end, and make no difference.
      distinguish: ({ expense, receipt }: { readonly expense: unknown; readonly receipt: unknown }) => [expense, receipt],
    },
  },
});

mkdirSync(directory, { recursive: true });
