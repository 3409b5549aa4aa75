import { SagachartError } from '../base/errors.ts';
import { checkRunId } from '../base/ids.ts';
import type { Place } from '../kernel/place.ts';
import type { RunIdentity, RunRow, Tombstone } from '../stores/store.ts';
import { acknowledged, type Delivery } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import { type ForkOptions, type ForkPlan, planFork } from './fork.ts';
import { firstOf, forkOf, inputOf } from './history.ts';
import { prepareInput } from './input.ts';
import { Numbers } from './numbers.ts';
import { checkLabels } from './options.ts';
import type { Program } from './program.ts';
import { idTaken, inDoubt, notEnded, reasonMissing, runPurged, unknownRun } from './refusal.ts';
import type { StartedFrom } from './remedied.ts';
import { checkQueue, checkScheduling, type Debounce, placeOf, restartedPlace, type Scheduling, singletonTaken } from './scheduling.ts';
import { startSole } from './sole-start.ts';

export interface StartOptions extends Scheduling {
  /** Chosen by the caller, so that starting twice is starting once. Default: generated. */
  readonly id?: string;
  /** To find runs by. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RestartOptions {
  /** Default: what the last life was started with, if that is not purged. */
  readonly input?: unknown;
  /** Default: that of the last life; with a new input the newest. */
  readonly version?: number;
  /** Default: those of the last life. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The version on which a run of this id begins. */
export type ChosenFor = (id: string) => Program;

/** What became of a start. */
export interface Started {
  readonly id: string;
  /** Commit that started it; 0 if it was there already. */
  readonly seq: number;
  /** Whether it was there, and was put off with that commit. */
  readonly putOff?: true;
}

interface NewRun {
  readonly id: string;
  readonly incarnation: number;
  readonly value: unknown;
  readonly hash: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly from: StartedFrom;
  readonly place: Place | undefined;
}

/** Starts runs: one at a time for each id, so that starting twice in this process is starting once. */
export class Starts {
  readonly #coordinator: Coordinator;
  readonly #full: () => boolean;
  readonly #numbers: Numbers;
  /** Under way by id, and how each failed if it did. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  /** @param full whether there is no room in memory, so that what is started has to wait */
  constructor(coordinator: Coordinator, full: () => boolean) {
    this.#coordinator = coordinator;
    this.#full = full;
    this.#numbers = new Numbers(coordinator.settings.store);
  }

