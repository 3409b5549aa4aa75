import { stuckSteps } from '../chart/path.ts';
import { hasReached, type ReadOptions } from '../runtime/after.ts';
import type { Operator, RunCommand } from '../runtime/command.ts';
import { type RunView, viewRun } from '../runtime/history.ts';
import { type Outcome, outcomeOf } from '../runtime/outcome.ts';
import { queryRun } from '../runtime/query.ts';
import { storedState } from '../runtime/recovery.ts';
import { endedCalmly, missingRun } from '../runtime/refusal.ts';
import { takenBefore } from '../runtime/taken.ts';
import { Updates } from '../runtime/updates.ts';
import type { RunRow } from '../stores/store.ts';
import type { WaitOptions } from './changes.ts';
import { followed } from './follow.ts';
import type { Remote, Sent } from './remote.ts';

export interface AskOptions {
  /**
   * Sends it once: a second such command with this id to this life of the run adds nothing, and gets the answer of the
   * first, unless that was refused. Default: generated.
   */
  readonly id?: string;
}

/** How long to wait. */
export interface UntilOptions {
  /** Gives up, with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * One run, as a process beside the executor holds it. A command resolves once an executor has handled it, and it is
 * durable; if none does in time it stays in the inbox, and `SC_UNANSWERED` says so.
 */
export class ClientRun<Output = unknown, Signals = Readonly<Record<string, unknown>>, Queries = Readonly<Record<string, unknown>>> {
  readonly id: string;
  readonly #remote: Remote;
  readonly #answerMs: number;
  /** Its start, while nobody is known to have handled it. */
  #start: Sent | undefined;

  constructor(id: string, remote: Remote, { answerMs, start }: { readonly answerMs: number; readonly start?: Sent | undefined }) {
    this.id = id;
    this.#remote = remote;
    this.#answerMs = answerMs;
    this.#start = start;
  }

