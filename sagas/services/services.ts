import { type DocumentServices, documentServices } from './documents.ts';
import { type ShopServices, shopServices } from './shop.ts';
import { Simulator, type SimulatorOptions } from './simulator.ts';
import { type TravelServices, travelServices } from './travel.ts';

export type Services = TravelServices & ShopServices & DocumentServices & { readonly parts: PartServices };

/** Five equal services for batches. */
export interface PartServices {
  do(part: string, asked: { readonly key: string; readonly signal?: AbortSignal }): Promise<{ readonly ref: string }>;
  undo(part: string, what: string | { readonly reservedUnder: string }, asked: { readonly key: string; readonly signal?: AbortSignal }): Promise<void>;
  find(part: string, key: string): Promise<{ readonly ref: string } | undefined>;
}

/** All simulated services on one ledger. */
export function services(options: SimulatorOptions): Services {
  const all = new Map<string, Simulator>();
  const simulator = (name: string): Simulator => {
    const known = all.get(name) ?? new Simulator(name, options);
    all.set(name, known);
    return known;
  };
  return {
    ...travelServices(simulator),
    ...shopServices(simulator),
    ...documentServices(simulator),
    parts: {
      do: (part, asked) => simulator(part).act('do', asked, (ref) => ({ ref })),
      undo: (part, what, asked) => simulator(part).undo('undo', what, asked),
      find: (part, key) => simulator(part).find(key),
    },
  };
}
