import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../base/clock.ts';
import { DefinitionError, StoreError } from '../../base/errors.ts';
import { type Ids, timeOrderedIds } from '../../base/ids.ts';
import { tenureOver } from '../fence.ts';
import type {
  Batch,
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
  StoredEntry,
  StoredRun,
  StoreInfo,
  Tenure,
  Tombstone,
  WorkerInfo,
} from '../store.ts';
import { addToInbox, applyBatch, applyCommit, countOf } from './apply.ts';
import { storeError } from './failure.ts';
import { HeldRuns } from './held.ts';
import { JournalKeys } from './key.ts';
import { byPlace, queriesOf } from './listing.ts';
import { ExecutorLock } from './lock.ts';
import { markOutbox, nextOutbox, type OutboxQuery, takeOutbox } from './outbox.ts';
import { type InboxRecord, inboxRow, type RunRecord, runRow, type TombstoneRecord, tombstoneOf } from './row.ts';
import { RunBook } from './run-book.ts';
import { checkFile, migrate } from './schema.ts';
import { prepareAll, type Statements } from './statements.ts';

export interface SqliteOptions {
  /** How long to wait for another connection's write, ms. Default: 5,000. */
  readonly busyMs?: number;
  /** Makes the store's id. */
  readonly ids?: Ids;
  /** Bits of an entry's number in the journal key, 1 to 32; fixed once a file exists. Default: what the file has, 20 for a new one. */
  readonly seqBits?: number;
}

