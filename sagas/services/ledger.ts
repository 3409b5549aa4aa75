import { DatabaseSync } from 'node:sqlite';

/** One call that reached a service, as the service recorded it: the truth outside the engine. */
export interface LedgerRow {
  readonly n: number;
  /** ms since 1970. */
  readonly at: number;
  readonly pid: number;
  readonly service: string;
  readonly operation: string;
  readonly kind: 'run' | 'undo';
  readonly key: string;
  /** Of an undo: the key it undid. */
  readonly target: string | null;
  readonly run: string;
  readonly step: string;
  /** 1 if the call changed something. */
  readonly effect: number;
  /** 1 if the key had been seen before. */
  readonly repeated: number;
  readonly result: string;
}

/** What a key says about who calls: `sc1:namespace/run/incarnation/step/item/round/kind`. */
export function readKey(key: string): { readonly run: string; readonly step: string } {
  const [, run = '', , step = ''] = key.replace(/^sc1:/, '').split('/').map(decodeURIComponent);
  return { run, step };
}

/** What a simulated service writes down of its calls. */
export interface Books {
  /** Counts a call that has arrived, whatever becomes of it; from 1. Fault plans go by this, across restarts. */
  arrived(key: string): number;
  record(call: Omit<LedgerRow, 'n' | 'run' | 'step'>): void;
  /** The first call under a key that had an effect. */
  first(key: string): Pick<LedgerRow, 'result'> | undefined;
  /** Whether anything under a key is there and has not been undone since. */
  stands(key: string): boolean;
  seen(key: string): boolean;
  transaction<T>(work: () => T): T;
}

/**
 * The books of the simulated services, in a SQLite file of their own. A call and its effect are one transaction,
 * written before the answer: a process killed in between has lost the answer, not the effect.
 */
export class Ledger implements Books {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: 5_000 });
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS calls (
        n INTEGER PRIMARY KEY, at INTEGER NOT NULL, pid INTEGER NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL, kind TEXT NOT NULL,
        key TEXT NOT NULL, target TEXT, run TEXT NOT NULL, step TEXT NOT NULL, effect INTEGER NOT NULL, repeated INTEGER NOT NULL, result TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS calls_key ON calls (key);
      CREATE INDEX IF NOT EXISTS calls_target ON calls (target) WHERE target IS NOT NULL;
      CREATE TABLE IF NOT EXISTS attempts (key TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;
    `);
  }

  arrived(key: string): number {
    const row = this.#db.prepare('INSERT INTO attempts (key, n) VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n').get(key);
    return (row as { n: number }).n;
  }

  /** Calls that arrived, and how many of them under a key that had been used before. */
  calls(): { readonly calls: number; readonly repeated: number } {
    return this.#db.prepare('SELECT coalesce(sum(n), 0) AS calls, coalesce(sum(n - 1), 0) AS repeated FROM attempts').get() as {
      calls: number;
      repeated: number;
    };
  }

  record(call: Omit<LedgerRow, 'n' | 'run' | 'step'>): void {
    const { run, step } = readKey(call.key);
    this.#db
      .prepare(
        'INSERT INTO calls (at, pid, service, operation, kind, key, target, run, step, effect, repeated, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(call.at, call.pid, call.service, call.operation, call.kind, call.key, call.target, run, step, call.effect, call.repeated, call.result);
  }

  first(key: string): LedgerRow | undefined {
    return this.#db.prepare('SELECT * FROM calls WHERE key = ? AND effect = 1 ORDER BY n LIMIT 1').get(key) as LedgerRow | undefined;
  }

  stands(key: string): boolean {
    const done = this.#db.prepare('SELECT max(n) AS n FROM calls WHERE key = ? AND effect = 1').get(key) as { n: number | null };
    const undone = this.#db.prepare('SELECT max(n) AS n FROM calls WHERE target = ? AND effect = 1').get(key) as { n: number | null };
    return done.n !== null && done.n > (undone.n ?? 0);
  }

  seen(key: string): boolean {
    return this.#db.prepare('SELECT 1 FROM calls WHERE key = ? LIMIT 1').get(key) !== undefined;
  }

  rows(): readonly LedgerRow[] {
    return this.#db.prepare('SELECT * FROM calls ORDER BY n').all() as unknown as LedgerRow[];
  }

  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}
