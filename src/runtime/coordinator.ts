import type { StoreError } from '../base/errors.ts';
import { SagachartError } from '../base/errors.ts';
import { TIMEOUT } from '../base/failure.ts';
import type { Identity, RunEvent } from '../kernel/event.ts';
import { dueEvent, waitingTimers } from '../kernel/pending.ts';
import type { StartEffect } from '../kernel/state.ts';
import type { Claim, CommitVerdict, Tenure } from '../stores/store.ts';
import { type Cell, type Delivery, newCell } from './cell.ts';
import { type CommitListener, Committer } from './committer.ts';
import type { Draft, Nothing } from './draft.ts';
import type { RuntimeEvent } from './event.ts';
import { Executor } from './executor.ts';
import { happeningsOf } from './happening.ts';
import type { Log } from './log.ts';
import { Observers } from './observers.ts';
import type { Settings } from './options.ts';
import { Programs } from './program.ts';
import { loadCell, lostEvents } from './recovery.ts';

/** Told when a run has ended here, needs a person, or is out of reach. */
export type Watcher = (cell: Cell | undefined, error?: unknown) => void;

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
  /** Runs this code does not know: untouched, and why. */
  readonly blocked = new Map<string, SagachartError>();
  readonly committer: Committer;
  readonly executor: Executor;
  readonly observers = new Observers((error, event) => this.settings.log.error('an observer threw', { event, error: String(error) }));
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #loading = new Map<string, Promise<Cell>>();
  /** Told when a run has left memory. */
  onRoom: (due: number | null) => void = () => {};
  closing = false;

  constructor(settings: Settings, tenure: Tenure, namespace: string) {
    const { store, clock, limits, sleepMs } = settings;
    this.settings = settings;
    this.tenure = tenure;
    this.namespace = namespace;
    this.programs = new Programs(settings.programs);
    for (const { observe, only } of settings.observers) this.observers.add(observe, only);
    this.committer = new Committer({ store, clock, listener: this, sleepMs, batch: limits.batch });
    this.executor = new Executor({ clock, limit: limits.attempts, maxBytes: limits.payloadBytes });
  }

  emit(event: RuntimeEvent): void {
    this.observers.emit(event);
  }

  watch(id: string, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    watchers.add(watcher);
    this.#watchers.set(id, watchers);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id);
    };
  }

  tellWatchers(id: string, cell: Cell | undefined, error?: unknown): void {
    for (const watcher of this.#watchers.get(id) ?? []) watcher(cell, error);
  }

  failWatchers(error: unknown): void {
    for (const id of [...this.#watchers.keys()]) this.tellWatchers(id, undefined, error);
  }

  /** A new run; its first event decides whether it begins or waits. */
  create(options: Pick<Cell, 'number' | 'identity' | 'program' | 'labels'>, delivery: Delivery): void {
    const state = { seq: 0, data: { status: 'queued', value: null, context: null, children: {}, timers: {} }, snapshot: undefined } as const;
    const cell = newCell({ ...options, fence: this.tenure.fence, state, standing: undefined });
    this.cells.set(options.identity.id, cell);
    this.committer.post(cell, delivery);
  }

  /** A run that was taken over: what was under way in another process is lost, and said to be. */
  async adopt(claim: Claim): Promise<Cell> {
    const { id, number } = claim.row;
    const program = this.programs.match(claim.row);
    if (program instanceof SagachartError) {
      this.#block(claim, program);
      throw program;
    }
    let cell: Cell;
    try {
      cell = await loadCell(this.settings.store, claim, program);
    } catch (cause) {
      const error = new SagachartError(
        'SC_RUN_UNREADABLE',
        `run ${id} (number ${number}) could not be read back: ${cause instanceof Error ? cause.message : cause}`,
        {
          next: 'Look at its journal with `sagachart journal`; restore the store from a backup if it is damaged.',
          details: { run: id },
          cause,
        },
      );
      this.#block(claim, error);
      throw error;
    }
    this.cells.set(id, cell);
    const lost = lostEvents(cell.state);
    const first: readonly RunEvent[] = cell.state.snapshot ? lost : [{ type: 'started', run: id }];
    for (const event of first) this.committer.post(cell, { event });
    if (lost.length > 0) {
      const { saga, version } = claim.row;
      this.emit({ type: 'run.recovered', at: this.settings.clock.now(), run: { id, saga, version }, seq: cell.state.seq, lost: lost.length });
    }
    if (first.length === 0) this.#arm(cell);
    return cell;
  }

  #block({ row }: Claim, error: SagachartError): void {
    this.blocked.set(row.id, error);
    this.emit({ type: 'run.blocked', at: this.settings.clock.now(), run: { id: row.id, saga: row.saga, version: row.version }, seq: row.seq, error });
    this.tellWatchers(row.id, undefined, error);
  }

  /**
   * The run in memory, brought there if it has to be.
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_ENDED, SC_RUN_BLOCKED
   */
  async reach(id: string): Promise<Cell> {
    const held = this.cells.get(id);
    if (held) return held;
    const blocked = this.blocked.get(id);
    if (blocked) throw blocked;
    const loading = this.#loading.get(id) ?? this.#claim(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return await loading;
  }

  async #claim(id: string): Promise<Cell> {
    const { store, clock } = this.settings;
    const row = await store.find(id);
    if (!row) throw unknownRun(id);
    if (row.endedAt !== null) {
      throw new SagachartError('SC_RUN_ENDED', `run ${id} has ended (${row.status})`, {
        next: 'Nothing is left to do for this run.',
        details: { run: id, status: row.status },
      });
    }
    const claim = await store.claimRun(this.tenure, id, clock.now());
    const held = this.cells.get(id);
    if (held) return held;
    if (!claim) {
      throw new SagachartError('SC_RUN_HELD', `run ${id} is held by another worker`, {
        retryable: true,
        next: 'Send it through the inbox: whoever holds the run will take it.',
        details: { run: id },
      });
    }
    return await this.adopt(claim);
  }

  committed(draft: Draft): void {
    const { cell, delivery, decided } = draft;
    delivery.settle?.({ ok: true, seq: decided.state.seq });
    if (this.observers.size > 0) for (const happening of happeningsOf(draft, (type) => this.observers.wants(type))) this.emit(happening);
    for (const { id, at } of [...decided.effects.stop, ...decided.effects.abort]) this.executor.abort(attemptKey(cell, id, at), 'drain');
    for (const effect of decided.effects.start) this.#begin(cell, effect);
    for (const { type, run } of decided.effects.actions) {
      try {
        run();
      } catch (error) {
        this.settings.log.error('an action of the chart threw', { run: cell.identity.id, action: type, error: String(error) });
      }
    }
  }

  nothing({ delivery, error }: Nothing): void {
    delivery.settle?.(error ? { ok: false, error } : { ok: true, seq: 0 });
  }

  settled(cell: Cell): void {
    const { standing, identity, mailbox } = cell;
    if (cell.gone || !standing) return;
    if (standing.endedAt !== null || standing.attention) this.tellWatchers(identity.id, cell);
    if (mailbox.length > 0) return;
    if (standing.due === 0) this.#arm(cell);
    else this.#letGo(cell, standing.endedAt === null ? standing.due : null);
  }

  refused(cell: Cell, verdict: Exclude<CommitVerdict, 'applied'>, deliveries: readonly Delivery[]): void {
    const { id } = cell.identity;
    const error =
      verdict === 'exists'
        ? new SagachartError('SC_RUN_EXISTS', `a run with the id ${JSON.stringify(id)} exists already`, { next: 'Choose another id.', details: { run: id } })
        : new SagachartError('SC_RUN_HELD', `run ${id} was taken over by another worker`, {
            retryable: true,
            next: 'The new owner goes on with it.',
            details: { run: id, verdict },
          });
    for (const { settle } of deliveries) settle?.({ ok: false, error });
    this.#forget(cell);
    this.tellWatchers(id, undefined, error);
  }

  failed(error: StoreError, retryInMs: number): void {
    this.emit({ type: 'store.failed', at: this.settings.clock.now(), error, retryInMs });
    this.settings.log.error('the store does not take commits', { code: error.code, error: error.message, retryInMs });
    // Callers who wait for an acknowledgment are told now; what the store has acknowledged, or steps have done, stays.
    for (const cell of [...this.cells.values()]) {
      for (const { settle } of this.committer.withdraw(cell, ({ settle, inbox }) => settle !== undefined && inbox === undefined))
        settle?.({ ok: false, error });
      if (cell.state.seq === 0 && cell.mailbox.length === 0) this.#forget(cell);
    }
  }

  recovered(): void {
    this.emit({ type: 'store.recovered', at: this.settings.clock.now() });
    this.settings.log.info('the store takes commits again');
  }

  #begin(cell: Cell, { id, child }: StartEffect): void {
    const { identity, program, fence } = cell;
    const { log, services } = this.settings;
    const plan = program.plan(cell.state, id, child);
    const { step, kind, attempt, dependency } = plan;
    const ref = { step, kind, attempt, ...(dependency === undefined ? {} : { dependency }) };
    const run = { id: identity.id, saga: identity.saga, version: identity.version, incarnation: identity.incarnation };
    const { seq } = cell.state;
    cell.attempts++;
    let stepLog: Log | undefined;
    const scope = {
      fence,
      services,
      namespace: this.namespace,
      run,
      // Made when a step asks for it: most never log.
      get log() {
        stepLog ??= log.child({ run: run.id, saga: run.saga, step, kind, attempt, correlation: `${run.id}/${step}/${attempt}` });
        return stepLog;
      },
    };
    this.executor.start(attemptKey(cell, id, child.at), plan, scope, {
      begun: () => {
        if (this.observers.wants('attempt.started')) this.emit({ type: 'attempt.started', at: this.settings.clock.now(), run, seq, ...ref });
      },
      ended: (end) => {
        cell.attempts--;
        const forChart = !(this.closing && program.kind === 'workflow' && 'error' in end && end.error.code !== TIMEOUT);
        if (cell.gone) this.emit({ type: 'discarded', at: this.settings.clock.now(), run, seq, what: `the result of attempt ${attempt} of ${step}` });
        else if (forChart)
          this.committer.post(cell, {
            event: 'error' in end ? { type: 'failed', child: id, at: child.at, ...end } : { type: 'succeeded', child: id, at: child.at, ...end },
          });
      },
    });
  }

  /** Timers of a run in memory; a deadline that passed while the process was down is due at once. */
  #arm(cell: Cell): void {
    cell.disarm();
    const { clock } = this.settings;
    const first = waitingTimers(cell.state.data)[0];
    if (!first || this.closing) return;
    cell.disarm = clock.after(Math.max(0, first.due - clock.now()), () => {
      if (cell.gone || this.closing) return;
      const now = clock.now();
      const due = waitingTimers(cell.state.data).filter((timer) => timer.due <= now);
      for (const timer of due) this.committer.post(cell, { event: dueEvent(timer) });
      if (due.length === 0) this.#arm(cell);
    });
  }

  #letGo(cell: Cell, due: number | null): void {
    this.#forget(cell);
    void this.settings.store.release(this.tenure, [cell.number]).then(() => this.onRoom(due));
  }

  #forget(cell: Cell): void {
    cell.disarm();
    cell.gone = true;
    if (this.cells.get(cell.identity.id) === cell) this.cells.delete(cell.identity.id);
  }
}

export function unknownRun(id: string): SagachartError {
  return new SagachartError('SC_UNKNOWN_RUN', `there is no run ${JSON.stringify(id)}`, {
    next: 'List the runs there are with `sagachart list`.',
    details: { run: id },
  });
}

function attemptKey(cell: Cell, id: string, at: Identity): string {
  return `${cell.number}/${id}/${at[0]}.${at[1]}`;
}
