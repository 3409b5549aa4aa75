import { BusyError, HardError } from '../../src/index.ts';
import { type FaultPlan, NO_FAULT } from './fault.ts';
import { type Books, readKey } from './ledger.ts';

export interface SimulatorOptions {
  readonly ledger: Books;
  readonly faults?: FaultPlan;
  /** Whether a repeated key gets the first answer again. Default: true. If not, every call counts. */
  readonly honorsKeys?: boolean;
  /** Time a call takes, ms. Default: none. */
  readonly latencyMs?: number;
  /** Waits; rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly now?: () => number;
}

interface Asked {
  readonly key: string;
  readonly signal?: AbortSignal;
}

/** How to find what is to be undone: by what the service called it, or by the key it was made under. */
export type Reference = string | { readonly reservedUnder: string };

/** A service that keeps its promises and its books, and fails when it is told to. */
export class Simulator {
  readonly name: string;
  readonly #options: SimulatorOptions;

  constructor(name: string, options: SimulatorOptions) {
    this.name = name;
    this.#options = options;
  }

  /** Does something under a key. */
  async act<R>(operation: string, { key, signal }: Asked, make: (reference: string) => R): Promise<R> {
    return await this.#call({ operation, kind: 'run', key, target: null, ...(signal ? { signal } : {}) }, () => {
      const { ledger, honorsKeys = true } = this.#options;
      const first = ledger.first(key);
      const repeated = ledger.seen(key);
      const effect = !(honorsKeys && first);
      return { effect, repeated, result: honorsKeys && first ? (JSON.parse(first.result) as R) : make(referenceOf(key)) };
    });
  }

  /** Undoes what stands under a key; nothing there is an empty compensation, and fine. */
  async undo(operation: string, reference: Reference, { key, signal }: Asked): Promise<void> {
    const target = typeof reference === 'string' ? keyOf(reference) : reference.reservedUnder;
    await this.#call({ operation, kind: 'undo', key, target, ...(signal ? { signal } : {}) }, () => {
      const { ledger } = this.#options;
      return { effect: ledger.stands(target), repeated: ledger.seen(key), result: null };
    });
  }

  /** What became of a key: the first answer, if it had an effect that stands. */
  async find<R>(key: string): Promise<R | undefined> {
    const first = this.#options.ledger.stands(key) ? this.#options.ledger.first(key) : undefined;
    return first && (JSON.parse(first.result) as R);
  }

  async #call<R>(
    { operation, kind, key, target, signal }: Asked & { readonly operation: string; readonly kind: 'run' | 'undo'; readonly target: string | null },
    apply: () => { readonly effect: boolean; readonly repeated: boolean; readonly result: R },
  ): Promise<R> {
    const { ledger, faults, latencyMs = 0, wait = realWait, now = Date.now } = this.#options;
    const nth = ledger.arrived(key);
    const fault = faults?.({ service: this.name, operation, kind, ...readKey(key), nth }) ?? NO_FAULT;
    if (latencyMs > 0) await wait(latencyMs, signal);
    if (fault.type === 'refuse') throw new HardError(fault.message ?? `${this.name} refuses to ${operation}`);
    if (fault.type === 'busy') throw new BusyError(`${this.name} is busy`, fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs });
    if (fault.type === 'break') throw new Error(`${this.name}: connection refused`);
    if (fault.type === 'crash' && fault.when === 'before') process.kill(process.pid, 'SIGKILL');
    if (fault.type === 'stall') await wait(fault.ms, fault.deaf ? undefined : signal);
    const result = ledger.transaction(() => {
      const applied = apply();
      ledger.record({
        at: now(),
        pid: process.pid,
        service: this.name,
        operation,
        kind,
        key,
        target,
        effect: applied.effect ? 1 : 0,
        repeated: applied.repeated ? 1 : 0,
        result: JSON.stringify(applied.result),
      });
      return applied.result;
    });
    if (fault.type === 'crash') process.kill(process.pid, 'SIGKILL');
    if (fault.type === 'loseAnswer') throw new Error(`${this.name}: socket hang up`);
    return result;
  }
}

/** A reference that holds the key it was made under: these services have no other memory than their ledger. */
function referenceOf(key: string): string {
  return Buffer.from(key).toString('base64url');
}

function keyOf(reference: string): string {
  return Buffer.from(reference, 'base64url').toString();
}

async function realWait(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
