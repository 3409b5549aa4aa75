import { type Clock, systemClock } from '../base/clock.ts';
import { decode, encode } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { type Answered, type Database, doing, perform, type Row, type Script, sql, tableName } from './database.ts';
import { LateRunError, StaleFenceError } from './errors.ts';
import { runOf } from './run-of.ts';

export interface GuardOptions {
  /** Where it is kept. Default: `sagachart_guard`. */
  readonly table?: string;
  readonly clock?: Clock;
}

/** What came with a call: the step's key, and the fence of its attempt if the caller passes it on. */
export interface RunCall {
  /** `key` of the step. */
  readonly key: string;
  readonly fence?: number;
}

export interface UndoCall {
  /** `runKey` of the compensation: the key that `run` was called under. */
  readonly runKey: string;
  readonly fence?: number;
}

/** What is known of a key. `unseen`: it has not been here, and may still come. */
export type Found<T = unknown> = { readonly status: 'happened'; readonly result: T } | { readonly status: 'undone' } | { readonly status: 'unseen' };

/**
 * What a called service does about calls that come twice, too late, or not at all before they are undone. Every call is
 * made inside the service's own transaction, so that what it remembers and what the service does are one.
 */
export class ParticipantGuard {
  /** Statements that make the table, for your migrations. */
  readonly schema: readonly string[];
  readonly #table: string;
  readonly #clock: Clock;

  /** Use `participantGuard()`. */
  constructor({ table = 'sagachart_guard', clock = systemClock, ...unknown }: GuardOptions) {
    for (const option of Object.keys(unknown))
      throw new SagachartError('SC_OPTION', `a guard has no option ${option}`, { next: 'Its options are table and clock.', details: { option } });
    this.#table = tableName(table);
    this.#clock = clock;
    const index = table.replace('.', '_');
    this.schema = [
      `CREATE TABLE IF NOT EXISTS ${table} (run_key TEXT PRIMARY KEY, run TEXT NOT NULL, state TEXT NOT NULL, fence BIGINT NOT NULL, result TEXT, answer TEXT, at BIGINT NOT NULL)`,
      `CREATE INDEX IF NOT EXISTS ${index}_run ON ${table} (run)`,
      `CREATE INDEX IF NOT EXISTS ${index}_at ON ${table} (at)`,
    ];
  }

  /** Makes the table, if it is not there. */
  install<D extends Database>(db: D): Answered<D, void> {
    return perform(db, installing(this.schema));
  }