  /**
   * How the run ends; waits for it, an executor or none.
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED; what its start was refused with; SC_CLIENT_CLOSED
   */
  async outcome(options: UntilOptions = {}): Promise<Outcome<Output>> {
    const { store, programs } = this.#remote.settings;
    return await this.#until(async (row) => {
      if (row.endedAt === null) return undefined;
      const { data } = storedState(await store.load(row.number));
      return outcomeOf(data, programs.kindOf(row.saga)) as Outcome<Output> | undefined;
    }, options);
  }

  /**
   * Waits until the run needs a person, and gives the steps that do.
   * @throws SagachartError SC_RUN_ENDED if it ends before, and what `outcome` throws
   */
  async until(_state: 'attention', options: UntilOptions = {}): Promise<readonly string[]> {
    const { store, programs } = this.#remote.settings;
    return await this.#until(async (row) => {
      if (row.endedAt !== null) throw endedCalmly(this.id, row.status);
      if (!row.attention) return undefined;
      return programs.kindOf(row.saga) === 'saga' ? stuckSteps(storedState(await store.load(row.number)).data.value) : [];
    }, options);
  }

  /**
   * The run's row: status, flags, times. Waits for its start, if that is not handled yet, and for the commit `after`.
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_UNANSWERED; SC_RUN_ENDED if it has ended before `after`
   */
  async status({ after = 0 }: ReadOptions = {}): Promise<RunRow> {
    const { store } = this.#remote.settings;
    const asked = this.#start;
    const look = async (row: RunRow): Promise<RunRow | undefined> => {
      if (!(await hasReached(store, row, after))) return undefined;
      // Its standing is written with the commit that changes it, so what is read now is at least of that commit.
      const now = (await store.find(this.id)) ?? row;
      return { ...now, seq: Math.max(now.seq, after) };
    };
    const row = await this.#look(look, { withinMs: this.#answerMs });
    if (row) return row;
    throw asked ? this.#remote.unanswered(asked, this.#answerMs) : this.#remote.late(this.id, after, this.#answerMs);
  }

  /** The run with its states, what it remembers, and its attempts; as it is stored, nothing hidden. @throws SagachartError as `status` */
  async view(options: ReadOptions = {}): Promise<RunView> {
    await this.status(options);
    return await viewRun(this.#remote.settings.store, this.id);
  }

  /**
   * What becomes of the run: its present state, then whenever that has changed, the newest alone; the end is the last.
   * While nobody waits nothing is asked.
   * @throws SagachartError from the iteration: SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_CLIENT_CLOSED, what its start was refused with; the reason of the signal
   */
  updates(options: UntilOptions = {}): Updates {
    const source = followed(this.id, this.#remote.settings, async (look, until) => await this.#until(look, until));
    return new Updates(source, options);
  }

  /**
   * What a query answers that the saga or workflow declares, as this client was given it: it is worked out here, from what is stored.
   * @throws SagachartError SC_QUERY_UNKNOWN, SC_QUERY_FAILED, SC_RUN_BLOCKED where this client does not know the code of the run, and as `status`
   */
  async query<const Name extends keyof Queries & string>(name: Name, options: ReadOptions = {}): Promise<Queries[Name]> {
    await this.status(options);
    return (await queryRun(this.#remote.settings, this.id, name)) as Queries[Name];
  }

  /**
   * Sends a signal.
   * @param options with an `id`, one that was sent before (of the last 1,000 with an id) is not taken again, by whatever way it came
   * @throws SagachartError SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID, SC_EVENT_NOT_ACCEPTED, SC_RUN_ENDED, SC_UNKNOWN_RUN, SC_RUN_BLOCKED, SC_UNANSWERED
   */
  async signal<const Name extends keyof Signals & string>(name: Name, payload?: Signals[Name], { id }: AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'signal', name, payload, ...(id === undefined ? {} : { id }) }, { id });
  }

  /** Stops the run and undoes what it did. @throws SagachartError SC_CANCEL_PAST_PIVOT, SC_RUN_ENDED, SC_UNANSWERED */
  async cancel({ id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'cancel', ...operator }, { id });
  }

  /** Ends the run at once and undoes nothing; its outcome lists what is left. @throws SagachartError SC_RUN_ENDED, SC_UNANSWERED */
  async terminate({ id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'terminate', ...operator }, { id });
  }

  /** Begins nothing new until it is resumed: what runs ends, timers wait, signals are kept. @throws SagachartError SC_RUN_ENDED, SC_UNANSWERED */
  async pause({ id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'pause', ...operator }, { id });
  }

  /** Goes on with a run that was paused. @throws SagachartError SC_RUN_ENDED, SC_UNANSWERED */
  async resume({ id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'resume', ...operator }, { id });
  }

  /** Tries a step that needs a person again, with a fresh policy. @throws SagachartError SC_NOT_STUCK, SC_UNANSWERED */
  async retry(step?: string, { id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'retry', ...(step === undefined ? {} : { step }), ...operator }, { id });
  }

  /** Gives a stuck step up. @throws SagachartError SC_NOT_STUCK, SC_REASON_MISSING, SC_UNANSWERED */
  async skip(step: string, { id, ...operator }: Operator & AskOptions & { readonly reason: string }): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'skip', step, ...operator }, { id });
  }

  /** Says that a person has done what a stuck step should have, with this result. @throws SagachartError SC_NOT_STUCK, SC_RESULT_INVALID, SC_UNANSWERED */
  async resolve(step: string, result?: unknown, { id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'resolve', step, result, ...operator }, { id });
  }

  /**
   * Approves what a step asks for, without its token: for code that may.
   * @throws SagachartError SC_UNKNOWN_STEP, SC_APPROVAL_OVER, SC_DECISION_INVALID, SC_RUN_ENDED, SC_UNANSWERED
   */
  async approve(step: string, payload?: unknown, { id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'decide', step, approved: true, payload, ...operator }, { id });
  }

  /** Denies what a step asks for: it fails, unless it is optional. @throws SagachartError SC_UNKNOWN_STEP, SC_APPROVAL_OVER, SC_RUN_ENDED, SC_UNANSWERED */
  async deny(step: string, { id, ...operator }: Operator & AskOptions = {}): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'decide', step, approved: false, ...operator }, { id });
  }

  /** Takes the run back to just before a step, and on from there. @throws SagachartError SC_REWIND, SC_REASON_MISSING, SC_RUN_ENDED, SC_UNANSWERED */
  async rewind({ id, ...operator }: Operator & AskOptions & { readonly to: string; readonly reason: string }): Promise<{ readonly seq: number }> {
    return await this.#ask({ type: 'rewind', ...operator }, { id });
  }

  async #ask(command: RunCommand, { id }: { readonly id?: string | undefined }): Promise<{ readonly seq: number }> {
    try {
      const sent = await this.#remote.send(this.id, command, { once: id, started: this.#start !== undefined });
      return await this.#remote.answered(sent, { withinMs: this.#answerMs });
    } catch (error) {
      return await takenBefore(this.#remote.settings.store, this.id, command, error);
    }
  }

  async #until<T>(look: (row: RunRow) => Promise<T | undefined>, { signal }: UntilOptions): Promise<T> {
    // Without a time it only ends by finding something, or by an error.
    return (await this.#look(look, { signal })) as T;
  }

  async #look<T>(look: (row: RunRow) => Promise<T | undefined>, options: WaitOptions): Promise<T | undefined> {
    const { store } = this.#remote.settings;
    return await this.#remote.changes.until(async () => {
      // Not before: a run of this id that is there already may be that of another start, and this one be refused.
      if (this.#start && !(await this.#remote.soFar(this.#start))) return undefined;
      this.#start = undefined;
      const row = await store.find(this.id);
      if (!row) throw await missingRun(store, this.id);
      return await look(row);
    }, options);
  }
}
