import { SagachartError, StoreError } from '../base/errors.ts';
import type { RunEvent } from '../kernel/event.ts';
import { attemptsOf } from '../kernel/pending.ts';
import { isPutOff } from '../kernel/place.ts';
import { endOf } from '../kernel/standing.ts';
import { Gates } from '../policies/gates.ts';
import type { Claim, CommitVerdict, Tenure } from '../stores/store.ts';
import { ApprovalTokens } from './approval-token.ts';
import { attemptKey, beginAttempt } from './begin.ts';
import { blockedBy } from './blocked.ts';
import { type Cell, type Delivery, newCell } from './cell.ts';
import { type CommitListener, Committer } from './committer.ts';
import { Deliverer } from './deliverer.ts';
import type { Draft, Nothing } from './draft.ts';
import { Escalation } from './escalation.ts';
import type { RuntimeEvent } from './event.ts';
import { Executor } from './executor.ts';
import { happeningsOf } from './happening.ts';
import type { InboxSource } from './inbox-source.ts';
import { Observers } from './observers.ts';
import type { Settings } from './options.ts';
import { Programs } from './program.ts';
import { postTo } from './put-off.ts';
import { loadCell, lostEvents } from './recovery.ts';
import { commitRefused, missingRun, runEnded, runHeld, unreadable } from './refusal.ts';
import { Rollouts } from './rollouts.ts';
import { armTimers } from './timers.ts';
import { Watchers } from './watchers.ts';

/** A run that could not be read waits so long. */
const UNREADABLE_MS = 1_000;

/**
 * The runs in memory: takes events to them, commits what they decide, and acts on it. Everything that begins,
 * begins in `committed`, after the commit that demands it is durable.
 */
export class Coordinator implements CommitListener {
  readonly settings: Settings;
  readonly programs: Programs;
  readonly tenure: Tenure;
  readonly namespace: string;
  readonly cells = new Map<string, Cell>();
  /** Runs this code does not know, and why. */
  readonly blocked = new Map<string, SagachartError>();
  readonly committer: Committer;
  readonly gates: Gates;
  readonly executor: Executor;
  readonly observers = new Observers((error, event) => this.settings.log.error('an observer threw', { event, error: String(error) }));
  readonly watchers = new Watchers();
  readonly #adopting = new Map<string, Promise<Cell>>();
  /** Takes what the commits have written to the outbox. */
  readonly deliverer: Deliverer;
  /** Of approvals; set before anything begins. */
  tokens = new ApprovalTokens('');
  readonly rollouts: Rollouts = new Rollouts(this);
  inbox: InboxSource = { done: () => {}, again: () => {}, arrived: () => {} };
  /** Told when a run has left memory. */
  onRoom: (due: number | null) => void = () => {};
  /** Brings a run whose chart is not known onto one that is, or leaves it. */
  onUnknown = async (_: Claim): Promise<Cell | undefined> => undefined;
  closing = false;

  constructor(settings: Settings, tenure: Tenure, namespace: string) {
    const { store, clock, limits, sleepMs, log, sinks, remedies } = settings;
    this.settings = settings;
    this.tenure = tenure;
    this.namespace = namespace;
    this.programs = new Programs(settings.programs);
    for (const { observe, only } of settings.observers) this.observers.add(observe, only);
    this.deliverer = new Deliverer(sinks, { store, tenure, clock, log });
    const escalation = new Escalation({ sinks, remedies, programs: this.programs, namespace, maxBytes: limits.payloadBytes });
    this.committer = new Committer({ store, clock, listener: this, fence: tenure.fence, sleepMs, batch: limits.batch, escalation });
    const depends = settings.programs.flatMap((program) => program.depends);
    this.gates = new Gates(depends, { clock, changed: (change) => this.emit({ type: 'dependency.changed', at: clock.now(), ...change }) });
    this.executor = new Executor({ clock, limit: limits.attempts, maxBytes: limits.payloadBytes, gates: this.gates });
  }

  emit(event: RuntimeEvent): void {
    this.observers.emit(event);
  }

  /** A new run; its first event decides whether it begins or waits. */
  create(options: Pick<Cell, 'number' | 'identity' | 'program' | 'labels'>, delivery: Delivery): void {
    const state = { seq: 0, data: { status: 'queued', value: null, context: null, children: {}, timers: {} }, snapshot: undefined } as const;
    const cell = newCell({ ...options, fence: this.tenure.fence, state, standing: undefined });
    this.cells.set(options.identity.id, cell);
    this.committer.post(cell, delivery);
  }

