import type { WorldModel } from '../../src/testing/index.ts';
import type { Books, LedgerRow } from './ledger.ts';
import { type Services, services } from './services.ts';

/** What stands under each key, and what was answered first: the books of the simulated services as plain data. */
export type World = Record<string, { readonly result: string; stands: boolean }>;

class WorldBooks implements Books {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Faults come from whoever explores: how many calls arrived is of no account. */
  arrived(): number {
    return 1;
  }

  seen(key: string): boolean {
    return key in this.#world;
  }

  first(key: string): Pick<LedgerRow, 'result'> | undefined {
    return this.#world[key];
  }

  stands(key: string): boolean {
    return this.#world[key]?.stands ?? false;
  }

  record({ kind, key, target, effect, result }: Parameters<Books['record']>[0]): void {
    const entry = this.#world[key];
    if (!entry) this.#world[key] = { result, stands: kind === 'run' && effect === 1 };
    else if (kind === 'run' && effect === 1) entry.stands = true;
    const undone = kind === 'undo' && effect === 1 && target !== null ? this.#world[target] : undefined;
    if (undone) undone.stands = false;
  }

  transaction<T>(work: () => T): T {
    return work();
  }
}

/** The simulated services, as `verify` needs them. */
export const serviceWorld: WorldModel<World> = {
  make: () => ({}),
  services: (world): Services => services({ ledger: new WorldBooks(world), now: () => 0 }),
  effects: (world) =>
    Object.keys(world)
      .filter((key) => world[key]?.stands)
      .sort(),
};