  /**
   * Does `effect` once for its key, and gives its result; a repeated key gets the first result. If `effect` throws,
   * nothing is remembered of it, and the transaction is to be rolled back.
   * @throws LateRunError if its compensation has been here; StaleFenceError if its run has been here under a newer fence;
   * SagachartError SC_NOT_STORABLE for a result that is not plain data, SC_PARTICIPANT_CALL for what is no call, or outside a transaction
   */
  run<D extends Database, R>(db: D, { key, fence }: RunCall, effect: () => R): Answered<D, R> {
    checkTransaction(db);
    return perform(db, this.#run(checked('key', key, fence), effect)) as Answered<D, R>;
  }

  /**
   * Does `effect` once, with the result of `run`, if that was here; gives its answer, and the first answer if it is
   * repeated. If `run` was not here there is nothing to undo: that is remembered, so that it is refused when it comes.
   * @throws StaleFenceError if its run has been here under a newer fence; SagachartError SC_NOT_STORABLE, SC_PARTICIPANT_CALL
   */
  undo<D extends Database, R>(db: D, { runKey, fence }: UndoCall, effect: (result: never) => R): Answered<D, R | undefined> {
    checkTransaction(db);
    return perform(db, this.#undo(checked('runKey', runKey, fence), effect as (result: unknown) => R)) as Answered<D, R | undefined>;
  }

  /** What is known of a key, for `check`. */
  find<D extends Database, T = unknown>(db: D, { runKey }: Pick<UndoCall, 'runKey'>): Answered<D, Found<T>> {
    return perform(db, this.#find<T>(runKey)) as Answered<D, Found<T>>;
  }

  /**
   * Forgets keys that nobody has asked for since so many ms, and gives their number. A forgotten key is a new one: keep
   * it as long as a run that uses it may live, and at least for the `keyTtl` that you promise.
   * @throws SagachartError SC_OPTION
   */
  prune<D extends Database>(db: D, olderThanMs: number): Answered<D, number> {
    if (!(Number.isFinite(olderThanMs) && olderThanMs > 0))
      throw new SagachartError('SC_OPTION', `olderThanMs is ${olderThanMs}, but must be a number of milliseconds, more than 0`, {
        next: 'Give the age from which on keys are forgotten.',
        details: { olderThanMs },
      });
    return perform(db, this.#prune(olderThanMs));
  }

  *#run<R>(call: RunCall, effect: () => R): Script<unknown> {
    const { key } = call;
    const table = this.#table;
    if (!(yield* this.#first(call, 'done'))) {
      const row = yield* this.#touch(call);
      if (row.state === 'undone') throw new LateRunError(key);
      return read(row.result);
    }
    try {
      const result = yield* doing(effect);
      yield* sql(`UPDATE ${table} SET result = $1 WHERE run_key = $2 RETURNING run_key`, encode(result, 'the result'), key);
      return result;
    } catch (error) {
      yield* anyway(sql(`DELETE FROM ${table} WHERE run_key = $1 RETURNING run_key`, key));
      throw error;
    }
  }

  *#undo<R>(call: RunCall, effect: (result: unknown) => R): Script<unknown> {
    const { key } = call;
    const table = this.#table;
    if (yield* this.#first(call, 'undone')) return undefined;
    const row = yield* this.#touch(call);
    if (row.state === 'undone') return read(row.answer);
    yield* sql(`UPDATE ${table} SET state = 'undone' WHERE run_key = $1 RETURNING run_key`, key);
    try {
      const answer = yield* doing(() => effect(read(row.result)));
      yield* sql(`UPDATE ${table} SET answer = $1 WHERE run_key = $2 RETURNING run_key`, encode(answer, 'the answer'), key);
      return answer;
    } catch (error) {
      yield* anyway(sql(`UPDATE ${table} SET state = 'done' WHERE run_key = $1 RETURNING run_key`, key));
      throw error;
    }
  }

  /** Whether the key is a new one: then it is written. On PostgreSQL this waits for whoever is writing it now. */
  *#first({ key, fence }: RunCall, state: 'done' | 'undone'): Script<boolean> {
    const run = runOf(key);
    if (fence !== undefined) {
      const [row] = yield* sql(`SELECT max(fence) AS fence FROM ${this.#table} WHERE run = $1`, run);
      if (Number(row?.fence ?? 0) > fence) throw new StaleFenceError(key, fence, Number(row?.fence));
    }
    const rows = yield* sql(
      `INSERT INTO ${this.#table} (run_key, run, state, fence, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (run_key) DO NOTHING RETURNING run_key`,
      ...[key, run, state, fence ?? 0, this.#clock.now()],
    );
    return rows.length > 0;
  }

  /** The row of a key that has been here. On PostgreSQL this holds it until the transaction ends. */
  *#touch({ key, fence }: RunCall): Script<Row> {
    const table = this.#table;
    const now = this.#clock.now();
    const returning = 'RETURNING state, result, answer';
    const rows =
      fence === undefined
        ? yield* sql(`UPDATE ${table} SET at = $1 WHERE run_key = $2 ${returning}`, now, key)
        : yield* sql(`UPDATE ${table} SET at = $1, fence = $2 WHERE run_key = $3 AND fence <= $4 ${returning}`, now, fence, key, fence);
    if (rows[0]) return rows[0];
    const [row] = yield* sql(`SELECT fence FROM ${table} WHERE run_key = $1`, key);
    throw new StaleFenceError(key, fence ?? 0, Number(row?.fence ?? 0));
  }

  *#find<T>(runKey: string): Script<Found<T>> {
    const [row] = yield* sql(`SELECT state, result FROM ${this.#table} WHERE run_key = $1`, runKey);
    if (!row) return { status: 'unseen' };
    return row.state === 'undone' ? { status: 'undone' } : { status: 'happened', result: read(row.result) as T };
  }

  *#prune(olderThanMs: number): Script<number> {
    return (yield* sql(`DELETE FROM ${this.#table} WHERE at < $1 RETURNING run_key`, this.#clock.now() - olderThanMs)).length;
  }
}

/** Guards a service that takes part in sagas. @throws SagachartError SC_OPTION */
export function participantGuard(options: GuardOptions = {}): ParticipantGuard {
  return new ParticipantGuard(options);
}

function* installing(schema: readonly string[]): Script<void> {
  for (const text of schema) yield* sql(text);
}

/** After an error of the database nothing more is taken before a rollback, which does the same. */
function* anyway(script: Script<unknown>): Script<void> {
  try {
    yield* script;
  } catch {
    // Whoever called is told of the first error.
  }
}

function read(text: unknown): unknown {
  return typeof text === 'string' ? decode(text) : undefined;
}

function checked(name: 'key' | 'runKey', key: unknown, fence: number | undefined): RunCall {
  if (typeof key !== 'string' || key === '') throw badCall(name, key, 'text that is not empty');
  if (fence === undefined) return { key };
  if (Number.isSafeInteger(fence) && fence >= 0) return { key, fence };
  throw badCall('fence', fence, 'a whole number from 0');
}

/** Where it can be seen: what is remembered without what was done, or the other way round, is worse than no guard. */
function checkTransaction(db: Database): void {
  if (!('isTransaction' in db) || db.isTransaction !== false) return;
  throw new SagachartError('SC_PARTICIPANT_CALL', 'the guard was called outside of a transaction', {
    next: 'Begin one before, and commit it after: what the guard remembers and what the service does are to be one.',
  });
}

function badCall(name: string, value: unknown, wanted: string): SagachartError {
  return new SagachartError('SC_PARTICIPANT_CALL', `${name} is ${JSON.stringify(value)}, but must be ${wanted}`, {
    next: `Pass on the ${name} that the step was given.`,
    details: { name },
  });
}
