import { StoreError } from '../base/errors.ts';
import { checkRunId } from '../base/ids.ts';
import type { RunEvent } from '../kernel/event.ts';
import type { DependencyHealth } from '../policies/gates.ts';
import type { InboxRow, RunIdentity, WorkerInfo } from '../stores/store.ts';
import { Admission } from './admission.ts';
import { acknowledged } from './cell.ts';
import type { Command } from './command.ts';
import { Controls } from './controls.ts';
import { Coordinator } from './coordinator.ts';
import type { Observer, RuntimeEventType } from './event.ts';
import { RunHandle } from './handle.ts';
import { InboxReader } from './inbox.ts';
import { prepareInput } from './input.ts';
import { keepLease, LEASE_MS } from './lease.ts';
import { Numbers } from './numbers.ts';
import { eventOf } from './operation.ts';
import { checkLabels, type EngineOptions, type Settings, settings } from './options.ts';
import { Places } from './places.ts';
import type { Program } from './program.ts';
import { closedError, idTaken, inDoubt } from './refusal.ts';
import { refusedEntry, remedyOf, type StartedFrom } from './remedied.ts';
import { commitAll } from './shutdown.ts';

export interface StartOptions {
  /** Chosen by the caller, so that starting twice is starting once. Default: generated. */
  readonly id?: string;
  /** To find runs by. */
  readonly labels?: Readonly<Record<string, string>>;
}

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
  readonly #settings: Settings;
  readonly #coordinator: Coordinator;
  readonly #admission: Admission;
  readonly #inbox: InboxReader;
  readonly #places: Places;
  readonly #numbers: Numbers;
  /** Starts under way by id, and how each failed if it did. */
  readonly #starting = new Map<string, Promise<unknown>>();
  #closed: Promise<void> | undefined;
  readonly #deadline = Promise.withResolvers<void>();
  #stopRenewing: () => void = () => {};

  private constructor(options: Settings, coordinator: Coordinator) {
    this.#settings = options;
    this.#coordinator = coordinator;
    this.#admission = new Admission(coordinator);
    this.#places = new Places(options.limits.pending);
    this.#numbers = new Numbers(options.store);
    this.controls = new Controls(coordinator);
    this.#inbox = new InboxReader(options, {
      changed: () => this.controls.read(),
      handle: (row, command) => this.#fromInbox(row, command),
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
      await engine.controls.read();
      await engine.#admission.claim();
      engine.#inbox.start();
      engine.#coordinator.deliverer.start();
      engine.#renew();
      return engine;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /**
   * Starts a run, durably: once this resolves, a power cut does not lose it. An id that exists already gives the
   * existing run, if saga and input are the same.
   * @throws SagachartError SC_UNKNOWN_SAGA, SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE, SC_ENGINE_CLOSED, or the StoreError while the store takes nothing
   */
  async start(saga: string, input: unknown, options: StartOptions & { readonly version?: number } = {}): Promise<RunHandle> {
    this.#checkOpen();
    const program = this.#coordinator.programs.find(saga, options.version);
    checkLabels(options.labels);
    const { id } = await this.#place(() => this.#startOnce(program, input, options));
    return this.run(id);
  }

  /** A run by its id, whether it exists or not: its methods say so. */
  run(id: string): RunHandle {
    return new RunHandle(id, this.#coordinator, (command) => this.#place(() => this.#command(id, command)));
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

  /** How the dependencies are that its sagas name, as this process sees them. */
  dependencies(): readonly DependencyHealth[] {
    return this.#coordinator.gates.health();
  }

  /**
   * Holds on to its runs, and takes over those of workers that have not, and what they were to deliver; a store with one
   * executor only checks that it still is the one.
   */
  #renew(): void {
    this.#stopRenewing = keepLease(this.#settings, this.#coordinator.tenure, {
      renewed: async () => {
        if (this.#coordinator.closing) return;
        this.#coordinator.deliverer.wake();
        await this.#admission.claim();
      },
      // Another executor has the runs: whatever this one still decides would be refused.
      lost: () => void this.close({ deadlineMs: 0 }),
    });
  }

  /** What is in memory now. */
  load(): { readonly runs: number; readonly attempts: number; readonly waitingAttempts: number; readonly behind: number; readonly blocked: number } {
    const { cells, executor, committer, blocked } = this.#coordinator;
    return { runs: cells.size, attempts: executor.running, waitingAttempts: executor.waiting, behind: committer.behind, blocked: blocked.size };
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
    const calls = [this.#inbox.stop(), this.#admission.stop(), this.#places.empty()];
    for (const cell of cells.values()) cell.disarm();
    await executor.drain();
    this.#stopRenewing();
    const starts = async (): Promise<void> => void (await Promise.all(this.#starting.values()));
    const all = await commitAll(coordinator, [...calls, Promise.all(calls).then(starts)], this.#deadline.promise);
    committer.close();
    if (!all) log.error('closed before everything was committed: what attempts have just said counts as lost', { runs: committer.behind });
    for (const cell of cells.values()) for (const { settle } of committer.withdraw(cell, () => true)) settle?.({ ok: false, error: closedError() });
    cells.clear();
    await coordinator.deliverer.stop(this.#deadline.promise);
    coordinator.watchers.failAll(closedError());
    await store.leave(tenure).catch((error: unknown) => log.error('the role of executor could not be given up', { error: String(error) }));
    await store.close();
  }

  async #place<T>(work: () => Promise<T>): Promise<T> {
    await this.#places.take();
    try {
      this.#checkOpen();
      return await work();
    } finally {
      this.#places.give();
    }
  }

  async #startOnce(program: Program, input: unknown, options: StartOptions, from: StartedFrom = {}): Promise<{ readonly id: string; readonly seq: number }> {
    const { ids, limits } = this.#settings;
    const run = { ...prepareInput(program, input, limits.payloadBytes), labels: options.labels ?? {}, from };
    if (options.id === undefined) {
      const id = ids();
      return { id, seq: await this.#startNew(program, { ...run, id, known: true }) };
    }
    const id = checkRunId(options.id);
    // Two calls with one id in this process: the second waits, and finds the run of the first.
    while (this.#starting.has(id)) await this.#starting.get(id);
    const started = this.#startNew(program, { ...run, id, known: false });
    this.#starting.set(
      id,
      started.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    try {
      return { id, seq: await started };
    } finally {
      this.#starting.delete(id);
    }
  }

  async #startNew(
    program: Program,
    run: {
      readonly id: string;
      readonly value: unknown;
      readonly hash: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Whether the id is certainly new. */
      readonly known: boolean;
      readonly from: StartedFrom;
    },
  ): Promise<number> {
    const { store, clock } = this.#settings;
    const { id, hash } = run;
    const cell = this.#coordinator.cells.get(id);
    // Its first commit has failed, and may be there all the same: until that is known it is not there for anybody.
    if (cell && !cell.standing) throw this.#coordinator.committer.failure ?? inDoubt(id);
    const existing = run.known ? undefined : (cell?.identity ?? (await store.find(id)));
    if (existing) return this.#existing(existing, program, hash, run.from.inbox);
    const { failure } = this.#coordinator.committer;
    if (failure && run.from.inbox === undefined) throw failure;
    const identity: RunIdentity = {
      id,
      saga: program.name,
      version: program.version,
      fingerprint: program.fingerprint,
      incarnation: 1,
      inputHash: hash,
      createdAt: clock.now(),
    };
    const number = await this.#numbers.next();
    const event: RunEvent = this.#admission.full ? { type: 'queued', input: run.value } : { type: 'started', run: id, input: run.value };
    return await acknowledged((settle) => this.#coordinator.create({ number, identity, program, labels: run.labels }, { event, settle, ...run.from }));
  }

  #existing(existing: RunIdentity, program: Program, hash: string, inbox: number | undefined): number {
    if (existing.saga !== program.name) throw idTaken(existing, `saga ${existing.saga}`);
    if (existing.inputHash !== hash) throw idTaken(existing, 'another input');
    if (inbox !== undefined) this.#coordinator.committer.answer({ delivery: { event: { type: 'queued', input: null }, inbox }, error: undefined });
    return 0;
  }

  async #command(id: string, command: Exclude<Command, { type: 'start' }>): Promise<{ readonly seq: number }> {
    this.#checkOpen();
    const { failure } = this.#coordinator.committer;
    if (failure) throw failure;
    const seq = await acknowledged((settle, fail) => {
      this.#coordinator.deliver(id, (cell) => ({ event: eventOf(cell, command, this.#settings.limits.payloadBytes), settle })).catch(fail);
    });
    return { seq };
  }

  async #fromInbox(row: InboxRow, command: Command): Promise<void> {
    const { number, id, run } = row;
    if (command.type === 'start') {
      const program = this.#coordinator.programs.find(command.saga, command.version);
      checkLabels(command.labels);
      const options = { id: run, ...(command.labels === undefined ? {} : { labels: command.labels }) };
      // Not waited for: an answer that says no is written like any other, and the entries behind it go on.
      this.#startOnce(program, command.input, options, { inbox: number, ...remedyOf(row, command) }).catch((error: unknown) => this.#inbox.failed(row, error));
      return;
    }
    while (this.#starting.has(run)) {
      const error = await this.#starting.get(run);
      if (error instanceof StoreError) throw error;
    }
    await this.#coordinator.deliver(run, (cell) => {
      const event = eventOf(cell, command, this.#settings.limits.payloadBytes);
      return { event: { ...event, id } as RunEvent, inbox: number };
    });
  }

  #checkOpen(): void {
    if (this.#coordinator.closing) throw closedError();
  }
}
