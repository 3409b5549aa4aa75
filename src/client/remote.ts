import { canonical, sha256 } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { checkRunId } from '../base/ids.ts';
import { type Command, encodeCommand, isRefusal, type RunCommand, readAnswer } from '../runtime/command.ts';
import type { ForkOptions } from '../runtime/fork.ts';
import { signalEvent } from '../runtime/operation.ts';
import { checkLabels } from '../runtime/options.ts';
import { idTaken, missingRun, reasonMissing, runEnded, runPurged } from '../runtime/refusal.ts';
import { readRollouts, versionFor } from '../runtime/rollout.ts';
import { prepareStart, type Sender } from '../runtime/start-entry.ts';
import type { StartEntry } from '../runtime/start-many.ts';
import type { InboxEntry, RunRow, Store } from '../stores/store.ts';
import { Changes, type WaitOptions } from './changes.ts';

export interface RemoteSettings extends Sender {
  readonly store: Store;
  readonly pollMs: number;
}

/** A command that is durable in the inbox. */
export interface Sent {
  readonly run: string;
  /** Id of its entry. */
  readonly inbox: string;
  readonly type: Command['type'];
}

/** A start that is durable in the inbox. */
export interface SentStart extends Sent {
  /** Undefined where only the executor knows the newest one. */
  readonly version: number | undefined;
  /** Whether there was such a run, or such an entry, before. */
  readonly existing: boolean;
}

/** The commit that handled a command; of a start the run that it came to, if that is another than it asked for. */
interface Handled {
  readonly seq: number;
  readonly run?: string;
}

interface Prepared {
  readonly entry: InboxEntry;
  readonly version: number | undefined;
  readonly existing: boolean;
}

/** What a process beside the executor does: it puts commands into the inbox, durably, and waits for what becomes of them. */
export class Remote {
  readonly settings: RemoteSettings;
  readonly changes: Changes;

  constructor(settings: RemoteSettings) {
    this.settings = settings;
    this.changes = new Changes(settings.store, { clock: settings.clock, everyMs: settings.pollMs });
  }

  /** @throws SagachartError SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_RUN_PURGED, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE; StoreError */
  async start(start: StartEntry): Promise<SentStart> {
    const prepared = await this.#prepare(start);
    const { duplicate } = await this.settings.store.send(prepared.entry);
    return await this.#started(prepared, duplicate);
  }

