import type { QueryScope } from '../saga/definition.ts';
import type { RunStanding } from '../stores/store.ts';

/** A run as it stands after one of its commits, for whoever watches it. */
export interface RunUpdate extends Pick<QueryScope, 'status' | 'states' | 'progress'>, Pick<RunStanding, 'attention' | 'paused' | 'degraded'> {
  /** Of the commit, from 1. */
  readonly seq: number;
  /** When it was made, ms since 1970. */
  readonly at: number;
}

export interface UpdateOptions {
  /** Ends it: whoever waits is told its reason. */
  readonly signal?: AbortSignal;
}

/** Where updates come from. */
export interface UpdateSource {
  /** The newest there is, once it is newer than the one before. Rejects with the reason of `signal` when that is aborted. */
  pull(signal: AbortSignal): Promise<RunUpdate>;
  /** Nobody will pull any more. */
  stop(): void;
}

const OVER = Symbol('over');
const DONE = { value: undefined, done: true } as const;

/**
 * What is watched of a run: its present state first, then whenever it has changed, the newest alone; its end is the last.
 * Nothing is held for a reader that is slow but that one. It begins with the first `next`.
 */
export class Updates implements AsyncIterableIterator<RunUpdate, undefined, unknown>, AsyncDisposable {
  readonly #source: UpdateSource;
  readonly #signal: AbortSignal | undefined;
  readonly #over = new AbortController();
  readonly #abort = (): void => this.#finish(this.#signal?.reason);
  #turn: Promise<unknown> | undefined;
  /** Whether somebody was told why it was aborted. */
  #told = false;

  constructor(source: UpdateSource, { signal }: UpdateOptions = {}) {
    this.#source = source;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<RunUpdate, undefined>> {
    if (!this.#turn) this.#begin();
    // One after the other, whoever asks.
    const turn = (this.#turn ?? Promise.resolve()).then(() => this.#next());
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  /** Ends it; a `next` that waits is done at once. */
  async return(): Promise<typeof DONE> {
    this.#finish(OVER);
    return DONE;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish(OVER);
  }

  #begin(): void {
    this.#signal?.addEventListener('abort', this.#abort);
    if (this.#signal?.aborted) this.#abort();
  }

  async #next(): Promise<IteratorResult<RunUpdate, undefined>> {
    try {
      if (this.#over.signal.aborted) throw this.#over.signal.reason;
      const value = await this.#source.pull(this.#over.signal);
      if (isEnd(value.status)) this.#finish(OVER);
      return { value, done: false };
    } catch (error) {
      if (error === OVER || this.#told) return DONE;
      this.#told = true;
      this.#finish(OVER);
      throw error;
    }
  }

  #finish(reason: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#over.abort(reason);
    this.#source.stop();
  }
}

const UNDER_WAY: readonly RunUpdate['status'][] = ['queued', 'running', 'sleeping', 'compensating'];

export function isEnd(status: RunUpdate['status']): boolean {
  return !UNDER_WAY.includes(status);
}
