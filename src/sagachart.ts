import { hostname } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { archiveFile } from './archive/archive-file.ts';
import { DefinitionError } from './base/errors.ts';
import {
  type Definition,
  type InputOf,
  type ManyOf,
  type Meant,
  type NameOf,
  type Needed,
  type OutputOf,
  programOf,
  type QueriesOf,
  type ServicesOf,
  type SignalsOf,
  startEntry,
  type Versioned,
  wrongDefinitions,
} from './definitions.ts';
import { logSink } from './observe/alerts/log-sink.ts';
import { type LogOptions, logEvents, loggedTypes, pinoLog, wrap } from './observe/log.ts';
import type { DependencyHealth } from './policies/gates.ts';
import type { Pausable, Pause } from './policies/pause.ts';
import type { Archive } from './runtime/archive.ts';
import type { BulkAction, BulkOptions, BulkResult } from './runtime/bulk.ts';
import type { Operator } from './runtime/command.ts';
import { type CloseOptions, Engine } from './runtime/engine.ts';
import type { Observer, RuntimeEventType } from './runtime/event.ts';
import type { RunHandle } from './runtime/handle.ts';
import type { ManyRuns } from './runtime/many-runs.ts';
import type { EngineOptions } from './runtime/options.ts';
import type { RemedyOptions } from './runtime/remedy.ts';
import type { Retention } from './runtime/retention.ts';
import type { Rollout, RolloutOptions } from './runtime/rollout.ts';
import type { ScheduleOptions } from './runtime/schedule.ts';
import type { AlertTarget } from './runtime/sinks.ts';
import type { Entries, StartAnswer } from './runtime/start-many.ts';
import type { StartOptions } from './runtime/starts.ts';
import type { RunFilter } from './stores/store.ts';

export interface SagachartOptions<Definitions extends readonly Definition[] = readonly Definition[]>
  extends Omit<EngineOptions, 'programs' | 'log' | 'services' | 'alerts' | 'remedies' | 'retention' | 'schedules'> {
  /** Sagas and workflows, any number of versions of each. */
  readonly sagas: Definitions;
  /** What the steps call: everything that the sagas ask for. */
  readonly services?: ServicesOf<Definitions[number]>;
  /** A pino logger, or how to make one. Default: warnings and errors, to standard output. */
  readonly log?: Logger | LogOptions;
  /** Where alerts go, when a run fails or needs a person: each of these is sent every one, at least once. Default: `[logSink()]`. */
  readonly alerts?: readonly AlertTarget[];
  /** What is started when runs fail or need a person. Default: nothing. */
  readonly remedies?: readonly Remedy[];
  /** What is started again and again, by cron expressions. Default: nothing. */
  readonly schedules?: readonly Schedule[];
  /** How long runs are kept after their end, by how they ended, and where they are written before they go. Default: for good. */
  readonly retention?: Omit<Retention, 'archive'> & ArchiveOption;
}

/** What is started again and again. */
export interface Schedule extends Omit<ScheduleOptions, 'saga' | 'version' | 'input'> {
  /** What is started, one of `sagas`; of a name it is the newest version. */
  readonly saga: Definition | string;
  /** Of each run: a value, or what makes it from the time of the fire, quick and without effects: it may be asked more than once. */
  readonly input?: unknown | ((fire: { readonly at: Date }) => unknown);
}

/** A saga that is started, once, when a run of another one fails or needs a person. */
export interface Remedy extends Omit<RemedyOptions, 'of' | 'start' | 'version'> {
  /** The saga or workflow whose runs it is for, of whatever version, or its name. */
  readonly of: Definition | string;
  /** What is started, one of `sagas`; of a name it is the newest version. */
  readonly start: Definition | string;
}

export interface ArchiveOption {
  /** A file of one run a line, or what else to write to; of what is purged only. Default: nothing is archived. */
  readonly archive?: string | Archive;
}

/** The types of a run of a definition. */
type Run<D> = RunHandle<OutputOf<D>, SignalsOf<D>, QueriesOf<D>>;

/** What can be asked for inside of the caller's own transaction: at once, so that nobody else writes before its COMMIT. */
export interface Joined<Definitions extends readonly Definition[]> {
  /** Gives the id of the run that will be. @throws SagachartError as `start` does */
  start<const D extends Definition | NameOf<Definitions[number]>>(
    definition: D,
    input: InputOf<Meant<D, Definitions[number]>>,
    options?: StartOptions & Versioned<D>,
  ): string;
  /** @param options with an `id`, it is sent once @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED, SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID */
  signal(run: string, name: string, payload?: unknown, options?: { readonly id?: string }): void;
}

