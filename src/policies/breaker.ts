import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, CountBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Clock } from '../base/clock.ts';
import type { Dependency } from '../saga/dependency.ts';
import type { Verdict } from './verdict.ts';

export type BreakerState = 'closed' | 'open' | 'halfOpen';

type Settings = NonNullable<Dependency['breaker']>;

/**
 * Cockatiel's circuit breaker on our clock. It compares the machine's time with the `duration` of a backoff: ours is
 * endless until the clock says that it is over, so the machine's time decides nothing.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #openForMs: number;
  readonly #changed: () => void;
  readonly #counts: ConsecutiveBreaker | CountBreaker;
  #policy: CircuitBreakerPolicy;
  #openUntil = Number.NEGATIVE_INFINITY;
  #failingSince: number | undefined;

  constructor({ failures, openForMs }: Settings, options: { readonly clock: Clock; readonly changed: () => void }) {
    this.#clock = options.clock;
    this.#changed = options.changed;
    this.#openForMs = openForMs;
    this.#counts = typeof failures === 'number' ? new ConsecutiveBreaker(failures) : new CountBreaker({ threshold: failures.ratio, size: failures.of });
    this.#policy = this.#made();
  }

  get state(): BreakerState {
    const { state } = this.#policy;
    if (state === CircuitState.Closed) return 'closed';
    return state === CircuitState.HalfOpen ? 'halfOpen' : 'open';
  }

  /** Whether an attempt may begin: of an open one whose time is over, one at a time. */
  get passes(): boolean {
    return this.state === 'closed' || (this.state === 'open' && this.openMs === 0);
  }

  /** How long it stays open, ms. */
  get openMs(): number {
    return Math.max(0, this.#openUntil - this.#clock.monotonic());
  }

  /** Since when it has not been closed, ms. */
  get failingMs(): number {
    return this.#failingSince === undefined ? 0 : this.#clock.monotonic() - this.#failingSince;
  }

  /** An attempt begins, which `passes` allowed. Returns what takes its verdict, and resolves when that has been counted. */
  begin(): (verdict: Verdict) => Promise<void> {
    const policy = this.#policy;
    const probes = this.state !== 'closed';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const counted = policy.execute(() => promise).catch(() => {});
    return async (verdict) => {
      if (verdict === 'nothing') return probes ? this.#forget(policy) : undefined;
      if (verdict === 'succeeded') resolve();
      else reject(new Error('an attempt failed'));
      await counted;
    };
  }

  /** Of an attempt that says nothing cockatiel never hears again; if it was the one let through, the next one may go. */
  #forget(policy: CircuitBreakerPolicy): void {
    if (policy !== this.#policy || this.state !== 'halfOpen') return;
    this.#policy = this.#made(policy.toJSON());
    this.#changed();
  }

  #made(initialState?: unknown): CircuitBreakerPolicy {
    const over = (): boolean => this.openMs === 0;
    const wait = {
      get duration() {
        return over() ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      },
      next: () => wait,
    };
    const policy = circuitBreaker(handleAll, { halfOpenAfter: wait, breaker: this.#counts, ...(initialState === undefined ? {} : { initialState }) });
    policy.onStateChange((state) => {
      if (policy === this.#policy) this.#moved(state);
    });
    return policy;
  }

  #moved(state: CircuitState): void {
    const now = this.#clock.monotonic();
    if (state === CircuitState.Open) {
      this.#openUntil = now + this.#openForMs;
      this.#failingSince ??= now;
    }
    if (state === CircuitState.Closed) this.#failingSince = undefined;
    this.#changed();
  }
}
