import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { input as ZodInput, ZodType } from 'zod';
import { archiveFile } from './archive/archive-file.ts';
import { DefinitionError } from './base/errors.ts';
import { quoted } from './base/quoted.ts';
import type { Workflow } from './chart/workflow.ts';
import { logSink } from './observe/alerts/log-sink.ts';
import { type LogOptions, logEvents, loggedTypes, pinoLog, wrap } from './observe/log.ts';
import { mask, sensitiveTexts } from './observe/mask.ts';
import { redact } from './observe/redact.ts';
import type { DependencyHealth } from './policies/gates.ts';
import type { Pausable, Pause } from './policies/pause.ts';
import type { Archive } from './runtime/archive.ts';
import type { BulkAction, BulkOptions, BulkResult } from './runtime/bulk.ts';
import type { Operator } from './runtime/command.ts';
import { type CloseOptions, Engine } from './runtime/engine.ts';
import type { Observer, RuntimeEventType } from './runtime/event.ts';
import type { RunHandle } from './runtime/handle.ts';
import type { EngineOptions } from './runtime/options.ts';
import type { Program } from './runtime/program.ts';
import type { RemedyOptions } from './runtime/remedy.ts';
import type { Retention } from './runtime/retention.ts';
import { sagaProgram } from './runtime/saga-program.ts';
import type { ScheduleOptions } from './runtime/schedule.ts';
import type { AlertTarget } from './runtime/sinks.ts';
import type { Entries, StartAnswer, StartEntry } from './runtime/start-many.ts';
import type { StartOptions } from './runtime/starts.ts';
import { workflowProgram } from './runtime/workflow-program.ts';
import type { AnySaga } from './saga/any-saga.ts';
import type { RunFilter } from './stores/store.ts';

/** What can be run. */
export type Definition = AnySaga | Workflow<never> | Workflow;

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

type ServicesOf<D> = (
  D extends { readonly types?: { readonly services: (services: infer Services) => void } | undefined }
    ? (services: Services) => void
    : never
) extends (all: infer All) => void
  ? All
  : unknown;

/** Sagas that call something cannot run without it. */
type Needed<Services> = unknown extends Services ? unknown : { readonly services: Services };

export type InputOf<D> = D extends { readonly types?: { readonly input: infer Input } | undefined } ? Input : D extends Workflow<infer Input> ? Input : unknown;
export type OutputOf<D> = D extends { readonly types?: { readonly output: infer Output } | undefined } ? Output : unknown;

/** What may be sent to a run: of a saga what it declares, by name, as its schemas take it. */
export type SignalsOf<D> = D extends { readonly types?: { readonly signals: infer Signals } | undefined }
  ? { readonly [Name in keyof Signals]: Signals[Name] extends ZodType ? ZodInput<Signals[Name]> : unknown }
  : Readonly<Record<string, unknown>>;

/** One of many starts: by the definition, or by its name where the types know it. */
export type ManyOf<D> = D extends Definition
  ? StartOptions & {
      readonly saga:
        | D
        | (D extends { readonly name: infer Name extends string } ? (string extends Name ? (unknown extends InputOf<D> ? string : never) : Name) : never);
      readonly input: InputOf<D>;
      readonly version?: number;
    }
  : never;

/** Only a name leaves open which version is meant; without one it is the newest. */
export type Versioned<D> = D extends string ? { readonly version?: number } : unknown;

/** The names that are known; of a workflow it is the machine's id, which its type does not hold. */
export type NameOf<D> = D extends { readonly name: infer Name extends string } ? (string extends Name ? string & {} : Name) : never;
/** What a name stands for, every version of it; `unknown` if the types do not say. */
export type Meant<D, All> = D extends string ? ([Bearing<D, All>] extends [never] ? unknown : Bearing<D, All>) : D;
type Bearing<Name, D> = D extends { readonly name: infer Own } ? (string extends Own ? never : Name extends Own ? D : never) : never;

/** An engine whose calls know the sagas it was made with, as such or by name. */
export interface Sagachart<Definitions extends readonly Definition[] = readonly Definition[]> extends AsyncDisposable {
  start<const D extends Definition | NameOf<Definitions[number]>>(
    definition: D,
    input: InputOf<Meant<D, Definitions[number]>>,
    options?: StartOptions & Versioned<D>,
  ): Promise<RunHandle<OutputOf<Meant<D, Definitions[number]>>, SignalsOf<Meant<D, Definitions[number]>>>>;
  /**
   * Many, in as few transactions as there can be; answers in their order. What is refused is its own answer; entries of an
   * async iterable are taken as fast as they are started.
   */
  startMany<D extends Definitions[number] = Definitions[number]>(
    entries: Entries<NoInfer<ManyOf<D>>>,
  ): Promise<readonly StartAnswer<RunHandle<OutputOf<D>, SignalsOf<D>>>[]>;
  restart: Engine['restart'];
  run(id: string): RunHandle;
  list: Engine['list'];
  runs: Engine['runs'];
  purge(which: RunFilter | string, options?: BulkOptions & ArchiveOption): Promise<BulkResult>;
  bulk(action: BulkAction, filter: RunFilter, options?: BulkOptions & ArchiveOption): Promise<BulkResult>;
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
    restart: (id, start) => engine.restart(id, start),
    run: (id) => engine.run(id),
    list: (filter) => engine.list(filter),
    runs: (filter) => engine.runs(filter),
    purge: (which, purge = {}) => archived(purge, (given) => engine.purge(which, given)),
    bulk: (action, filter, act = {}) => archived(act, (given) => engine.bulk(action, filter, given)),
    observe: (observer, only) => engine.observe(observer, only),
    load: () => engine.load(),
    dependencies: () => engine.dependencies(),
    pause: (what, who = {}) => engine.controls.pause(what, who),
    resume: (what) => engine.controls.resume(what),
    paused: () => engine.controls.paused,
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

function startEntry({ saga, ...start }: ManyOf<Definition>): StartEntry {
  return typeof saga === 'string' ? { ...start, saga } : { ...start, saga: saga.name, version: saga.version };
}

/** What is wrong with a list of sagas, if anything is. */
export function wrongDefinitions(sagas: unknown): string | undefined {
  if (!Array.isArray(sagas)) return `sagas is ${sagas === undefined ? 'missing' : quoted(sagas)}, but must be a list of sagas and workflows`;
  const i = sagas.findIndex((one: unknown) => !isDefinition(one));
  return i === -1 ? undefined : `sagas[${i}] is ${quoted(sagas[i])}, but must be a saga or a workflow`;
}

/** By its parts: a command line may have another copy of this package than the config that it reads. */
function isDefinition(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('definition' in value || ('kind' in value && value.kind === 'workflow'));
}

/** A saga or a workflow as the runtime runs it. */
export function programOf(definition: Definition): Program {
  const secrets = { redact, sensitiveTexts, mask };
  return 'kind' in definition ? workflowProgram(definition as Workflow, secrets) : sagaProgram(definition.definition, definition.machine, secrets);
}
