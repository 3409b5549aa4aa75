import type { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../base/clock.ts';
import { DefinitionError, SagachartError } from '../base/errors.ts';
import { type Ids, timeOrderedIds } from '../base/ids.ts';
import { quoted } from '../base/quoted.ts';
import {
  type Definition,
  type InputOf,
  type ManyOf,
  type Meant,
  type NameOf,
  type OutputOf,
  programOf,
  type QueriesOf,
  type SignalsOf,
  type Versioned,
  wrongDefinitions,
} from '../definitions.ts';
import { approvalTokens } from '../runtime/approval-token.ts';
import { asError, type BulkAction, type BulkOptions, type BulkResult, bulk, each, operate } from '../runtime/bulk.ts';
import type { Operator } from '../runtime/command.ts';
import { decisionOf, type TokenDecision } from '../runtime/decision.ts';
import { checkFilter, runsOf } from '../runtime/filter.ts';
import type { ForkOptions } from '../runtime/fork.ts';
import { limitsOf } from '../runtime/options.ts';
import { Programs } from '../runtime/program.ts';
import type { Entries, StartAnswer, StartEntry } from '../runtime/start-many.ts';
import type { RestartOptions, StartOptions } from '../runtime/starts.ts';
import { type UnclassifiedOptions, type UnclassifiedReport, unclassifiedErrors } from '../runtime/unclassified.ts';
import { Within } from '../runtime/within.ts';
import { type Duration, durationMs } from '../saga/duration.ts';
import type { Joined } from '../sagachart.ts';
import type { RunFilter, RunRow, Store } from '../stores/store.ts';
import { Remote, type SentStart } from './remote.ts';
import { ClientRun } from './run.ts';

export interface ClientOptions<Definitions extends readonly Definition[] = readonly []> {
  /** A store of its own, beside that of the executor: another connection to the same data. It is opened, and closed with the client. */
  readonly store: Store;
  /**
   * What is started by name: with them names and inputs are typed, and checked before they are stored. Default: none; an
   * input is then checked by the executor, or where a definition is given.
   */
  readonly sagas?: Definitions;
  /** How often the store is asked whether anything has changed, while somebody waits, from 1 ms to 1 min. Default: 50 ms. */
  readonly pollEvery?: Duration;
  /** How long a command waits for an executor to handle it. Default: 10 s. */
  readonly answerWithin?: Duration;
  /** Bytes of one input or signal. Default: 1 MiB, as that of an engine. */
  readonly payloadBytes?: number;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** The types of a run of a definition. */
type Run<D> = ClientRun<OutputOf<D>, SignalsOf<D>, QueriesOf<D>>;

/** What may be named: anything, where no sagas are given. */
type NamedBy<Definitions extends readonly Definition[]> = Definitions extends readonly [] ? string : NameOf<Definitions[number]>;

type CanStart<Definitions extends readonly Definition[]> = Definitions extends readonly [] ? Definition : Definitions[number];

/** What can be asked for inside of the caller's own transaction: at once, so that nobody else writes before its COMMIT. */
export interface JoinedClient<Definitions extends readonly Definition[]> {
  /** The run that will be: it is to be asked once the transaction has committed. @throws SagachartError as `start` does, SC_UNKNOWN_SAGA */
  start<const D extends Definition | NamedBy<Definitions>>(
    definition: D,
    input: InputOf<Meant<D, Definitions[number]>>,
    options?: StartOptions & Versioned<D>,
  ): ClientRun<OutputOf<Meant<D, Definitions[number]>>, SignalsOf<Meant<D, Definitions[number]>>>;
  signal: Joined<Definitions>['signal'];
}

/** Starts, signals, operates and reads runs that an executor in another process executes. */
export interface SagachartClient<Definitions extends readonly Definition[] = readonly []> extends AsyncDisposable {
  /**
   * Resolves once it is durable in the inbox: an executor will handle it, whenever there is one. With `singleton` or `debounce`
   * once an executor has said which run it is, else it throws SC_UNANSWERED: it is stored all the same.
   * @throws SagachartError SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_RUN_PURGED, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE; StoreError
   */
  start<const D extends Definition | NamedBy<Definitions>>(
    definition: D,
    input: InputOf<Meant<D, Definitions[number]>>,
    options?: StartOptions & Versioned<D>,
  ): Promise<Run<Meant<D, Definitions[number]>>>;
  /**
   * Many, 200 of them in one transaction; answers in their order. What is refused is its own answer; entries of an async
   * iterable are taken as fast as they are stored.
   * @throws StoreError those before are stored: start the same ones again
   */
  startMany<D extends CanStart<Definitions> = CanStart<Definitions>>(entries: Entries<NoInfer<ManyOf<D>>>): Promise<readonly StartAnswer<Run<D>>[]>;
  /**
   * Starts and signals inside of the caller's own transaction on the store's file: asked for if it commits, and never if it
   * is rolled back. Nothing of it waits.
   * @throws StoreError SC_WITHIN if it is no connection to that file, or has no open transaction
   */
  within(db: DatabaseSync): JoinedClient<Definitions>;
  /** The next life of a run that has ended. Resolves once an executor has started it. @throws SagachartError as that of an engine; SC_UNANSWERED */
  restart(id: string, options?: RestartOptions): Promise<ClientRun>;
  /**
   * Approves what the step that was given this token asks for: once, whoever shows it.
   * @throws SagachartError SC_APPROVAL_TOKEN, SC_APPROVAL_OVER, SC_DECISION_INVALID, SC_RUN_ENDED, SC_UNKNOWN_RUN, SC_UNANSWERED
   */
  approve(token: string, payload?: unknown, who?: Operator): Promise<{ readonly run: string }>;
  /** Denies it: the step fails, unless it is optional. */
  deny(token: string, who?: Operator): Promise<{ readonly run: string }>;
  /** A run by its id, whether it exists or not: its methods say so. `run<typeof mySaga>(id)` has the types of its saga. */
  run<D = unknown>(id: string): Run<D>;
  /** A new run that begins as what another one was. Resolves once an executor has begun it. @throws SagachartError as that of an engine; SC_UNANSWERED */
  fork(id: string, options: ForkOptions): Promise<ClientRun>;
  /** The runs that fit, newest first, 100 unless the filter has another limit. What is only in the inbox is not among them. @throws SagachartError SC_OPTION */
  list(filter?: RunFilter): Promise<readonly RunRow[]>;
  /** All runs that fit, newest first, read page by page. */
  runs(filter?: RunFilter): AsyncIterable<RunRow>;
  /** Errors of attempts that nobody has said the meaning of, in the runs that fit. Give the client its sagas: they say what is sensitive. @throws SagachartError SC_OPTION */
  unclassified(filter?: RunFilter, options?: UnclassifiedOptions): Promise<UnclassifiedReport>;
  /** Has an executor purge a run that has ended. @throws SagachartError SC_RUN_ACTIVE, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_UNANSWERED */
  purge(id: string): Promise<void>;
  /** Does one thing to all runs that fit and can take it. @throws SagachartError SC_OPTION */
  bulk(action: BulkAction, filter: RunFilter, options?: BulkOptions): Promise<BulkResult>;
  /** Nobody waits any more, and the store is closed. Runs go on. */
  close(): Promise<void>;
}

const LONGEST_POLL_MS = 60_000;
/** Starts in one transaction: it holds up the executor's own. */
const AT_ONCE = 200;

/**
 * Opens a client of a store, for a process beside the executor: it executes nothing, and never takes the executor's role.
 * @throws DefinitionError SC_OPTION, SC_DUPLICATE_SAGA; StoreError
 */
export async function sagachartClient<const Definitions extends readonly Definition[] = readonly []>(
  options: ClientOptions<Definitions>,
): Promise<SagachartClient<Definitions>> {
  const { remote, answerMs } = remoteOf(options as ClientOptions<readonly Definition[]>);
  const { store, programs } = remote.settings;
  await store.open();
  const run = (id: string): ClientRun => new ClientRun(id, remote, { answerMs });
  const answered = async (id: string, command: Parameters<Remote['send']>[1]): Promise<unknown> =>
    await remote.answered(await remote.send(id, command), { withinMs: answerMs });
  const decide = async (token: string, decision: TokenDecision): Promise<{ readonly run: string }> => {
    const { run, command } = decisionOf(await approvalTokens(store), token, decision);
    await answered(run, command);
    return { run };
  };
  const entryOf = ({ saga, ...start }: ManyOf<Definition>): StartEntry => {
    if (typeof saga === 'string') return { ...start, saga };
    programs.learn(saga, () => programOf(saga));
    return { ...start, saga: saga.name, version: saga.version };
  };
  /** What alone has a name, or is debounced, may come to a run that is there: only the executor knows which. */
  const runOf = async (sent: SentStart, { singleton, debounce }: StartOptions): Promise<ClientRun> => {
    if (singleton === undefined && debounce === undefined) return new ClientRun(sent.run, remote, { answerMs, start: sent });
    const { run: id = sent.run } = await remote.answered(sent, { withinMs: answerMs });
    return run(id);
  };
  const answerOf = async (sent: SentStart | { readonly error: unknown }, start: StartOptions): Promise<StartAnswer<ClientRun>> => {
    try {
      if ('error' in sent) throw sent.error;
      const came = await runOf(sent, start);
      return { status: sent.existing || came.id !== sent.run ? 'existing' : 'started', id: came.id, run: came };
    } catch (error) {
      return { status: 'error', error: asError(error) };
    }
  };
  const client: SagachartClient<readonly Definition[]> = {
    start: async (definition: Definition | string, input: unknown, start: StartOptions & { readonly version?: number } = {}) => {
      return await runOf(await remote.start(entryOf({ ...start, saga: definition, input } as ManyOf<Definition>)), start);
    },
    startMany: async (entries) => {
      const answers: StartAnswer<ClientRun>[] = [];
      for await (const some of chunks(entries, AT_ONCE)) {
        const starts = some.map((entry) => () => entryOf(entry as ManyOf<Definition>));
        const sent = await remote.startAll(starts);
        answers.push(...(await Promise.all(sent.map((one, i) => answerOf(one, some[i] as StartOptions)))));
      }
      return answers as never;
    },
    within: (db) => {
      const within = new Within(store, db, remote.settings);
      return {
        start: (saga: Definition | string, input: unknown, start = {}) => {
          const asked = within.start(entryOf({ ...start, saga, input } as ManyOf<Definition>));
          return new ClientRun(asked.run, remote, { answerMs, start: { ...asked, type: 'start' } }) as never;
        },
        signal: (run, name, payload, signal) => void within.signal(run, name, payload, signal),
      };
    },
    restart: async (id, { input, version, labels } = {}) => {
      await answered(id, { type: 'restart', ...given({ input, version, labels }) });
      return run(id);
    },
    fork: async (of, { id, ...options }) => {
      const sent = await remote.fork(of, { ...options, ...(id === undefined ? {} : { id }) });
      await remote.answered(sent, { withinMs: answerMs });
      return run(sent.run);
    },
    run,
    approve: async (token, payload, who) => await decide(token, { approved: true, payload, ...who }),
    deny: async (token, who) => await decide(token, { approved: false, ...who }),
    list: async (filter = {}) => await store.list(checkFilter(filter)),
    runs: (filter = {}) => runsOf(store, filter),
    unclassified: async (filter = {}, report = {}) => await unclassifiedErrors({ store, programs }, filter, report),
    purge: async (id) => {
      await answered(id, { type: 'purge' });
    },
    bulk: async (action, filter, { by, reason, ...rest } = {}) => {
      const act = each(async (row) => {
        if (action === 'purge') await answered(row.id, { type: 'purge', incarnation: row.incarnation });
        else await operate(store, row, { action, by, reason }, (command) => answered(row.id, command));
      });
      return await bulk(store, action, filter, { ...rest, act });
    },
    close: async () => {
      remote.changes.stop(
        new SagachartError('SC_CLIENT_CLOSED', 'the client was closed while something was waited for', {
          next: 'Open another client: what was sent is stored, and runs go on.',
        }),
      );
      await store.close();
    },
    [Symbol.asyncDispose]: () => client.close(),
  } as SagachartClient<readonly Definition[]>;
  return client as unknown as SagachartClient<Definitions>;
}

function remoteOf(options: ClientOptions<readonly Definition[]>): { readonly remote: Remote; readonly answerMs: number } {
  const {
    store,
    sagas = [],
    pollEvery = '50ms',
    answerWithin = '10s',
    payloadBytes = limitsOf(undefined).payloadBytes,
    clock = systemClock,
    ids = timeOrderedIds(clock),
    ...unknown
  } = options;
  for (const name of Object.keys(unknown)) throw badOption(`there is no option ${name}`, name);
  if (typeof (store as Partial<Store> | undefined)?.send !== 'function')
    throw badOption(`store is ${quoted(store)}, but must be a store, such as sqlite(file)`, 'store');
  const wrong = wrongDefinitions(sagas);
  if (wrong !== undefined) throw badOption(wrong, 'sagas');
  if (!Number.isSafeInteger(payloadBytes) || payloadBytes < 1)
    throw badOption(`payloadBytes is ${quoted(payloadBytes)}, but must be a whole number from 1`, 'payloadBytes');
  const pollMs = durationMs(pollEvery, 'pollEvery');
  if (pollMs < 1 || pollMs > LONGEST_POLL_MS) throw badOption(`pollEvery is ${quoted(pollEvery)}, but must be from 1 ms to 1 min`, 'pollEvery');
  const programs = new Programs(sagas.map(programOf));
  return {
    remote: new Remote({ store, programs, complete: sagas.length > 0, clock, ids, payloadBytes, pollMs }),
    answerMs: durationMs(answerWithin, 'answerWithin'),
  };
}

function badOption(message: string, option: string): DefinitionError {
  return new DefinitionError('SC_OPTION', message, { next: `Correct ${option} where the client is made.`, details: { option } });
}

/** Without what is undefined. */
function given<T extends Readonly<Record<string, unknown>>>(options: T): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

async function* chunks<T>(all: Entries<T>, size: number): AsyncGenerator<readonly T[], void> {
  let some: T[] = [];
  for await (const one of all) {
    some.push(one);
    if (some.length < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
