import type { InboxEntry, InboxRow, OutboxMark, OutboxRow, Posted } from './post.ts';
import type {
  Batch,
  CensusFilter,
  CensusRow,
  Claim,
  Commit,
  CommitVerdict,
  Control,
  ItemPage,
  ItemRow,
  QueueCount,
  RunFilter,
  RunRow,
  RunStatus,
  StoredChart,
  StoredEntry,
  StoredRun,
  StoreInfo,
  Tenure,
  Tombstone,
  WorkerInfo,
} from './records.ts';

/** The part of a store that can be reached inside of a transaction of somebody else. */
export interface StoreWithin {
  /** Its last incarnation. */
  find(id: string): RunRow | undefined;
  tombstone(id: string): Tombstone | undefined;
  inbox(id: string): InboxRow | undefined;
  /** Whether something is in the inbox for it that nobody has handled. */
  isAwaited(run: string): boolean;
  send(entry: InboxEntry): Posted;
}

export type * from './post.ts';
export type * from './records.ts';
export { RUN_STATUSES } from './records.ts';

/**
 * The store contract. A store applies what the kernel decided, under a fence, and reads it back; it holds no rule
 * about the life of a run. Bodies are text that it never looks into.
 */
export interface Store {
  /** `memory`, `sqlite`, `postgres`: for messages. */
  readonly kind: string;
  /** Opens it, creating or migrating what is there. @throws StoreError */
  open(): Promise<StoreInfo>;
  /** Lets go of everything; no call may follow. */
  close(): Promise<void>;

  /** Takes up the role of executor. @throws StoreError SC_STORE_LOCKED, naming the owner, where only one may be. */
  join(worker: WorkerInfo): Promise<Tenure>;
  /** Extends the leases of a worker. @throws StoreError SC_STORE_FENCED if its tenure is over */
  renew(tenure: Tenure): Promise<void>;
  /** Gives the role up; its runs can be claimed at once. */
  leave(tenure: Tenure): Promise<void>;
  /** The worker that holds the role now, if one does. */
  owner(): Promise<WorkerInfo | undefined>;

  /** Reserves `count` run numbers and returns the first. */
  reserve(count: number): Promise<number>;
  /** Takes over runs that are due by `now` and free, active ones first, then by due time. */
  claim(tenure: Tenure, options: { readonly now: number; readonly limit: number }): Promise<readonly Claim[]>;
  /** Takes over one run, whatever it waits for; undefined if another worker holds it or it does not exist. Default: its last incarnation. */
  claimRun(tenure: Tenure, id: string, now: number, incarnation?: number): Promise<Claim | undefined>;
  /** Gives runs back, so that they can be claimed when they are next due. */
  release(tenure: Tenure, runs: readonly number[]): Promise<void>;
  /** The earliest due time of a run that nobody holds, for the executor's alarm. */
  nextDue(): Promise<number | undefined>;

  /** The first key of a queue, after one, under which runs wait, whoever holds them. The empty one comes first. */
  nextKey(queue: string, after?: string): Promise<string | undefined>;
  /** Takes over the free run that is first in line in a queue under a key: of the highest priority the one with the smallest number. */
  claimWaiting(tenure: Tenure, options: { readonly queue: string; readonly key: string; readonly now: number }): Promise<Claim | undefined>;
  /** How many runs take up a place of a queue, or of a key in it. */
  begun(queue: string, key?: string): Promise<number>;
  /** The queues in which runs wait or have begun. */
  queues(): Promise<readonly QueueCount[]>;
  /** The run that has a sole name. */
  holder(sole: string): Promise<RunRow | undefined>;

  /**
   * Applies a batch in one transaction, durable when it resolves. A commit whose sequence number or fence is not
   * the next one is left out and answered so; all the others are applied. A failure applies nothing. Of a worker
   * whose tenure is over every commit is `fenced`, and no inbox entry is answered.
   * @throws StoreError SC_STORE_FULL, SC_STORE_READONLY, SC_STORE_IO; SC_STORE_FENCED if the tenure is over and there is no commit to say so of
   */
  commit(batch: Batch): Promise<readonly CommitVerdict[]>;

