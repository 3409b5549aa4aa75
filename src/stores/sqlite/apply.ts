import { StoreError } from '../../base/errors.ts';
import { fencedOff } from '../fence.ts';
import type { Batch, Bounds, Commit, CommitVerdict, InboxEntry, QueuePlace, RunStanding } from '../store.ts';
import { recast } from './charts.ts';
import type { JournalKeys } from './key.ts';
import { putOutbox } from './outbox.ts';
import type { RunBook } from './run-book.ts';
import type { Statements } from './statements.ts';

/** Writes a batch; to be called inside a transaction. @throws StoreError SC_STORE_FENCED */
export function applyBatch(sql: Statements, keys: JournalKeys, book: RunBook, batch: Batch): readonly CommitVerdict[] {
  const { commits, settled = [], settings = [] } = batch;
  const fence = (sql.fence.get() as { value: number }).value;
  if (batch.fence !== fence) return fencedOff(batch, fence);
  const refused = new Set<number>();
  const verdicts: CommitVerdict[] = [];
  for (const commit of commits) {
    const verdict = refused.has(commit.run) ? 'conflict' : commit.fence === fence ? applyCommit(sql, keys, book, commit) : 'fenced';
    if (verdict !== 'applied') refused.add(commit.run);
    verdicts.push(verdict);
  }
  for (const { number, at, answer, outbox, reply } of settled) {
    // Of two answers only the first counts.
    if (sql.answer.run(at, answer, number).changes === 0) continue;
    putOutbox(sql, { run: 0, seq: number, at }, outbox);
    if (reply) addToInbox(sql, reply);
  }
  for (const { name, was, body, at, number, outbox } of settings) {
    if (sql.exchangeControl.run(body, name, was).changes > 0) putOutbox(sql, { run: number, seq: 0, at }, outbox);
  }
  return verdicts;
}

export function applyCommit(sql: Statements, keys: JournalKeys, book: RunBook, commit: Commit): CommitVerdict {
  const { run, seq, at, create, standing, entry, base } = commit;
  if (commit.consumed?.some(({ number }) => sql.isPending.get(number) === undefined)) return 'conflict';
  if (commit.within && isFull(sql, commit.within, standing?.place)) return 'full';
  if (create) {
    if (!standing) throw new StoreError('SC_STORE_IO', `the first commit of run ${create.id} has no standing`, { next: 'This is a defect of the caller.' });
    if (seq !== 1) return 'conflict';
    if (sql.tombstone.get(create.id, create.incarnation) !== undefined) return 'exists';
    if (standing.sole !== undefined && sql.holder.get(standing.sole) !== undefined) return 'taken';
    const { id, saga, version, fingerprint, incarnation, inputHash, createdAt } = create;
    const added = sql.insertRun.run(run, id, saga, version, fingerprint, incarnation, inputHash, createdAt, ...columns(standing), seq, at);
    if (added.changes === 0) return 'exists';
    sql.insertEntry.run(keys.key([run], seq), entry.format, entry.codec, entry.text);
  } else {
    const numbers = numbersFor(keys, book, run, seq);
    if (!follows(sql, keys, book, { run, seq, numbers })) return 'conflict';
    const added = sql.insertEntry.run(keys.key(numbers, seq), entry.format, entry.codec, entry.text);
    if (added.changes === 0) return 'conflict';
    if (commit.inputHash !== undefined) sql.setInputHash.run(commit.inputHash, run);
    if (standing) sql.updateRun.run(...columns(standing), seq, at, run);
  }
  book.wrote(run, seq);
  if (base) sql.putBase.run(run, seq, base.format, base.codec, base.text);
  applyRest(sql, keys, book, commit);
  return 'applied';
}

/** Whether the entry before it is there. Asking the journal costs as much as writing to it, so what is known is not asked. */
function follows(
  sql: Statements,
  keys: JournalKeys,
  book: RunBook,
  { run, seq, numbers }: { readonly run: number; readonly seq: number; readonly numbers: readonly number[] },
): boolean {
  const last = book.last(run);
  return last === undefined ? sql.hasEntry.get(keys.key(numbers, seq - 1)) !== undefined : last === seq - 1;
}

/** Almost every run fits under its first number, and needs no look-up. */
function numbersFor(keys: JournalKeys, book: RunBook, run: number, seq: number): readonly number[] {
  if (seq < keys.span) return [run];
  const numbers = book.numbers(run);
  return keys.needsNumber(numbers, seq) ? book.addNumber(run) : numbers;
}

function applyRest(sql: Statements, keys: JournalKeys, book: RunBook, { run, seq, at, consumed, messages, outbox, items, tombstone, ...commit }: Commit): void {
  if (commit.recast) recast(sql, run, commit.recast);
  for (const { number, at: when, answer } of consumed ?? []) sql.answer.run(when, answer, number);
  for (const message of messages ?? []) addToInbox(sql, message);
  putOutbox(sql, { run, seq, at }, outbox);
  for (const { step, round, index, state, attempts, result } of items ?? []) sql.putItem.run(run, step, round, index, state, attempts, result);
  if (!tombstone) return;
  for (const number of book.numbers(run)) sql.deleteEntries.run(number * keys.span, (number + 1) * keys.span);
  sql.deleteBase.run(run);
  sql.deleteItems.run(run);
  sql.deleteRun.run(run);
  book.forget(run);
  if (sql.find.get(tombstone.id) === undefined) sql.deleteAnswered.run(tombstone.id);
  sql.putTombstone.run(tombstone.id, tombstone.incarnation, tombstone.saga, tombstone.inputHash, tombstone.status, tombstone.at);
}

export function addToInbox(sql: Statements, { id, run, body, at }: InboxEntry): number | undefined {
  return (sql.send.get(id, run, body, at) as { number: number } | undefined)?.number;
}

type Column = string | number | null;

function columns({ status, attention, paused, degraded, due, endedAt, labels, place, sole }: RunStanding): readonly Column[] {
  const line = place ? [place.queue, place.key, place.priority, place.stage === 'waiting' ? 0 : 1] : [null, null, null, null];
  return [status, attention ? 1 : 0, paused ? 1 : 0, degraded ? 1 : 0, due, endedAt, JSON.stringify(labels), ...line, sole ?? null];
}

/** What it counts is at most the bound, so it costs no more than that. */
function isFull(sql: Statements, { most, perKey }: Bounds, place: QueuePlace | undefined): boolean {
  if (!place) return false;
  const { queue, key } = place;
  return (most !== undefined && countOf(sql.begun.get(queue)) >= most) || (perKey !== undefined && countOf(sql.begunOfKey.get(queue, key)) >= perKey);
}

export function countOf(row: unknown): number {
  return (row as { n: number }).n;
}
