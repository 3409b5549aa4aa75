import type { DependencyHealth } from '../policies/gates.ts';
import type { InboxRow, QueueCount, WorkerInfo } from '../stores/store.ts';
import { Admission } from './admission.ts';
import { approvalTokens } from './approval-token.ts';
import { chartKeeper } from './blocked.ts';
import { Controls } from './controls.ts';
import { Coordinator } from './coordinator.ts';
import { decisionOf, type TokenDecision } from './decision.ts';
import { Desk } from './desk.ts';
import type { Observer, RuntimeEventType } from './event.ts';
import type { ForkOptions } from './fork.ts';
import { RunHandle } from './handle.ts';
import { InboxReader } from './inbox.ts';
import { Incoming } from './incoming.ts';
import { keepLease, LEASE_MS } from './lease.ts';
import { type Load, loadOf } from './load.ts';
import { ManyRuns } from './many-runs.ts';
import { Migrations } from './migrations.ts';
import { type EngineOptions, type Settings, settings } from './options.ts';
import type { Program } from './program.ts';
import { Purges } from './purge.ts';
import { Queues } from './queues.ts';
import { closedError } from './refusal.ts';
import { refusedEntry } from './remedied.ts';
import { RetentionSweep } from './retention.ts';
import type { Rollouts } from './rollouts.ts';
import { Schedules } from './schedules.ts';
import { commitAll } from './shutdown.ts';
import { type Entries, type StartAnswer, type StartEntry, startMany } from './start-many.ts';
import { type ChosenFor, type RestartOptions, type StartOptions, Starts } from './starts.ts';
import { Within } from './within.ts';

export interface CloseOptions {
  /**
   * How long running attempts may go on before they are aborted, ms. If the store takes nothing by then, their results
   * are given up: the next engine counts them as lost. Default: 10 s.
   */
  readonly deadlineMs?: number;
}

/** Runs sagas and workflows on a store: the executor. */
export class Engine {
  /** What people have paused. */
  readonly controls: Controls;
  /** How new runs are shared out between versions. */
  readonly rollouts: Rollouts;
  /** What is asked of many runs at once. */
  readonly many: ManyRuns;
  /** What is started again and again. */
  readonly schedules: Schedules;
  readonly #settings: Settings;
  readonly #coordinator: Coordinator;
  readonly #admission: Admission;
  readonly #inbox: InboxReader;
  readonly #desk: Desk;
  readonly #queues: Queues;
  readonly #starts: Starts;
  readonly #migrations: Migrations;
  readonly #retention: RetentionSweep;
  #closed: Promise<void> | undefined;
  readonly #deadline = Promise.withResolvers<void>();
  #stopRenewing: () => void = () => {};

