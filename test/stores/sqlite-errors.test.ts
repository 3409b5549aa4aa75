import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError, sqlite } from '../../src/index.ts';
import { storeError } from '../../src/stores/sqlite/failure.ts';
import { JournalKeys } from '../../src/stores/sqlite/key.ts';

const sqliteError = (errcode: number): Error => Object.assign(new Error('it failed'), { errcode, errstr: 'as it does' });

describe('what SQLite throws', () => {
  it.each([
    [5, 'SC_STORE_BUSY', true],
    [261, 'SC_STORE_BUSY', true],
    [6, 'SC_STORE_BUSY', true],
    [8, 'SC_STORE_READONLY', true],
    [10, 'SC_STORE_IO', true],
    [11, 'SC_STORE_CORRUPT', false],
    [13, 'SC_STORE_FULL', true],
    [778, 'SC_STORE_FULL', true],
    [4_874, 'SC_STORE_FULL', true],
    [14, 'SC_STORE_OPEN', false],
    [26, 'SC_STORE_FOREIGN', false],
    [1, 'SC_STORE_IO', false],
  ])('as %i is told as %s', (errcode, code, retryable) => {
    const cause = sqliteError(errcode);
    const error = storeError(cause, 'runs.db', 'committing');
    expect(error).toMatchObject({ code, retryable, cause, details: { path: 'runs.db', errcode }, next: expect.stringMatching(/\.$/) });
    expect(error.message).toBe(`runs.db: committing failed: it failed (SQLite ${errcode}, as it does)`);
  });

  it('is told once, and anything else as trouble with the file', () => {
    const own = new StoreError('SC_STORE_FULL', 'full');
    expect(storeError(own, 'runs.db', 'committing')).toBe(own);
    expect(storeError(new TypeError('x'), 'runs.db', 'committing')).toMatchObject({ code: 'SC_STORE_IO', message: 'runs.db: committing failed: x' });
    expect(storeError('text', 'runs.db', 'committing')).toMatchObject({ message: 'runs.db: committing failed: text' });
  });
});

describe('the key of a journal entry', () => {
  it('is refused beyond what an integer holds, and without a run number', () => {
    const keys = new JournalKeys(20);
    expect(keys.key([3, 9], 2 ** 20 + 5)).toBe(9 * 2 ** 20 + 5);
    expect(() => keys.key([2 ** 33], 0)).toThrow(expect.objectContaining({ code: 'SC_STORE_FULL', next: 'Start a new database file.' }));
    expect(() => keys.key([3], 2 ** 20)).toThrow(expect.objectContaining({ code: 'SC_STORE_FULL' }));
  });
});

describe('the lock of a SQLite file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sagachart-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const worker = (name: string) => ({ name, pid: 7, host: 'here', since: 0, leaseMs: 1 });

  it('names its owner to a second one, also on the same store, and is free once it is given up', async () => {
    const path = join(directory, 'runs.db');
    const [first, second] = [sqlite(path), sqlite(path)];
    await first.open();
    await second.open();
    expect(await second.owner()).toBeUndefined();
    await first.join(worker('a'));
    expect([await first.owner(), await second.owner()]).toMatchObject([{ name: 'a' }, { name: 'a' }]);
    for (const store of [first, second]) {
      const message = expect.stringContaining('process 7 on here, since 1970-01-01T00:00:00.000Z');
      await expect(store.join(worker('b'))).rejects.toMatchObject({ code: 'SC_STORE_LOCKED', message, details: { owner: { name: 'a' } } });
    }
    await first.close();
    expect(await second.owner()).toBeUndefined();
    expect(await second.join(worker('b'))).toMatchObject({ worker: 'b', fence: 2 });
    await second.close();
  });

  it('that somebody holds who never said who is still held', async () => {
    const path = join(directory, 'runs.db');
    const holder = new DatabaseSync(`${path}.lock`);
    holder.exec('CREATE TABLE owner (one INTEGER PRIMARY KEY, worker TEXT NOT NULL) STRICT; BEGIN IMMEDIATE');
    const store = sqlite(path);
    await store.open();
    await expect(store.join(worker('b'))).rejects.toMatchObject({ code: 'SC_STORE_LOCKED', message: expect.stringContaining('another process') });
    await store.close();
    holder.close();
  });

  it('whose file is no database is an error of that file', async () => {
    const path = join(directory, 'runs.db');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`${path}.lock`, 'not a database, but long enough to be taken for the header of one');
    const store = sqlite(path);
    await store.open();
    await expect(store.join(worker('b'))).rejects.toMatchObject({ code: 'SC_STORE_FOREIGN', message: expect.stringContaining('opening the lock') });
    await store.close();
  });
});
