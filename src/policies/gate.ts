import type { Clock } from '../base/clock.ts';
import { BREAKER_OPEN, BUDGET_SPENT, RATE_LIMITED } from '../base/failure.ts';
import type { Dependency } from '../saga/dependency.ts';
import { durationText } from '../saga/duration.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { Line } from './line.ts';
import { patienceMs } from './patience.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Verdict } from './verdict.ts';

/** An attempt that wants to begin. */
export interface Caller {
  /** Run, step and kind: from it is derived when it comes back. */
  readonly seed: string;
  /** Whether its step has been attempted before. */
  readonly retry: boolean;
}

/** Why an attempt is not to begin now. */
export interface Refusal {
  readonly code: string;
  /** Follows "attempt 1 of step a was not begun: ". */
  readonly why: string;
  readonly retryAfterMs: number;
}

/** Leave to begin, to be given back with what the attempt says of the dependency; a promise where that takes a moment to be counted. */
export type Pass = (verdict: Verdict) => Promise<void> | undefined;

/**
 * What stands before the attempts of one dependency. It is asked once for each, and takes nothing from an attempt that
 * it does not let through.
 */
export class Gate {
  readonly name: string;
  readonly #clock: Clock;
  readonly #places: number;
  readonly #breaker: Breaker | undefined;
  readonly #rate: TokenBucket | undefined;
  readonly #retries: TokenBucket | undefined;
  readonly #line = new Line<() => void>();
  #taken = 0;
  #running = 0;
  #away = 0;
  #successes = 0;
  #failures = 0;

  constructor(name: string, protection: Partial<Dependency>, options: { readonly clock: Clock; readonly changed: () => void }) {
    const { concurrency = Number.POSITIVE_INFINITY, rate, breaker, retryBudget } = protection;
    this.name = name;
    this.#clock = options.clock;
    this.#places = concurrency;
    this.#breaker = breaker && new Breaker(breaker, options);
    this.#rate = rate && new TokenBucket(rate, options.clock);
    this.#retries = retryBudget && new TokenBucket({ limit: retryBudget.retries, perMs: retryBudget.perMs }, options.clock);
  }

  get state(): BreakerState {
    return this.#breaker?.state ?? 'closed';
  }

  /** How long the breaker stays open, ms. */
  get openMs(): number {
    return this.state === 'open' ? (this.#breaker?.openMs ?? 0) : 0;
  }

  get counts(): { readonly running: number; readonly waiting: number; readonly successes: number; readonly failures: number } {
    return { running: this.#running, waiting: this.#line.size + this.#away, successes: this.#successes, failures: this.#failures };
  }

  /** `wait`: every place is taken, so it is to stand in line. */
  ask(caller: Caller): Pass | Refusal | 'wait' {
    const answer = this.#answer(caller);
    // Who stood in line and was turned away leaves its place to the next.
    if (typeof answer === 'object') this.passOn();
    return answer;
  }

  /** Calls the next of the line, if there is a place. */
  passOn(): void {
    if (this.#taken < this.#places) this.#line.shift()?.();
  }

  #answer({ seed, retry }: Caller): Pass | Refusal | 'wait' {
    const breaker = this.#breaker;
    if (breaker && !breaker.passes) return this.#broken(breaker, seed);
    if (this.#taken >= this.#places) return 'wait';
    if (this.#rate && !this.#rate.ready)
      return { code: RATE_LIMITED, why: `as many attempts of ${this.name} as its rate allows have begun`, retryAfterMs: this.#rate.stayAwayMs() };
    const retries = retry ? this.#retries : undefined;
    if (retries && !retries.ready)
      return { code: BUDGET_SPENT, why: `as many retries of ${this.name} as its budget allows have begun`, retryAfterMs: retries.stayAwayMs() };
    this.#rate?.take();
    retries?.take();
    return this.#pass(breaker);
  }

  /** An attempt that nothing holds back but a pause: it is only counted. */
  passUnprotected(): Pass {
    this.#running++;
    return (verdict) => {
      this.#count(verdict);
      return undefined;
    };
  }

  /** Stands in line for a place; `resume` is called when there is one. Returns the way out of the line. */
  wait(resume: () => void): () => void {
    return this.#line.push(resume);
  }

  /** Stays away for a while, in memory. Returns the way to forget it. */
  stayAway(ms: number, resume: () => void): () => void {
    this.#away++;
    const back = (): void => {
      this.#away--;
    };
    const disarm = this.#clock.after(ms, () => {
      back();
      resume();
    });
    return () => {
      back();
      disarm();
    };
  }

  #broken(breaker: Breaker, seed: string): Refusal {
    const { openMs, failingMs } = breaker;
    const retryAfterMs = Math.ceil(openMs) + patienceMs(failingMs, `${seed}/${Math.round(this.#clock.monotonic())}`);
    if (openMs === 0) return { code: BREAKER_OPEN, why: `an attempt of another finds out whether ${this.name} works again`, retryAfterMs };
    return { code: BREAKER_OPEN, why: `${this.name} keeps failing, so it is left alone for ${durationText(Math.ceil(openMs))}`, retryAfterMs };
  }

  #pass(breaker: Breaker | undefined): Pass {
    const count = breaker?.begin();
    this.#taken++;
    this.#running++;
    return (verdict) => {
      this.#count(verdict);
      // The place is given on when the breaker has counted: what waits for it must hear of a failure first.
      if (count) return count(verdict).then(() => this.#free());
      this.#free();
      return undefined;
    };
  }

  #count(verdict: Verdict): void {
    this.#running--;
    if (verdict === 'succeeded') this.#successes++;
    else if (verdict === 'failed') this.#failures++;
  }

  #free(): void {
    this.#taken--;
    this.passOn();
  }
}
