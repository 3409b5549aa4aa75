import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqlite } from '../../src/index.ts';
import { queriesOf } from '../../src/stores/sqlite/listing.ts';
import { prepareAll } from '../../src/stores/sqlite/statements.ts';
import type { RunFilter, Store } from '../../src/stores/store.ts';
import { storeContract } from '../../src/testing/index.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sagachart-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const path = (): string => join(directory, 'runs.db');
const standing = { status: 'running', attention: false, paused: false, degraded: false, due: 0, endedAt: null, labels: {} } as const;
const identity = { id: 'r', saga: 's', version: 1, fingerprint: 'f', incarnation: 1, inputHash: 'h', createdAt: 1 };
const entry = { format: 1, codec: 0, text: '{}' };

async function opened(store: Store): Promise<{ readonly fence: number; readonly run: number }> {
  await store.open();
  const { fence } = await store.join({ name: 'a', pid: 1, host: 'here', since: 1, leaseMs: 1 });
  const run = await store.reserve(1);
  await store.commit({ fence, commits: [{ run, seq: 1, fence, at: 1, create: identity, standing, entry }] });
  return { fence, run };
}

describe('the SQLite store keeps the contract', () => {
  const skip = { 'does not give a run to a second worker while the lease of the first holds': 'one process executes: the lock stands for all leases' };
  // As if the disk had been handed to another machine: the lock file is another one.
  const usurp = (): Store => {
    rmSync(`${path()}.lock`);
    return sqlite(path());
  };
  for (const { name, run } of storeContract({ make: () => sqlite(path()), again: () => sqlite(path()), usurp, skip })) it(name, run);
});