  /**
   * Runs `work` and the commit it returns in one transaction, so that a step's own writes happen exactly once. Absent
   * where the store is not a database the caller can write to. `work` must not wait for anything on SQLite.
   */
  transact?<T>(work: (connection: unknown) => { readonly value: T; readonly commit: Commit }): Promise<{ readonly value: T; readonly verdict: CommitVerdict }>;

  /**
   * What the caller's own transaction on this database sees of the store, and adds to it: at once, and gone if it is rolled
   * back. Absent where the store is no database the caller could be connected to.
   * @throws StoreError SC_WITHIN if it is no connection to it, or has no open transaction
   */
  within?(connection: unknown): StoreWithin;

  /** A run by its id, as its row says (the journal may be ahead while it is active). Default: its last incarnation. */
  find(id: string, incarnation?: number): Promise<RunRow | undefined>;
  /** What stays of the last incarnation that was purged. */
  tombstone(id: string): Promise<Tombstone | undefined>;
  /** The runs that fit a filter. A page costs what it holds, not how many runs there are. */
  list(filter: RunFilter): Promise<readonly RunRow[]>;
  count(): Promise<Readonly<Partial<Record<RunStatus, number>>>>;
  /** How many runs there are of each chart, by how they stand. It may look at every run that fits. */
  census(filter: CensusFilter): Promise<readonly CensusRow[]>;
  /** Keeps charts, durably, in one transaction; those that are kept already stay as they are. No role is needed for it. */
  keepCharts(charts: readonly StoredChart[]): Promise<void>;
  /** The charts that are kept, of one saga, by version. */
  charts(saga: string): Promise<readonly StoredChart[]>;
  /** The last full snapshot and the journal after it: what a run is rebuilt from. */
  load(run: number): Promise<StoredRun>;
  /** The journal from `from` on, in order. Default: all of it. */
  journal(run: number, options?: { readonly from?: number; readonly limit?: number }): Promise<readonly StoredEntry[]>;
  /** Elements of one map, in order, from a place on. */
  items(run: number, page: ItemPage): Promise<readonly ItemRow[]>;

  /** Adds to the inbox, durably. An id that is there already adds nothing. */
  send(entry: InboxEntry): Promise<Posted>;
  /** Adds many in one transaction: all, or none if it fails. Answers in their order. */
  sendAll(entries: readonly InboxEntry[]): Promise<readonly Posted[]>;
  /** Entries nobody has handled, after a number, in order. */
  pending(after: number, limit: number): Promise<readonly InboxRow[]>;
  inbox(id: string): Promise<InboxRow | undefined>;
  /** Alerts that wait to leave, in the order in which they were written. */
  outbox(limit: number): Promise<readonly OutboxRow[]>;
  /** Sets a named setting, durably, for all processes; with `undefined` it is taken away. No role is needed for it. */
  setControl(name: string, body: string | undefined): Promise<void>;
  /** The settings there are, by name. */
  controls(): Promise<readonly Control[]>;
  /** How many wait, by the sink they are for. */
  outboxCount(): Promise<Readonly<Record<string, number>>>;
  /**
   * Takes what is due for a sink by `now`, first due first, and puts it off to `until`: durably, so that it is due
   * again if nobody says what became of it. `next` is when something is due for that sink after this.
   * @throws StoreError SC_STORE_FENCED if the tenure is over
   */
  takeOutbox(
    tenure: Tenure,
    options: { readonly sink: string; readonly now: number; readonly until: number; readonly limit: number },
  ): Promise<{ readonly rows: readonly OutboxRow[]; readonly next: number | undefined }>;
  /**
   * Removes what was delivered, and puts off what was not, durable when it resolves. What is gone stays gone.
   * @throws StoreError SC_STORE_FENCED if the tenure is over
   */
  markOutbox(tenure: Tenure, marks: readonly OutboxMark[]): Promise<void>;
  /** A token that changes whenever another connection has written, to a run or to the inbox. Cheap: it is asked often. */
  revision(): number;
}
