import type { Batch, Commit, CommitVerdict, InboxEntry, RunStanding } from '../store.ts';
import type { JournalKeys } from './key.ts';
import type { RunNumbers } from './numbers.ts';
import type { Statements } from './statements.ts';

export interface Target {
  readonly sql: Statements;
  readonly keys: JournalKeys;
  readonly numbers: RunNumbers;
}

/** Under what a batch is written: the fence this process has, and the runs it has claimed. */
export interface Hold {
  /** Undefined while this process is not the executor. */
  readonly fence: number | undefined;
  has(run: number): boolean;
}

/** Writes a batch; to be called inside a transaction. Without the role of executor it changes nothing. */
export function applyBatch(target: Target, hold: Hold, { commits, settled = [] }: Batch): readonly CommitVerdict[] {
  const { sql } = target;
  const { value: current } = sql.fence.get() as { value: number };
  if (current !== hold.fence) return commits.map(() => 'fenced');
  const created = new Set<number>();
  const refused = new Set<number>();
  const verdicts = commits.map((commit) => {
    if (refused.has(commit.run)) return 'conflict';
    const isHeld = commit.fence === current && (commit.create !== undefined || created.has(commit.run) || hold.has(commit.run));
    const verdict = isHeld ? applyCommit(target, commit) : 'fenced';
    if (verdict !== 'applied') refused.add(commit.run);
    else if (commit.create) created.add(commit.run);
    return verdict;
  });
  for (const { number, at, answer } of settled) sql.answer.run(at, answer, number);
  return verdicts;
}

function applyCommit(target: Target, commit: Commit): CommitVerdict {
  const verdict = commit.create ? insertFirst(target, commit) : insertNext(target, commit);
  if (verdict === 'applied') applyRest(target, commit);
  return verdict;
}

function insertFirst({ sql, keys }: Target, commit: Commit): CommitVerdict {
  const { run, seq, at, create, standing, entry } = commit;
  if (!create || !standing || seq !== 1) return 'conflict';
  const { id, saga, version, fingerprint, incarnation, inputHash, createdAt } = create;
  if (sql.hasTombstone.get(id, incarnation) !== undefined) return 'exists';
  const added =
    isConsumable(sql, commit) && sql.insertRun.run(run, id, saga, version, fingerprint, incarnation, inputHash, createdAt, ...columns(standing), seq, at);
  if (!added || added.changes === 0) return sql.find.get(id) === undefined ? 'conflict' : 'exists';
  sql.insertEntry.run(keys.key([run], seq), entry.format, entry.codec, entry.text);
  return 'applied';
}

function insertNext({ sql, keys, numbers }: Target, commit: Commit): CommitVerdict {
  const { run, seq, at, standing, entry } = commit;
  const all = seq > 1 && isConsumable(sql, commit) ? numbers.forNext(run, seq) : undefined;
  if (!all) return 'conflict';
  const added = sql.insertNext.run(keys.key(all, seq), entry.format, entry.codec, entry.text, keys.key(all, seq - 1));
  if (added.changes === 0) return 'conflict';
  if (standing) sql.updateRun.run(...columns(standing), seq, at, run);
  return 'applied';
}

/** An entry that has been answered already was decided on twice. */
function isConsumable(sql: Statements, { consumed = [] }: Commit): boolean {
  return consumed.every(({ number }) => sql.isPending.get(number) !== undefined);
}

function applyRest({ sql, keys, numbers }: Target, commit: Commit): void {
  const { run, seq, at, base, consumed, messages, outbox, items, tombstone } = commit;
  if (tombstone) {
    for (const number of numbers.read(run)) sql.deleteEntries.run(number * keys.span, (number + 1) * keys.span);
    sql.deleteBase.run(run);
    sql.deleteItems.run(run);
    sql.deleteAnswered.run(run);
    sql.deleteRun.run(run);
    sql.putTombstone.run(tombstone.id, tombstone.incarnation, tombstone.saga, tombstone.inputHash, tombstone.status, tombstone.at);
    numbers.forget(run);
  } else {
    if (base) sql.putBase.run(run, seq, base.format, base.codec, base.text);
    if (items) for (const { step, round, index, state, attempts, result } of items) sql.putItem.run(run, step, round, index, state, attempts, result);
  }
  if (consumed) for (const { number, at: when, answer } of consumed) sql.answer.run(when, answer, number);
  if (messages) for (const message of messages) addToInbox(sql, message);
  if (outbox) for (const [n, { topic, body }] of outbox.entries()) sql.putOutbox.run(run, seq, n, topic, body, at);
}

/** Its number, or undefined if an entry with this id is there. */
export function addToInbox(sql: Statements, { id, run, body, at }: InboxEntry): number | undefined {
  return (sql.send.get(id, run, body, at) as { number: number } | undefined)?.number;
}

type Columns = [status: string, attention: number, paused: number, degraded: number, due: number | null, endedAt: number | null, labels: string];

function columns({ status, attention, paused, degraded, due, endedAt, labels }: RunStanding): Columns {
  return [status, attention ? 1 : 0, paused ? 1 : 0, degraded ? 1 : 0, due, endedAt, JSON.stringify(labels)];
}