  /**
   * A run that was taken over: what was under way in another process is lost, and said to be. However many ask for it
   * at the same time, it is brought into memory once.
   * @param first posts what is to be decided in one go with its beginning, if this call brings it
   */
  async adopt(claim: Claim, first: (cell: Cell) => void = () => {}): Promise<Cell> {
    const { id } = claim.row;
    const known = this.cells.get(id) ?? this.#adopting.get(id);
    if (known) return await known;
    const adopting = this.#adopt(claim, first).finally(() => this.#adopting.delete(id));
    this.#adopting.set(id, adopting);
    return await adopting;
  }

  async #adopt(claim: Claim, first: (cell: Cell) => void): Promise<Cell> {
    const { id, saga, version } = claim.row;
    const program = this.programs.match(claim.row);
    if (program instanceof SagachartError) return await this.#notKnown(claim, program, first);
    const cell = await loadCell(this.settings.store, claim, program).catch((cause: unknown) => this.#unreadable(claim, cause));
    if (endOf(cell.state)) {
      this.#release(cell.number, null);
      throw runEnded(id, String(endOf(cell.state)));
    }
    this.cells.set(id, cell);
    const lost = lostEvents(cell.state, program);
    const events: readonly RunEvent[] = cell.state.snapshot || cell.state.data.faults || isPutOff(cell.state) ? lost : [{ type: 'started', run: id }];
    for (const event of events) this.committer.post(cell, { event });
    if (lost.length > 0)
      this.emit({ type: 'run.recovered', at: this.settings.clock.now(), run: { id, saga, version }, seq: cell.state.seq, lost: lost.length });
    first(cell);
    // What was posted first may have been refused, and the run let go again.
    if (events.length === 0 && !cell.gone) armTimers(this, cell);
    return cell;
  }

