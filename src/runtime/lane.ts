import { BusyError } from '../base/errors.ts';
import { backoffMs } from '../chart/backoff.ts';
import type { OutboxMark, OutboxRow } from '../stores/store.ts';
import { decodeAlert } from './alert.ts';
import type { DelivererOptions } from './deliverer.ts';
import type { Sink } from './sinks.ts';

/** Alerts on their way to one sink at the same time. */
const AT_ONCE = 16;
/** How much longer than a try may take nobody else tries: until what came of it is written. */
const MARGIN_MS = 30_000;
/** How long a store is left alone that failed. */
const STORE_MS = 5_000;
const RETRY = { attempts: 'forever', tiers: [{ attempts: 'forever', fromMs: 1_000, toMs: 300_000, factor: 2, jitter: 'none' }] } as const;
/** A sink may ask to be left alone for this long at most. */
const LONGEST_PAUSE_MS = 3_600_000;

/** Takes what one sink is to be sent, sends it, and marks what came of it. Knows nothing of other sinks, or of runs. */
export class Lane {
  readonly #sink: Sink;
  readonly #options: DelivererOptions;
  readonly #sending = new Set<AbortController>();
  /** Sent, and what came of it is still to be written. */
  #marks: OutboxMark[] = [];
  #marking = false;
  #taking = false;
  #again = false;
  #stopped = false;
  /** How often in a row it failed: a sink that is gone is tried with one alert at a time, ever more seldom. */
  #failures = 0;
  #pausedUntil = 0;
  #disarm = (): void => {};
  #idle: (() => void)[] = [];

  constructor(sink: Sink, options: DelivererOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#taking) void this.#takeAll();
  }

  /** Takes nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#disarm();
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** What is under way is given up, and due again. */
  abort(): void {
    for (const controller of this.#sending) controller.abort(new Error('the engine closes'));
  }

  get #busy(): boolean {
    return this.#taking || this.#sending.size > 0 || this.#marks.length > 0 || this.#marking;
  }

  get #room(): number {
    return (this.#failures > 0 ? 1 : AT_ONCE) - this.#sending.size - this.#marks.length;
  }

  async #takeAll(): Promise<void> {
    this.#taking = true;
    while (this.#again) {
      this.#again = false;
      await this.#take();
    }
    this.#taking = false;
    this.#rest();
  }

  async #take(): Promise<void> {
    const { store, tenure, clock, log } = this.#options;
    const { name: sink, timeoutMs } = this.#sink;
    const now = clock.now();
    const limit = this.#room;
    // Whatever is under way makes room when it ends, and wakes.
    if (limit <= 0) return;
    if (now < this.#pausedUntil) return this.#arm(this.#pausedUntil - now);
    try {
      const { rows, next } = await store.takeOutbox(tenure, { sink, now, until: now + timeoutMs + MARGIN_MS, limit });
      for (const row of rows) void this.#send(row);
      if (next !== undefined) this.#arm(next - now);
    } catch (error) {
      log.error('alerts could not be taken from the store', { sink, error: String(error) });
      this.#arm(STORE_MS);
    }
  }

  async #send(row: OutboxRow): Promise<void> {
    const { clock, log } = this.#options;
    const controller = new AbortController();
    this.#sending.add(controller);
    const { signal } = controller;
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { timeoutMs } = this.#sink;
    const disarm = clock.after(timeoutMs, () => controller.abort(new Error(`it did not answer within ${timeoutMs} ms`)));
    let due: number | null = null;
    try {
      const alert = decodeAlert(row.body);
      await Promise.race([this.#sink.send(alert, { key: alert.key, signal, log }), aborted]);
      this.#failures = 0;
    } catch (error) {
      due = this.#failed(row, error);
    }
    disarm();
    this.#sending.delete(controller);
    this.#marks.push({ run: row.run, seq: row.seq, n: row.n, sink: row.sink, due });
    if (!this.#marking) void this.#markAll();
  }

  /** When it is tried again. */
  #failed({ run, seq, n, attempts }: OutboxRow, error: unknown): number {
    const { clock, log } = this.#options;
    const now = clock.now();
    const asked = error instanceof BusyError ? Math.min(error.retryAfterMs ?? 0, LONGEST_PAUSE_MS) : 0;
    const wait = (times: number): number => backoffMs(RETRY, times, '', asked);
    // Those that were under way together count once.
    if (now >= this.#pausedUntil) this.#pausedUntil = now + wait(++this.#failures);
    if (this.#stopped) return now;
    const retryInMs = wait(attempts);
    log.error('an alert could not be delivered', { sink: this.#sink.name, alert: `${run}/${seq}/${n}`, attempts, error: reasonOf(error), retryInMs });
    return now + retryInMs;
  }

  /** Many in one transaction; what could not be marked is sent again later, like after a crash. */
  async #markAll(): Promise<void> {
    const { store, tenure, clock, log } = this.#options;
    this.#marking = true;
    await new Promise<void>((resolve) => clock.soon(resolve));
    const marks = this.#marks;
    await store.markOutbox(tenure, marks).catch((error: unknown) => {
      log.error('delivered alerts could not be marked: they will be sent again', { sink: this.#sink.name, error: String(error) });
    });
    this.#marks = this.#marks.slice(marks.length);
    this.#marking = false;
    if (this.#marks.length > 0) void this.#markAll();
    this.wake();
    this.#rest();
  }

  #arm(ms: number): void {
    this.#disarm();
    if (!this.#stopped) this.#disarm = this.#options.clock.after(Math.max(0, ms), () => this.wake());
  }

  #rest(): void {
    if (!this.#busy) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** What `fetch` throws has its reason in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
