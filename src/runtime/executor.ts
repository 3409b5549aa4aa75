import type { Clock } from '../base/clock.ts';
import type { Pass, Refusal } from '../policies/gate.ts';
import type { Gates } from '../policies/gates.ts';
import { Line } from '../policies/line.ts';
import { verdictOf } from '../policies/verdict.ts';
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
  /** The way out of where it waits; undefined once it has begun or ended. */
  leave: (() => void) | undefined;
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

/** How long an attempt that the chart cannot put off stays away at most, ms: nothing is written when it asks again. */
const LONGEST_AWAY_MS = 5_000;

/**
 * Runs attempts, at most `limit` at a time, in the order in which they were asked for. One whose dependency has no
 * place for it steps aside, so that those behind it go on; one that its gate turns away ends as not begun.
 */
export class Executor {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #gates: Gates;
  readonly #jobs = new Map<string, Job>();
  readonly #waiting = new Line<Job>();
  /** Those that come back from where they stepped aside. */
  readonly #back = new Line<Job>();
  #running = 0;
  #alone = false;
  #busy = false;
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: { readonly clock: Clock; readonly limit: number; readonly maxBytes: number; readonly gates: Gates }) {
    this.#clock = options.clock;
    this.#limit = options.limit;
    this.#maxBytes = options.maxBytes;
    this.#gates = options.gates;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#jobs.size - this.#running;
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
      leave: undefined,
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
    job.leave = job.alone ? this.#waiting.unshift(job) : this.#waiting.push(job);
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
    job.attempt.abort(reason);
    if (!job.leave) return;
    this.#stop(job);
    this.#gates.of(job.attempt.plan).passOn();
    this.#next();
  }

  /** Begins nothing more, so that what waits ends as not begun; resolves when nothing runs. */
  async drain(): Promise<void> {
    this.#closed = true;
    for (const job of [...this.#jobs.values()]) if (job.leave) this.#stop(job);
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  abortAll(reason: AbortReason): void {
    for (const { attempt } of this.#jobs.values()) attempt.abort(reason);
  }

  #stop(job: Job): void {
    job.leave?.();
    job.leave = undefined;
    job.ended(notBegun(job.attempt.plan));
  }

  #next(): void {
    // Whoever comes back while this goes on is taken up by it.
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (!this.#closed && !this.#alone && this.#running < this.#limit) {
        const line = this.#waiting.first?.alone || this.#back.size === 0 ? this.#waiting : this.#back;
        const job = line.first;
        if (!job || (job.alone && this.#running > 0)) return;
        line.shift();
        this.#ask(job);
      }
    } finally {
      this.#busy = false;
    }
  }

  #ask(job: Job): void {
    const { attempt, scope } = job;
    const { plan } = attempt;
    const { step, kind, dependency, protection } = plan;
    const answer = this.#gates.ask({ run: scope.run.id, saga: scope.run.saga, step, kind, attempt: plan.attempt, dependency, protection });
    if (typeof answer === 'function') this.#begin(job, answer);
    else if (answer === 'wait') job.leave = this.#gates.of(plan).wait(() => this.#return(job));
    else this.#turnedAway(job, answer);
  }

  #turnedAway(job: Job, refusal: Refusal): void {
    const { plan } = job.attempt;
    if (plan.waitsHere) {
      job.leave = this.#gates.of(plan).stayAway(Math.min(refusal.retryAfterMs, LONGEST_AWAY_MS), () => this.#return(job));
      return;
    }
    job.leave = undefined;
    job.ended(notBegun(plan, refusal));
  }

  #return(job: Job): void {
    job.leave = this.#back.push(job);
    this.#next();
  }

  #begin(job: Job, pass: Pass): void {
    this.#running++;
    this.#alone = job.alone;
    job.leave = undefined;
    job.begun();
    const ended = (end: AttemptEnd): void => {
      const counted = pass(verdictOf('error' in end ? end.error : undefined));
      // What the run does next goes through the same gate, which has to know of this end before.
      if (counted) void counted.then(() => this.#over(job, end));
      else this.#over(job, end);
    };
    job.attempt.begin(job.scope, ended, job.late);
  }

  #over(job: Job, end: AttemptEnd): void {
    this.#running--;
    if (job.alone) this.#alone = false;
    job.ended(end);
    this.#next();
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
