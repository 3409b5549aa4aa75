import type { Clock } from '../base/clock.ts';

/**
 * A token bucket: `limit` at once, and as many more in each `perMs`. Kept as one number, the time at which it would be
 * full again (the "generic cell rate algorithm" of ITU-T I.371), so nothing has to be filled up by a timer.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burstMs: number;
  #fullAt = Number.NEGATIVE_INFINITY;
  #promised = Number.NEGATIVE_INFINITY;

  constructor({ limit, perMs }: { readonly limit: number; readonly perMs: number }, clock: Clock) {
    this.#clock = clock;
    this.#intervalMs = perMs / limit;
    this.#burstMs = perMs - this.#intervalMs;
  }

  /** Whether there is a token. */
  get ready(): boolean {
    return this.#nextAt() <= this.#clock.monotonic();
  }

  /** How long until there is one, ms, rounded up. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(this.#nextAt() - this.#clock.monotonic()));
  }

  /** Takes the token that is there. */
  take(): void {
    this.#fullAt = Math.max(this.#fullAt, this.#clock.monotonic()) + this.#intervalMs;
  }

  /** How long one that found none is to stay away, ms: each a little longer than the one before, so that they come back one by one. */
  stayAwayMs(): number {
    const now = this.#clock.monotonic();
    this.#promised = Math.max(this.#promised + this.#intervalMs, this.#nextAt());
    return Math.max(1, Math.ceil(this.#promised - now));
  }

  #nextAt(): number {
    return this.#fullAt - this.#burstMs;
  }
}