/** An engine whose calls know the sagas it was made with, as such or by name. */
export interface Sagachart<Definitions extends readonly Definition[] = readonly Definition[]> extends AsyncDisposable {
  start<const D extends Definition | NameOf<Definitions[number]>>(
    definition: D,
    input: InputOf<Meant<D, Definitions[number]>>,
    options?: StartOptions & Versioned<D>,
  ): Promise<Run<Meant<D, Definitions[number]>>>;
  /**
   * Many, in as few transactions as there can be; answers in their order. What is refused is its own answer; entries of an
   * async iterable are taken as fast as they are started.
   */
  startMany<D extends Definitions[number] = Definitions[number]>(entries: Entries<NoInfer<ManyOf<D>>>): Promise<readonly StartAnswer<Run<D>>[]>;
  /**
   * Starts and signals inside of the caller's own transaction on the store's file, also in a transactional step: asked for
   * if it commits, and never if it is rolled back. Nothing of it waits; what the executor refuses later is an alert's or
   * the log's affair.
   * @throws StoreError SC_WITHIN if it is no connection to that file, or has no open transaction
   */
  within(db: DatabaseSync): Joined<Definitions>;
  restart: Engine['restart'];
  fork: Engine['fork'];
  /** Approves what the step that was given this token asks for: once, whoever shows it. @throws as `Engine.decide` */
  approve(token: string, payload?: unknown, who?: Operator): Promise<{ readonly run: string; readonly seq: number }>;
  /** Denies it: the step fails, unless it is optional. */
  deny(token: string, who?: Operator): Promise<{ readonly run: string; readonly seq: number }>;
  /** A run by its id, whether it exists or not: its methods say so. `run<typeof mySaga>(id)` has the types of its saga. */
  run<D = unknown>(id: string): Run<D>;
  list: ManyRuns['list'];
  runs: ManyRuns['runs'];
  unclassified: ManyRuns['unclassified'];
  purge(which: RunFilter | string, options?: BulkOptions & ArchiveOption): Promise<BulkResult>;
  bulk(action: BulkAction, filter: RunFilter, options?: BulkOptions & ArchiveOption): Promise<BulkResult>;
  /**
   * Brings the runs of a saga or workflow that have not ended onto one of its versions, each in one commit. With `dryRun`
   * it only says what would become of them; if any cannot be migrated none is, unless `skip` is given.
   * @throws SagachartError SC_UNKNOWN_SAGA, SC_OPTION, SC_MIGRATION_REFUSED
   */
  migrate: ManyRuns['migrate'];
  /** Calls `observer` with what happens, after it is durable; `only` names the types it wants. Returns the way to stop it. */
  observe(observer: Observer, only?: readonly RuntimeEventType[]): () => void;
  load(): ReturnType<Engine['load']>;
  /** How the dependencies are that its sagas name, as this process sees them. */
  dependencies(): readonly DependencyHealth[];
  /**
   * Holds back all attempts of a dependency, of a saga or workflow, or all, durably and in every process of the store,
   * until it is resumed. What runs may end; timers go on.
   * @throws SagachartError SC_UNKNOWN_SAGA, SC_UNKNOWN_DEPENDENCY, SC_OPTION
   */
  pause(what: Pausable, who?: Operator): Promise<void>;
  /** Lets go on what was paused; what was not stays as it is. */
  resume(what: Pausable): Promise<void>;
  /** What is paused now, as far as this process knows. */
  paused(): readonly Pause[];
  /**
   * Says, durably and for every process of the store, which part of the new runs of a saga begins on one of its versions:
   * those that name no version. Undefined: all begin on the newest again.
   * @throws SagachartError SC_UNKNOWN_SAGA, SC_OPTION
   */
  rollout(saga: string, options: RolloutOptions | undefined): Promise<Rollout | undefined>;
  /** The rollouts there are, as far as this process knows. */
  rollouts(): readonly Rollout[];
  /** The queues in which runs wait or have begun, and how many. */
  queues: Engine['queues'];
  /** What is started again and again: list, pause, resume, trigger. */
  readonly schedules: Pick<Engine['schedules'], 'list' | 'pause' | 'resume' | 'trigger'>;
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Opens an engine: it takes the role of executor of the store, and goes on with every run that was under way.
 * @throws StoreError SC_STORE_LOCKED if another process has that role; SagachartError SC_DUPLICATE_SAGA, SC_OPTION
 */
export async function sagachart<const Definitions extends readonly Definition[]>(
  options: SagachartOptions<Definitions> & Needed<ServicesOf<Definitions[number]>>,
): Promise<Sagachart<Definitions>> {
  const { sagas, log: logger, observers = [], alerts = [logSink()], remedies, retention, schedules, ...rest } = options as SagachartOptions<Definitions>;
  const wrong = wrongDefinitions(sagas);
  if (wrong !== undefined) throw new DefinitionError('SC_OPTION', wrong, { next: 'List what `saga()` and `workflow()` made.', details: { option: 'sagas' } });
  const log = logger && 'child' in logger ? wrap(logger) : pinoLog(logger);
  const engine = await Engine.open({
    ...rest,
    ...(retention === undefined ? {} : { retention: withArchive(retention) }),
    log,
    alerts,
    ...(remedies === undefined ? {} : { remedies: remediesByName(remedies) }),
    ...(schedules === undefined ? {} : { schedules: schedulesByName(schedules) }),
    programs: sagas.map(programOf),
    observers: [{ observe: logEvents(log), only: loggedTypes(log) }, ...observers],
    worker: { pid: process.pid, host: hostname() },
  });
  return {
    start: async (definition: Definition | string, input: unknown, start: StartOptions & { readonly version?: number } = {}) =>
      typeof definition === 'string'
        ? await engine.start(definition, input, start)
        : await engine.start(definition.name, input, { ...start, version: definition.version }),
    startMany: async (entries: Entries<ManyOf<Definition>>) => await engine.startMany(entries, startEntry),
    within: (db) => {
      const within = engine.within(db);
      return {
        start: (saga: Definition | string, input: unknown, start = {}) => within.start(startEntry({ ...start, saga, input } as ManyOf<Definition>)).run,
        signal: (run, name, payload, signal) => void within.signal(run, name, payload, signal),
      };
    },
    restart: (id, start) => engine.restart(id, start),
    fork: (id, fork) => engine.fork(id, fork),
    run: (id) => engine.run(id),
    approve: (token, payload, who) => engine.decide(token, { approved: true, payload, ...who }),
    deny: (token, who) => engine.decide(token, { approved: false, ...who }),
    list: (filter) => engine.many.list(filter),
    runs: (filter) => engine.many.runs(filter),
    unclassified: (filter, report) => engine.many.unclassified(filter, report),
    purge: (which, purge = {}) => archived(purge, (given) => engine.many.purge(which, given)),
    bulk: (action, filter, act = {}) => archived(act, (given) => engine.many.bulk(action, filter, given)),
    migrate: (saga, migrate) => engine.many.migrate(saga, migrate),
    observe: (observer, only) => engine.observe(observer, only),
    load: () => engine.load(),
    dependencies: () => engine.dependencies(),
    pause: (what, who = {}) => engine.controls.pause(what, who),
    resume: (what) => engine.controls.resume(what),
    paused: () => engine.controls.paused,
    rollout: (saga, options) => engine.rollouts.set(saga, options),
    rollouts: () => engine.rollouts.all,
    queues: () => engine.queues(),
    schedules: engine.schedules,
    close: (close) => engine.close(close),
    [Symbol.asyncDispose]: () => engine.close(),
  } as Sagachart<Definitions>;
}

/** Remedies as the runtime knows them: by names. What is none is left as it is, for the runtime to refuse. */
function remediesByName(remedies: readonly Remedy[]): readonly RemedyOptions[] {
  if (!Array.isArray(remedies)) return remedies as never;
  return (remedies as readonly Remedy[]).map((remedy) => {
    if (typeof remedy !== 'object' || remedy === null) return remedy;
    const { of, start, ...rest } = remedy;
    const version = typeof start === 'string' ? undefined : start?.version;
    return { ...rest, of: nameOf(of), start: nameOf(start), ...(version === undefined ? {} : { version }) };
  });
}

/** Schedules as the runtime knows them: by names. What is none is left as it is, for the runtime to refuse. */
export function schedulesByName(schedules: readonly Schedule[]): readonly ScheduleOptions[] {
  if (!Array.isArray(schedules)) return schedules as never;
  return (schedules as readonly Schedule[]).map((schedule) => {
    if (typeof schedule !== 'object' || schedule === null) return schedule;
    const { saga, ...rest } = schedule;
    const version = typeof saga === 'string' ? undefined : saga?.version;
    return { ...rest, saga: nameOf(saga), ...(version === undefined ? {} : { version }) };
  });
}

function nameOf(definition: Definition | string): string {
  return typeof definition === 'string' ? definition : definition?.name;
}

/** With what is written to instead of the name of a file. */
function withArchive<T extends ArchiveOption>({ archive, ...rest }: T): Omit<T, 'archive'> & { readonly archive?: Archive } {
  if (archive === undefined) return rest;
  return { ...rest, archive: typeof archive === 'string' ? archiveFile(archive) : archive };
}

/** Closes the file that was named. */
async function archived<T>(options: BulkOptions & ArchiveOption, work: (options: BulkOptions & { readonly archive?: Archive }) => Promise<T>): Promise<T> {
  const opened = withArchive(options);
  try {
    return await work(opened);
  } finally {
    if (typeof options.archive === 'string') await opened.archive?.close();
  }
}
