import { z } from 'zod';
import { HardError, saga, type } from '../src/index.ts';
import type { ShopServices } from './services/shop.ts';

/** An order: validate, reserve stock, authorize the card, ship, capture the money. */
export const orderFulfillment = saga('order-fulfillment', {
  version: 1,
  services: type<ShopServices>(),
  input: z.object({ sku: z.string(), quantity: z.number().int().min(1), cents: z.number().int().positive(), address: z.string() }),
  why: 'goods leave the warehouse only if the money is sure',
})
  .read('validate', ({ input }) => {
    if (input.quantity > 100) throw new HardError(`an order of ${input.quantity} needs a contract`);
    return { lines: 1 };
  })
  .step('reserveStock', ({ input, key, signal, services }) => services.warehouse.reserve(input.sku, input.quantity, { key, signal }), {
    compensate: ({ outcome, runKey, undoKey, services }) => services.warehouse.release(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    retry: { from: '50ms', to: '1s' },
    dependency: 'warehouse',
  })
  .step('authorizeCard', ({ input, key, signal, services }) => services.payments.authorize(input.cents, { key, signal }), {
    compensate: ({ outcome, runKey, undoKey, services }) => services.payments.void(outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    undo: { retry: { attempts: 3, from: '50ms', to: '1s' } },
    retry: { attempts: 3, from: '50ms', to: '1s' },
    dependency: 'payments',
    why: 'an authorization blocks the money of the customer: it must not be left behind',
  })
  .pivot('ship', ({ input, key, signal, services }) => services.shipping.ship(input.address, { key, signal }), {
    check: ({ runKey, services }) => services.shipping.find(runKey),
    retry: { from: '50ms', to: '1s' },
    dependency: 'shipping',
    why: 'a parcel that has left does not come back',
  })
  .step('capture', ({ results, key, signal, services }) => services.payments.capture(results.authorizeCard.ref, { key, signal }), {
    retry: { attempts: 'forever', from: '50ms', to: '5s' },
    dependency: 'payments',
  })
  .output(({ results }) => ({ tracking: results.ship.tracking }));
