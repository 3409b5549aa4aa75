import { StoreError } from '../base/errors.ts';
import type { WorkerInfo } from '../stores/store.ts';
import { Admission } from './admission.ts';
import { acknowledged } from './cell.ts';
import type { Command } from './command.ts';
import { Coordinator } from './coordinator.ts';
import type { Observer, RuntimeEventType } from './event.ts';
import { RunHandle } from './handle.ts';
import { InboxReader } from './inbox.ts';
import { Incoming, refusedEntry } from './incoming.ts';
import { eventOf } from './operation.ts';
import { checkLabels, type EngineOptions, type Settings, settings } from './options.ts';
import { Places } from './places.ts';
import { closedError } from './refusal.ts';
import { commitAll } from './shutdown.ts';
import { type StartOptions, Starts } from './starts.ts';

export interface CloseOptions {
  /**
   * How long running attempts may go on before they are aborted, ms. If the store takes nothing by then, their results
   * are given up: the next engine counts them as lost. Default: 10 s.
   */
  readonly deadlineMs?: number;
}

const LEASE_MS = 30_000;

/** Runs sagas and workflows on a store: the executor. */
export class Engine {
  readonly #settings: Settings;
  readonly #coordinator: Coordinator;
  readonly #admission: Admission;
  readonly #inbox: InboxReader;
  readonly #places: Places;
  readonly #starts: Starts;
  #closed: Promise<void> | undefined;
  readonly #deadline = Promise.withResolvers<void>();
  #stopRenewing: () => void = () => {};

  private constructor(options: Settings, coordinator: Coordinator) {
    this.#settings = options;
    this.#coordinator = coordinator;
    this.#admission = new Admission(coordinator);
    this.#places = new Places(options.limits.pending);
    this.#starts = new Starts(coordinator, { isFull: () => this.#admission.full });
    const incoming = new Incoming(coordinator, this.#starts, { failed: (row, error) => this.#inbox.failed(row, error) });
    this.#inbox = new InboxReader(options, {
      handle: (row, letter) => incoming.handle(row, letter),
      refuse: (row, error) => coordinator.committer.answer(refusedEntry(row, error)),
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
      await engine.#admission.claim();
      engine.#inbox.start();
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
    const { id } = await this.#place(() => this.#starts.once(program, input, options));
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

  /**
   * Holds on to its runs, and takes over those of workers that have not; a store with one executor only checks that it
   * still is the one.
   */
  #renew(): void {
    const { store, clock, log } = this.#settings;
    const renew = async (): Promise<void> => {
      await store.renew(this.#coordinator.tenure);
      // Nobody tells when the lease of another has run out.
      if (!this.#coordinator.closing) await this.#admission.claim();
    };
    this.#stopRenewing = clock.after(LEASE_MS / 3, () => {
      renew().catch((error: unknown) => {
        log.error('the lease could not be renewed', { error: String(error) });
        // Another executor has the runs: whatever this one still decides would be refused.
        if (error instanceof StoreError && error.code === 'SC_STORE_FENCED') void this.close({ deadlineMs: 0 });
      });
      this.#renew();
    });
  }

  /** What is in memory now. */
  load(): { readonly runs: number; readonly attempts: number; readonly waitingAttempts: number; readonly behind: number; readonly blocked: number } {
    const { cells, executor, committer, blocked } = this.#coordinator;
    return {
      runs: cells.size,
      attempts: executor.running,
      waitingAttempts: executor.waiting,
      behind: committer.behind + (this.#inbox.behind ? 1 : 0),
      blocked: blocked.size,
    };
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
    const all = await commitAll(coordinator, [...calls, Promise.all(calls).then(() => this.#starts.settled())], this.#deadline.promise);
    committer.close();
    if (!all) log.error('closed before everything was committed: what attempts have just said counts as lost', { runs: committer.behind });
    for (const cell of cells.values()) for (const { settle } of committer.withdraw(cell, () => true)) settle?.({ ok: false, error: closedError() });
    cells.clear();
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

  async #command(id: string, command: Exclude<Command, { type: 'start' }>): Promise<{ readonly seq: number }> {
    this.#checkOpen();
    const { failure } = this.#coordinator.committer;
    if (failure) throw failure;
    const seq = await acknowledged((settle, fail) => {
      this.#coordinator.deliver(id, (cell) => ({ event: eventOf(cell, command, this.#settings.limits.payloadBytes), settle })).catch(fail);
    });
    return { seq };
  }

  #checkOpen(): void {
    if (this.#coordinator.closing) throw closedError();
  }
}