  /** Many in one transaction. Each answer is what became of the start in its place, or what it was refused with. */
  async startAll(starts: readonly (() => StartEntry)[]): Promise<readonly (SentStart | { readonly error: unknown })[]> {
    const prepared = await Promise.all(starts.map(async (start) => await this.#prepare(start())).map((one) => one.catch((error: unknown) => ({ error }))));
    const entries = prepared.flatMap((one) => ('entry' in one ? [one.entry] : []));
    const posted = (await this.settings.store.sendAll(entries)).values();
    const answers: (SentStart | { readonly error: unknown })[] = [];
    for (const one of prepared) answers.push('entry' in one ? await this.#started(one, posted.next().value?.duplicate ?? false) : one);
    return answers;
  }

  async #prepare(start: StartEntry): Promise<Prepared> {
    const id = start.id === undefined ? this.settings.ids() : checkRunId(start.id);
    const rollout = start.version === undefined ? (await readRollouts(this.settings.store)).get(start.saga) : undefined;
    const chosen = rollout ? { ...start, version: versionFor(rollout, id) } : start;
    const { entry, saga, hash, version } = prepareStart(this.settings, chosen, { id, rolledOut: rollout !== undefined });
    return { entry, version, existing: start.id !== undefined && (await this.#isThere(entry.run, { saga, hash })) };
  }

  /** @throws SagachartError SC_RUN_EXISTS, SC_RUN_PURGED */
  async #isThere(id: string, { saga, hash }: { readonly saga: string; readonly hash: string }): Promise<boolean> {
    const { store } = this.settings;
    const row = await store.find(id);
    const purged = row ? undefined : await store.tombstone(id);
    const last = row ?? purged;
    if (last && !(last.saga === saga && last.inputHash === hash)) throw idTaken(last, last.saga === saga);
    if (purged) throw runPurged(purged);
    return row !== undefined;
  }

  /** A start that was refused may be asked for again, by a new entry: the next executor may know the saga. */
  async #started({ entry, version, existing }: Prepared, duplicate: boolean): Promise<SentStart> {
    const sent = { run: entry.run, inbox: entry.id, type: 'start', version, existing: existing || duplicate } as const;
    const inbox = duplicate ? await this.#again(entry) : entry.id;
    return inbox === entry.id ? sent : { ...sent, inbox, existing };
  }

  /** What was refused is asked for by a new entry; gives the entry that counts. */
  async #again(entry: InboxEntry): Promise<string> {
    const { store, ids } = this.settings;
    const answer = (await store.inbox(entry.id))?.answer;
    if (!answer || !isRefusal(answer)) return entry.id;
    const id = `${entry.id}:${ids()}`;
    await store.send({ ...entry, id });
    return id;
  }

  /**
   * Has a run forked; with the same id of the new one it is the same entry, unless it was refused.
   * @throws SagachartError SC_RUN_ID, SC_REASON_MISSING, SC_OPTION, SC_UNKNOWN_RUN, SC_RUN_PURGED; StoreError
   */
  async fork(of: string, { id: given, ...options }: ForkOptions, { inbox }: { readonly inbox?: string | undefined } = {}): Promise<Sent> {
    const { store, ids, clock } = this.settings;
    if (!options.reason?.trim()) throw reasonMissing(of, 'forking it');
    checkLabels(options.labels);
    if (!(await store.find(of))) throw await missingRun(store, of);
    const run = given === undefined ? ids() : checkRunId(given);
    const command: Command = { type: 'fork', of, ...options };
    const entry = { id: inbox ?? `fork:${run}:${sha256(canonical(command))}`, run, body: encodeCommand(command), at: clock.now() };
    const { duplicate } = await store.send(entry);
    return { run, inbox: duplicate && inbox === undefined ? await this.#again(entry) : entry.id, type: command.type };
  }

  /**
   * @param options.id of its entry: a second entry with it adds nothing. Default: generated
   * @param options.once sends it once to this life of the run: the same command with it again adds nothing, unless it was refused
   * @param options.started whether its start is in the inbox, before this
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED, SC_REASON_MISSING, SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID, …; StoreError
   */
  async send(
    run: string,
    command: Exclude<Command, { type: 'start' | 'fork' }>,
    options: { readonly id?: string | undefined; readonly once?: string | undefined; readonly started?: boolean } = {},
  ): Promise<Sent> {
    const { store, ids, clock } = this.settings;
    const { once, started = false } = options;
    const incarnation = await this.#check(run, command, started);
    // Ids of entries are those of all runs.
    const id = options.id ?? (once === undefined ? ids() : `${command.type}:${run}/${incarnation}/${once}`);
    const entry = { id, run, body: encodeCommand(command), at: clock.now() };
    const { duplicate } = await store.send(entry);
    return { run, inbox: duplicate && once !== undefined ? await this.#again(entry) : id, type: command.type };
  }

  /** What the executor would refuse is refused before it is stored: without one nobody would hear of it. Gives the life that it is for. */
  async #check(run: string, command: Exclude<Command, { type: 'start' | 'fork' }>, started: boolean): Promise<number> {
    const { store } = this.settings;
    const row = await store.find(run);
    if (command.type === 'restart') checkLabels(command.labels);
    else if (!row && !started) throw await missingRun(store, run);
    else if (command.type === 'migrate') {
      if (row && row.endedAt !== null) throw runEnded(run, row.status, 'migration');
    } else if (row && command.type !== 'purge') this.#checkTaken(row, command);
    return row?.incarnation ?? 1;
  }

  #checkTaken(row: RunRow, command: RunCommand): void {
    const { programs, payloadBytes } = this.settings;
    const { id: run } = row;
    if (row.endedAt !== null) throw runEnded(run, row.status, command.type);
    if (command.type === 'skip' && command.reason.trim() === '') throw reasonMissing(run, `skipping step ${command.step}`);
    if (command.type === 'rewind' && !command.reason?.trim()) throw reasonMissing(run, `going back to ${command.to}`);
    const program = programs.match(row);
    if (command.type === 'signal' && !(program instanceof SagachartError)) signalEvent({ identity: row, program }, command, payloadBytes);
  }

  /** The commit that handled it; undefined while none has. @throws SagachartError what the executor answered, if it refused */
  async soFar({ run, inbox, type }: Sent): Promise<Handled | undefined> {
    const { store } = this.settings;
    const row = await store.inbox(inbox);
    if (row) return row.answer === null ? undefined : readAnswer(row.answer);
    // What was answered goes with a run that is purged.
    if (type === 'purge' && (await store.tombstone(run))) return { seq: 0 };
    throw await missingRun(store, run);
  }

  /** Waits until an executor has handled it. @throws SagachartError what it answered, if it refused; SC_UNANSWERED */
  async answered(sent: Sent, options: WaitOptions & { readonly withinMs: number }): Promise<Handled> {
    const answer = await this.changes.until(() => this.soFar(sent), options);
    if (answer) return answer;
    throw this.unanswered(sent, options.withinMs);
  }

  /** It has not come to a commit in time. */
  late(run: string, seq: number, ms: number): SagachartError {
    return new SagachartError('SC_UNANSWERED', `run ${run} has not come to commit ${seq} within ${ms} ms`, {
      retryable: true,
      next: 'Read it again later, or without `after`.',
      details: { run, seq },
    });
  }

  unanswered({ run, inbox, type }: Sent, ms: number): SagachartError {
    return new SagachartError('SC_UNANSWERED', `run ${run}: no executor has answered ${type} within ${ms} ms`, {
      retryable: true,
      next: `It is stored and will be handled; ask again with the same id (--inbox-id ${inbox}), or look with \`sagachart show\`.`,
      details: { run, inbox },
    });
  }
}