  /** Resolves when those that are under way have ended, in whatever way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Waits for a start of this id that is under way. Gives the error of the last one. */
  async of(id: string): Promise<unknown> {
    let error: unknown;
    while (this.#underWay.has(id)) error = await this.#underWay.get(id);
    return error;
  }

  /** @throws SagachartError SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_RUN_PURGED, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE, or the StoreError while the store takes nothing */
  async start(which: Program | ChosenFor, input: unknown, options: StartOptions, from: StartedFrom = {}): Promise<Started> {
    const { ids, limits, queues, clock } = this.#coordinator.settings;
    checkLabels(options.labels);
    checkScheduling(options);
    checkQueue(options.queue, queues);
    const generated = options.id === undefined ? ids() : undefined;
    const program = typeof which === 'function' ? which(generated ?? checkRunId(options.id as string)) : which;
    const asked = placeOf(program.name, options, from.at ?? clock.now());
    const place = from.sole === undefined ? asked : { ...asked, sole: from.sole };
    const run = { ...prepareInput(program, input, limits.payloadBytes), labels: options.labels ?? {}, incarnation: 1, from, place };
    if (asked?.sole !== undefined) {
      const id = from.id ?? generated ?? checkRunId(options.id as string);
      return await this.#startSole(program, { ...run, id, sole: asked.sole, debounce: options.debounce });
    }
    if (generated !== undefined) return { id: generated, seq: await this.#create(program, { ...run, id: generated }) };
    const id = checkRunId(options.id as string);
    if (from.parent) return { id, seq: await this.#alone(id, () => this.#startChild(program, { ...run, id, incarnation: from.parent?.life ?? 1 })) };
    return { id, seq: await this.#alone(id, () => this.#startOnce(program, { ...run, id })) };
  }

  /**
   * The next life of a run that has ended.
   * @throws SagachartError SC_RUN_ACTIVE, SC_UNKNOWN_RUN, SC_RUN_PURGED if it was purged and no input is given, and what `start` throws
   */
  async restart(id: string, options: RestartOptions, from: StartedFrom = {}): Promise<Started> {
    checkLabels(options.labels);
    return { id, seq: await this.#alone(id, () => this.#restart(id, options, from)) };
  }

  /**
   * A new run that begins as what another one was at some point of its journal; that one stays as it is.
   * @throws SagachartError SC_FORK, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED, SC_RUN_EXISTS, SC_REASON_MISSING, SC_RUN_ID, SC_OPTION
   */
  async fork(of: string, { id: given, labels, ...point }: ForkOptions, from: StartedFrom = {}): Promise<Started> {
    checkLabels(labels);
    if (!point.reason?.trim()) throw reasonMissing(of, 'forking it');
    const id = given === undefined ? this.#coordinator.settings.ids() : checkRunId(given);
    return { id, seq: await this.#alone(id, () => this.#fork(of, id, { ...point, ...(labels === undefined ? {} : { labels }) }, from)) };
  }

  async #fork(of: string, id: string, { labels, ...point }: Omit<ForkOptions, 'id'>, from: StartedFrom): Promise<number> {
    const { settings, programs } = this.#coordinator;
    const { store } = settings;
    const { program, row, event, state } = await planFork({ store, programs }, { of, id, ...point });
    const existing = this.#held(id)?.identity ?? (await store.find(id)) ?? (await store.tombstone(id));
    if (existing) return await this.#forkedBefore(existing, event, from);
    return await this.#created(program, { id, incarnation: 1, hash: row.inputHash, labels: labels ?? row.labels, from, place: undefined }, () => ({
      event,
      fork: state,
    }));
  }

  /** The same fork once more is that fork. */
  async #forkedBefore(existing: RunIdentity | Tombstone, event: ForkPlan['event'], { inbox }: StartedFrom): Promise<number> {
    const { store } = this.#coordinator.settings;
    const row = await store.find(event.run);
    const first = row && forkOf(await store.journal(row.number, { limit: 1 }));
    const same = first && first.from === event.from && first.incarnation === event.incarnation && first.seq === event.seq;
    if (!same) throw idTaken(existing, false);
    this.#answer(inbox);
    return 0;
  }

  async #alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    // Two calls with one id in this process: the second waits, and finds the run of the first.
    while (this.#underWay.has(id)) await this.#underWay.get(id);
    const started = work();
    this.#underWay.set(
      id,
      started.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    try {
      return await started;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #startOnce(program: Program, run: NewRun): Promise<number> {
    return (await this.#known(program, run)) ?? (await this.#create(program, run));
  }

  /** What of a start is known by its id. */
  async #known(program: Program, run: NewRun): Promise<number | undefined> {
    const { store } = this.#coordinator.settings;
    const existing = this.#held(run.id)?.identity ?? (await store.find(run.id));
    if (existing) return this.#existing(existing, program, run);
    const purged = await store.tombstone(run.id);
    if (purged) throw isSame(purged, program, run) ? runPurged(purged) : idTaken(purged, purged.saga === program.name);
    return undefined;
  }

  /** Of those with one sole name one at a time, so that the second finds the run of the first. */
  async #startSole(program: Program, run: NewRun & { readonly sole: string; readonly debounce: Debounce | undefined }): Promise<Started> {
    const ways = { known: () => this.#known(program, run), create: () => this.#create(program, run) };
    return await this.#alone(`sole ${run.sole}`, () => this.#alone(run.id, () => startSole(this.#coordinator, run, ways)));
  }

  /** In its id's place there may be what the parent has begun in an earlier life: this is the next one of that. */
  async #startChild(program: Program, run: NewRun): Promise<number> {
    const { store } = this.#coordinator.settings;
    const held = this.#held(run.id);
    const row = held ? undefined : await store.find(run.id);
    const last = held?.identity ?? row ?? (await store.tombstone(run.id));
    const sameSaga = last?.saga === program.name;
    // The run of a child is there only with what it is asked for by: this is somebody else's.
    if (last && (!sameSaga || last.incarnation >= run.incarnation)) throw idTaken(last, sameSaga, 'no parent, or another one');
    if (held ? held.standing?.endedAt === null : row?.endedAt === null) throw notEnded(run.id, 'begun again');
    return await this.#create(program, run);
  }

  async #restart(id: string, { input, version, labels }: RestartOptions, from: StartedFrom): Promise<number> {
    const { settings, programs } = this.#coordinator;
    const held = this.#held(id);
    if (held && held.standing?.endedAt === null) throw notEnded(id, 'restarted');
    const row = await settings.store.find(id);
    const last = row ?? (await settings.store.tombstone(id));
    if (!last) throw unknownRun(id);
    if (row?.endedAt === null) throw notEnded(id, 'restarted');
    const place = row ? await this.#placeAgain(row) : undefined;
    const next = { id, incarnation: last.incarnation + 1, labels: labels ?? row?.labels ?? {}, from, place };
    if (input !== undefined) {
      const program = programs.find(last.saga, version);
      return await this.#create(program, { ...next, ...prepareInput(program, input, settings.limits.payloadBytes) });
    }
    if (!row) throw runPurged(last as Tombstone);
    if (version !== undefined && version !== row.version) {
      throw new SagachartError('SC_OPTION', `run ${id} was started as version ${row.version}: what is stored is what that version made of its input`, {
        next: `Give the input to restart it as version ${version}.`,
        details: { run: id, version },
      });
    }
    // As it was parsed then: parsing it a second time might refuse it, or make something else of it.
    const value = await inputOf(settings.store, row.number);
    return await this.#create(programs.find(row.saga, row.version), { ...next, value, hash: row.inputHash });
  }

