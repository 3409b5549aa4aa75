import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Prepared once: preparing costs seven times as much as running. */
export type Statements = ReturnType<typeof prepareAll>;

export function prepareAll(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text);
  return {
    fence: sql("SELECT value FROM meta WHERE name = 'fence'"),
    raiseFence: sql("UPDATE meta SET value = value + 1 WHERE name = 'fence' RETURNING value"),
    reserve: sql("UPDATE meta SET value = value + ? WHERE name = 'next' RETURNING value"),
    storeId: sql("SELECT value FROM meta WHERE name = 'store'"),
    seqBits: sql("SELECT value FROM meta WHERE name = 'seqBits'"),
    begin: sql('BEGIN IMMEDIATE'),
    commit: sql('COMMIT'),
    rollback: sql('ROLLBACK'),
    revision: sql('PRAGMA data_version'),

    insertRun:
      sql(`INSERT INTO runs (number, id, saga, version, fingerprint, incarnation, input_hash, created_at, status, attention, paused, degraded, due, ended_at, labels, queue, queue_key, priority, stage, sole, seq, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id, incarnation) DO NOTHING`),
    updateRun: sql(
      `UPDATE runs SET status = ?, attention = ?, paused = ?, degraded = ?, due = ?, ended_at = ?, labels = ?, queue = ?, queue_key = ?, priority = ?, stage = ?, sole = ?,
      seq = ?, updated_at = ? WHERE number = ?`,
    ),
    setInputHash: sql('UPDATE runs SET input_hash = ? WHERE number = ?'),
    nextKey: sql('SELECT queue_key FROM runs WHERE queue = ? AND stage = 0 AND queue_key > ? ORDER BY queue_key LIMIT 1'),
    firstKey: sql('SELECT queue_key FROM runs WHERE queue = ? AND stage = 0 ORDER BY queue_key LIMIT 1'),
    inLine: sql('SELECT number FROM runs WHERE queue = ? AND stage = 0 AND queue_key = ? ORDER BY priority DESC, number'),
    begun: sql('SELECT count(*) AS n FROM runs WHERE queue = ? AND stage = 1'),
    begunOfKey: sql('SELECT count(*) AS n FROM runs WHERE queue = ? AND stage = 1 AND queue_key = ?'),
    queues: sql('SELECT queue, sum(stage = 0) AS waiting, sum(stage = 1) AS begun FROM runs WHERE stage IS NOT NULL GROUP BY queue'),
    holder: sql('SELECT * FROM runs WHERE sole = ?'),
    setNumbers: sql('UPDATE runs SET numbers = ? WHERE number = ?'),
    numbers: sql('SELECT numbers FROM runs WHERE number = ?'),
    find: sql('SELECT * FROM runs WHERE id = ? ORDER BY incarnation DESC LIMIT 1'),
    findIncarnation: sql('SELECT * FROM runs WHERE id = ? AND incarnation = ?'),
    byNumber: sql('SELECT * FROM runs WHERE number = ?'),
    due: sql('SELECT due FROM runs WHERE number = ?'),
    // In two, because SQLite seeks no further than the time for (due, number) > (?, ?), and most active runs have the same.
    dueAlike: sql('SELECT due, number FROM runs WHERE due = ? AND number > ? ORDER BY number LIMIT ?'),
    dueLater: sql('SELECT due, number FROM runs WHERE due > ? ORDER BY due, number LIMIT ?'),
    count: sql('SELECT status, count(*) AS n FROM runs GROUP BY status'),
    deleteRun: sql('DELETE FROM runs WHERE number = ?'),

    insertEntry: sql('INSERT INTO journal (key, format, codec, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    hasEntry: sql('SELECT 1 FROM journal WHERE key = ?'),
    entries: sql('SELECT key, format, codec, body FROM journal WHERE key >= ? AND key < ? ORDER BY key LIMIT ?'),
    deleteEntries: sql('DELETE FROM journal WHERE key >= ? AND key < ?'),
    putBase: sql('INSERT OR REPLACE INTO bases (run, seq, format, codec, body) VALUES (?, ?, ?, ?, ?)'),
    base: sql('SELECT seq, format, codec, body FROM bases WHERE run = ?'),
    deleteBase: sql('DELETE FROM bases WHERE run = ?'),

    send: sql('INSERT INTO inbox (id, run, body, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING number'),
    inbox: sql('SELECT * FROM inbox WHERE id = ?'),
    pending: sql('SELECT * FROM inbox WHERE answered_at IS NULL AND number > ? ORDER BY number LIMIT ?'),
    isPending: sql('SELECT 1 FROM inbox WHERE number = ? AND answered_at IS NULL'),
    answer: sql('UPDATE inbox SET answered_at = ?, answer = ? WHERE number = ? AND answered_at IS NULL'),
    // The answers to what was sent to a run that is gone: in them stands its input.
    deleteAnswered: sql('DELETE FROM inbox WHERE run = ? AND answered_at IS NOT NULL'),
    putOutbox: sql('INSERT INTO outbox (run, seq, n, sink, topic, body, at, attempts, due) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)'),
    outbox: sql('SELECT run, seq, n, sink, topic, body, at, attempts, due FROM outbox ORDER BY at, run, seq, n, sink LIMIT ?'),
    countOutbox: sql('SELECT sink, count(*) AS n FROM outbox GROUP BY sink'),
    nextOutbox: sql('SELECT due FROM outbox WHERE sink = ? ORDER BY due LIMIT 1'),
    dueOutbox: sql('SELECT run, seq, n, sink, topic, body, at, attempts, due FROM outbox WHERE sink = ? AND due <= ? ORDER BY due, at, run, seq, n LIMIT ?'),
    tookOutbox: sql('UPDATE outbox SET attempts = attempts + 1, due = ? WHERE run = ? AND seq = ? AND n = ? AND sink = ?'),
    postponeOutbox: sql('UPDATE outbox SET due = ? WHERE run = ? AND seq = ? AND n = ? AND sink = ?'),
    deleteOutbox: sql('DELETE FROM outbox WHERE run = ? AND seq = ? AND n = ? AND sink = ?'),
    putItem: sql('INSERT OR REPLACE INTO items (run, step, round, place, state, attempts, result) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    items: sql(
      'SELECT step, round, place AS "index", state, attempts, result FROM items WHERE run = ? AND step = ? AND round = ? AND place >= ? ORDER BY place LIMIT ?',
    ),
    // In two, because numbers may be exchanged: none is negative but while it is on its way.
    liftItems: sql('UPDATE items SET step = -1 - ? WHERE run = ? AND step = ?'),
    layItems: sql('UPDATE items SET step = -1 - step WHERE run = ? AND step < 0'),
    dropItems: sql('DELETE FROM items WHERE run = ? AND step = ?'),
    recastRun: sql('UPDATE runs SET version = ?, fingerprint = ? WHERE number = ?'),
    keepChart: sql('INSERT INTO charts (saga, version, fingerprint, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    charts: sql('SELECT saga, version, fingerprint, body FROM charts WHERE saga = ? ORDER BY version, rowid'),
    exchangeControl: sql('UPDATE controls SET body = ? WHERE name = ? AND body = ?'),
    deleteItems: sql('DELETE FROM items WHERE run = ?'),
    putTombstone: sql('INSERT OR REPLACE INTO tombstones (id, incarnation, saga, input_hash, status, at) VALUES (?, ?, ?, ?, ?, ?)'),
    putControl: sql('INSERT OR REPLACE INTO controls (name, body) VALUES (?, ?)'),
    deleteControl: sql('DELETE FROM controls WHERE name = ?'),
    controls: sql('SELECT name, body FROM controls ORDER BY name'),
    tombstone: sql('SELECT 1 FROM tombstones WHERE id = ? AND incarnation >= ?'),
    lastTombstone: sql('SELECT * FROM tombstones WHERE id = ? ORDER BY incarnation DESC LIMIT 1'),
  };
}
