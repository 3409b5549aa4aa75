import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';

/** Marks a file as ours: "SAGA" in ASCII. */
export const APPLICATION_ID = 0x53414741;

/**
 * Migrations, in order; the file's `user_version` counts those it has. One that has been released is never changed.
 * The journal is clustered by run in one integer key, because a text key costs ten times as much an insert.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    saga TEXT NOT NULL,
    version INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    input_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attention INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    due INTEGER,
    ended_at INTEGER,
    labels TEXT NOT NULL,
    seq INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    numbers TEXT
  ) STRICT;
  CREATE INDEX runs_due ON runs (due) WHERE due IS NOT NULL;
  CREATE TABLE journal (key INTEGER PRIMARY KEY, format INTEGER NOT NULL, codec INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE bases (run INTEGER PRIMARY KEY, seq INTEGER NOT NULL, format INTEGER NOT NULL, codec INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    run TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    answered_at INTEGER,
    answer TEXT
  ) STRICT;
  CREATE INDEX inbox_pending ON inbox (number) WHERE answered_at IS NULL;
  CREATE TABLE outbox (run INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (run, seq, n)) STRICT, WITHOUT ROWID;
  CREATE TABLE items (
    run INTEGER NOT NULL, step INTEGER NOT NULL, round INTEGER NOT NULL, place INTEGER NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, result TEXT, PRIMARY KEY (run, step, round, place)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tombstones (
    id TEXT NOT NULL, incarnation INTEGER NOT NULL, saga TEXT NOT NULL, input_hash TEXT NOT NULL, status TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (id, incarnation)
  ) STRICT, WITHOUT ROWID;
  `,
  'CREATE TABLE controls (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;',
  // A row for each sink, and when it is to be tried; what waited before there were sinks goes to the default one.
  `
  CREATE TABLE outbox_2 (
    run INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, sink TEXT NOT NULL, topic TEXT NOT NULL, body TEXT NOT NULL,
    at INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (run, seq, n, sink)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO outbox_2 SELECT run, seq, n, 'log', topic, json_object(
    'key', run || '/' || seq || '/' || n, 'kind', topic, 'at', at,
    'run', json_object('id', body ->> 'run', 'saga', body ->> 'saga', 'version', body ->> 'version', 'incarnation', 1, 'labels', json_object()),
    'status', coalesce((SELECT status FROM runs WHERE number = outbox.run), 'running'), 'step', body ->> 'step', 'failure', NULL, 'left', json_array()
  ), at, 0, 0 FROM outbox;
  DROP TABLE outbox;
  ALTER TABLE outbox_2 RENAME TO outbox;
  CREATE INDEX outbox_due ON outbox (sink, due, at);
  `,
  // Several incarnations of an id side by side; and what listing is served from, so that a page costs a page.
  `
  CREATE TABLE runs_next (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    saga TEXT NOT NULL,
    version INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    input_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attention INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    due INTEGER,
    ended_at INTEGER,
    labels TEXT NOT NULL,
    seq INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    numbers TEXT,
    UNIQUE (id, incarnation)
  ) STRICT;
  INSERT INTO runs_next SELECT number, id, saga, version, fingerprint, incarnation, input_hash, created_at, status, attention, paused, degraded, due, ended_at,
    labels, seq, updated_at, numbers FROM runs;
  DROP TABLE runs;
  ALTER TABLE runs_next RENAME TO runs;
  CREATE INDEX runs_due ON runs (due) WHERE due IS NOT NULL;
  CREATE INDEX runs_saga ON runs (saga);
  CREATE INDEX runs_status ON runs (status);
  CREATE INDEX runs_created ON runs (created_at);
  CREATE INDEX runs_attention ON runs (attention) WHERE attention = 1;
  CREATE INDEX runs_ended ON runs (status, ended_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX inbox_run ON inbox (run);
  CREATE TABLE labels (name TEXT NOT NULL, value TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (name, value, run)) STRICT, WITHOUT ROWID;
  INSERT INTO labels SELECT l.key, l.value, r.number FROM runs r, json_each(r.labels) l;
  CREATE TRIGGER labels_added AFTER INSERT ON runs WHEN NEW.labels <> '{}' BEGIN
    INSERT INTO labels SELECT key, value, NEW.number FROM json_each(NEW.labels);
  END;
  CREATE TRIGGER labels_changed AFTER UPDATE OF labels ON runs WHEN NEW.labels <> OLD.labels BEGIN
    DELETE FROM labels WHERE (name, value, run) IN (SELECT key, value, OLD.number FROM json_each(OLD.labels));
    INSERT INTO labels SELECT key, value, NEW.number FROM json_each(NEW.labels);
  END;
  CREATE TRIGGER labels_removed AFTER DELETE ON runs WHEN OLD.labels <> '{}' BEGIN
    DELETE FROM labels WHERE (name, value, run) IN (SELECT key, value, OLD.number FROM json_each(OLD.labels));
  END;
  `,
  // Charts as they were, so that what became of them can be told.
  `
  CREATE TABLE charts (
    saga TEXT NOT NULL, version INTEGER NOT NULL, fingerprint TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (saga, version, fingerprint)
  ) STRICT;
  `,
  // Queues: a run is in this index only while it waits in line (stage 0) or takes up a place (1).
  `
  ALTER TABLE runs ADD COLUMN queue TEXT;
  ALTER TABLE runs ADD COLUMN queue_key TEXT;
  ALTER TABLE runs ADD COLUMN priority INTEGER;
  ALTER TABLE runs ADD COLUMN stage INTEGER;
  ALTER TABLE runs ADD COLUMN sole TEXT;
  CREATE INDEX runs_line ON runs (queue, stage, queue_key, priority DESC, number) WHERE stage IS NOT NULL;
  CREATE INDEX runs_queue ON runs (queue) WHERE stage IS NOT NULL;
  CREATE UNIQUE INDEX runs_sole ON runs (sole) WHERE sole IS NOT NULL;
  `,
];

/** What a new file is made with; it never changes. */
export interface Birth {
  readonly storeId: string;
  readonly seqBits: number;
}

