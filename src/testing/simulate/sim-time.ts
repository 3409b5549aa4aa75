import type { Clock } from '../../base/clock.ts';

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * The time of a simulated world: it stands still while anything goes on, and then jumps to the next alarm. What is to
 * happen at the same time happens in the order in which it was asked for.
 */
export class SimTime {
  #now = 0;
  #order = 0;
  /** A heap by time. */
  readonly #alarms: Alarm[] = [];
  readonly #canceled = new Set<Alarm>();
  #soon: (() => void)[] = [];

  get now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const alarm: Alarm = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    push(this.#alarms, alarm);
    return () => this.#canceled.add(alarm);
  }

  soon(fn: () => void): void {
    this.#soon.push(fn);
  }

  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(ms, resolve));
  }

  /** Goes on to each alarm in turn, until `done` says so or the time is over. False if it was the time. */
  async run(until: number, done: () => boolean): Promise<boolean> {
    for (;;) {
      await this.#rest();
      if (done()) return true;
      const next = this.#alarms[0];
      if (!next || next.at > until) return false;
      pop(this.#alarms);
      if (this.#canceled.delete(next)) continue;
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
  }

  /** Nothing happens before then. */
  jump(to: number): void {
    this.#now = Math.max(this.#now, to);
  }

  /** Lets everything go on that does not wait for time. */
  async #rest(): Promise<void> {
    do {
      const soon = this.#soon;
      this.#soon = [];
      for (const fn of soon) fn();
      // One turn of the event loop: all that was resolved has been told of.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.#soon.length > 0);
  }
}

function before(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Alarm[], alarm: Alarm): void {
  let at = heap.push(alarm) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!before(alarm, heap[above] as Alarm)) break;
    heap[at] = heap[above] as Alarm;
    at = above;
  }
  heap[at] = alarm;
}

function pop(heap: Alarm[]): Alarm | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (heap.length === 0 || !last) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && before(heap[below + 1] as Alarm, heap[below] as Alarm)) below++;
    if (!before(heap[below] as Alarm, last)) break;
    heap[at] = heap[below] as Alarm;
    at = below;
  }
  heap[at] = last;
  return first;
}

/** A process of the simulated world: it can die, and it can stand still and go on later as if nothing had been. */
export class SimProcess {
  readonly #time: SimTime;
  #state: 'alive' | 'frozen' | 'dead' = 'alive';
  /** What it would have done while it stood still. */
  #missed: (() => void)[] = [];
  /** How far its wall clock is off, ms. */
  skewMs = 0;
  /** Whether it ever stood still: what it does later was decided before. */
  wasFrozen = false;
  readonly clock: Clock;

  constructor(time: SimTime) {
    this.#time = time;
    const base = 1_000_000_000_000;
    this.clock = {
      now: () => base + time.now + this.skewMs,
      monotonic: () => time.now,
      after: (ms, fn) => time.after(ms, () => this.do(fn)),
      soon: (fn) => time.soon(() => this.do(fn)),
    };
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  get frozen(): boolean {
    return this.#state === 'frozen';
  }

  kill(): void {
    this.#state = 'dead';
    this.#missed = [];
  }

  freeze(): void {
    if (this.#state !== 'alive') return;
    this.#state = 'frozen';
    this.wasFrozen = true;
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'alive';
    for (const fn of this.#missed.splice(0)) this.#time.soon(() => this.do(fn));
  }

  /** Does it if the process is alive, later if it stands still, and never if it is dead. */
  do(fn: () => void): void {
    if (this.#state === 'alive') fn();
    else if (this.#state === 'frozen') this.#missed.push(fn);
  }

  /** The answer of something outside: a dead process never hears of it. */
  async hear<T>(answer: Promise<T>): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      answer.then(
        (value) => this.do(() => resolve(value)),
        (error: unknown) => this.do(() => reject(error)),
      );
    });
  }
}
