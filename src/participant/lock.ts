import { type Clock, systemClock } from '../base/clock.ts';
import { BusyError, SagachartError } from '../base/errors.ts';
import { type Answered, type Database, perform, type Script, sql, tableName } from './database.ts';
import { LockLostError } from './errors.ts';

export interface LockOptions {
  /** Where locks are kept. Default: `sagachart_locks`. */
  readonly table?: string;
  readonly clock?: Clock;
}

export interface LockHold {
  /** The same in all steps of a run, and in no other: `runOf(key)`. */
  readonly owner: string;
  /** How long it holds without a renewal, ms, more than 0: longer than the run takes between two steps that renew it. */
  readonly ttlMs: number;
}

export interface LockHolder {
  readonly owner: string;
  /** ms since 1970. */
  readonly until: number;
}

/**
 * A mark on what a run is about to change, for as long as the run may still take it back: the countermeasure against
 * reading and overwriting what is not final. It outlives transactions, and runs out if nobody renews it.
 */
export class SemanticLock {
  /** Statements that make the table, for your migrations. */
  readonly schema: readonly string[];
  readonly #table: string;
  readonly #clock: Clock;

  /** Use `semanticLock()`. */
  constructor({ table = 'sagachart_locks', clock = systemClock, ...unknown }: LockOptions) {
    for (const option of Object.keys(unknown))
      throw new SagachartError('SC_OPTION', `a lock has no option ${option}`, { next: 'Its options are table and clock.', details: { option } });
    this.#table = tableName(table);
    this.#clock = clock;
    this.schema = [`CREATE TABLE IF NOT EXISTS ${table} (resource TEXT PRIMARY KEY, owner TEXT NOT NULL, held_until BIGINT NOT NULL)`];
  }

  /** Makes the table, if it is not there. */
  install<D extends Database>(db: D): Answered<D, void> {
    return perform(db, this.#install());
  }

  /**
   * Takes the lock, or goes on holding it: the same owner may ask as often as it likes, and never shortens it.
   * @throws BusyError if another owner holds it, with the time until it runs out: the step is retried, and nothing has happened
   */
  acquire<D extends Database>(db: D, resource: string, hold: LockHold): Answered<D, LockHolder> {
    return perform(db, this.#acquire(resource, checkedHold(hold)));
  }

  /**
   * Holds it for another `ttlMs` from now on.
   * @throws LockLostError if it ran out before: then what it protected may have changed
   */
  renew<D extends Database>(db: D, resource: string, hold: LockHold): Answered<D, LockHolder> {
    return perform(db, this.#renew(resource, checkedHold(hold)));
  }

  /** Gives it up: false if this owner did not hold it. Can be repeated. */
  release<D extends Database>(db: D, resource: string, { owner }: Pick<LockHold, 'owner'>): Answered<D, boolean> {
    return perform(db, this.#release(resource, owner));
  }

  /** Who holds it now, for readers that want to know whether what they see is final. */
  holder<D extends Database>(db: D, resource: string): Answered<D, LockHolder | undefined> {
    return perform(db, this.#holder(resource));
  }

  *#install(): Script<void> {
    for (const text of this.schema) yield* sql(text);
  }

  *#acquire(resource: string, { owner, ttlMs }: LockHold): Script<LockHolder> {
    const now = this.#clock.now();
    const [row] = yield* sql(
      `INSERT INTO ${this.#table} AS held (resource, owner, held_until) VALUES ($1, $2, $3)
       ON CONFLICT (resource) DO UPDATE SET owner = excluded.owner,
         held_until = CASE WHEN held.owner = excluded.owner AND held.held_until > excluded.held_until THEN held.held_until ELSE excluded.held_until END
       WHERE held.owner = excluded.owner OR held.held_until <= $4 RETURNING held_until`,
      ...[resource, owner, now + ttlMs, now],
    );
    if (row) return { owner, until: Number(row.held_until) };
    const holder = yield* this.#holder(resource);
    // Between the two statements it may have been released.
    throw new BusyError(`${resource} is held by ${holder?.owner ?? 'another run'}`, { retryAfterMs: Math.max(0, (holder?.until ?? now) - now) });
  }

  *#renew(resource: string, { owner, ttlMs }: LockHold): Script<LockHolder> {
    const now = this.#clock.now();
    const [row] = yield* sql(
      `UPDATE ${this.#table} SET held_until = $1 WHERE resource = $2 AND owner = $3 AND held_until > $4 RETURNING held_until`,
      ...[now + ttlMs, resource, owner, now],
    );
    if (!row) throw new LockLostError(resource, owner);
    return { owner, until: Number(row.held_until) };
  }

  *#release(resource: string, owner: string): Script<boolean> {
    return (yield* sql(`DELETE FROM ${this.#table} WHERE resource = $1 AND owner = $2 RETURNING resource`, resource, owner)).length > 0;
  }

  *#holder(resource: string): Script<LockHolder | undefined> {
    const [row] = yield* sql(`SELECT owner, held_until FROM ${this.#table} WHERE resource = $1 AND held_until > $2`, resource, this.#clock.now());
    return row && { owner: String(row.owner), until: Number(row.held_until) };
  }
}

/** Semantic locks, kept in a table of the service. @throws SagachartError SC_OPTION */
export function semanticLock(options: LockOptions = {}): SemanticLock {
  return new SemanticLock(options);
}

function checkedHold(hold: LockHold): LockHold {
  const { owner, ttlMs } = hold;
  const wrong = typeof owner !== 'string' || owner === '' ? 'owner' : Number.isFinite(ttlMs) && ttlMs > 0 ? undefined : 'ttlMs';
  if (wrong === undefined) return { owner, ttlMs: Math.ceil(ttlMs) };
  const wanted = wrong === 'owner' ? 'text that is not empty' : 'a number of milliseconds, more than 0';
  throw new SagachartError('SC_OPTION', `${wrong} is ${JSON.stringify(hold[wrong])}, but must be ${wanted}`, {
    next: `Give ${wrong} with each call.`,
    details: { option: wrong },
  });
}
