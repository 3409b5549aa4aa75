import type { Clock } from '../base/clock.ts';
import { StoreError } from '../base/errors.ts';
import type { Store } from '../stores/store.ts';

export interface WaitOptions {
  /** Given up after this, ms: nothing was found. Default: never. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal | undefined;
}

interface Waiter {
  /** What the revision was before it looked last; undefined: it has to look again. */
  seen: number | undefined;
  look(): Promise<void>;
  fail(error: unknown): void;
}

/** Waits for what others write: one question to the store at a time, however many wait, and none while nobody does. */
export class Changes {
  readonly #store: Pick<Store, 'revision'>;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #waiters = new Set<Waiter>();
  /** Stops the alarm of the next question; undefined while none is set. */
  #disarm: (() => void) | undefined;
  #asking = false;

  constructor(store: Pick<Store, 'revision'>, { clock, everyMs }: { readonly clock: Clock; readonly everyMs: number }) {
    this.#store = store;
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /**
   * Resolves with what `look` finds: now, or once something was written. Undefined when the time is over. A store that
   * fails for a moment is asked again.
   */
  async until<T>(look: () => Promise<T | undefined>, { withinMs, signal }: WaitOptions = {}): Promise<T | undefined> {
    signal?.throwIfAborted();
    let disarm = (): void => {};
    let abort = (): void => {};
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const waiter: Waiter = {
      seen: undefined,
      look: async () => {
        try {
          const found = await look();
          if (found !== undefined) resolve(found);
        } catch (error) {
          if (error instanceof StoreError && error.retryable) waiter.seen = undefined;
          else reject(error);
        }
      },
      fail: reject,
    };
    this.#waiters.add(waiter);
    if (withinMs !== undefined) disarm = this.#clock.after(withinMs, () => resolve(undefined));
    if (signal) {
      abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort);
    }
    try {
      waiter.seen = this.#revision();
      await waiter.look();
      this.#arm();
      return await promise;
    } finally {
      this.#waiters.delete(waiter);
      disarm();
      signal?.removeEventListener('abort', abort);
      if (this.#waiters.size === 0) this.#stopAsking();
    }
  }

  /** Nobody waits any more: each is told `error`. */
  stop(error: unknown): void {
    this.#stopAsking();
    for (const waiter of this.#waiters) waiter.fail(error);
  }

  #stopAsking(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #arm(): void {
    // Whoever comes does not put off the question of those who wait already.
    if (this.#asking || this.#disarm || this.#waiters.size === 0) return;
    this.#disarm = this.#clock.after(this.#everyMs, () => {
      this.#disarm = undefined;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      const revision = this.#revision();
      for (const waiter of [...this.#waiters]) {
        if (revision === undefined || waiter.seen === revision) continue;
        waiter.seen = revision;
        await waiter.look();
      }
    } catch (error) {
      for (const waiter of this.#waiters) waiter.fail(error);
    }
    this.#asking = false;
    this.#arm();
  }

  /** Undefined while the store fails for a moment. */
  #revision(): number | undefined {
    try {
      return this.#store.revision();
    } catch (error) {
      if (error instanceof StoreError && error.retryable) return undefined;
      throw error;
    }
  }
}