  /** Its version is not there, or has another chart: untouched it waits, unless the engine knows what to do with it. */
  async #notKnown(claim: Claim, reason: SagachartError, first: (cell: Cell) => void): Promise<Cell> {
    const cell = await this.onUnknown(claim);
    const error = cell ? undefined : ((await blockedBy(this.settings.store, this.programs, claim.row).catch(() => undefined)) ?? reason);
    if (error) this.#block(claim, error);
    if (!cell) throw error;
    first(cell);
    return cell;
  }

  /** A store that fails for a moment makes a run wait; one that cannot be read back at all waits for a person. */
  #unreadable(claim: Claim, cause: unknown): never {
    if (cause instanceof StoreError && cause.retryable) {
      this.#release(claim.row.number, this.settings.clock.now() + UNREADABLE_MS);
      throw cause;
    }
    const error = unreadable(claim.row, cause);
    this.#block(claim, error);
    throw error;
  }

  #block({ row }: Claim, error: SagachartError): void {
    this.blocked.set(row.id, error);
    this.emit({ type: 'run.blocked', at: this.settings.clock.now(), run: { id: row.id, saga: row.saga, version: row.version }, seq: row.seq, error });
    this.watchers.tell(row.id, undefined, error);
  }

  /**
   * Takes an event to a run, which is brought into memory if it has to be.
   * @param make makes the delivery from the run as it stands; what it throws is thrown here, and the run let go again
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED, SC_RUN_BLOCKED, SC_RUN_HELD
   */
  async deliver(id: string, make: (cell: Cell) => Delivery): Promise<void> {
    let posted = false;
    let refused: { readonly error: unknown } | undefined;
    const post = (cell: Cell): void => {
      posted = true;
      try {
        postTo(this, cell, make(cell));
      } catch (error) {
        refused = { error };
        if (!cell.committing) this.settled(cell);
      }
    };
    while (!posted) {
      const cell = await this.#reach(id, post);
      // Between its being found and now it may have been let go again.
      if (!posted && !cell.gone) post(cell);
    }
    if (refused) throw refused.error;
  }

  async #reach(id: string, first: (cell: Cell) => void): Promise<Cell> {
    const held = this.cells.get(id) ?? this.#adopting.get(id);
    if (held) return await held;
    const blocked = this.blocked.get(id);
    if (blocked) throw blocked;
    const { store, clock } = this.settings;
    const row = await store.find(id);
    if (!row) throw await missingRun(store, id);
    if (row.endedAt !== null) throw runEnded(id, row.status);
    const claim = await store.claimRun(this.tenure, id, clock.now());
    if (claim) return await this.adopt(claim, first);
    throw runHeld(id);
  }

  committed(draft: Draft): void {
    const { cell, delivery, decided, commit } = draft;
    delivery.settle?.({ ok: true, seq: decided.state.seq });
    if (delivery.inbox !== undefined) this.inbox.done(delivery.inbox);
    this.watchers.committed(draft);
    if (this.observers.listening) for (const happening of happeningsOf(draft, (type) => this.observers.wants(type))) this.emit(happening);
    if (commit.standing) this.rollouts.noted(draft.as.identity, commit.standing);
    if (commit.outbox) this.deliverer.wake();
    // What a step has asked for inside of its transaction, a store does not tell this process of.
    if (commit.messages || delivery.transact) this.inbox.arrived();
    for (const { id, at } of [...decided.effects.stop, ...decided.effects.abort]) this.executor.abort(attemptKey(cell, id, at), 'drain');
    for (const effect of decided.effects.start) beginAttempt(this, cell, effect);
    for (const { type, run } of decided.effects.actions) {
      try {
        run();
      } catch (error) {
        this.settings.log.error('an action of the chart threw', { run: cell.identity.id, action: type, error: String(error) });
      }
    }
  }

  nothing({ delivery, error, cell, reply }: Nothing): void {
    delivery.settle?.(error ? { ok: false, error } : { ok: true, seq: cell?.state.seq ?? 0 });
    if (delivery.inbox !== undefined && !(error && delivery.answersItself)) this.inbox.done(delivery.inbox);
    if (reply) this.inbox.arrived();
    if (error && delivery.remedyFor) this.deliverer.wake();
    if (error?.code === 'SC_INTERNAL') this.settings.log.error('an event could not be decided', { error: error.message });
    if (!error && cell) this.discarded(cell, delivery.event.type);
  }

  /** Tells observers of what changes nothing any more. */
  discarded(cell: Cell, what: string): void {
    const { id, saga, version } = cell.identity;
    this.emit({ type: 'discarded', at: this.settings.clock.now(), run: { id, saga, version }, seq: cell.state.seq, what });
  }

  settled(cell: Cell): void {
    const { standing, identity, mailbox } = cell;
    if (cell.gone) return;
    if (!standing) {
      // Its first commit came to nothing: there is no such run.
      if (mailbox.length === 0) this.#forget(cell);
      return;
    }
    if (standing.endedAt !== null || standing.attention) this.watchers.tell(identity.id, cell);
    if (mailbox.length > 0) return;
    if (standing.due === 0) armTimers(this, cell);
    else this.#letGo(cell, standing.endedAt === null ? standing.due : null);
  }

  refused(cell: Cell, verdict: Exclude<CommitVerdict, 'applied'>, deliveries: readonly Delivery[]): void {
    const { id } = cell.identity;
    const error = commitRefused(cell.identity, verdict);
    for (const delivery of deliveries) this.#refuse(delivery, error);
    for (const { id: child, at } of attemptsOf(cell.state.data)) this.executor.abort(attemptKey(cell, child, at), 'drain');
    this.#forget(cell);
    // It waits on, where it stood.
    if (verdict === 'full') return this.#release(cell.number, null);
    this.watchers.tell(id, undefined, error);
    if (verdict !== 'exists' && verdict !== 'taken') this.#release(cell.number, this.settings.clock.now());
  }

  /** What another process sent is still in the inbox, and will be handled by whoever has the run. */
  #refuse({ settle, ...delivery }: Delivery, error: SagachartError): void {
    const { inbox, answersItself } = delivery;
    settle?.({ ok: false, error });
    if (inbox === undefined || answersItself) return;
    if (error.retryable) this.inbox.again(inbox);
    else this.committer.answer({ delivery, error });
  }

  failed(error: StoreError, retryInMs: number): void {
    this.emit({ type: 'store.failed', at: this.settings.clock.now(), error, retryInMs });
    this.settings.log.error('the store does not take commits', { code: error.code, error: error.message, retryInMs });
    // Callers who wait for an acknowledgment are told now; what the store has acknowledged, or steps have done, stays.
    for (const cell of [...this.cells.values()]) {
      const isOfCaller = ({ settle, inbox, transact, onto }: Delivery): boolean => settle !== undefined && inbox === undefined && !transact && !onto;
      for (const { settle } of this.committer.withdraw(cell, isOfCaller)) settle?.({ ok: false, error });
      if (!cell.committing) this.settled(cell);
    }
  }

  recovered(): void {
    this.emit({ type: 'store.recovered', at: this.settings.clock.now() });
    this.settings.log.info('the store takes commits again');
  }

  #letGo(cell: Cell, due: number | null): void {
    this.#forget(cell);
    this.#release(cell.number, due);
  }

  /** Gives a run back, so that it can be claimed when it is next due. */
  #release(run: number, due: number | null): void {
    this.settings.store.release(this.tenure, [run]).then(
      () => this.onRoom(due),
      (error: unknown) => this.settings.log.error('a run could not be given back', { error: String(error) }),
    );
  }

  #forget(cell: Cell): void {
    cell.disarm();
    cell.gone = true;
    if (this.cells.get(cell.identity.id) === cell) this.cells.delete(cell.identity.id);
  }
}
