import type { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../base/clock.ts';
import { timeOrderedIds } from '../../base/ids.ts';
import { tenureOver } from '../fence.ts';
import type {
  Batch,
  CensusFilter,
  CensusRow,
  Claim,
  Commit,
  CommitVerdict,
  Control,
  InboxEntry,
  InboxRow,
  ItemPage,
  ItemRow,
  OutboxMark,
  OutboxRow,
  Posted,
  QueueCount,
  RunFilter,
  RunRow,
  RunStatus,
  Store,
  StoredChart,
  StoredEntry,
  StoredRun,
  StoreInfo,
  StoreWithin,
  Tenure,
  Tombstone,
  WorkerInfo,
} from '../store.ts';
import { addToInbox, applyBatch, applyCommit, countOf } from './apply.ts';
import { census } from './charts.ts';
import { Connection } from './connection.ts';
import { HeldRuns } from './held.ts';
import { readJournal } from './journal.ts';
import { byPlace, queriesOf } from './listing.ts';
import { ExecutorLock } from './lock.ts';
import { checkSeqBits, type SqliteOptions } from './options.ts';
import { markOutbox, nextOutbox, type OutboxQuery, takeOutbox } from './outbox.ts';
import { type InboxRecord, inboxRow, type RunRecord, runRow, type TombstoneRecord, tombstoneOf } from './row.ts';
import { RunBook } from './run-book.ts';
import type { Statements } from './statements.ts';
import { atCommit, transactOn } from './transact.ts';
import { withinOf } from './within.ts';

/**
 * Runs in one SQLite file (WAL, synchronous=FULL): a commit that has resolved survives a power cut. One process
 * executes; others may read and add to the inbox beside it.
 * @throws DefinitionError SC_OPTION
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store & { readonly path: string } {
  return new SqliteStore(path, options);
}

class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly path: string;
  readonly #lock: ExecutorLock;
  readonly #held = new HeldRuns(() => this.#sql);
  readonly #book = new RunBook(() => this.#sql);
  readonly #on: Connection;

  constructor(path: string, { busyMs = 5_000, ids = timeOrderedIds(systemClock), seqBits, shared = false }: SqliteOptions) {
    checkSeqBits(seqBits);
    this.path = path;
    this.#lock = new ExecutorLock(path);
    this.#on = new Connection(path, { busyMs, ids, seqBits, shared, undone: () => this.#book.clear() });
  }

  get #sql(): Statements {
    return this.#on.sql;
  }

  async open(): Promise<StoreInfo> {
    return this.#on.open();
  }

  async close(): Promise<void> {
    this.#lock.release();
    this.#held.clear();
    this.#book.clear();
    this.#on.close();
  }

  async join(worker: WorkerInfo): Promise<Tenure> {
    this.#lock.take(worker);
    this.#book.clear();
    try {
      const { value } = this.#on.do('joining', () => this.#sql.raiseFence.get()) as { value: number };
      return { worker: worker.name, fence: value };
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  async renew(tenure: Tenure): Promise<void> {
    this.#on.do('renewing', () => this.#checkTenure(tenure, 'renewing'));
  }

  #checkTenure({ fence }: Tenure, doing: string): void {
    const { value } = this.#sql.fence.get() as { value: number };
    if (value !== fence) throw tenureOver(`${this.path}: ${doing}`, fence, value);
  }

  async leave(): Promise<void> {
    this.#held.clear();
    this.#book.clear();
    this.#lock.release();
  }

  async owner(): Promise<WorkerInfo | undefined> {
    return this.#lock.owner();
  }

  async reserve(count: number): Promise<number> {
    const { value } = this.#on.do('reserving run numbers', () => this.#sql.reserve.get(count)) as { value: number };
    return value - count;
  }

  async claim({ fence }: Tenure, { now, limit }: { readonly now: number; readonly limit: number }): Promise<readonly Claim[]> {
    return this.#on.do('claiming', () => this.#held.take(now, limit)).map((record) => ({ row: runRow(record), fence }));
  }

  async claimRun({ fence }: Tenure, id: string, _now: number, incarnation?: number): Promise<Claim | undefined> {
    const row = await this.find(id, incarnation);
    if (!row) return undefined;
    this.#held.hold(row.number);
    return { row, fence };
  }

  async release(_tenure: Tenure, runs: readonly number[]): Promise<void> {
    for (const run of runs) {
      this.#book.release(run);
      this.#held.release(run);
    }
  }

  async nextDue(): Promise<number | undefined> {
    return this.#on.do('looking for due runs', () => this.#held.nextFree()?.due);
  }

  async nextKey(queue: string, after?: string): Promise<string | undefined> {
    const row = this.#on.do('looking along a queue', () => (after === undefined ? this.#sql.firstKey.get(queue) : this.#sql.nextKey.get(queue, after)));
    return (row as { queue_key: string } | undefined)?.queue_key;
  }

  async claimWaiting({ fence }: Tenure, { queue, key }: { readonly queue: string; readonly key: string }): Promise<Claim | undefined> {
    const numbers = function* (rows: Iterable<unknown>): Generator<number> {
      for (const row of rows) yield (row as { number: number }).number;
    };
    const record = this.#on.do('taking from a queue', () => this.#held.takeFirst(numbers(this.#sql.inLine.iterate(queue, key))));
    return record && { row: runRow(record), fence };
  }

  async begun(queue: string, key?: string): Promise<number> {
    return countOf(this.#on.do('counting what has begun', () => (key === undefined ? this.#sql.begun.get(queue) : this.#sql.begunOfKey.get(queue, key))));
  }

  async queues(): Promise<readonly QueueCount[]> {
    return (this.#on.do('counting queues', () => this.#sql.queues.all()) as unknown as QueueCount[]).map((row) => ({ ...row }));
  }

  async holder(sole: string): Promise<RunRow | undefined> {
    const row = this.#on.do('finding a run by its sole name', () => this.#sql.holder.get(sole)) as RunRecord | undefined;
    return row && runRow(row);
  }

  async commit(batch: Batch): Promise<readonly CommitVerdict[]> {
    const verdicts = this.#on.transaction('committing', () => applyBatch(this.#sql, this.#on.keys, this.#book, batch));
    batch.commits.forEach((commit, i) => {
      if (verdicts[i] === 'applied') this.#held.applied(commit);
    });
    return verdicts;
  }

  async transact<T>(
    work: (connection: DatabaseSync) => { readonly value: T; readonly commit: Commit },
  ): Promise<{ readonly value: T; readonly verdict: CommitVerdict }> {
    const { db, keys, path } = this.#on;
    const apply = (commit: Commit): CommitVerdict => {
      const { value: fence } = this.#sql.fence.get() as { value: number };
      return commit.fence === fence ? applyCommit(this.#sql, keys, this.#book, commit) : 'fenced';
    };
    try {
      const { commit, ...done } = this.#on.transaction('a transactional step', () => transactOn(db, work, { path, apply }));
      this.#held.applied(commit);
      return done;
    } catch (error) {
      throw atCommit(error, path);
    }
  }

  within(connection: unknown): StoreWithin {
    return withinOf(connection, this.#on.db, this.path);
  }

  async find(id: string, incarnation?: number): Promise<RunRow | undefined> {
    const row = this.#on.do('finding a run', () => (incarnation === undefined ? this.#sql.find.get(id) : this.#sql.findIncarnation.get(id, incarnation))) as
      | RunRecord
      | undefined;
    return row && runRow(row);
  }

  async tombstone(id: string): Promise<Tombstone | undefined> {
    const row = this.#on.do('finding a tombstone', () => this.#sql.lastTombstone.get(id)) as TombstoneRecord | undefined;
    return row && tombstoneOf(row);
  }

  async list(filter: RunFilter): Promise<readonly RunRow[]> {
    const rows = this.#on.do('listing runs', () =>
      queriesOf(filter).flatMap(({ text, values }) => this.#on.db.prepare(text).all(...values) as unknown as RunRecord[]),
    );
    return rows
      .map(runRow)
      .sort(byPlace(filter))
      .slice(0, filter.limit ?? 100);
  }

  async count(): Promise<Readonly<Partial<Record<RunStatus, number>>>> {
    const rows = this.#on.do('counting runs', () => this.#sql.count.all()) as { status: RunStatus; n: number }[];
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  }

  async census(filter: CensusFilter): Promise<readonly CensusRow[]> {
    return this.#on.do('counting runs', () => census(this.#on.db, filter));
  }

  async keepCharts(charts: readonly StoredChart[]): Promise<void> {
    this.#on.transaction('keeping charts', () => {
      for (const { saga, version, fingerprint, body } of charts) this.#sql.keepChart.run(saga, version, fingerprint, body);
    });
  }

  async charts(saga: string): Promise<readonly StoredChart[]> {
    const rows = this.#on.do('reading charts', () => this.#sql.charts.all(saga)) as unknown as StoredChart[];
    return rows.map((row) => ({ ...row }));
  }

  async load(run: number): Promise<StoredRun> {
    const base = this.#on.do('reading a snapshot', () => this.#sql.base.get(run)) as { seq: number; format: number; codec: number; body: string } | undefined;
    const entries = await this.journal(run, { from: (base?.seq ?? 0) + 1 });
    return { base: base && { seq: base.seq, format: base.format, codec: base.codec, text: base.body }, entries };
  }

  async journal(
    run: number,
    { from = 1, limit = Number.MAX_SAFE_INTEGER }: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly StoredEntry[]> {
    const at = { sql: this.#sql, keys: this.#on.keys, book: this.#book };
    return this.#on.do('reading a journal', () => readJournal(at, run, { from, limit }));
  }

  async items(run: number, { step, round, from, limit }: ItemPage): Promise<readonly ItemRow[]> {
    const rows = this.#on.do('reading the items of a map', () => this.#sql.items.all(run, step, round, from, limit)) as unknown as ItemRow[];
    return rows.map((row) => ({ ...row }));
  }

  async send(entry: InboxEntry): Promise<Posted> {
    return this.#on.do('adding to the inbox', () => this.#post(entry));
  }

  async sendAll(entries: readonly InboxEntry[]): Promise<readonly Posted[]> {
    return this.#on.transaction('adding to the inbox', () => entries.map((entry) => this.#post(entry)));
  }

  #post(entry: InboxEntry): Posted {
    const number = addToInbox(this.#sql, entry);
    if (number !== undefined) return { number, duplicate: false };
    return { number: (this.#sql.inbox.get(entry.id) as InboxRecord | undefined)?.number ?? 0, duplicate: true };
  }

  async pending(after: number, limit: number): Promise<readonly InboxRow[]> {
    return (this.#on.do('reading the inbox', () => this.#sql.pending.all(after, limit)) as unknown as InboxRecord[]).map(inboxRow);
  }

  async inbox(id: string): Promise<InboxRow | undefined> {
    const row = this.#on.do('reading the inbox', () => this.#sql.inbox.get(id)) as InboxRecord | undefined;
    return row && inboxRow(row);
  }

  async outbox(limit: number): Promise<readonly OutboxRow[]> {
    const rows = this.#on.do('reading the outbox', () => this.#sql.outbox.all(limit)) as unknown as OutboxRow[];
    return rows.map((row) => ({ ...row }));
  }

  async setControl(name: string, body: string | undefined): Promise<void> {
    this.#on.do('setting a control', () => (body === undefined ? this.#sql.deleteControl.run(name) : this.#sql.putControl.run(name, body)));
  }

  async controls(): Promise<readonly Control[]> {
    const rows = this.#on.do('reading controls', () => this.#sql.controls.all()) as unknown as Control[];
    return rows.map((row) => ({ ...row }));
  }

  async outboxCount(): Promise<Readonly<Record<string, number>>> {
    const rows = this.#on.do('counting the outbox', () => this.#sql.countOutbox.all()) as { sink: string; n: number }[];
    return Object.fromEntries(rows.map(({ sink, n }) => [sink, n]));
  }

  async takeOutbox(tenure: Tenure, query: OutboxQuery): Promise<{ readonly rows: readonly OutboxRow[]; readonly next: number | undefined }> {
    const doing = 'taking from the outbox';
    const next = (): number | undefined => this.#on.do(doing, () => nextOutbox(this.#sql, query.sink));
    this.#on.do(doing, () => this.#checkTenure(tenure, doing));
    // It is looked at often, and a transaction costs a sync even if it finds nothing.
    const first = next();
    if (first === undefined || first > query.now) return { rows: [], next: first };
    const rows = this.#on.transaction(doing, () => {
      this.#checkTenure(tenure, doing);
      return takeOutbox(this.#sql, query);
    });
    return { rows, next: next() };
  }

  async markOutbox(tenure: Tenure, marks: readonly OutboxMark[]): Promise<void> {
    const doing = 'marking in the outbox';
    this.#on.transaction(doing, () => {
      this.#checkTenure(tenure, doing);
      markOutbox(this.#sql, marks);
    });
  }

  revision(): number {
    return (this.#on.do('looking for changes', () => this.#sql.revision.get()) as { data_version: number }).data_version;
  }
}
