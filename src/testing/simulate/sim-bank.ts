import type { DatabaseSync } from 'node:sqlite';
import { BusyError, HardError } from '../../base/errors.ts';
import type { Random } from './random.ts';
import type { Asked, SimServices } from './sim-services.ts';

/** What a transactional step asks for. */
export type Written = Omit<Asked, 'signal'>;

/**
 * The database of simulated transactional steps: it writes into the books of the services, and takes back what is rolled
 * back. It knows no keys, so that whatever is done twice is there twice.
 */
export class SimBank {
  readonly #services: SimServices;
  readonly #random: Random;
  readonly #now: () => number;
  #begun: number | undefined;

  constructor(services: SimServices, { random, now }: { readonly random: Random; readonly now: () => number }) {
    this.#services = services;
    this.#random = random;
    this.#now = now;
  }

  /** As much of a database as a store in memory asks for. */
  get database(): DatabaseSync {
    return this as unknown as DatabaseSync;
  }

  get isTransaction(): boolean {
    return this.#begun !== undefined;
  }

  exec(text: string): void {
    const { ledger } = this.#services;
    if (text.startsWith('BEGIN')) this.#begun = ledger.length;
    if (text === 'ROLLBACK') ledger.length = this.#begun ?? ledger.length;
    if (text === 'ROLLBACK' || text === 'COMMIT') this.#begun = undefined;
  }

  /** Writes, and may fail before or after it has. */
  write({ run, step, kind, key, runKey, mayBeRefused }: Written): void {
    const { faults, ledger } = this.#services;
    this.#services.calls++;
    const draw = this.#random.next();
    if (draw < faults.refused && mayBeRefused) throw new HardError(`${step} refused`);
    if (draw < faults.refused + faults.busy) throw new BusyError(`${step} is busy`);
    ledger.push({ at: this.#now(), run, step, kind: kind === 'undo' ? 'undo' : 'run', key, ...(kind === 'undo' ? { target: runKey } : {}), effect: true });
    if (draw < faults.refused + faults.busy + faults.unheard + faults.unanswered) throw new Error(`${step} fails after it has written`);
  }
}
