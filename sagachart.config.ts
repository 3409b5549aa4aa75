import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { approval } from './machines/approval.ts';
import { documentPipeline } from './sagas/document-pipeline.ts';
import { fiveCountedParts, fiveParts } from './sagas/five-parts.ts';
import { orderFulfillment } from './sagas/order-fulfillment.ts';
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
});

mkdirSync(directory, { recursive: true });
