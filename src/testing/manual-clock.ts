import type { Clock } from '../base/clock.ts';

interface Alarm {
  readonly at: number;
  readonly fn: () => void;
}

/** A clock that stands still until it is told to go on: wall and monotonic time are the same, in ms. */
export class ManualClock implements Clock {
  #now: number;
  readonly #alarms = new Set<Alarm>();

  constructor(startMs = 1_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, ms), fn };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  soon(fn: () => void): void {
    setImmediate(fn);
  }

  /** How many alarms are set. */
  get alarms(): number {
    return this.#alarms.size;
  }

  /** Goes on by `ms`, to each alarm in turn; what they begin may go on between two of them. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = end;
    await settle();
  }

  /** Lets everything go on that does not wait for time. */
  async settle(): Promise<void> {
    await settle();
  }
}

/** Rounds of the event loop in which whatever is under way comes to rest. */
const ROUNDS = 12;

async function settle(): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
