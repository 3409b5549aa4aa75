import type { Clock } from '../base/clock.ts';

/** What is said more often than this is stored once: a step may report each of a million records. */
const EVERY_MS = 1_000;

/** What one attempt says of how far it has come: the first at once, of the rest the last of each second. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #tell: (progress: unknown) => void;
  #next: { readonly progress: unknown } | undefined;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock, tell: (progress: unknown) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  say(progress: unknown): void {
    if (this.#disarm) {
      this.#next = { progress };
      return;
    }
    this.#tell(progress);
    this.#disarm = this.#clock.after(EVERY_MS, () => {
      this.#disarm = undefined;
      const next = this.#next;
      this.#next = undefined;
      if (next) this.say(next.progress);
    });
  }

  /**
   * The attempt has ended.
   * @param failed whether another one may want to know how far it came
   */
  stop(failed: boolean): void {
    this.#disarm?.();
    if (failed && this.#next) this.#tell(this.#next.progress);
    this.#next = undefined;
  }
}
