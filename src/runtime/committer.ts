import type { Clock } from '../base/clock.ts';
import { StoreError } from '../base/errors.ts';
import type { Batch, CommitVerdict, Store } from '../stores/store.ts';
import { type ApartDelivery, isApart, performApart } from './apart.ts';
import type { Cell, Delivery } from './cell.ts';
import { type Draft, draftAll, type Nothing, settlementOf } from './draft.ts';
import type { Escalation } from './escalation.ts';
import { lookUp, type Round, type Turn, takeFrom } from './round.ts';

/** Who acts on what has become durable. */
export interface CommitListener {
  /** The state of its cell is already that of the cell's last draft in the batch. */
  committed(draft: Draft): void;
  nothing(nothing: Nothing): void;
  /** All drafts of a run in a batch have been told: it may be let go. */
  settled(cell: Cell): void;
  /** The store refused the commit: another worker has the run, or its id exists. */
  refused(cell: Cell, verdict: Exclude<CommitVerdict, 'applied'>, deliveries: readonly Delivery[]): void;
  /** The batch is not known to be there; it will be looked for, and decided and committed again, after `retryInMs`. */
  failed(error: StoreError, retryInMs: number): void;
  recovered(): void;
}

export interface CommitterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly listener: CommitListener;
  /** Of the tenure. */
  readonly fence: number;
  readonly sleepMs: number;
  readonly escalation: Escalation;
  /** Commits in one transaction: more block the event loop for too long. */
  readonly batch: number;
}