  /** The queue and the singleton of the last life, for the next one: it waits for its turn like any other, but for no time. */
  async #placeAgain({ id, number }: RunRow): Promise<Place | undefined> {
    const { store, queues } = this.#coordinator.settings;
    const place = restartedPlace(await firstOf(store, number));
    checkQueue(place?.queue, queues);
    const other = place?.sole === undefined ? undefined : await store.holder(place.sole);
    if (other && other.id !== id) throw singletonTaken(other);
    return place;
  }

  /** @throws StoreError if nobody knows whether there is such a run */
  #held(id: string) {
    const cell = this.#coordinator.cells.get(id);
    // Its first commit has failed, and may be there all the same: until that is known it is not there for anybody.
    if (cell && !cell.standing) throw this.#coordinator.committer.failure ?? inDoubt(id);
    return cell;
  }

  async #create(program: Program, { id, incarnation, value, hash, labels, from, place }: NewRun): Promise<number> {
    const { parent } = from;
    const begun = { input: value, ...(parent === undefined ? {} : { parent }), ...(place === undefined ? {} : { place }) };
    const first = (): Pick<Delivery, 'event'> => {
      const waits = this.#full() || place?.queue !== undefined || place?.due !== undefined;
      return { event: waits ? { type: 'queued', ...begun } : { type: 'started', run: id, ...begun } };
    };
    return await this.#created(program, { id, incarnation, hash, labels, from, place }, first);
  }

  async #created(
    program: Program,
    { id, incarnation, hash, labels, from, place }: Omit<NewRun, 'value'>,
    first: () => Pick<Delivery, 'event' | 'fork'>,
  ): Promise<number> {
    const { committer, settings } = this.#coordinator;
    if (committer.failure && from.inbox === undefined) throw committer.failure;
    const { name: saga, version, fingerprint } = program;
    const identity: RunIdentity = { id, saga, version, fingerprint, incarnation, inputHash: hash, createdAt: settings.clock.now() };
    const number = await this.#numbers.next();
    const { parent, inbox, remedyFor } = from;
    // Whoever asked for it answers to what is refused, where that is not the end of it.
    const answersItself = parent !== undefined || place?.sole !== undefined;
    const delivered = {
      ...(inbox === undefined ? {} : { inbox }),
      ...(remedyFor === undefined ? {} : { remedyFor }),
      ...(answersItself ? { answersItself } : {}),
    };
    return await acknowledged((settle) => this.#coordinator.create({ number, identity, program, labels }, { ...first(), settle, ...delivered }));
  }

  #existing(existing: RunIdentity, program: Program, run: NewRun): number {
    if (!isSame(existing, program, run)) throw idTaken(existing, existing.saga === program.name);
    this.#answer(run.from.inbox);
    return 0;
  }

  /** It was there already. */
  #answer(inbox: number | undefined): void {
    if (inbox !== undefined) this.#coordinator.committer.answer({ delivery: { event: { type: 'queued', input: null }, inbox }, error: undefined });
  }
}

function isSame({ saga, inputHash }: Pick<RunIdentity, 'saga' | 'inputHash'>, { name }: Program, { hash }: NewRun): boolean {
  return saga === name && inputHash === hash;
}
