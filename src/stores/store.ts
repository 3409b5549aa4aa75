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
  /** Takes over one run, whatever it waits for; undefined if another worker holds it or it does not exist. */
  claimRun(tenure: Tenure, id: string, now: number): Promise<Claim | undefined>;
  /** Gives runs back, so that they can be claimed when they are next due. */
  release(tenure: Tenure, runs: readonly number[]): Promise<void>;
  /** The earliest due time of a run that nobody holds, for the executor's alarm. */
  nextDue(): Promise<number | undefined>;

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

  /** A run by its id, as its row says (the journal may be ahead while it is active). */
  find(id: string): Promise<RunRow | undefined>;
  list(filter: RunFilter): Promise<readonly RunRow[]>;
  count(): Promise<Readonly<Partial<Record<RunStatus, number>>>>;
  /** The last full snapshot and the journal after it: what a run is rebuilt from. */
  load(run: number): Promise<StoredRun>;
  /** The journal from `from` on, in order. Default: all of it. */
  journal(run: number, options?: { readonly from?: number; readonly limit?: number }): Promise<readonly StoredEntry[]>;

  /** Adds to the inbox, durably. An id that is there already adds nothing. */
  send(entry: InboxEntry): Promise<{ readonly number: number; readonly duplicate: boolean }>;
  /** Entries nobody has handled, after a number, in order. */
  pending(after: number, limit: number): Promise<readonly InboxRow[]>;
  inbox(id: string): Promise<InboxRow | undefined>;
  /** Messages and alerts that wait to leave, in order. */
  outbox(limit: number): Promise<readonly OutboxRow[]>;
  /** A token that changes whenever another connection has written. Cheap: it is asked often. */
  revision(): number;
}

export interface StoreInfo {
  /** Random, made with the store: the default namespace of idempotency keys. */
  readonly id: string;
}

export interface WorkerInfo {
  /** Unique for each opening. */
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  /** ms since 1970. */
  readonly since: number;
  /** How long its claims hold without a renewal. Stores with one executor ignore it. */
  readonly leaseMs: number;
}

/**
 * A worker's hold on the store. It is over when the worker has left, and when another has come after its lease ran out or its
 * lock was lost.
 */
export interface Tenure {
  readonly worker: string;
  /** Rises with each opening; a store with several workers gives each claim a fence of its own. */
  readonly fence: number;
}

export interface Claim {
  readonly row: RunRow;
  readonly fence: number;
}

export const RUN_STATUSES = ['queued', 'running', 'sleeping', 'compensating', 'completed', 'compensated', 'canceled', 'failed', 'terminated'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What does not change while a run lives. */
export interface RunIdentity {
  readonly id: string;
  readonly saga: string;
  readonly version: number;
  /** Of the chart the run was started on. */
  readonly fingerprint: string;
  readonly incarnation: number;
  /** SHA-256 of the canonical input as given. */
  readonly inputHash: string;
  readonly createdAt: number;
}

/** What is written when it changes: at start, end, sleep, attention; not with each commit. */
export interface RunStanding {
  readonly status: RunStatus;
  readonly attention: boolean;
  readonly paused: boolean;
  readonly degraded: boolean;
  /** When the run wants to be claimed, ms since 1970; 0: at once, it was active; null: only when something arrives. */
  readonly due: number | null;
  readonly endedAt: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface RunRow extends RunIdentity, RunStanding {
  readonly number: number;
  /** Of the last commit that wrote the row. */
  readonly seq: number;
  readonly updatedAt: number;
}

export interface RunFilter {
  readonly saga?: string;
  readonly status?: readonly RunStatus[];
  readonly attention?: boolean;
  /** Default 100. */
  readonly limit?: number;
  /** Runs with a smaller number, newest first: for paging. */
  readonly before?: number;
}

/** Text and how to read it: the layout of the journal entry, and how the text was made (0: plain). */
export interface Body {
  readonly format: number;
  readonly codec: number;
  readonly text: string;
}

export interface StoredEntry extends Body {
  readonly seq: number;
}

export interface StoredRun {
  readonly base: StoredEntry | undefined;
  readonly entries: readonly StoredEntry[];
}

/** Everything one event changes in one run, applied atomically. */
export interface Commit {
  readonly run: number;
  /** The number this commit gets: one more than the last. */
  readonly seq: number;
  /** Of the claim it was computed under. */
  readonly fence: number;
  /** ms since 1970. */
  readonly at: number;
  /** In the first commit of a run. An id that exists already makes the verdict `exists`. */
  readonly create?: RunIdentity;
  readonly entry: Body;
  readonly standing?: RunStanding;
  /** A full snapshot as of this commit, when the differences have grown as large as one. */
  readonly base?: Body;
  /** Inbox entries this commit consumes. */
  readonly consumed?: readonly Settlement[];
  /** Messages to other runs of this store, delivered with this commit. */
  readonly messages?: readonly InboxEntry[];
  readonly outbox?: readonly OutboxEntry[];
  /** Elements of maps that changed. */
  readonly items?: readonly ItemRow[];
  /** Ends the run's life in the store: everything but this is deleted. */
  readonly tombstone?: Tombstone;
}

export interface Batch {
  /** Of the tenure: a batch of a worker that has lost its role applies nothing. */
  readonly fence: number;
  readonly commits: readonly Commit[];
  /** Inbox entries that came to nothing: refused, or for a run that is not there. */
  readonly settled?: readonly Settlement[];
}

/** `conflict`: not the next number. `fenced`: the claim is over. `exists`: another run has this id. */
export type CommitVerdict = 'applied' | 'conflict' | 'fenced' | 'exists';

export interface Settlement {
  /** Number of the inbox row. */
  readonly number: number;
  readonly at: number;
  /** What to tell the sender: encoded. */
  readonly answer: string;
  /** An entry for the run that sent it, added if it is this that answers it: of two answers only the first counts. */
  readonly reply?: InboxEntry;
}

export interface InboxEntry {
  /** Unique; a second entry with it adds nothing. */
  readonly id: string;
  /** Id of the run it is for. */
  readonly run: string;
  /** What it asks for: encoded. */
  readonly body: string;
  readonly at: number;
}

export interface InboxRow extends InboxEntry {
  readonly number: number;
  readonly answeredAt: number | null;
  readonly answer: string | null;
}

export interface OutboxEntry {
  /** Where it goes: the name of a sink. */
  readonly topic: string;
  readonly body: string;
}

/** Keyed by the commit that wrote it and its place in it. */
export interface OutboxRow extends OutboxEntry {
  readonly run: number;
  readonly seq: number;
  readonly n: number;
  readonly at: number;
}

/** An element of a `map`. */
export interface ItemRow {
  readonly step: number;
  readonly round: number;
  readonly index: number;
  readonly state: string;
  readonly attempts: number;
  readonly result: string | null;
}

/** What stays of a purged run, so that its id is not taken for a new one. */
export interface Tombstone {
  readonly id: string;
  readonly saga: string;
  readonly inputHash: string;
  readonly status: RunStatus;
  readonly incarnation: number;
  readonly at: number;
}
