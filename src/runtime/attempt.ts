import type { Clock } from '../base/clock.ts';
import { encode, stored } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { ABORTED, type Failure, INTERRUPTED, NOT_BEGUN, SILENT, TIMEOUT } from '../base/failure.ts';
import type { Refusal } from '../policies/gate.ts';
import { durationText } from '../saga/duration.ts';
import { isWithUndo } from '../saga/with-undo.ts';
import type { AttemptRef } from './event.ts';
import type { AttemptPlan, AttemptScope } from './program.ts';

/** How an attempt ended. */
export type AttemptEnd = { readonly output: unknown; readonly undoData?: unknown; readonly ms: number } | { readonly error: Failure; readonly ms: number };

/** Why an attempt is told to stop: its signal's reason. */
export type AbortReason = 'timeout' | 'silence' | 'drain' | 'shutdown';

/**
 * One attempt: begins once it has a place, is aborted at its timeout or when told to, and has ended when its promise
 * has, or `grace` after the abort. What it says later is dropped by whoever gave up on it.
 */
export class Attempt {
  readonly plan: AttemptPlan;
  readonly #clock: Clock;
  #controller: AbortController | undefined;
  readonly #maxBytes: number;
  #begun: number | undefined;
  #cancelTimer: () => void = () => {};
  #aborted: AbortReason | undefined;
  #end: ((end: AttemptEnd) => void) | undefined;
  #late: () => void = () => {};
  #silence: () => void = () => {};

  constructor(plan: AttemptPlan, options: { readonly clock: Clock; readonly maxBytes: number }) {
    this.plan = plan;
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes;
  }

