import type { Reference, Simulator } from './simulator.ts';
import type { Booking } from './travel.ts';

interface Asked {
  readonly key: string;
  readonly signal?: AbortSignal;
}

/** What a web shop calls. */
export interface ShopServices {
  readonly warehouse: { reserve(sku: string, quantity: number, asked: Asked): Promise<Booking>; release(what: Reference, asked: Asked): Promise<void> };
  readonly payments: {
    authorize(cents: number, asked: Asked): Promise<Booking>;
    void(what: Reference, asked: Asked): Promise<void>;
    capture(authorization: string, asked: Asked): Promise<Booking>;
  };
  readonly shipping: {
    ship(address: string, asked: Asked): Promise<Booking & { readonly tracking: string }>;
    find(key: string): Promise<(Booking & { readonly tracking: string }) | undefined>;
  };
}

export function shopServices(simulator: (name: string) => Simulator): ShopServices {
  const [warehouse, payments, shipping] = ['warehouse', 'payments', 'shipping'].map(simulator) as [Simulator, Simulator, Simulator];
  return {
    warehouse: {
      reserve: (_sku, _quantity, asked) => warehouse.act('reserve', asked, (ref) => ({ ref })),
      release: (what, asked) => warehouse.undo('release', what, asked),
    },
    payments: {
      authorize: (_cents, asked) => payments.act('authorize', asked, (ref) => ({ ref })),
      void: (what, asked) => payments.undo('void', what, asked),
      capture: (_authorization, asked) => payments.act('capture', asked, (ref) => ({ ref })),
    },
    shipping: { ship: (_address, asked) => shipping.act('ship', asked, (ref) => ({ ref, tracking: `1Z${ref.slice(-8)}` })), find: (key) => shipping.find(key) },
  };
}
