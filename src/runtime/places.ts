/** A bounded number of places, given in the order in which they were asked for: back pressure on callers. */
export class Places {
  readonly #all: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #empty: (() => void)[] = [];

  constructor(places: number) {
    this.#all = places;
    this.#free = places;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) return next();
    this.#free++;
    if (this.#free === this.#all) for (const resolve of this.#empty.splice(0)) resolve();
  }

  /** Resolves when nobody has a place. */
  async empty(): Promise<void> {
    if (this.#free < this.#all) await new Promise<void>((resolve) => this.#empty.push(resolve));
  }
}