/** Brings the file to the newest schema, each migration in one transaction with its count. */
export function migrate(db: DatabaseSync, path: string, { storeId, seqBits }: Birth): void {
  const version = pragma(db, 'user_version');
  if (version > MIGRATIONS.length) {
    throw new StoreError('SC_STORE_NEWER', `${path} was written by a newer version of Sagachart (schema ${version}; this one knows ${MIGRATIONS.length})`, {
      next: 'Update Sagachart. The file was not touched.',
      details: { path, version, known: MIGRATIONS.length },
    });
  }
  for (let next = version; next < MIGRATIONS.length; next++) {
    db.exec('BEGIN IMMEDIATE');
    // Another process may have migrated while this one waited.
    if (pragma(db, 'user_version') === next) {
      db.exec(MIGRATIONS[next] as string);
      if (next === 0) {
        db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
        const set = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
        for (const [name, value] of [
          ['store', storeId],
          ['fence', 0],
          ['next', 1],
          ['seqBits', seqBits],
        ] as const)
          set.run(name, value);
      }
      db.exec(`PRAGMA user_version = ${next + 1}`);
    }
    db.exec('COMMIT');
  }
}

/** What our tables are called. */
const TABLES: ReadonlySet<string> = new Set(MIGRATIONS.flatMap((text) => [...text.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name as string)));

/**
 * Refuses a file that is not ours, before anything is written to it.
 * @param shared takes one that has tables of others, as long as none is called like one of ours
 */
export function checkFile(db: DatabaseSync, path: string, shared = false): void {
  const application = pragma(db, 'application_id');
  const names = (db.prepare('SELECT name FROM sqlite_schema').all() as { name: string }[]).map(({ name }) => name);
  const taken = shared ? names.filter((name) => TABLES.has(name)) : names;
  if (shared && application === 0 && taken.length > 0) {
    throw new StoreError('SC_STORE_FOREIGN', `${path} has tables of another program that are called like those of the store: ${taken.join(', ')}`, {
      next: 'Rename them, or choose another file. This one was not touched.',
      details: { path, taken },
    });
  }
  if (application !== APPLICATION_ID && (application !== 0 || taken.length > 0)) {
    throw new StoreError('SC_STORE_FOREIGN', `${path} is a database of another program`, {
      next: 'Choose another file, or share it: sqlite(file, { shared: true }). This one was not touched.',
      details: { path, application },
    });
  }
  const check = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
  if (check.quick_check !== 'ok') {
    throw new StoreError('SC_STORE_CORRUPT', `${path} is damaged: ${check.quick_check}`, {
      next: 'Restore it from a backup. It was not touched.',
      details: { path },
    });
  }
}

export function pragma(db: DatabaseSync, name: string): number {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[0] as number;
}
