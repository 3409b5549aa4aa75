import type { InboxEntry, OutboxEntry } from './post.ts';

/** A durable setting that all processes of a store share. */
export interface Control {
  readonly name: string;
  /** What is set: text that the store never looks into. */
  readonly body: string;
}

/** The chart of a saga or workflow as it was at some time: kept once, so that what became of it can be told. */
export interface StoredChart {
  readonly saga: string;
  readonly version: number;
  readonly fingerprint: string;
  /** Text that the store never looks into. */
  readonly body: string;
}

/** Which runs are counted: those that fit everything that is given. */
export interface CensusFilter {
  readonly saga?: string;
  readonly version?: number;
  /** Exclusive, ms since 1970. */
  readonly createdAfter?: number;
}

/** How many runs are alike in all that is named. */
export interface CensusRow extends Pick<RunRow, 'saga' | 'version' | 'fingerprint' | 'status' | 'attention'> {
  readonly count: number;
}

/** Another version of its saga, or another chart of the same, that a run goes on with. */
export interface Recast {
  readonly version: number;
  readonly fingerprint: string;
  /** Steps whose elements have another number from now on; null: they are deleted. All change at the same time. */
  readonly items: readonly { readonly from: number; readonly to: number | null }[];
}

/** A setting that changes if nobody has changed it meanwhile, and what is told about it. */
export interface SettingChange {
  readonly name: string;
  /** Only if this is what is set: of two changes of the same only the first counts. */
  readonly was: string;
  readonly body: string;
  /** ms since 1970. */
  readonly at: number;
  /** A reserved number that no run has: what is written to the outbox stands under it. */
  readonly number: number;
  readonly outbox?: readonly OutboxEntry[];
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

/** What does not change while a run lives, but for version and fingerprint, which change together with `recast`. */
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
  /** Absent of a run that is in no queue, not yet or not any more. */
  readonly place?: QueuePlace;
  /** A name that no other run has while this one does. */
  readonly sole?: string;
}

/** Where a run stands in a queue. */
export interface QueuePlace {
  readonly queue: string;
  /** Whose it is, of those that take turns; empty: nobody's. */
  readonly key: string;
  /** The higher goes first, of one key. */
  readonly priority: number;
  /** `waiting`: in line, given out by the queue alone. `begun`: it takes up a place, until it has ended. */
  readonly stage: 'waiting' | 'begun';
}

/** How many runs may take up a place. */
export interface Bounds {
  /** Of its queue. */
  readonly most?: number | undefined;
  /** Of its queue and key. */
  readonly perKey?: number | undefined;
}

export interface QueueCount {
  readonly queue: string;
  readonly waiting: number;
  readonly begun: number;
}

export interface RunRow extends RunIdentity, RunStanding {
  readonly number: number;
  /** Of the last commit that wrote the row. */
  readonly seq: number;
  readonly updatedAt: number;
}

/** Which runs: those that fit everything that is given. Times are ms since 1970. */
export interface RunFilter {
  readonly saga?: string;
  readonly version?: number;
  readonly status?: readonly RunStatus[];
  readonly attention?: boolean;
  /** All of them must match. */
  readonly labels?: Readonly<Record<string, string>>;
  /** That wait in this queue, or take up a place of it. */
  readonly queue?: string;
  /** Every incarnation of these. */
  readonly ids?: readonly string[];
  /** Exclusive, as all times here. */
  readonly createdBefore?: number;
  readonly createdAfter?: number;
  /** Leaves out runs that go on. */
  readonly endedBefore?: number;
  /** Default 100. */
  readonly limit?: number;
  /** Runs with a smaller number, newest first: for paging. */
  readonly before?: number;
  /** `ended`: only runs that have ended, the one that did longest ago first; it has no pages. Default: `started`, newest first. */
  readonly order?: 'started' | 'ended';
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
  /** In the first commit of a run. The same incarnation of the id, or a later one, makes the verdict `exists`, purged or not. */
  readonly create?: RunIdentity;
  readonly entry: Body;
  readonly standing?: RunStanding;
  /** It takes up its place of a queue with this: applied only if fewer runs than that have one, else the verdict is `full`. */
  readonly within?: Bounds;
  /** Of an input that takes the place of the one it was created with. */
  readonly inputHash?: string;
  /** A full snapshot as of this commit, when the differences have grown as large as one. */
  readonly base?: Body;
  /** Inbox entries this commit consumes. */
  readonly consumed?: readonly Settlement[];
  /** Messages to other runs of this store, delivered with this commit. */
  readonly messages?: readonly InboxEntry[];
  readonly outbox?: readonly OutboxEntry[];
  /** Elements of maps that changed. */
  readonly items?: readonly ItemRow[];
  /** The run goes on with another chart; applied before `items`. */
  readonly recast?: Recast;
  /** Ends the run's life in the store: everything but this, and alerts that wait to leave, is deleted; so are answered inbox entries, if no other incarnation is there. */
  readonly tombstone?: Tombstone;
}

export interface Batch {
  /** Of the tenure: a batch of a worker that has lost its role applies nothing. */
  readonly fence: number;
  readonly commits: readonly Commit[];
  /** Inbox entries that came to nothing: refused, or for a run that is not there. */
  readonly settled?: readonly Refusal[];
  /** Settings that change with it. */
  readonly settings?: readonly SettingChange[];
}

/**
 * `conflict`: not the next number. `fenced`: the claim is over. `exists`: another run has this id. `taken`: another has its
 * sole name. `full`: no place is free.
 */
export type CommitVerdict = 'applied' | 'conflict' | 'fenced' | 'exists' | 'taken' | 'full';

export interface Settlement {
  /** Number of the inbox row. */
  readonly number: number;
  readonly at: number;
  /** What to tell the sender: encoded. */
  readonly answer: string;
}

/** Of an entry that came to nothing. */
export interface Refusal extends Settlement {
  /** Written with the answer, as run 0 and the entry's number; not if it had been answered before. */
  readonly outbox?: readonly OutboxEntry[];
  /** An entry for the run that sent it, added if it is this that answers it: of two answers only the first counts. */
  readonly reply?: InboxEntry;
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

export interface ItemPage {
  readonly step: number;
  readonly round: number;
  /** The first place, from 0. */
  readonly from: number;
  readonly limit: number;
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
