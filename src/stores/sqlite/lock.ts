import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';
import type { WorkerInfo } from '../store.ts';
import { isBusy, storeError } from './failure.ts';

/** Others hold the file for a moment to see whether it is held for life: long enough to outlast them. */
const GLANCE_MS = 50;
/** Two that want it at once may each find the other's name in it, but hardly ever this often. */
const TRIES = 10;

/**
 * The role of executor: a write transaction held for life on a file of its own, beside the database, so that others
 * may read and write the database meanwhile. A process that dies lets go of it at once. The file must never be
 * opened by other means in this process: closing any descriptor of it would drop the lock.
 */
export class ExecutorLock {
  readonly #databasePath: string;
  readonly #path: string;
  #db: DatabaseSync | undefined;
  #owner: WorkerInfo | undefined;

  constructor(databasePath: string) {
    this.#databasePath = databasePath;
    this.#path = `${databasePath}.lock`;
  }

  /** @throws StoreError SC_STORE_LOCKED, naming the owner */
  take(worker: WorkerInfo): void {
    if (this.#db) throw this.#locked(this.#owner);
    const db = this.#open();
    try {
      this.#hold(db, worker);
    } catch (error) {
      const owner = isBusy(error) ? readOwner(db) : undefined;
      db.close();
      throw isBusy(error) ? this.#locked(owner?.name === worker.name ? undefined : owner) : storeError(error, this.#path, 'taking the lock');
    }
    this.#db = db;
    this.#owner = worker;
  }

  /** The name has to be committed for others to read it, and between that and holding the file another may come. */
  #hold(db: DatabaseSync, worker: WorkerInfo): void {
    db.exec('CREATE TABLE IF NOT EXISTS owner (one INTEGER PRIMARY KEY, worker TEXT NOT NULL) STRICT');
    for (let i = 0; i < TRIES; i++) {
      db.exec('BEGIN IMMEDIATE');
      if (readOwner(db)?.name === worker.name) return;
      db.prepare('INSERT OR REPLACE INTO owner (one, worker) VALUES (1, ?)').run(JSON.stringify(worker));
      db.exec('COMMIT');
    }
    throw this.#locked(undefined);
  }

  release(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#owner = undefined;
  }

  /** Who holds it now; undefined if nobody does. */
  owner(): WorkerInfo | undefined {
    if (this.#db) return this.#owner;
    const db = this.#open();
    try {
      db.exec('BEGIN IMMEDIATE; ROLLBACK');
      return undefined;
    } catch (error) {
      if (isBusy(error)) return readOwner(db);
      throw storeError(error, this.#path, 'looking at the lock');
    } finally {
      db.close();
    }
  }

  #open(): DatabaseSync {
    try {
      return new DatabaseSync(this.#path, { timeout: GLANCE_MS });
    } catch (error) {
      throw storeError(error, this.#path, 'opening the lock');
    }
  }

  #locked(owner: WorkerInfo | undefined): StoreError {
    const who = owner ? `process ${owner.pid} on ${owner.host}, since ${new Date(owner.since).toISOString()}` : 'another process';
    return new StoreError('SC_STORE_LOCKED', `${this.#databasePath} already has an executor: ${who}`, {
      next: 'Stop it first, or work beside it: other processes may read and add to the inbox. For several executors use PostgreSQL.',
      details: { path: this.#databasePath, ...(owner ? { owner } : {}) },
    });
  }
}

/** Undefined also while the one that holds it has not written its name yet. */
function readOwner(db: DatabaseSync): WorkerInfo | undefined {
  try {
    const row = db.prepare('SELECT worker FROM owner').get() as { worker: string } | undefined;
    return row && (JSON.parse(row.worker) as WorkerInfo);
  } catch {
    return undefined;
  }
}
