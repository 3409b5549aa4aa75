import type { Clock } from '../base/clock.ts';
import { canonical, encode, sha256 } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { checkRunId, type Ids } from '../base/ids.ts';
import { checkSize } from '../runtime/attempt.ts';
import { type Command, encodeCommand, isRefusal, type RunCommand, readAnswer } from '../runtime/command.ts';
import { prepareInput } from '../runtime/input.ts';
import { signalEvent } from '../runtime/operation.ts';
import { checkLabels } from '../runtime/options.ts';
import type { Programs } from '../runtime/program.ts';
import { idTaken, missingRun, reasonMissing, runEnded, runPurged } from '../runtime/refusal.ts';
import { checkScheduling, schedulingOf } from '../runtime/scheduling.ts';
import type { StartEntry } from '../runtime/start-many.ts';
import type { InboxEntry, RunRow, Store } from '../stores/store.ts';
import { Changes, type WaitOptions } from './changes.ts';

export interface RemoteSettings {
  readonly store: Store;
  /** What this process knows: what an executor would refuse is refused before it is stored. */
  readonly programs: Programs;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Bytes of one input or signal. */
  readonly payloadBytes: number;
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

  async #prepare({ saga, version, input, id: given, labels, ...rest }: StartEntry): Promise<Prepared> {
    const { programs, ids, clock, payloadBytes } = this.settings;
    const program = programs.has(saga) ? programs.find(saga, version) : undefined;
    checkLabels(labels);
    checkScheduling({ ...rest, id: given });
    if (program) prepareInput(program, input, payloadBytes);
    else checkSize(encode(input, 'input'), `the input of ${saga}`, payloadBytes);
    const hash = sha256(canonical(input));
    const id = given === undefined ? ids() : checkRunId(given);
    const existing = given !== undefined && (await this.#isThere(id, { saga, hash }));
    const known = program?.version ?? version;
    const named = { ...(known === undefined ? {} : { version: known }), ...(labels === undefined ? {} : { labels }) };
    const command: Command = { type: 'start', saga, input, ...named, ...schedulingOf(rest) };
    // The same start is one entry, however often it is asked for; another input under the same id is another entry, and refused.
    const entryId = `start:${id}:${sha256(canonical({ saga, input: input ?? null }))}`;
    return { entry: { id: entryId, run: id, body: encodeCommand(command), at: clock.now() }, version: known, existing };
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
   * @param options.id of its entry: a second entry with it adds nothing. Default: generated
   * @param options.once sends it once to this life of the run: the same command with it again adds nothing, unless it was refused
   * @param options.started whether its start is in the inbox, before this
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED, SC_REASON_MISSING, SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID, …; StoreError
   */
  async send(
    run: string,
    command: Exclude<Command, { type: 'start' }>,
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
  async #check(run: string, command: Exclude<Command, { type: 'start' }>, started: boolean): Promise<number> {
    const { store } = this.settings;
    const row = await store.find(run);
    if (command.type === 'restart') checkLabels(command.labels);
    else if (!row && !started) throw await missingRun(store, run);
    else if (row && command.type !== 'purge') this.#checkTaken(row, command);
    return row?.incarnation ?? 1;
  }

  #checkTaken(row: RunRow, command: RunCommand): void {
    const { programs, payloadBytes } = this.settings;
    const { id: run } = row;
    if (row.endedAt !== null) throw runEnded(run, row.status, command.type);
    if (command.type === 'skip' && command.reason.trim() === '') throw reasonMissing(run, command.step);
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
