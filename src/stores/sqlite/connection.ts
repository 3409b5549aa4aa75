import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';
import type { Ids } from '../../base/ids.ts';
import type { StoreInfo } from '../store.ts';
import { storeError } from './failure.ts';
import { JournalKeys } from './key.ts';
import { checkFile, migrate } from './schema.ts';
import { prepareAll, type Statements } from './statements.ts';

export interface ConnectionOptions {
  /** How long to wait for another connection's write, ms. */
  readonly busyMs: number;
  /** Makes the store's id. */
  readonly ids: Ids;
  /** Bits of an entry's number in the journal key. Default: what the file has. */
  readonly seqBits: number | undefined;
  /** Whether the file may have tables of others in it. */
  readonly shared: boolean;
  /** Told when a transaction was undone: what was known from it holds no longer. */
  readonly undone: () => void;
}

const SEQ_BITS = 20;

/** One connection to the file, its statements, and its transactions. */
export class Connection {
  readonly path: string;
  readonly #options: ConnectionOptions;
  #keys = new JournalKeys(SEQ_BITS);
  #db: DatabaseSync | undefined;
  #statements: Statements | undefined;

  constructor(path: string, options: ConnectionOptions) {
    this.path = path;
    this.#options = options;
  }

  /** @throws StoreError */
  open(): StoreInfo {
    const { busyMs, ids, seqBits, shared } = this.#options;
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(this.path, { timeout: busyMs });
      checkFile(db, this.path, shared);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000');
      migrate(db, this.path, { storeId: ids(), seqBits: seqBits ?? SEQ_BITS });
      const statements = prepareAll(db);
      this.#keys = new JournalKeys(this.#bitsOf(statements));
      this.#statements = statements;
      this.#db = db;
      return { id: (statements.storeId.get() as { value: string }).value };
    } catch (error) {
      db?.close();
      throw storeError(error, this.path, 'opening');
    }
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#statements = undefined;
  }

  /** How entries of the journal are keyed in this file. */
  get keys(): JournalKeys {
    return this.#keys;
  }

  /** @throws StoreError SC_STORE_CLOSED */
  get db(): DatabaseSync {
    if (!this.#db) throw this.#closed();
    return this.#db;
  }

  /** @throws StoreError SC_STORE_CLOSED */
  get sql(): Statements {
    if (!this.#statements) throw this.#closed();
    return this.#statements;
  }

  /** All that `work` writes, or nothing. @throws StoreError */
  transaction<T>(doing: string, work: () => T): T {
    return this.do(doing, () => {
      this.sql.begin.run();
      try {
        const result = work();
        this.sql.commit.run();
        return result;
      } catch (error) {
        // After "disk full" SQLite has rolled back by itself.
        if (this.db.isTransaction) this.sql.rollback.run();
        this.#options.undone();
        throw error;
      }
    });
  }

  /** @throws StoreError what SQLite threw, as an error of ours */
  do<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.path, doing);
    }
  }

  #bitsOf(statements: Statements): number {
    const { seqBits } = this.#options;
    // Files from before it was kept have the default.
    const { value: bits } = (statements.seqBits.get() as { value: number } | undefined) ?? { value: SEQ_BITS };
    if (seqBits === undefined || seqBits === bits) return bits;
    throw new StoreError('SC_STORE_OPEN', `${this.path} was made with seqBits ${bits}, and cannot be opened with ${seqBits}`, {
      next: `Leave seqBits out, or give ${bits}: it cannot change once the file exists.`,
      details: { path: this.path, seqBits, made: bits },
    });
  }

  #closed(): StoreError {
    return new StoreError('SC_STORE_CLOSED', `${this.path} is not open`, { next: 'Call open() first.', details: { path: this.path } });
  }
}
