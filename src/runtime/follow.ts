import { SagachartError } from '../base/errors.ts';
import type { StateData } from '../kernel/state.ts';
import type { RunStanding } from '../stores/store.ts';
import type { Coordinator } from './coordinator.ts';
import type { Draft } from './draft.ts';
import { nowOf, presentRun, type Reader, readerOf } from './present.ts';
import { closedError } from './refusal.ts';
import { isEnd, type RunUpdate, type UpdateSource } from './updates.ts';
import type { Follower } from './watchers.ts';

/** A commit that nobody has read yet. */
interface Landed {
  readonly number: number;
  readonly seq: number;
  readonly at: number;
  readonly data: StateData;
  readonly standing: RunStanding;
  readonly reader: Reader;
}

/** Follows a run of an engine: it keeps the last commit alone, and makes of it what is told when it is asked for. */
export class Following implements UpdateSource, Follower {
  readonly #id: string;
  readonly #coordinator: Coordinator;
  #latest: Landed | undefined;
  /** Which life of the id it is. */
  #number: number | undefined;
  /** The last that was told. */
  #told = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #unfollow: (() => void) | undefined;

  constructor(id: string, coordinator: Coordinator) {
    this.#id = id;
    this.#coordinator = coordinator;
  }

  async pull(signal: AbortSignal): Promise<RunUpdate> {
    if (!this.#unfollow) await this.#begin();
    signal.throwIfAborted();
    if (!this.#latest && !this.#failure) await this.#wakened(signal);
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest) {
      this.#told = latest.seq;
      return updateOf(latest);
    }
    throw this.#failure?.error;
  }

  stop(): void {
    this.#unfollow?.();
  }

  committed({ cell: { number, program }, decided: { state }, commit: { at }, standing }: Draft): void {
    this.#land({ number, seq: state.seq, at, data: state.data, standing, reader: program });
  }

  failed(error: unknown): void {
    this.#failure = { error };
    this.#wake();
  }

  #land(landed: Landed): void {
    this.#number ??= landed.number;
    // What was read from the store may be ahead of the commits that are told of, or behind them.
    if (landed.number !== this.#number || landed.seq <= (this.#latest?.seq ?? this.#told)) return;
    this.#latest = landed;
    // What the next life of the id does is none of its affair.
    if (isEnd(landed.standing.status)) this.#unfollow?.();
    this.#wake();
  }

  /** @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED, SC_ENGINE_CLOSED */
  async #begin(): Promise<void> {
    const { watchers, settings, programs, blocked, closing } = this.#coordinator;
    if (closing) throw closedError();
    // Before the run is read: what is committed meanwhile is not missed.
    this.#unfollow = watchers.follow(this.#id, this);
    const { row, seq, data, at } = await presentRun(settings.store, this.#id);
    const match = programs.match(row);
    const error = blocked.get(this.#id) ?? (match instanceof SagachartError ? match : undefined);
    if (row.endedAt === null && error) throw error;
    this.#land({ number: row.number, seq, at, data, standing: row, reader: readerOf(programs, row) });
  }

  async #wakened(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal.reason);
    this.#wake = resolve;
    signal.addEventListener('abort', abort);
    await promise.finally(() => signal.removeEventListener('abort', abort));
  }
}

/** What is told of a commit. */
export function updateOf({ seq, at, data, standing, reader }: Omit<Landed, 'number'>): RunUpdate {
  const { status, attention, paused, degraded } = standing;
  const { states, progress } = nowOf(data, status, reader);
  return { seq, at, status, states, attention, paused, degraded, progress };
}
