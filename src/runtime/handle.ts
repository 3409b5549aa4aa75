import { SagachartError } from '../base/errors.ts';
import { endOf } from '../kernel/standing.ts';
import type { RunRow } from '../stores/store.ts';
import { type ReadOptions, reached } from './after.ts';
import type { Cell } from './cell.ts';
import type { Operator, RunCommand } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import { Following } from './follow.ts';
import { type RunView, viewRun } from './history.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { queryRun } from './query.ts';
import { loadCell, storedState } from './recovery.ts';
import { endedCalmly, missingRun } from './refusal.ts';
import { type UpdateOptions, Updates } from './updates.ts';

type Send = (command: RunCommand) => Promise<{ readonly seq: number }>;

/** One run, as its starter or an operator holds it. Every command resolves once it is durable. */
export class RunHandle<Output = unknown, Signals = Readonly<Record<string, unknown>>, Queries = Readonly<Record<string, unknown>>> {
  readonly id: string;
  readonly #coordinator: Coordinator;
  readonly #send: Send;

  constructor(id: string, coordinator: Coordinator, send: Send) {
    this.id = id;
    this.#coordinator = coordinator;
    this.#send = send;
  }

  /**
   * How the run ends; waits for it.
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_BLOCKED, SC_ENGINE_CLOSED
   */
  async outcome(): Promise<Outcome<Output>> {
    return await this.#wait((cell) => {
      const ended = outcomeOf(cell.state.data, cell.program.kind);
      return ended && { value: ended as Outcome<Output> };
    });
  }

  /**
   * Waits until the run needs a person, and gives the steps that do.
   * @throws SagachartError SC_RUN_ENDED if it ends before
   */
  async until(_state: 'attention'): Promise<readonly string[]> {
    return await this.#wait(({ standing, program, state }) => {
      if (standing?.attention) return { value: program.stuck(state) };
      const end = endOf(state);
      if (!end) return undefined;
      throw endedCalmly(this.id, end);
    });
  }

  /** The run's row: status, flags, times. @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED; SC_RUN_ENDED if it has ended before `after` */
  async status(options: ReadOptions = {}): Promise<RunRow> {
    await this.#reach(options);
    const row = await this.#coordinator.settings.store.find(this.id);
    if (!row) throw await missingRun(this.#coordinator.settings.store, this.id);
    const cell = this.#coordinator.cells.get(this.id);
    return cell?.standing ? { ...row, ...cell.standing, seq: cell.state.seq } : row;
  }

  /** The run with its states, what it remembers, and its attempts. @throws SagachartError as `status` */
  async view(options: ReadOptions = {}): Promise<RunView> {
    await this.#reach(options);
    return await viewRun(this.#coordinator.settings.store, this.id);
  }

  /**
   * What becomes of the run: its present state, then whenever that has changed, the newest alone; the end is the last.
   * Whoever stops reading lets go of it by leaving the loop, by `return()` or by the signal.
   * @throws SagachartError from the iteration: SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED, SC_ENGINE_CLOSED, SC_RUN_HELD; the reason of the signal
   */
  updates(options: UpdateOptions = {}): Updates {
    return new Updates(new Following(this.id, this.#coordinator), options);
  }

  /**
   * What a query that its saga or workflow declares answers, of the run as it stands: running, sleeping or ended.
   * @throws SagachartError SC_QUERY_UNKNOWN, SC_QUERY_FAILED, SC_RUN_BLOCKED, and as `status`
   */
  async query<const Name extends keyof Queries & string>(name: Name, options: ReadOptions = {}): Promise<Queries[Name]> {
    await this.#reach(options);
    const { settings, programs } = this.#coordinator;
    return (await queryRun({ store: settings.store, programs }, this.id, name)) as Queries[Name];
  }

  /**
   * Sends a signal; it resolves once that is durable.
   * @param options with an `id`, one that was sent before (of the last 1,000 with an id) is not taken again
   * @throws SagachartError SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID, SC_EVENT_NOT_ACCEPTED, SC_RUN_ENDED, SC_UNKNOWN_RUN, SC_RUN_BLOCKED
   */
  async signal<const Name extends keyof Signals & string>(
    name: Name,
    payload?: Signals[Name],
    options: { readonly id?: string } = {},
  ): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'signal', name, payload, ...options });
  }

  /** Stops the run and undoes what it did. @throws SagachartError SC_CANCEL_PAST_PIVOT, SC_RUN_ENDED */
  async cancel(operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'cancel', ...operator });
  }

  /** Ends the run at once and undoes nothing; its outcome lists what is left. */
  async terminate(operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'terminate', ...operator });
  }

  /** Begins nothing new until it is resumed: what runs ends, timers wait, signals are kept. @throws SagachartError SC_RUN_ENDED */
  async pause(operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'pause', ...operator });
  }

  /** Goes on with a run that was paused. */
  async resume(operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'resume', ...operator });
  }

  /** Tries a step that needs a person again, with a fresh policy. @throws SagachartError SC_NOT_STUCK */
  async retry(step?: string, operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'retry', ...(step === undefined ? {} : { step }), ...operator });
  }

  /** Gives a stuck step up. @throws SagachartError SC_NOT_STUCK, SC_REASON_MISSING */
  async skip(step: string, operator: Operator & { readonly reason: string }): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'skip', step, ...operator });
  }

  /** Says that a person has done what a stuck step should have, with this result. @throws SagachartError SC_NOT_STUCK */
  async resolve(step: string, result?: unknown, operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'resolve', step, result, ...operator });
  }

  /**
   * Approves what a step asks for, without its token: for code that may.
   * @throws SagachartError SC_UNKNOWN_STEP, SC_APPROVAL_OVER, SC_DECISION_INVALID, SC_RUN_ENDED
   */
  async approve(step: string, payload?: unknown, operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'decide', step, approved: true, payload, ...operator });
  }

  /** Denies what a step asks for: it fails, unless it is optional. @throws SagachartError SC_UNKNOWN_STEP, SC_APPROVAL_OVER, SC_RUN_ENDED */
  async deny(step: string, operator: Operator = {}): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'decide', step, approved: false, ...operator });
  }

  /**
   * Takes the run back to just before a step: that step and what depends on it are undone in reverse order, and then done
   * once more, under new keys.
   * @throws SagachartError SC_REWIND, SC_REASON_MISSING, SC_RUN_ENDED
   */
  async rewind(operator: Operator & { readonly to: string; readonly reason: string }): Promise<{ readonly seq: number }> {
    return await this.#send({ type: 'rewind', ...operator });
  }

  /** Waits until the run is as far as its reader wants it to be. */
  async #reach({ after }: ReadOptions): Promise<void> {
    if (after !== undefined) await reached(this.#coordinator, this.id, after);
  }

  /** Looks at the run as it stands, and then whenever it ends or needs a person. */
  async #wait<T>(read: (run: Standing) => { readonly value: T } | undefined): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const fail = (error: unknown): void => {
        stop();
        reject(error);
      };
      const look = (run: Standing | undefined): void => {
        try {
          const found = run && read(run);
          if (!found) return;
          stop();
          resolve(found.value);
        } catch (error) {
          fail(error);
        }
      };
      const stop = this.#coordinator.watchers.add(this.id, (cell, error) => (error === undefined ? look(cell) : fail(error)));
      this.#present().then(look, fail);
    });
  }

  /** The run as it stands: read from the store, where it is not in memory and may have ended or need a person. */
  async #present(): Promise<Standing | undefined> {
    const { cells, blocked, programs, settings, closing } = this.#coordinator;
    if (closing)
      throw new SagachartError('SC_ENGINE_CLOSED', 'the engine is closed, or about to be', { retryable: true, next: 'Open a new engine on the store.' });
    const held = cells.get(this.id);
    if (held) return held;
    const row = await settings.store.find(this.id);
    if (!row) throw await missingRun(this.#coordinator.settings.store, this.id);
    const program = programs.match(row);
    const error = blocked.get(this.id) ?? (program instanceof SagachartError ? program : undefined);
    if (row.endedAt === null && error) throw error;
    if (row.endedAt === null && !row.attention) return undefined;
    if (!(program instanceof SagachartError)) return await loadCell(settings.store, { row, fence: 0 }, program);
    // Its code is gone, but how it ended can still be read.
    const { data, seq } = storedState(await settings.store.load(row.number));
    return { state: { seq, data, snapshot: undefined }, standing: row, program: { kind: programs.kindOf(row.saga), stuck: () => [] } };
  }
}

type Standing = Pick<Cell, 'state' | 'standing'> & { readonly program: Pick<Cell['program'], 'kind' | 'stuck'> };
