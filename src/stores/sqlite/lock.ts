import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';
import type { WorkerInfo } from '../store.ts';
import { storeError } from './failure.ts';

/** Whoever only looks who the owner is holds the lock for a moment: taking it waits that out. */
const GLANCE_MS = 250;

/**
 * The role of executor: a write transaction held for life on a file of its own, beside the database, so that others
 * may read and write the database meanwhile. A process that dies lets go of it at once. The file must never be
 * opened by other means in this process: closing any descriptor of it would drop the lock.
 */
export class ExecutorLock {
  readonly #path: string;
  #db: DatabaseSync | undefined;
  #owner: WorkerInfo | undefined;

  constructor(databasePath: string) {
    this.#path = `${databasePath}.lock`;
  }

  /** @throws StoreError SC_STORE_LOCKED, naming the owner */
  take(worker: WorkerInfo): void {
    if (this.#db) throw this.#locked(this.#owner);
    const db = this.#open(GLANCE_MS);
    try {
      db.exec('BEGIN IMMEDIATE');
      db.prepare('INSERT OR REPLACE INTO owner (one, worker) VALUES (1, ?)').run(JSON.stringify(worker));
      db.exec('COMMIT; BEGIN IMMEDIATE');
    } catch (error) {
      const owner = isBusy(error) ? readOwner(db) : undefined;
      db.close();
      throw isBusy(error) ? this.#locked(owner) : storeError(error, this.#path, 'taking the lock');
    }
    this.#db = db;
    this.#owner = worker;
  }

  release(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#owner = undefined;
  }

  /** Who holds it now; undefined if nobody does. */
  owner(): WorkerInfo | undefined {
    if (this.#db) return this.#owner;
    const db = this.#open(0);
    try {
      db.exec('BEGIN IMMEDIATE');
      db.exec('ROLLBACK');
      return undefined;
    } catch (error) {
      if (isBusy(error)) return readOwner(db);
      throw storeError(error, this.#path, 'looking at the lock');
    } finally {
      db.close();
    }
  }

  #open(timeout: number): DatabaseSync {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(this.#path, { timeout });
      db.exec('CREATE TABLE IF NOT EXISTS owner (one INTEGER PRIMARY KEY, worker TEXT NOT NULL) STRICT');
      return db;
    } catch (error) {
      // While the lock is held the table is there, and need not be made.
      if (db && isBusy(error)) return db;
      db?.close();
      throw storeError(error, this.#path, 'opening the lock');
    }
  }

  #locked(owner: WorkerInfo | undefined): StoreError {
    const who = owner ? `process ${owner.pid} on ${owner.host}, since ${new Date(owner.since).toISOString()}` : 'another process';
    return new StoreError('SC_STORE_LOCKED', `${this.#path.replace(/\.lock$/, '')} already has an executor: ${who}`, {
      next: 'Stop it first, or work beside it: other processes may read and add to the inbox. For several executors use PostgreSQL.',
      details: { owner },
    });
  }
}

function readOwner(db: DatabaseSync): WorkerInfo | undefined {
  const row = db.prepare('SELECT worker FROM owner').get() as { worker: string } | undefined;
  return row ? (JSON.parse(row.worker) as WorkerInfo) : undefined;
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}