/** Events of one run decided in one batch: the rest waits its turn, so that a busy run does not hold up others. */
const EVENTS_PER_TURN = 16;
/** A queued run is begun and told of a command in one commit, however full the batch is: nothing may begin between the two. */
const FEWEST_EVENTS = 2;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/**
 * The only place that writes. Takes whatever is waiting, from all runs in turn, and commits it in one transaction;
 * under load batches grow by themselves, and nothing waits when idle.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #ready: Cell[] = [];
  /** Runs whose next event needs a transaction of its own. */
  readonly #apart: Cell[] = [];
  #isApartNext = false;
  #answers: Nothing[] = [];
  #state: 'idle' | 'scheduled' | 'committing' | 'waiting' = 'idle';
  #lastBatch = 0;
  #failures = 0;
  /** The batch whose commit failed: it may be there all the same. */
  #doubt: Round | undefined;
  readonly #withdrawn = new Set<Delivery>();
  #closed = false;
  #quiet: (() => void)[] = [];
  #failing: (() => void)[] = [];

  /** The error of the store while it takes nothing. */
  failure: StoreError | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Runs that wait to be decided. */
  get behind(): number {
    return this.#ready.length + this.#apart.length;
  }

  get idle(): boolean {
    return this.#state === 'idle';
  }

  post(cell: Cell, delivery: Delivery): void {
    cell.mailbox.push(delivery);
    this.#line(cell);
  }

  /** Answers an inbox entry that came to nothing before it reached a run. */
  answer(nothing: Nothing): void {
    this.#answers.push(nothing);
    this.#schedule();
  }

  /** Resolves when nothing waits and nothing is being committed. */
  async quiet(): Promise<void> {
    if (this.#state !== 'idle') await new Promise<void>((resolve) => this.#quiet.push(resolve));
  }

  /** Resolves when a commit has failed and the store has taken none since. */
  async failing(): Promise<void> {
    if (!this.failure) await new Promise<void>((resolve) => this.#failing.push(resolve));
  }

  /** Takes nothing more. */
  close(): void {
    this.#closed = true;
    for (const resolve of this.#quiet.splice(0)) resolve();
  }

  /** Takes back what is not to be tried again; of what is in doubt, only if it turns out not to be there. */
  withdraw(cell: Cell, take: (delivery: Delivery) => boolean): readonly Delivery[] {
    const doubted = this.#doubt?.turns.find((turn) => turn.cell === cell)?.taken.filter((delivery) => take(delivery) && !this.#withdrawn.has(delivery)) ?? [];
    for (const delivery of doubted) this.#withdrawn.add(delivery);
    const waiting = cell.mailbox.filter(take);
    if (waiting.length > 0) cell.mailbox.splice(0, cell.mailbox.length, ...cell.mailbox.filter((delivery) => !take(delivery)));
    return [...doubted, ...waiting];
  }

  #line(cell: Cell): void {
    if (cell.queued || cell.committing || cell.gone) return;
    cell.queued = true;
    (isApart(cell.mailbox[0]) ? this.#apart : this.#ready).push(cell);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#state !== 'idle' || this.#closed) return;
    this.#state = 'scheduled';
    // A lone run is taken up at once; with others under way the next turn of the event loop gathers them all.
    if (this.behind <= 1 && this.#lastBatch <= 1) queueMicrotask(() => this.#commit());
    else this.#options.clock.soon(() => this.#commit());
  }

  #commit(): void {
    if (this.#closed) return;
    // One of each in turn: neither holds up the other.
    const apart = this.#isApartNext || this.#ready.length === 0 ? this.#apart.shift() : undefined;
    this.#isApartNext = !apart;
    if (apart) {
      void this.#perform(apart);
      return;
    }
    const round = this.#decide();
    this.#lastBatch = round.drafts.length;
    this.#state = 'committing';
    void this.#write(round);
  }

  #decide(): Round {
    const { batch, clock, sleepMs, escalation } = this.#options;
    const options = { now: clock.now(), sleepMs, escalation };
    const turns: Turn[] = [];
    const drafts: Draft[] = [];
    while (this.#ready.length > 0 && drafts.length < batch) {
      const cell = this.#ready.shift() as Cell;
      cell.queued = false;
      cell.committing = true;
      // One that nobody waits beside, a map with many items, has the batch for itself.
      const most = this.#ready.length > 0 || turns.length > 0 ? EVENTS_PER_TURN : batch;
      const taken = takeFrom(cell, Math.max(FEWEST_EVENTS, Math.min(most, batch - drafts.length)));
      const decided = draftAll(cell, taken, options);
      turns.push({ cell, taken, ...decided });
      drafts.push(...decided.drafts);
    }
    return { turns, drafts, answers: this.#answers.splice(0), now: options.now };
  }

  /** A transaction of its own: of what a step writes, and of the commit of its end. */
  async #perform(cell: Cell): Promise<void> {
    const { clock, sleepMs, escalation, store } = this.#options;
    this.#state = 'committing';
    cell.queued = false;
    cell.committing = true;
    const delivery = cell.mailbox.shift() as ApartDelivery;
    const now = clock.now();
    const { drafts, nothing, verdicts, ...rest } = await performApart(store, cell, delivery, { now, sleepMs, escalation });
    this.#lastBatch = drafts.length;
    const round = { turns: [{ cell, taken: [delivery], drafts, nothing }], drafts, answers: [], now };
    if ('failure' in rest) {
      this.#doubt = round;
      this.#failed(rest.failure);
      return;
    }
    this.#recovered();
    this.#tell(round, verdicts);
  }

  async #write(round: Round): Promise<void> {
    const { fence, store, escalation } = this.#options;
    const nothing = [...round.answers, ...round.turns.flatMap((turn) => turn.nothing)];
    const settled = nothing.flatMap((one) => settlementOf(one, { now: round.now, escalation }) ?? []);
    const commits = round.drafts.map(({ commit }) => commit);
    const batch: Batch = { fence, commits, ...(settled.length > 0 ? { settled } : {}) };
    let verdicts: readonly CommitVerdict[] = [];
    const empty = commits.length === 0 && settled.length === 0;
    try {
      if (!empty) verdicts = await store.commit(batch);
    } catch (error) {
      this.#doubt = round;
      this.#failed(error);
      return;
    }
    if (!empty) this.#recovered();
    this.#tell(round, verdicts);
  }

  #recovered(): void {
    this.failure = undefined;
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#options.listener.recovered();
  }

  #tell({ turns, drafts, answers }: Round, verdicts: readonly CommitVerdict[]): void {
    const { listener } = this.#options;
    const refused = new Map<Cell, { verdict: Exclude<CommitVerdict, 'applied'>; deliveries: Delivery[] }>();
    const applied: Draft[] = [];
    drafts.forEach((draft, i) => {
      const { cell } = draft;
      const verdict = verdicts[i] ?? 'conflict';
      if (verdict === 'applied') {
        cell.state = draft.decided.state;
        cell.identity = draft.as.identity;
        cell.program = draft.as.program;
        cell.standing = draft.standing;
        cell.sinceBase = draft.sinceBase;
        cell.baseSize = draft.baseSize;
        applied.push(draft);
        return;
      }
      const known = refused.get(cell) ?? { verdict, deliveries: [] };
      known.deliveries.push(draft.delivery);
      refused.set(cell, known);
    });
    for (const draft of applied) listener.committed(draft);
    for (const one of answers) listener.nothing(one);
    for (const { cell, nothing } of turns) {
      for (const one of nothing) listener.nothing(one);
      cell.committing = false;
      const refusal = refused.get(cell);
      if (refusal) listener.refused(cell, refusal.verdict, [...refusal.deliveries, ...cell.mailbox.splice(0)]);
      else listener.settled(cell);
    }
    this.#goOn(turns);
  }

  #goOn(turns: readonly Turn[]): void {
    this.#state = 'idle';
    for (const { cell } of turns) if (cell.mailbox.length > 0) this.#line(cell);
    if (this.behind > 0 || this.#answers.length > 0) this.#schedule();
    else if (this.#state === 'idle') {
      // With nothing left to try, the next caller finds out how the store is.
      this.failure = undefined;
      for (const resolve of this.#quiet.splice(0)) resolve();
    }
  }

  #failed(thrown: unknown): void {
    const { listener, clock } = this.#options;
    const error =
      thrown instanceof StoreError ? thrown : new StoreError('SC_STORE_IO', `the store could not commit: ${thrown}`, { cause: thrown, retryable: true });
    const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
    this.#failures++;
    this.failure = error;
    this.#state = 'waiting';
    clock.after(retryInMs, () => void this.#again());
    listener.failed(error, retryInMs);
    for (const resolve of this.#failing.splice(0)) resolve();
  }

  /** A commit that failed may have been applied before its answer was lost: it is looked for before it is decided again. */
  async #again(): Promise<void> {
    if (this.#closed) return;
    const doubt = this.#doubt as Round;
    this.#state = 'committing';
    let verdicts: readonly CommitVerdict[];
    try {
      verdicts = await lookUp(this.#options.store, doubt);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#doubt = undefined;
    if (verdicts.includes('applied')) {
      this.#recovered();
      this.#tell(doubt, verdicts);
    } else this.#putBack(doubt);
    this.#withdrawn.clear();
  }

  /** What was decided is forgotten; the events are put back as they stood, and decided again on the durable state. */
  #putBack({ turns, answers }: Round): void {
    this.#answers.unshift(...answers);
    for (const { cell, taken } of turns) {
      cell.committing = false;
      cell.mailbox.unshift(...taken.filter((delivery) => !this.#withdrawn.has(delivery)));
      if (cell.mailbox.length === 0) this.#options.listener.settled(cell);
    }
    this.#goOn(turns);
  }
}
