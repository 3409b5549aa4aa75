import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';
import type { InboxEntry, InboxRow, Posted, RunRow, StoreWithin, Tombstone } from '../store.ts';
import { type InboxRecord, inboxRow, type RunRecord, runRow, type TombstoneRecord, tombstoneOf } from './row.ts';

/**
 * The store as the caller's own transaction sees it, and adds to it.
 * @param own our connection: whose file it must be
 * @throws StoreError SC_WITHIN
 */
export function withinOf(given: unknown, own: DatabaseSync, path: string): StoreWithin {
  const db = checked(given, own, path);
  const get = <T>(text: string, ...values: (string | number)[]): T | undefined => db.prepare(text).get(...values) as T | undefined;
  const inbox = (id: string): InboxRow | undefined => {
    const row = get<InboxRecord>('SELECT * FROM inbox WHERE id = ?', id);
    return row && inboxRow(row);
  };
  return {
    find: (id: string): RunRow | undefined => {
      const row = get<RunRecord>('SELECT * FROM runs WHERE id = ? ORDER BY incarnation DESC LIMIT 1', id);
      return row && runRow(row);
    },
    tombstone: (id: string): Tombstone | undefined => {
      const row = get<TombstoneRecord>('SELECT * FROM tombstones WHERE id = ? ORDER BY incarnation DESC LIMIT 1', id);
      return row && tombstoneOf(row);
    },
    isAwaited: (run: string): boolean => get('SELECT 1 FROM inbox WHERE run = ? AND answered_at IS NULL LIMIT 1', run) !== undefined,
    inbox,
    send: ({ id, run, body, at }: InboxEntry): Posted => {
      // It may have gone on, or back, since.
      checked(db, own, path);
      const added = get<{ number: number }>(
        'INSERT INTO inbox (id, run, body, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING number',
        ...[id, run, body, at],
      );
      return added ? { number: added.number, duplicate: false } : { number: inbox(id)?.number ?? 0, duplicate: true };
    },
  };
}

function checked(given: unknown, own: DatabaseSync, path: string): DatabaseSync {
  const db = given as Partial<DatabaseSync> | null | undefined;
  const wrong = (what: string, next: string): StoreError => new StoreError('SC_WITHIN', `${path}: ${what}`, { next, details: { path } });
  if (typeof db?.prepare !== 'function' || typeof db.location !== 'function')
    throw wrong('what was given is no connection of node:sqlite', 'Give the DatabaseSync whose transaction it is to be part of.');
  if (!db.isOpen) throw wrong('the connection is closed', 'Open it, and begin a transaction.');
  const location = db.location();
  if (location !== own.location())
    throw wrong(`the connection is to ${location ?? 'a database in memory'}, not to the file of this store`, 'Open a DatabaseSync on the same file.');
  if (!db.isTransaction)
    throw wrong('the connection has no open transaction, so that there is nothing to be part of', "Begin one: db.exec('BEGIN IMMEDIATE').");
  return db as DatabaseSync;
}