  private constructor(options: Settings, coordinator: Coordinator) {
    this.#settings = options;
    this.#coordinator = coordinator;
    this.#admission = new Admission(coordinator);
    this.#desk = new Desk(coordinator);
    this.#queues = new Queues(coordinator, this.#admission);
    this.controls = new Controls(coordinator);
    this.rollouts = coordinator.rollouts;
    this.#starts = new Starts(coordinator, () => this.#admission.full);
    this.schedules = new Schedules(coordinator, this.#starts, async ({ saga, input, ...start }) => (await this.start(saga, input, start)).id);
    const purges = new Purges(coordinator);
    this.#migrations = new Migrations(coordinator);
    this.many = new ManyRuns(coordinator, { desk: this.#desk, purges, migrations: this.#migrations });
    this.#retention = new RetentionSweep(coordinator, purges, options.retention);
    const failed = (row: InboxRow, error: unknown): void => this.#inbox.failed(row, error);
    const incoming = new Incoming(coordinator, { starts: this.#starts, purges, migrations: this.#migrations, failed });
    this.#inbox = new InboxReader(options, {
      changed: async () => {
        this.#queues.look();
        await this.controls.read();
        await this.schedules.read();
      },
      handle: (row, letter) => incoming.handle(row, letter),
      refuse: (row, error) => coordinator.committer.answer({ delivery: refusedEntry(row), error }),
    });
    coordinator.inbox = this.#inbox;
  }

  /**
   * Opens the store, takes the role of executor, and goes on with every run that was under way.
   * @throws StoreError, SagachartError SC_OPTION, SC_DUPLICATE_SAGA
   */
  static async open(options: EngineOptions & { readonly worker: Omit<WorkerInfo, 'name' | 'since' | 'leaseMs'> }): Promise<Engine> {
    const all = settings(options);
    const { store, clock, ids } = all;
    const { id } = await store.open();
    try {
      const tenure = await store.join({ ...options.worker, name: ids(), since: clock.now(), leaseMs: LEASE_MS });
      const engine = new Engine(all, new Coordinator(all, tenure, all.namespace ?? id));
      const keepCharts = chartKeeper(all);
      await keepCharts();
      if (all.development) engine.#develop();
      await engine.controls.read();
      if (all.programs.some(({ approval }) => approval)) engine.#coordinator.tokens = await approvalTokens(store, ids);
      await engine.#admission.claim();
      await engine.#queues.open();
      await engine.schedules.open();
      engine.#inbox.start();
      engine.#coordinator.deliverer.start();
      engine.#retention.start();
      engine.#stopRenewing = keepLease(engine.#coordinator, {
        renewed: () => keepCharts().then(() => engine.#claim()),
        lost: () => void engine.close({ deadlineMs: 0 }),
      });
      return engine;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Takes what is due, and what other workers have let go of since. */
  async #claim(): Promise<void> {
    await this.#admission.claim();
    this.#queues.look();
  }

  /**
   * Starts a run, durably: once this resolves, a power cut does not lose it. An id that exists already gives the
   * existing run, if saga and input are the same.
   * @throws SagachartError SC_UNKNOWN_SAGA, SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_RUN_PURGED, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE, SC_ENGINE_CLOSED, or the StoreError while the store takes nothing
   */
  async start(saga: string, input: unknown, options: StartOptions & { readonly version?: number } = {}): Promise<RunHandle> {
    this.#desk.checkOpen();
    const program = this.#chosen(saga, options.version);
    const { id } = await this.#desk.place(() => this.#starts.start(program, input, options));
    return this.run(id);
  }

  /**
   * Starts many, in as few transactions as there can be. Answers in their order; one that is refused is its own answer.
   * From an async iterable entries are taken as fast as they are started, at most `limits.pending` of them under way.
   * @param read makes the start of an entry
   */
  async startMany<Entry>(entries: Entries<Entry>, read: (entry: Entry) => StartEntry): Promise<readonly StartAnswer<RunHandle>[]> {
    const start = async (entry: Entry): Promise<StartAnswer<RunHandle>> => {
      const { saga, input, ...options } = read(entry);
      const { id, seq, putOff } = await this.#desk.place(() => this.#starts.start(this.#chosen(saga, options.version), input, options));
      return { status: seq === 0 || putOff ? 'existing' : 'started', id, run: this.run(id) };
    };
    return await startMany(entries, start, this.#settings.limits.pending);
  }

  /** The version that is asked for; without one, the one that is rolled out to a run of its id. @throws SagachartError SC_UNKNOWN_SAGA */
  #chosen(saga: string, version: number | undefined): Program | ChosenFor {
    const program = this.#coordinator.programs.find(saga, version);
    return version === undefined ? (id) => this.rollouts.program(saga, id) : program;
  }

  /**
   * Starts and signals inside of the caller's own transaction on the store's database.
   * @throws StoreError SC_WITHIN if it is no connection to that, or has no open transaction
   */
  within(connection: unknown): Within {
    this.#desk.checkOpen();
    const { store, clock, ids, limits } = this.#settings;
    return new Within(store, connection, { programs: this.#coordinator.programs, complete: true, clock, ids, payloadBytes: limits.payloadBytes });
  }

  /**
   * The next life of a run that has ended, whether it is still there or was purged: under the same id, with new idempotency
   * keys, so that everything is done once more.
   * @throws SagachartError SC_RUN_ACTIVE, SC_UNKNOWN_RUN; SC_RUN_PURGED without an input, if the stored one is gone; SC_OPTION; and what `start` throws
   */
  async restart(id: string, options: RestartOptions = {}): Promise<RunHandle> {
    this.#desk.checkOpen();
    await this.#desk.place(() => this.#starts.restart(id, options));
    return this.run(id);
  }

  /**
   * A new run that begins as what another one was at some point of its journal, with keys of its own; that one stays as it
   * is, and what it has done is its own: the fork reads the results, and never undoes them.
   * @throws SagachartError SC_FORK, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED, SC_RUN_EXISTS, SC_REASON_MISSING, SC_RUN_ID, SC_OPTION
   */
  async fork(id: string, options: ForkOptions): Promise<RunHandle> {
    this.#desk.checkOpen();
    const forked = await this.#desk.place(() => this.#starts.fork(id, options));
    return this.run(forked.id);
  }

  /** A run by its id, whether it exists or not: its methods say so. */
  run(id: string): RunHandle {
    return new RunHandle(id, this.#coordinator, (command) => this.#desk.command(id, command));
  }

  /**
   * Decides what the step that was given this token asks for: once, whoever shows it.
   * @throws SagachartError SC_APPROVAL_TOKEN, SC_APPROVAL_OVER, SC_DECISION_INVALID, SC_RUN_ENDED, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED
   */
  async decide(token: string, decision: TokenDecision): Promise<{ readonly run: string; readonly seq: number }> {
    this.#desk.checkOpen();
    const { run, command } = decisionOf(this.#coordinator.tokens, token, decision);
    return { run, ...(await this.#desk.command(run, command)) };
  }

  /**
   * Calls `observer` with what happens, after it is durable. Returns the way to stop it.
   * @param only the types it wants. Default: all
   */
  observe(observer: Observer, only?: readonly RuntimeEventType[]): () => void {
    this.#coordinator.observers.add(observer, only);
    return () => {
      this.#coordinator.observers.delete(observer);
    };
  }

  /** The queues in which runs wait or have begun, and how many, as the store says. */
  async queues(): Promise<readonly QueueCount[]> {
    return await this.#settings.store.queues();
  }

  /** How the dependencies are that its sagas name, as this process sees them. */
  dependencies(): readonly DependencyHealth[] {
    return this.#coordinator.gates.health();
  }

  /** What is in memory now. */
  load(): Load {
    return loadOf(this.#coordinator, this.#inbox);
  }

  /**
   * Stops: begins nothing more, lets running attempts end, aborts them at the deadline, commits what they say, and
   * gives the role up. Runs stay where they are; the next engine goes on with them. A second call may bring the
   * deadline forward.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { clock } = this.#settings;
    const disarm = clock.after(options.deadlineMs ?? 10_000, () => {
      this.#coordinator.executor.abortAll('shutdown');
      this.#deadline.resolve();
    });
    this.#closed ??= this.#close();
    await this.#closed.finally(disarm);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { store, log } = this.#settings;
    const coordinator = this.#coordinator;
    const { committer, executor, tenure, cells } = coordinator;
    coordinator.closing = true;
    const calls = [
      this.#inbox.stop(),
      this.#admission.stop(),
      this.#queues.stop(),
      this.schedules.stop(),
      this.#retention.stop(),
      this.rollouts.stop(),
      this.#desk.empty(),
    ];
    for (const cell of cells.values()) cell.disarm();
    await executor.drain();
    this.#stopRenewing();
    const all = await commitAll(coordinator, [...calls, Promise.all(calls).then(() => this.#starts.settled())], this.#deadline.promise);
    committer.close();
    if (!all) log.error('closed before everything was committed: what attempts have just said counts as lost', { runs: committer.behind });
    for (const cell of cells.values()) for (const { settle } of committer.withdraw(cell, () => true)) settle?.({ ok: false, error: closedError() });
    cells.clear();
    await coordinator.deliverer.stop(this.#deadline.promise);
    coordinator.watchers.failAll(closedError());
    await store.leave(tenure).catch((error: unknown) => log.error('the role of executor could not be given up', { error: String(error) }));
    await store.close();
  }

  #develop(): void {
    this.#settings.log.warn('development mode: runs go on with charts that are edited under them');
    this.#coordinator.onUnknown = (claim) => this.#migrations.develop(claim);
  }
}