describe('the SQLite store', () => {
  it('goes on under a new number when the numbers of a run are used up, and the caller does not notice', async () => {
    const store = sqlite(path(), { seqBits: 3 });
    const { fence, run } = await opened(store);
    const other = await store.reserve(1);
    for (let seq = 2; seq <= 30; seq++)
      expect(await store.commit({ fence, commits: [{ run, seq, fence, at: seq, entry: { ...entry, text: `${seq}` } }] })).toEqual(['applied']);
    await store.commit({ fence, commits: [{ run: other, seq: 1, fence, at: 1, create: { ...identity, id: 'other' }, standing, entry }] });
    expect((await store.journal(run)).map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect((await store.journal(run, { from: 15, limit: 3 })).map(({ seq, text }) => [seq, text])).toEqual([
      [15, '15'],
      [16, '16'],
      [17, '17'],
    ]);
    await store.close();
    const again = sqlite(path(), { seqBits: 3 });
    await again.open();
    expect((await again.journal(run)).at(-1)?.text).toBe('30');
    expect(await again.journal(other)).toHaveLength(1);
    await again.close();
  });

  it('writes nothing of a batch that fails', async () => {
    const store = sqlite(path());
    const { fence, run } = await opened(store);
    await store.close();
    const small = sqlite(path(), { busyMs: 50 });
    await small.open();
    const { fence: now } = await small.join({ name: 'b', pid: 1, host: 'here', since: 1, leaseMs: 1 });
    expect(now).toBeGreaterThan(fence);
    const limit = new DatabaseSync(path());
    limit.exec('BEGIN IMMEDIATE');
    const impatient = small.commit({ fence: now, commits: [{ run, seq: 2, fence: now, at: 2, entry }] });
    limit.exec('ROLLBACK');
    limit.close();
    // The busy timeout of node:sqlite blocks the thread, so the other connection never gets to let go.
    await expect(impatient).rejects.toMatchObject({ code: 'SC_STORE_BUSY', retryable: true });
    expect((await small.load(run)).entries).toHaveLength(1);
    await small.close();
  });

  it('runs a step of the caller in the same transaction, or neither', async () => {
    const store = sqlite(path());
    const { fence, run } = await opened(store);
    const done = await store.transact?.((connection) => {
      (connection as DatabaseSync).exec('CREATE TABLE mine (n INTEGER)');
      return { value: 7, commit: { run, seq: 2, fence, at: 2, entry } };
    });
    expect(done).toEqual({ value: 7, verdict: 'applied' });
    const stale = store.transact?.((connection) => {
      (connection as DatabaseSync).exec('INSERT INTO mine VALUES (1)');
      return { value: 8, commit: { run, seq: 9, fence, at: 2, entry } };
    });
    await expect(stale).rejects.toMatchObject({ code: 'SC_STORE_FENCED' });
    await store.close();
    const db = new DatabaseSync(path());
    expect(db.prepare('SELECT count(*) AS n FROM mine').get()).toMatchObject({ n: 0 });
    db.close();
  });

  it('shares a file with tables of another program, if it is told to, and none is called like one of its own', async () => {
    const db = new DatabaseSync(path());
    db.exec('CREATE TABLE theirs (n INTEGER); INSERT INTO theirs VALUES (7)');
    const store = sqlite(path(), { shared: true });
    await store.open();
    await store.close();
    expect(db.prepare('SELECT n FROM theirs').get()).toEqual({ n: 7 });
    // Once it has the store's tables too, nothing needs to be said.
    const again = sqlite(path());
    await again.open();
    await again.close();
    db.close();
    const taken = `${path()}-taken`;
    const other = new DatabaseSync(taken);
    other.exec('CREATE TABLE runs (n INTEGER)');
    await expect(sqlite(taken, { shared: true }).open()).rejects.toMatchObject({ code: 'SC_STORE_FOREIGN', message: expect.stringContaining('runs') });
    expect(other.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toEqual({ n: 1 });
    other.close();
  });

  const refused: readonly [what: string, prepare: (file: string) => void, code: string][] = [
    ['a file that is no database', (file) => writeFileSync(file, 'just text, long enough to be looked at as a header of a database file'), 'SC_STORE_FOREIGN'],
    [
      'a database of another program',
      (file) => {
        const db = new DatabaseSync(file);
        db.exec('CREATE TABLE theirs (n INTEGER)');
        db.close();
      },
      'SC_STORE_FOREIGN',
    ],
  ];
  for (const [what, prepare, code] of refused) {
    it(`refuses ${what}, and leaves it as it was`, async () => {
      prepare(path());
      const before = readFileSync(path());
      await expect(sqlite(path()).open()).rejects.toMatchObject({ code });
      expect(readFileSync(path()).equals(before)).toBe(true);
    });
  }

  it('brings a file of the first schema to the present one, with what waits to leave', async () => {
    const store = sqlite(path());
    await opened(store);
    await store.close();
    const db = new DatabaseSync(path());
    toFirstLayout(db);
    db.exec(`INSERT INTO outbox VALUES (1, 7, 0, 'attention', '{"run":"r","saga":"s","version":1,"step":"pay"}', 5)`);
    db.close();
    const again = sqlite(path());
    await again.open();
    const [row] = await again.outbox(9);
    expect(row).toMatchObject({ run: 1, seq: 7, n: 0, sink: 'log', topic: 'attention', at: 5, attempts: 0, due: 0 });
    expect(JSON.parse(row?.body ?? '')).toEqual({
      key: '1/7/0',
      kind: 'attention',
      at: 5,
      run: { id: 'r', saga: 's', version: 1, incarnation: 1, labels: {} },
      status: 'running',
      step: 'pay',
      failure: null,
      left: [],
    });
    expect((await again.load(1)).entries).toHaveLength(1);
    await again.setControl('a', 'b');
    expect(await again.controls()).toEqual([{ name: 'a', body: 'b' }]);
    await again.close();
  });

  it('refuses a newer schema', async () => {
    const store = sqlite(path());
    await opened(store);
    await store.close();
    const db = new DatabaseSync(path());
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(sqlite(path()).open()).rejects.toMatchObject({ code: 'SC_STORE_NEWER' });
  });

  it('refuses a damaged file', async () => {
    const store = sqlite(path());
    const { fence, run } = await opened(store);
    for (let seq = 2; seq < 200; seq++) await store.commit({ fence, commits: [{ run, seq, fence, at: seq, entry: { ...entry, text: 'x'.repeat(200) } }] });
    await store.close();
    const bytes = readFileSync(path());
    bytes.fill(0xff, 8_192, 20_000);
    writeFileSync(path(), bytes);
    await expect(sqlite(path()).open()).rejects.toMatchObject({ code: 'SC_STORE_CORRUPT' });
  });

  it('says that a directory is missing, and that it is not open', async () => {
    await expect(sqlite(join(directory, 'nowhere', 'runs.db')).open()).rejects.toMatchObject({ code: 'SC_STORE_OPEN' });
    await expect(sqlite(path()).find('r')).rejects.toMatchObject({ code: 'SC_STORE_CLOSED' });
  });

  it('keeps what its keys are made of: the file decides, and another wish is refused', async () => {
    const store = sqlite(path(), { seqBits: 3 });
    const { fence, run } = await opened(store);
    for (let seq = 2; seq <= 20; seq++) await store.commit({ fence, commits: [{ run, seq, fence, at: seq, entry: { ...entry, text: `${seq}` } }] });
    await store.close();
    const plain = sqlite(path());
    await plain.open();
    expect((await plain.journal(run)).at(-1)).toMatchObject({ seq: 20, text: '20' });
    await plain.close();
    await expect(sqlite(path(), { seqBits: 20 }).open()).rejects.toMatchObject({
      code: 'SC_STORE_OPEN',
      message: `${path()} was made with seqBits 3, and cannot be opened with 20`,
      next: 'Leave seqBits out, or give 3: it cannot change once the file exists.',
      details: { seqBits: 20, made: 3 },
    });
  });

  it('takes a file from before that was kept for one with the default', async () => {
    const store = sqlite(path());
    const { run } = await opened(store);
    await store.close();
    const db = new DatabaseSync(path());
    db.exec("DELETE FROM meta WHERE name = 'seqBits'");
    db.close();
    const again = sqlite(path());
    await again.open();
    expect(await again.journal(run)).toHaveLength(1);
    await again.close();
    await expect(sqlite(path(), { seqBits: 8 }).open()).rejects.toMatchObject({ code: 'SC_STORE_OPEN' });
  });

  it.each([0, -1, 33, 2.5, Number.NaN, Number.POSITIVE_INFINITY, '8' as unknown as number])('refuses seqBits %s', (seqBits) => {
    expect(() => sqlite(path(), { seqBits })).toThrow(
      expect.objectContaining({
        name: 'DefinitionError',
        code: 'SC_OPTION',
        message: expect.stringContaining(`seqBits is ${seqBits}`),
        details: { option: 'seqBits', value: seqBits },
      }),
    );
  });

  it.each([1, 32])('works with seqBits %s', async (seqBits) => {
    const store = sqlite(path(), { seqBits });
    const { fence, run } = await opened(store);
    for (let seq = 2; seq <= 5; seq++) expect(await store.commit({ fence, commits: [{ run, seq, fence, at: seq, entry }] })).toEqual(['applied']);
    expect((await store.journal(run)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    await store.close();
  });
});

describe('what listing costs', () => {
  const plansOf = async (filter: RunFilter): Promise<string[]> => {
    const store = sqlite(path());
    await opened(store);
    await store.close();
    const db = new DatabaseSync(path());
    try {
      return queriesOf(filter).flatMap(({ text, values }) =>
        (db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[]).map(({ detail }) => detail),
      );
    } finally {
      db.close();
    }
  };

  const filters: Readonly<Record<string, RunFilter>> = {
    everything: {},
    'a further page': { before: 7 },
    'a saga': { saga: 's', before: 7 },
    'a queue': { queue: 'q', before: 7 },
    'a status': { status: ['failed'], before: 7 },
    'several statuses': { status: ['failed', 'completed', 'canceled'] },
    'who needs a person': { attention: true },
    'a label': { labels: { team: 'x' }, before: 7 },
    'several labels and a status': { labels: { team: 'x', city: 'Rome' }, status: ['failed', 'running'] },
    'what ended long ago': { order: 'ended', status: ['completed', 'failed'], endedBefore: 5 },
  };
  for (const [name, filter] of Object.entries(filters))
    it(`${name}: read in order from an index, nothing sorted`, async () => {
      const plans = await plansOf(filter);
      expect(plans.join('\n')).not.toMatch(/TEMP B-TREE/);
      // Without a condition a page is the end of the table itself.
      if (name !== 'everything') expect(plans.join('\n')).not.toMatch(/SCAN (r|runs)\b/);
    });
});

describe('what a queue costs', () => {
  it('is a seek in an index, however many wait in it', async () => {
    const store = sqlite(path());
    await opened(store);
    await store.close();
    const db = new DatabaseSync(path());
    const { nextKey, firstKey, inLine, begun, begunOfKey, holder } = prepareAll(db);
    for (const { sourceSQL } of [nextKey, firstKey, inLine, begun, begunOfKey]) {
      const plan = (db.prepare(`EXPLAIN QUERY PLAN ${sourceSQL}`).all(...['q', 'k'].slice(0, sourceSQL.split('?').length - 1)) as { detail: string }[])
        .map(({ detail }) => detail)
        .join('\n');
      expect(plan, sourceSQL).toMatch(/SEARCH runs USING COVERING INDEX runs_line \(queue=\? AND stage=\?/);
      expect(plan, sourceSQL).not.toMatch(/TEMP B-TREE/);
    }
    const [{ detail } = { detail: '' }] = db.prepare(`EXPLAIN QUERY PLAN ${holder.sourceSQL}`).all('x') as { detail: string }[];
    expect(detail).toMatch(/SEARCH runs USING INDEX runs_sole/);
    db.close();
  });
});

/** Makes the tables of a file what they were in the first version of the layout. */
function toFirstLayout(db: DatabaseSync): void {
  db.exec(`
    DROP TABLE controls; DROP TABLE outbox;
    CREATE TABLE outbox (run INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (run, seq, n)) STRICT, WITHOUT ROWID;
    DROP TABLE charts; DROP TABLE labels; DROP TRIGGER labels_added; DROP TRIGGER labels_changed; DROP TRIGGER labels_removed; DROP INDEX inbox_run;
    CREATE TABLE old (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, saga TEXT NOT NULL, version INTEGER NOT NULL, fingerprint TEXT NOT NULL,
      incarnation INTEGER NOT NULL, input_hash TEXT NOT NULL, created_at INTEGER NOT NULL, status TEXT NOT NULL, attention INTEGER NOT NULL,
      paused INTEGER NOT NULL, degraded INTEGER NOT NULL, due INTEGER, ended_at INTEGER, labels TEXT NOT NULL, seq INTEGER NOT NULL,
      updated_at INTEGER NOT NULL, numbers TEXT) STRICT;
    INSERT INTO old SELECT number, id, saga, version, fingerprint, incarnation, input_hash, created_at, status, attention, paused, degraded, due, ended_at,
      labels, seq, updated_at, numbers FROM runs;
    DROP TABLE runs;
    ALTER TABLE old RENAME TO runs;
    CREATE INDEX runs_due ON runs (due) WHERE due IS NOT NULL;
    PRAGMA user_version = 1;`);
}

describe('a file of the first layout', () => {
  it('gets the indexes of the newest, with all that is in it', async () => {
    const store = sqlite(path());
    await opened(store);
    await store.close();
    const db = new DatabaseSync(path());
    toFirstLayout(db);
    db.exec(`UPDATE runs SET labels = '{"team":"x"}'`);
    db.close();
    const again = sqlite(path());
    await again.open();
    expect(await again.list({ labels: { team: 'x' } })).toEqual([expect.objectContaining({ ...identity, ...standing, labels: { team: 'x' } })]);
    expect((await again.journal(1)).length).toBe(1);
    await again.close();
  });
});
