import type { Clock } from '../base/clock.ts';
import { StoreError } from '../base/errors.ts';
import type { Batch, CommitVerdict, Store } from '../stores/store.ts';
import type { Cell, Delivery } from './cell.ts';
import { type Draft, draftAll, type Nothing, settlementOf } from './draft.ts';

/** Who acts on what has become durable. */
export interface CommitListener {
  committed(draft: Draft): void;
  nothing(nothing: Nothing): void;
  /** All drafts of a run in a batch have been told: it may be let go. */
  settled(cell: Cell): void;
  /** The store refused the commit: another worker has the run, or its id exists. */
  refused(cell: Cell, verdict: Exclude<CommitVerdict, 'applied'>, deliveries: readonly Delivery[]): void;
  /** Nothing of the batch is there; it will be decided and committed again after `retryInMs`. */
  failed(error: StoreError, retryInMs: number): void;
  recovered(): void;
}

export interface CommitterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly listener: CommitListener;
  readonly sleepMs: number;
  /** Commits in one transaction: more block the event loop for too long. */
  readonly batch: number;
}

/** Events of one run decided in one batch: the rest waits its turn, so that a busy run does not hold up others. */
const EVENTS_PER_TURN = 16;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/**
 * The only place that writes. Takes whatever is waiting, from all runs in turn, and commits it in one transaction;
 * under load batches grow by themselves, and nothing waits when idle.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #ready: Cell[] = [];
  #settlements: Nothing[] = [];
  #state: 'idle' | 'scheduled' | 'committing' | 'waiting' = 'idle';
  #failures = 0;
  #closed = false;
  #quiet: (() => void)[] = [];

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Runs that wait to be decided. */
  get behind(): number {
    return this.#ready.length;
  }

  /** The error of the store while it takes nothing. */
  failure: StoreError | undefined;

  post(cell: Cell, delivery: Delivery): void {
    cell.mailbox.push(delivery);
    this.#line(cell);
  }

  /** Answers an inbox entry that came to nothing before it reached a run. */
  answer(nothing: Nothing): void {
    this.#settlements.push(nothing);
    this.#schedule();
  }

  /** Resolves when nothing waits and nothing is being committed. */
  async quiet(): Promise<void> {
    if (this.#state !== 'idle') await new Promise<void>((resolve) => this.#quiet.push(resolve));
  }

  /** Takes nothing more. */
  close(): void {
    this.#closed = true;
    for (const resolve of this.#quiet.splice(0)) resolve();
  }

  #line(cell: Cell): void {
    if (cell.queued || cell.committing || cell.gone) return;
    cell.queued = true;
    this.#ready.push(cell);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#state !== 'idle' || this.#closed) return;
    this.#state = 'scheduled';
    // A lone run is taken up at once; with others under way the next turn of the event loop gathers them all.
    if (this.#ready.length <= 1 && this.#lastBatch <= 1) queueMicrotask(() => this.#commit());
    else this.#options.clock.soon(() => this.#commit());
  }

  #lastBatch = 0;

  #commit(): void {
    if (this.#closed) return;
    const drafts: Draft[] = [];
    const nothing = this.#settlements.splice(0);
    const cells: Cell[] = [];
    const { batch, clock, sleepMs } = this.#options;
    const options = { now: clock.now(), sleepMs };
    while (this.#ready.length > 0 && drafts.length < batch) {
      const cell = this.#ready.shift() as Cell;
      cell.queued = false;
      cell.committing = true;
      cells.push(cell);
      const drafted = draftAll(cell, Math.min(EVENTS_PER_TURN, batch - drafts.length), options);
      drafts.push(...drafted.drafts);
      nothing.push(...drafted.nothing);
    }
    this.#lastBatch = drafts.length;
    this.#state = 'committing';
    void this.#write(drafts, nothing, cells, options.now);
  }

  async #write(drafts: readonly Draft[], nothing: readonly Nothing[], cells: readonly Cell[], now: number): Promise<void> {
    const settled = nothing.flatMap((one) => settlementOf(one, now) ?? []);
    const batch: Batch = { commits: drafts.map(({ commit }) => commit), ...(settled.length > 0 ? { settled } : {}) };
    let verdicts: readonly CommitVerdict[] = [];
    try {
      if (batch.commits.length > 0 || settled.length > 0) verdicts = await this.#options.store.commit(batch);
    } catch (error) {
      this.#failed(error, drafts, nothing, cells);
      return;
    }
    if (this.#failures > 0) {
      this.#failures = 0;
      this.failure = undefined;
      this.#options.listener.recovered();
    }
    this.#tell(drafts, verdicts, nothing, cells);
    this.#state = 'idle';
    for (const cell of cells) if (cell.mailbox.length > 0) this.#line(cell);
    if (this.#ready.length > 0 || this.#settlements.length > 0) this.#schedule();
    else if (this.#state === 'idle') for (const resolve of this.#quiet.splice(0)) resolve();
  }

  #tell(drafts: readonly Draft[], verdicts: readonly CommitVerdict[], nothing: readonly Nothing[], cells: readonly Cell[]): void {
    const { listener } = this.#options;
    const refused = new Map<Cell, { verdict: Exclude<CommitVerdict, 'applied'>; deliveries: Delivery[] }>();
    drafts.forEach((draft, i) => {
      const verdict = verdicts[i] ?? 'conflict';
      if (verdict === 'applied') {
        draft.cell.state = draft.decided.state;
        draft.cell.standing = draft.standing;
        draft.cell.sinceBase = draft.sinceBase;
        draft.cell.baseSize = draft.baseSize;
        listener.committed(draft);
        return;
      }
      const known = refused.get(draft.cell) ?? { verdict, deliveries: [] };
      known.deliveries.push(draft.delivery);
      refused.set(draft.cell, known);
    });
    for (const one of nothing) listener.nothing(one);
    for (const cell of cells) {
      cell.committing = false;
      const refusal = refused.get(cell);
      if (refusal) listener.refused(cell, refusal.verdict, [...refusal.deliveries, ...cell.mailbox.splice(0)]);
      else listener.settled(cell);
    }
  }

  /** What was decided is forgotten; the events are put back as they stood, and decided again on the durable state. */
  #failed(thrown: unknown, drafts: readonly Draft[], nothing: readonly Nothing[], cells: readonly Cell[]): void {
    const { listener, clock } = this.#options;
    const error =
      thrown instanceof StoreError ? thrown : new StoreError('SC_STORE_IO', `the store could not commit: ${thrown}`, { cause: thrown, retryable: true });
    const back = new Map<Cell, Delivery[]>();
    for (const { cell, delivery } of drafts) back.set(cell, [...(back.get(cell) ?? []), delivery]);
    for (const cell of cells) {
      cell.committing = false;
      cell.mailbox.unshift(...(back.get(cell) ?? []));
      cell.queued = true;
      this.#ready.push(cell);
    }
    // Nobody outside waits for these: they are told now, or once the store takes their answer.
    for (const one of nothing) {
      if (one.delivery.inbox === undefined) listener.nothing(one);
      else this.#settlements.push(one);
    }
    const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
    this.#failures++;
    this.failure = error;
    this.#state = 'waiting';
    clock.after(retryInMs, () => this.#commit());
    listener.failed(error, retryInMs);
  }

  /** Takes out of a run's mailbox what is not to be tried again. */
  withdraw(cell: Cell, take: (delivery: Delivery) => boolean): readonly Delivery[] {
    const taken = cell.mailbox.filter(take);
    if (taken.length > 0) cell.mailbox.splice(0, cell.mailbox.length, ...cell.mailbox.filter((delivery) => !take(delivery)));
    return taken;
  }
}