  /** Calls `end` exactly once, and `late` if the step answers after it was given up. */
  begin(scope: AttemptScope, end: (end: AttemptEnd) => void, late: () => void): void {
    this.#end = end;
    this.#late = late;
    this.#begun = this.#clock.monotonic();
    // What never waits for anything but its turn has no time limit.
    if (!this.plan.transactional) this.#cancelTimer = this.#clock.after(this.plan.policy.timeoutMs, () => this.abort('timeout'));
    this.heard();
    let pending: unknown;
    try {
      pending = this.plan.run(scope, () => this.#signal());
    } catch (error) {
      this.#settle(error, undefined);
      return;
    }
    if (!isThenable(pending)) {
      // A step that is already done still answers later: its caller is in the middle of starting others.
      queueMicrotask(() => this.#settle(undefined, { value: pending }));
      return;
    }
    pending.then(
      (value) => this.#settle(undefined, { value }),
      (error: unknown) => this.#settle(error ?? new Error('the step threw nothing'), undefined),
    );
  }

  /** It has said that it is alive: from now on it may be silent as long as its policy allows. */
  heard(): void {
    const { heartbeatMs } = this.plan.policy;
    this.#silence();
    if (heartbeatMs !== undefined && this.#end !== undefined && this.#aborted === undefined)
      this.#silence = this.#clock.after(heartbeatMs, () => this.abort('silence'));
  }

  /** Whether it still runs, so that what it says counts. */
  get isRunning(): boolean {
    return this.#end !== undefined;
  }

  /** Tells it to stop. Without effect once it has ended, and when it was told before. */
  abort(reason: AbortReason): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = reason;
    this.#cancelTimer();
    this.#silence();
    if (this.#begun === undefined || this.#end === undefined) return;
    this.#cancelTimer = this.#clock.after(this.plan.policy.graceMs, () => this.#giveUp());
    this.#controller?.abort(this.#abortReason());
  }

  /** Made when the step asks for it: a controller costs as much as the rest of a short attempt. */
  #signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#abortReason());
    }
    return this.#controller.signal;
  }

  #abortReason(): SagachartError {
    return new SagachartError(this.#abortCode(), this.#whyAborted(), { retryable: true });
  }

  #abortCode(): string {
    if (this.#aborted === 'timeout') return TIMEOUT;
    if (this.#aborted === 'silence') return SILENT;
    return this.#aborted === 'shutdown' ? INTERRUPTED : ABORTED;
  }

  #settle(error: unknown, success: { readonly value: unknown } | undefined): void {
    if (this.#end === undefined) return this.#late();
    if (!success) return this.#finish({ error: this.#failed(error), ms: this.#ms() });
    // It was stored with its commit.
    if (this.plan.transactional) return this.#finish({ output: success.value, ms: this.#ms() });
    try {
      this.#finish({ ...storedResult(success.value, this.plan.step, this.#maxBytes), ms: this.#ms() });
    } catch (notStorable) {
      this.#finish({ error: this.plan.failure(notStorable), ms: this.#ms() });
    }
  }

  /** An error thrown because of the abort is told as what it is: a timeout, or a stop. */
  #failed(error: unknown): Failure {
    if (error instanceof TurnedAway) return notBegun(this.plan).error;
    const failure = this.plan.failure(error);
    if (this.#aborted === undefined || failure.effect === 'none') return failure;
    return { ...failure, code: this.#abortCode(), message: `${this.#whyAborted()} (${failure.message})` };
  }

  #giveUp(): void {
    const message = `${this.#whyAborted()}, and did not end within its grace of ${durationText(this.plan.policy.graceMs)}`;
    const code = this.#abortCode();
    const failure = this.plan.failure(new SagachartError(code, message));
    // Whatever a classify function thinks of it: nobody has heard from the step, so it may have happened.
    const effect = this.plan.transactional ? 'none' : 'maybe';
    this.#finish({ error: { ...failure, code, class: 'transient', effect }, ms: this.#ms() });
  }

  #finish(end: AttemptEnd): void {
    this.#cancelTimer();
    this.#silence();
    const tell = this.#end;
    this.#end = undefined;
    tell?.(end);
  }

  #whyAborted(): string {
    if (this.#aborted === 'timeout') return `${nameOf(this.plan)} took longer than its timeout of ${durationText(this.plan.policy.timeoutMs)}`;
    if (this.#aborted === 'silence') return `${nameOf(this.plan)} has not said for ${durationText(this.plan.policy.heartbeatMs ?? 0)} that it is alive`;
    return `${nameOf(this.plan)} was told to stop because ${this.#aborted === 'drain' ? 'the run is draining' : 'the engine is shutting down'}`;
  }

  #ms(): number {
    return Math.round((this.#clock.monotonic() - (this.#begun ?? 0)) * 1000) / 1000;
  }
}

/**
 * The end of an attempt that never began: it was told to stop before it had a place, or its gate turned it away.
 * @param refusal what the gate said
 */
export function notBegun(ref: AttemptRef, refusal?: Refusal): AttemptEnd & { readonly error: Failure } {
  const { step, dependency } = ref;
  const about = { type: 'SagachartError', class: 'transient', effect: 'none', step, ...(dependency === undefined ? {} : { dependency }) } as const;
  if (!refusal) return { error: { ...about, code: NOT_BEGUN, message: `${nameOf(ref)} was stopped before it began` }, ms: 0 };
  const { code, why, retryAfterMs } = refusal;
  return { error: { ...about, code, message: `${nameOf(ref)} was not begun: ${why}`, retryAfterMs }, ms: 0 };
}

function nameOf({ step, kind, attempt }: AttemptRef): string {
  return `attempt ${attempt} of ${kind === 'run' ? '' : `${kind} of `}step ${step}`;
}

/** By the time its turn came it was not wanted any more: it has not begun. */
export class TurnedAway extends SagachartError {
  constructor(step: string) {
    super(NOT_BEGUN, `step ${step} was told to stop before its turn came`);
  }
}

/** What a step returned, as it is stored. @throws SagachartError SC_NOT_STORABLE, SC_PAYLOAD_TOO_LARGE */
export function storedResult(value: unknown, step: string, maxBytes: number): { readonly output: unknown; readonly undoData?: unknown } {
  if (!isWithUndo(value)) return { output: storable(value, step, maxBytes) };
  return { output: storable(value.result, step, maxBytes), undoData: storable(value.undoData, `${step} for its undo`, maxBytes) };
}

/**
 * The value as it will be read back: a copy, so that what the step does to its own object later changes nothing.
 * @throws SagachartError SC_NOT_STORABLE, SC_PAYLOAD_TOO_LARGE
 */
export function storable(value: unknown, name: string, maxBytes: number): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value;
  const text = encode(value, `result of ${name}`);
  checkSize(text, `the result of step ${name}`, maxBytes);
  return stored(text);
}

/** @throws SagachartError SC_PAYLOAD_TOO_LARGE */
export function checkSize(text: string, name: string, maxBytes: number): void {
  if (text.length * 3 <= maxBytes) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return;
  throw new SagachartError('SC_PAYLOAD_TOO_LARGE', `${name} has ${bytes} bytes, more than the ${maxBytes} that are allowed`, {
    next: 'Store large data elsewhere and return a reference to it, or raise limits.payloadBytes.',
    details: { bytes, maxBytes },
  });
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
