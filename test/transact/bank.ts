import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';

/** The caller's own tables, in the file of the store. */
export function withAccounts(path: string, balances: Readonly<Record<string, number>>): void {
  const db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0)) STRICT;
    CREATE TABLE IF NOT EXISTS moves (key TEXT NOT NULL, account TEXT NOT NULL, cents INTEGER NOT NULL) STRICT;
  `);
  const put = db.prepare('INSERT INTO accounts VALUES (?, ?)');
  for (const [id, cents] of Object.entries(balances)) put.run(id, cents);
  db.close();
}

/** Adds to an account, and notes under which key. */
export function move(db: DatabaseSync, account: string, cents: number, key: string): number {
  const row = db.prepare('UPDATE accounts SET cents = cents + ? WHERE id = ? RETURNING cents').get(cents, account) as { cents: number } | undefined;
  if (!row) throw new HardError(`there is no account ${account}`);
  db.prepare('INSERT INTO moves VALUES (?, ?, ?)').run(key, account, cents);
  return row.cents;
}

export const transferInput = z.object({ from: z.string(), to: z.string(), cents: z.number().int() });

/** Money from one account to another, each a step of its own. */
export const transfer = saga('transfer', { version: 1, input: transferInput })
  .transact('debit', ({ db, input, key }) => ({ left: move(db, input.from, -input.cents, key) }), {
    compensate: ({ db, input, undoKey }) => move(db, input.from, input.cents, undoKey),
    classify: (error) => (String(error).includes('CHECK constraint') ? { class: 'hard', effect: 'none' } : undefined),
  })
  .transact('credit', ({ db, input, key }) => ({ now: move(db, input.to, input.cents, key) }), {
    compensate: ({ db, input, undoKey }) => move(db, input.to, -input.cents, undoKey),
  })
  .output(({ results }) => ({ left: results.debit.left }));

export function balances(path: string): Record<string, number> {
  return Object.fromEntries(query<{ id: string; cents: number }>(path, 'SELECT id, cents FROM accounts ORDER BY id').map(({ id, cents }) => [id, cents]));
}

/** By key: how often something was written under it. */
export function moves(path: string): Record<string, number> {
  return Object.fromEntries(query<{ key: string; n: number }>(path, 'SELECT key, count(*) AS n FROM moves GROUP BY key').map(({ key, n }) => [key, n]));
}

export function query<T>(path: string, text: string): T[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(text).all() as T[];
  } finally {
    db.close();
  }
}
