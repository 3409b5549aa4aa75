import type { Clock } from '../base/clock.ts';
import { type AbortReason, Attempt, type AttemptEnd, notBegun } from './attempt.ts';
import type { AttemptPlan, AttemptScope } from './program.ts';

/** An attempt that was committed, and waits for its place or runs. */
interface Job {
  readonly attempt: Attempt;
  readonly scope: AttemptScope;
  readonly begun: () => void;
  readonly ended: (end: AttemptEnd) => void;
  readonly late: () => void;
  readonly alone: boolean;
}

/** What an attempt is told to whoever asked for it. */
export interface AttemptListener {
  readonly begun: () => void;
  /** Called exactly once. */
  readonly ended: (end: AttemptEnd) => void;
  /** Called when it answers after it was given up. */
  readonly late: () => void;
}

/** From the second loss in a row on, an attempt runs alone, so that it is known which one kills the process. */
const LOSSES_BEFORE_ALONE = 2;

/** Runs attempts, at most `limit` at a time, in the order in which they were asked for. */
export class Executor {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #jobs = new Map<string, Job>();
  readonly #waiting: Job[] = [];
  #running = 0;
  #alone = false;
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: { readonly clock: Clock; readonly limit: number; readonly maxBytes: number }) {
    this.#clock = options.clock;
    this.#limit = options.limit;
    this.#maxBytes = options.maxBytes;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param key names the invocation in `abort` and `drop`, unique for each */
  start(key: string, plan: AttemptPlan, scope: AttemptScope, listener: AttemptListener): void {
    const attempt = new Attempt(plan, { clock: this.#clock, maxBytes: this.#maxBytes });
    const job: Job = {
      attempt,
      scope,
      begun: listener.begun,
      late: listener.late,
      alone: plan.losses >= LOSSES_BEFORE_ALONE,
      ended: (end) => {
        if (this.#jobs.get(key) === job) this.#jobs.delete(key);
        listener.ended(end);
      },
    };
    if (this.#closed) {
      queueMicrotask(() => job.ended(notBegun(plan)));
      return;
    }
    this.#jobs.set(key, job);
    // One that must run alone goes first: behind others it would wait for a process that never lives long enough.
    if (job.alone) this.#waiting.unshift(job);
    else this.#waiting.push(job);
    this.#next();
  }

  /** An attempt says that it is alive; false if it has been given up. */
  heard(key: string): boolean {
    const attempt = this.#jobs.get(key)?.attempt;
    attempt?.heard();
    return attempt?.isRunning ?? false;
  }

  /** Tells an attempt to stop; one that still waits for its place ends as not begun. */
  abort(key: string, reason: AbortReason): void {
    const job = this.#jobs.get(key);
    if (!job) return;
    const place = this.#waiting.indexOf(job);
    job.attempt.abort(reason);
    if (place === -1) return;
    this.#waiting.splice(place, 1);
    job.ended(notBegun(job.attempt.plan));
    this.#next();
  }

  /** Begins nothing more, so that what waits ends as not begun; resolves when nothing runs. */
  async drain(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.ended(notBegun(job.attempt.plan));
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  abortAll(reason: AbortReason): void {
    for (const { attempt } of this.#jobs.values()) attempt.abort(reason);
  }

  #next(): void {
    while (!this.#closed && !this.#alone && this.#running < this.#limit) {
      const job = this.#waiting[0];
      if (!job || (job.alone && this.#running > 0)) return;
      this.#waiting.shift();
      this.#begin(job);
    }
  }

  #begin(job: Job): void {
    this.#running++;
    this.#alone = job.alone;
    job.begun();
    const ended = (end: AttemptEnd): void => {
      this.#running--;
      if (job.alone) this.#alone = false;
      job.ended(end);
      this.#next();
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    };
    job.attempt.begin(job.scope, ended, job.late);
  }
}
