import { DatabaseSync } from 'node:sqlite';
import type { AsyncDatabase, Database, SqlValue } from '../../src/participant/index.ts';

/** A client that answers later, as `pg` does, over a database that answers at once. */
export function client(db: DatabaseSync): AsyncDatabase {
  return {
    query: async (text: string, values: SqlValue[]) => {
      await new Promise((resolve) => setImmediate(resolve));
      return { rows: db.prepare(text.replaceAll(/\$\d+/g, '?')).all(...values) };
    },
  };
}

/** Both kinds, each over a database of its own, and the work of a service in one transaction on it. */
export const KINDS: readonly (readonly [kind: string, make: () => { readonly sqlite: DatabaseSync; readonly db: Database }])[] = [
  [
    'a database that answers at once',
    () => {
      const sqlite = new DatabaseSync(':memory:');
      return { sqlite, db: sqlite };
    },
  ],
  [
    'a client that answers later',
    () => {
      const sqlite = new DatabaseSync(':memory:');
      return { sqlite, db: client(sqlite) };
    },
  ],
];

export async function transaction<T>(sqlite: DatabaseSync, work: () => T): Promise<Awaited<T>> {
  sqlite.exec('BEGIN');
  try {
    const result = await work();
    sqlite.exec('COMMIT');
    return result;
  } catch (error) {
    sqlite.exec('ROLLBACK');
    throw error;
  }
}
