import { BusyError, HardError } from '../../base/errors.ts';

/**
 * What goes wrong at a call of a service. `refused`: it says no, and nothing happened. `busy`: not now, and nothing
 * happened. `unheard`: no answer, and nothing happened. `unanswered`: it happened, and the answer was lost. `crashed`:
 * it happened, and the process died.
 */
export type FaultKind = 'refused' | 'busy' | 'unheard' | 'unanswered' | 'crashed';

/** One fault in one attempt. */
export interface Fault {
  /** At which call, from 1. A process that dies before the first one has made 0. */
  readonly call: number;
  readonly kind: FaultKind;
}

/** A call of a service: its name, and whether it answers with a promise. */
export interface Call {
  readonly name: string;
  readonly later: boolean;
}

/** Services whose calls are recorded, and of which one goes wrong. */
export class FaultyServices {
  readonly #fault: Fault | undefined;
  readonly #expected: readonly Call[];
  readonly #injected = new Set<unknown>();
  readonly #death = Promise.withResolvers<void>();
  readonly calls: Call[] = [];
  crashed = false;

  /** @param expected the calls that are made without a fault: a service that answers with a promise fails with one */
  constructor(fault?: Fault, expected: readonly Call[] = []) {
    this.#fault = fault;
    this.#expected = expected;
    if (fault?.kind === 'crashed' && fault.call === 0) this.#die();
  }

  /** Resolves when the process dies: the attempt says nothing any more. */
  get death(): Promise<void> {
    return this.#death.promise;
  }

  /** Whether an error was made here, or stands for one that was. */
  isInjected(error: unknown): boolean {
    let one = error;
    for (let depth = 0; depth < 10 && one !== undefined; depth++) {
      if (this.#injected.has(one)) return true;
      one = one instanceof Error ? one.cause : undefined;
    }
    return false;
  }

  wrap(services: unknown, path = ''): unknown {
    if (typeof services === 'function') return this.#function(services as never, path);
    if (typeof services !== 'object' || services === null) return services;
    return new Proxy(services, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof name === 'symbol') return value;
        const at = path ? `${path}.${name}` : name;
        return typeof value === 'function' ? this.#function(value.bind(target), at) : this.wrap(value, at);
      },
    });
  }

  #function(call: (...args: unknown[]) => unknown, name: string): (...args: unknown[]) => unknown {
    return (...args) => {
      const later = this.#expected[this.calls.length]?.later ?? false;
      const made: { name: string; later: boolean } = { name, later };
      this.calls.push(made);
      const fault = this.#fault?.call === this.calls.length ? this.#fault.kind : undefined;
      if (fault === undefined && !this.crashed) {
        const answer = call(...args);
        made.later = answer instanceof Promise;
        return answer;
      }
      // A process that is dead does nothing more, whatever its code says.
      if (!this.crashed && (fault === 'unanswered' || fault === 'crashed')) {
        const answer = call(...args);
        if (answer instanceof Promise) answer.catch(() => {});
      }
      if (fault === 'crashed') this.#die();
      const error = this.error(fault ?? 'crashed', name);
      if (!later) throw error;
      const failing = Promise.reject(error);
      failing.catch(() => {});
      return failing;
    };
  }

  #die(): void {
    this.crashed = true;
    this.#death.resolve();
  }

  /** The error that stands for a fault. */
  error(kind: FaultKind, name: string): Error {
    const error = errorOf(kind, name);
    this.#injected.add(error);
    return error;
  }
}

function errorOf(kind: FaultKind, name: string): Error {
  if (kind === 'refused') return new HardError(`${name} refused`);
  return kind === 'busy' ? new BusyError(`${name} is busy`) : new Error(`no answer from ${name}`);
}
