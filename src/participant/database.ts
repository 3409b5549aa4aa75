import { SagachartError } from '../base/errors.ts';

export type SqlValue = string | number | null;

/** A database that answers at once: `DatabaseSync` of `node:sqlite`. */
export interface SyncDatabase {
  prepare(text: string): { all(...values: SqlValue[]): unknown[] };
  /** Whether a transaction is open, where it can be seen. */
  readonly isTransaction?: boolean;
}

/** A connection that answers later: a client of `pg`, not a pool, because a transaction stays on one connection. */
export interface AsyncDatabase {
  query(text: string, values: SqlValue[]): Promise<{ readonly rows: unknown[] }>;
}

export type Database = SyncDatabase | AsyncDatabase;

/** What a call comes to: at once, or a promise of it. */
export type Answered<D extends Database, T> = D extends AsyncDatabase ? Promise<Awaited<T>> : T;

/** One thing that a script has done for it: a statement, whose rows it gets, or the effect of whoever calls. */
type Action = { readonly text: string; readonly values: readonly SqlValue[] } | { readonly effect: () => unknown };

/** What is to be done on a database, whichever kind it is: written once, and driven at once or step by step. */
export type Script<T> = Generator<Action, T, unknown>;

export type Row = Readonly<Record<string, SqlValue | bigint>>;

/** `$1`, `$2` …, each once and in order, so that they can be `?` where that is what is known. Every statement returns rows. */
export function* sql(text: string, ...values: readonly SqlValue[]): Script<readonly Row[]> {
  return (yield { text, values }) as readonly Row[];
}

export function* doing<R>(effect: () => R): Script<Awaited<R>> {
  return (yield { effect }) as Awaited<R>;
}

/** Runs a script, inside whatever transaction the connection is in. */
export function perform<D extends Database, T>(db: D, script: Script<T>): Answered<D, T> {
  return ('query' in db ? later(db, script) : now(db, script)) as Answered<D, T>;
}

function now<T>(db: SyncDatabase, script: Script<T>): T {
  let next = script.next();
  while (!next.done) {
    let answer: unknown;
    try {
      answer = 'text' in next.value ? db.prepare(next.value.text.replaceAll(/\$\d+/g, '?')).all(...next.value.values) : atOnce(next.value.effect());
    } catch (error) {
      next = script.throw(error);
      continue;
    }
    next = script.next(answer);
  }
  return next.value;
}

async function later<T>(db: AsyncDatabase, script: Script<T>): Promise<T> {
  let next = script.next();
  while (!next.done) {
    let answer: unknown;
    try {
      answer = 'text' in next.value ? (await db.query(next.value.text, [...next.value.values])).rows : await next.value.effect();
    } catch (error) {
      next = script.throw(error);
      continue;
    }
    next = script.next(answer);
  }
  return next.value;
}

/** What is still under way when the call returns would be outside its transaction. */
function atOnce(value: unknown): unknown {
  if (!(value instanceof Promise)) return value;
  value.catch(() => {});
  throw new SagachartError('SC_PARTICIPANT_ASYNC', 'the effect returned a promise, but its database answers at once', {
    next: 'Do what takes time before or after the transaction, or use a client with `query`.',
  });
}

/**
 * The name of a table, as it stands in statements.
 * @throws SagachartError SC_OPTION
 */
export function tableName(name: string): string {
  if (typeof name === 'string' && /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(name)) return name;
  throw new SagachartError('SC_OPTION', `table is ${JSON.stringify(name)}, but must be the name of a table, with that of its schema before a dot or without`, {
    next: 'Use letters, digits and _, beginning with a letter.',
    details: { option: 'table', value: name },
  });
}