/**
 * Runs in one SQLite file (WAL, synchronous=FULL): a commit that has resolved survives a power cut. One process
 * executes; others may read and add to the inbox beside it.
 * @throws DefinitionError SC_OPTION
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store & { readonly path: string } {
  return new SqliteStore(path, options);
}

const SEQ_BITS = 20;
const MOST_SEQ_BITS = 32;

class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly path: string;
  readonly #busyMs: number;
  readonly #ids: Ids;
  readonly #lock: ExecutorLock;
  readonly #seqBits: number | undefined;
  readonly #held = new HeldRuns(() => this.#sql);
  readonly #book = new RunBook(() => this.#sql);
  #keys = new JournalKeys(SEQ_BITS);
  #db: DatabaseSync | undefined;
  #statements: Statements | undefined;

  constructor(path: string, { busyMs = 5_000, ids = timeOrderedIds(systemClock), seqBits }: SqliteOptions) {
    if (seqBits !== undefined && !(Number.isInteger(seqBits) && seqBits >= 1 && seqBits <= MOST_SEQ_BITS))
      throw new DefinitionError('SC_OPTION', `seqBits is ${seqBits}: it must be a whole number from 1 to ${MOST_SEQ_BITS}`, {
        next: 'Correct the option, or leave it out.',
        details: { option: 'seqBits', value: seqBits },
      });
    this.path = path;
    this.#busyMs = busyMs;
    this.#ids = ids;
    this.#lock = new ExecutorLock(path);
    this.#seqBits = seqBits;
  }

  async open(): Promise<StoreInfo> {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(this.path, { timeout: this.#busyMs });
      checkFile(db, this.path);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000');
      migrate(db, this.path, { storeId: this.#ids(), seqBits: this.#seqBits ?? SEQ_BITS });
      const statements = prepareAll(db);
      this.#keys = new JournalKeys(this.#bitsOf(statements));
      this.#statements = statements;
      this.#db = db;
      return { id: (statements.storeId.get() as { value: string }).value };
    } catch (error) {
      db?.close();
      throw storeError(error, this.path, 'opening');
    }
  }

  #bitsOf(statements: Statements): number {
    // Files from before it was kept have the default.
    const { value: bits } = (statements.seqBits.get() as { value: number } | undefined) ?? { value: SEQ_BITS };
    if (this.#seqBits === undefined || this.#seqBits === bits) return bits;
    throw new StoreError('SC_STORE_OPEN', `${this.path} was made with seqBits ${bits}, and cannot be opened with ${this.#seqBits}`, {
      next: `Leave seqBits out, or give ${bits}: it cannot change once the file exists.`,
      details: { path: this.path, seqBits: this.#seqBits, made: bits },
    });
  }

  async close(): Promise<void> {
    this.#lock.release();
    this.#held.clear();
    this.#book.clear();
    this.#db?.close();
    this.#db = undefined;
    this.#statements = undefined;
  }

  async join(worker: WorkerInfo): Promise<Tenure> {
    this.#lock.take(worker);
    this.#book.clear();
    try {
      const { value } = this.#do('joining', () => this.#sql.raiseFence.get()) as { value: number };
      return { worker: worker.name, fence: value };
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  async renew(tenure: Tenure): Promise<void> {
    this.#do('renewing', () => this.#checkTenure(tenure, 'renewing'));
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
    const { value } = this.#do('reserving run numbers', () => this.#sql.reserve.get(count)) as { value: number };
    return value - count;
  }

  async claim({ fence }: Tenure, { now, limit }: { readonly now: number; readonly limit: number }): Promise<readonly Claim[]> {
    return this.#do('claiming', () => this.#held.take(now, limit)).map((record) => ({ row: runRow(record), fence }));
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
    return this.#do('looking for due runs', () => this.#held.nextFree()?.due);
  }

  async nextKey(queue: string, after?: string): Promise<string | undefined> {
    const row = this.#do('looking along a queue', () => (after === undefined ? this.#sql.firstKey.get(queue) : this.#sql.nextKey.get(queue, after)));
    return (row as { queue_key: string } | undefined)?.queue_key;
  }

  async claimWaiting({ fence }: Tenure, { queue, key }: { readonly queue: string; readonly key: string }): Promise<Claim | undefined> {
    const numbers = function* (rows: Iterable<unknown>): Generator<number> {
      for (const row of rows) yield (row as { number: number }).number;
    };
    const record = this.#do('taking from a queue', () => this.#held.takeFirst(numbers(this.#sql.inLine.iterate(queue, key))));
    return record && { row: runRow(record), fence };
  }

  async begun(queue: string, key?: string): Promise<number> {
    return countOf(this.#do('counting what has begun', () => (key === undefined ? this.#sql.begun.get(queue) : this.#sql.begunOfKey.get(queue, key))));
  }

  async queues(): Promise<readonly QueueCount[]> {
    return (this.#do('counting queues', () => this.#sql.queues.all()) as unknown as QueueCount[]).map((row) => ({ ...row }));
  }

  async holder(sole: string): Promise<RunRow | undefined> {
    const row = this.#do('finding a run by its sole name', () => this.#sql.holder.get(sole)) as RunRecord | undefined;
    return row && runRow(row);
  }

  async commit(batch: Batch): Promise<readonly CommitVerdict[]> {
    const verdicts = this.#transaction('committing', () => applyBatch(this.#sql, this.#keys, this.#book, batch));
    batch.commits.forEach((commit, i) => {
      if (verdicts[i] === 'applied') this.#held.applied(commit);
    });
    return verdicts;
  }

  async transact<T>(
    work: (connection: DatabaseSync) => { readonly value: T; readonly commit: Commit },
  ): Promise<{ readonly value: T; readonly verdict: CommitVerdict }> {
    const db = this.#open;
    const done = this.#transaction('a transactional step', () => {
      const { value, commit } = work(db);
      const { value: fence } = this.#sql.fence.get() as { value: number };
      const verdict = commit.fence === fence ? applyCommit(this.#sql, this.#keys, this.#book, commit) : 'fenced';
      // What the caller wrote belongs to the commit: without it neither may stay.
      if (verdict !== 'applied')
        throw new StoreError(
          'SC_STORE_FENCED',
          `${this.path}: the commit of run number ${commit.run} was refused (${verdict}), so the step's own writes were undone`,
          { retryable: true, details: { verdict } },
        );
      return { value, verdict, commit };
    });
    this.#held.applied(done.commit);
    return { value: done.value, verdict: done.verdict };
  }

  async find(id: string, incarnation?: number): Promise<RunRow | undefined> {
    const row = this.#do('finding a run', () => (incarnation === undefined ? this.#sql.find.get(id) : this.#sql.findIncarnation.get(id, incarnation))) as
      | RunRecord
      | undefined;
    return row && runRow(row);
  }

  async tombstone(id: string): Promise<Tombstone | undefined> {
    const row = this.#do('finding a tombstone', () => this.#sql.lastTombstone.get(id)) as TombstoneRecord | undefined;
    return row && tombstoneOf(row);
  }

  async list(filter: RunFilter): Promise<readonly RunRow[]> {
    const rows = this.#do('listing runs', () =>
      queriesOf(filter).flatMap(({ text, values }) => this.#open.prepare(text).all(...values) as unknown as RunRecord[]),
    );
    return rows
      .map(runRow)
      .sort(byPlace(filter))
      .slice(0, filter.limit ?? 100);
  }

  async count(): Promise<Readonly<Partial<Record<RunStatus, number>>>> {
    const rows = this.#do('counting runs', () => this.#sql.count.all()) as { status: RunStatus; n: number }[];
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  }

  async load(run: number): Promise<StoredRun> {
    const base = this.#do('reading a snapshot', () => this.#sql.base.get(run)) as { seq: number; format: number; codec: number; body: string } | undefined;
    const entries = await this.journal(run, { from: (base?.seq ?? 0) + 1 });
    return { base: base && { seq: base.seq, format: base.format, codec: base.codec, text: base.body }, entries };
  }

  async journal(
    run: number,
    { from = 1, limit = Number.MAX_SAFE_INTEGER }: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly StoredEntry[]> {
    const numbers = this.#book.numbers(run);
    const { span } = this.#keys;
    const entries: StoredEntry[] = [];
    for (let n = Math.floor(from / span); n < numbers.length && entries.length < limit; n++) {
      const first = (numbers[n] as number) * span;
      const start = n === Math.floor(from / span) ? first + (from % span) : first;
      const rows = this.#do('reading a journal', () => this.#sql.entries.all(start, first + span, limit - entries.length)) as {
        key: number;
        format: number;
        codec: number;
        body: string;
      }[];
      for (const { key, format, codec, body } of rows) entries.push({ seq: this.#keys.seq(key, n), format, codec, text: body });
    }
    return entries;
  }

  async items(run: number, { step, round, from, limit }: ItemPage): Promise<readonly ItemRow[]> {
    const rows = this.#do('reading the items of a map', () => this.#sql.items.all(run, step, round, from, limit)) as unknown as ItemRow[];
    return rows.map((row) => ({ ...row }));
  }

  async send(entry: InboxEntry): Promise<Posted> {
    return this.#do('adding to the inbox', () => this.#post(entry));
  }

  async sendAll(entries: readonly InboxEntry[]): Promise<readonly Posted[]> {
    return this.#transaction('adding to the inbox', () => entries.map((entry) => this.#post(entry)));
  }

  #post(entry: InboxEntry): Posted {
    const number = addToInbox(this.#sql, entry);
    if (number !== undefined) return { number, duplicate: false };
    return { number: (this.#sql.inbox.get(entry.id) as InboxRecord | undefined)?.number ?? 0, duplicate: true };
  }

  async pending(after: number, limit: number): Promise<readonly InboxRow[]> {
    return (this.#do('reading the inbox', () => this.#sql.pending.all(after, limit)) as unknown as InboxRecord[]).map(inboxRow);
  }

  async inbox(id: string): Promise<InboxRow | undefined> {
    const row = this.#do('reading the inbox', () => this.#sql.inbox.get(id)) as InboxRecord | undefined;
    return row && inboxRow(row);
  }

  async outbox(limit: number): Promise<readonly OutboxRow[]> {
    const rows = this.#do('reading the outbox', () => this.#sql.outbox.all(limit)) as unknown as OutboxRow[];
    return rows.map((row) => ({ ...row }));
  }

  async setControl(name: string, body: string | undefined): Promise<void> {
    this.#do('setting a control', () => (body === undefined ? this.#sql.deleteControl.run(name) : this.#sql.putControl.run(name, body)));
  }

  async controls(): Promise<readonly Control[]> {
    const rows = this.#do('reading controls', () => this.#sql.controls.all()) as unknown as Control[];
    return rows.map((row) => ({ ...row }));
  }

  async outboxCount(): Promise<Readonly<Record<string, number>>> {
    const rows = this.#do('counting the outbox', () => this.#sql.countOutbox.all()) as { sink: string; n: number }[];
    return Object.fromEntries(rows.map(({ sink, n }) => [sink, n]));
  }

  async takeOutbox(tenure: Tenure, query: OutboxQuery): Promise<{ readonly rows: readonly OutboxRow[]; readonly next: number | undefined }> {
    const doing = 'taking from the outbox';
    const next = (): number | undefined => this.#do(doing, () => nextOutbox(this.#sql, query.sink));
    this.#do(doing, () => this.#checkTenure(tenure, doing));
    // It is looked at often, and a transaction costs a sync even if it finds nothing.
    const first = next();
    if (first === undefined || first > query.now) return { rows: [], next: first };
    const rows = this.#transaction(doing, () => {
      this.#checkTenure(tenure, doing);
      return takeOutbox(this.#sql, query);
    });
    return { rows, next: next() };
  }

  async markOutbox(tenure: Tenure, marks: readonly OutboxMark[]): Promise<void> {
    const doing = 'marking in the outbox';
    this.#transaction(doing, () => {
      this.#checkTenure(tenure, doing);
      markOutbox(this.#sql, marks);
    });
  }

  revision(): number {
    return (this.#do('looking for changes', () => this.#sql.revision.get()) as { data_version: number }).data_version;
  }

  #transaction<T>(doing: string, work: () => T): T {
    return this.#do(doing, () => {
      this.#sql.begin.run();
      try {
        const result = work();
        this.#sql.commit.run();
        return result;
      } catch (error) {
        // After "disk full" SQLite has rolled back by itself.
        if (this.#open.isTransaction) this.#sql.rollback.run();
        this.#book.clear();
        throw error;
      }
    });
  }

  #do<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.path, doing);
    }
  }

  get #open(): DatabaseSync {
    if (!this.#db) throw new StoreError('SC_STORE_CLOSED', `${this.path} is not open`, { next: 'Call open() first.', details: { path: this.path } });
    return this.#db;
  }

  get #sql(): Statements {
    if (!this.#statements) throw new StoreError('SC_STORE_CLOSED', `${this.path} is not open`, { next: 'Call open() first.', details: { path: this.path } });
    return this.#statements;
  }
}
