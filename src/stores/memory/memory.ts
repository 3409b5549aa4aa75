import { type Clock, systemClock } from '../../base/clock.ts';
import { StoreError } from '../../base/errors.ts';
import { type Ids, timeOrderedIds } from '../../base/ids.ts';
import { fencedOff } from '../fence.ts';
import type {
  Batch,
  Claim,
  Commit,
  CommitVerdict,
  InboxEntry,
  InboxRow,
  ItemRow,
  OutboxRow,
  RunFilter,
  RunRow,
  RunStatus,
  Settlement,
  Store,
  StoredEntry,
  StoredRun,
  StoreInfo,
  Tenure,
  Tombstone,
  WorkerInfo,
} from '../store.ts';
import { type Held, leased, type Post, Posts } from './posts.ts';

interface Kept {
  row: RunRow;
  base: StoredEntry | undefined;
  readonly entries: StoredEntry[];
  readonly items: Map<string, ItemRow>;
  held: Held | undefined;
  fence: number;
}

export interface MemoryOptions {
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** Runs in the memory of this process, for tests and simulations: several workers, with leases and fences for each run. */
export function memory(options: MemoryOptions = {}): Store {
  return new MemoryStore(options);
}

class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly #clock: Clock;
  readonly #id: string;
  readonly #runs = new Map<number, Kept>();
  readonly #byId = new Map<string, number>();
  readonly #inbox: InboxRow[] = [];
  readonly #inboxIds = new Map<string, number>();
  readonly #outbox: OutboxRow[] = [];
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #posts = new Posts();
  #next = 1;
  #fence = 0;
  #revision = 0;

  constructor({ clock = systemClock, ids = timeOrderedIds(clock) }: MemoryOptions) {
    this.#clock = clock;
    this.#id = ids();
  }

  async open(): Promise<StoreInfo> {
    return { id: this.#id };
  }

  async close(): Promise<void> {}

  async join(worker: WorkerInfo): Promise<Tenure> {
    const now = this.#clock.now();
    this.#posts.vacate(now);
    const fence = ++this.#fence;
    this.#posts.add({ worker, fence, until: now + worker.leaseMs });
    return { worker: worker.name, fence };
  }

  async renew(tenure: Tenure): Promise<void> {
    const now = this.#clock.now();
    const post = this.#posts.of(tenure);
    for (const { held } of this.#runs.values()) if (held?.post === post && held.until > now) held.until = now + post.worker.leaseMs;
    post.until = now + post.worker.leaseMs;
  }

  async leave(tenure: Tenure): Promise<void> {
    this.#posts.remove(tenure);
    for (const kept of this.#runs.values()) if (kept.held?.post.fence === tenure.fence) kept.held = undefined;
  }

  async owner(): Promise<WorkerInfo | undefined> {
    return this.#posts.last?.worker;
  }

  async reserve(count: number): Promise<number> {
    const first = this.#next;
    this.#next += count;
    return first;
  }

  async claim(tenure: Tenure, { now, limit }: { readonly now: number; readonly limit: number }): Promise<readonly Claim[]> {
    const post = this.#posts.of(tenure);
    this.#posts.vacate(now, post);
    return [...this.#runs.values()]
      .filter((kept) => kept.row.due !== null && kept.row.due <= now && this.#free(kept, now))
      .sort((a, b) => (a.row.due ?? 0) - (b.row.due ?? 0) || a.row.number - b.row.number)
      .slice(0, limit)
      .map((kept) => this.#hold(kept, post, now));
  }

  async claimRun(tenure: Tenure, id: string, now: number): Promise<Claim | undefined> {
    const kept = this.#kept(id);
    const post = this.#posts.of(tenure);
    this.#posts.vacate(now, post);
    return kept && (this.#free(kept, now) || kept.held?.post === post) ? this.#hold(kept, post, now) : undefined;
  }

  async release(tenure: Tenure, runs: readonly number[]): Promise<void> {
    for (const run of runs) {
      const kept = this.#runs.get(run);
      if (kept?.held?.post.fence === tenure.fence) kept.held = undefined;
    }
  }

  async nextDue(): Promise<number | undefined> {
    const now = this.#clock.now();
    let due: number | undefined;
    for (const kept of this.#runs.values()) {
      if (kept.row.due !== null && this.#free(kept, now) && (due === undefined || kept.row.due < due)) due = kept.row.due;
    }
    return due;
  }

  #free(kept: Kept, now: number): boolean {
    return kept.held === undefined || kept.held.until <= now;
  }

  /** A take-over raises the run's fence, so that the last owner's commits are refused. */
  #hold(kept: Kept, post: Post, now: number): Claim {
    if (kept.held?.post !== post || kept.held.until <= now) kept.fence = ++this.#fence;
    kept.held = leased(post, now);
    return { row: kept.row, fence: kept.fence };
  }

  async commit(batch: Batch): Promise<readonly CommitVerdict[]> {
    if (!this.#posts.find(batch.fence)) return fencedOff(batch, this.#posts.last?.fence);
    const { commits, settled = [] } = batch;
    const refused = new Set<number>();
    const verdicts = commits.map((commit) => {
      const verdict = refused.has(commit.run) ? 'conflict' : this.#check(commit);
      if (verdict === 'applied') this.#apply(commit);
      else refused.add(commit.run);
      return verdict;
    });
    for (const settlement of settled) this.#settle(settlement);
    return verdicts;
  }

  #check(commit: Commit): CommitVerdict {
    const kept = this.#runs.get(commit.run);
    if (commit.create) {
      if (this.#byId.has(commit.create.id) || this.#tombstones.get(commit.create.id)?.incarnation === commit.create.incarnation) return 'exists';
      if (kept || commit.seq !== 1) return 'conflict';
      if (!this.#posts.find(commit.fence)) return 'fenced';
    } else {
      if (!kept) return 'conflict';
      if (commit.fence !== kept.fence) return 'fenced';
      const last = kept.entries.at(-1)?.seq ?? 0;
      if (commit.seq !== last + 1) return 'conflict';
    }
    return commit.consumed?.some(({ number }) => this.#row(number)?.answeredAt !== null) ? 'conflict' : 'applied';
  }

  #apply(commit: Commit): void {
    const { run, seq, at, create, standing, entry, base, tombstone } = commit;
    if (create) {
      if (!standing) throw new StoreError('SC_STORE_IO', `the first commit of run ${create.id} has no standing`, { next: 'This is a defect of the caller.' });
      const row: RunRow = { ...create, ...standing, number: run, seq, updatedAt: at };
      const held = leased(this.#posts.find(commit.fence) as Post, at);
      this.#runs.set(run, { row, base: undefined, entries: [], items: new Map(), held, fence: commit.fence });
      this.#byId.set(create.id, run);
    }
    const kept = this.#runs.get(run) as Kept;
    kept.entries.push({ ...entry, seq });
    if (standing) kept.row = { ...kept.row, ...standing, seq, updatedAt: at };
    if (base) kept.base = { ...base, seq };
    for (const item of commit.items ?? []) kept.items.set(`${item.step}/${item.round}/${item.index}`, item);
    for (const settlement of commit.consumed ?? []) this.#settle(settlement);
    for (const message of commit.messages ?? []) this.#add(message);
    for (const [n, message] of (commit.outbox ?? []).entries()) this.#outbox.push({ ...message, run, seq, n, at });
    if (tombstone) {
      this.#runs.delete(run);
      this.#byId.delete(kept.row.id);
      this.#tombstones.set(tombstone.id, tombstone);
    }
  }

  #settle({ number, at, answer, reply }: Settlement): void {
    const row = this.#row(number);
    if (row?.answeredAt !== null) return;
    this.#inbox[number - 1] = { ...row, answeredAt: at, answer };
    if (reply) this.#add(reply);
  }

  #row(number: number): InboxRow | undefined {
    return this.#inbox[number - 1];
  }

  async find(id: string): Promise<RunRow | undefined> {
    return this.#kept(id)?.row;
  }

  #kept(id: string): Kept | undefined {
    return this.#runs.get(this.#byId.get(id) ?? 0);
  }

  async list({ saga, status, attention, limit = 100, before = Number.POSITIVE_INFINITY }: RunFilter): Promise<readonly RunRow[]> {
    return [...this.#runs.values()]
      .map(({ row }) => row)
      .filter(
        (row) =>
          row.number < before &&
          (saga === undefined || row.saga === saga) &&
          (status?.includes(row.status) ?? true) &&
          (attention === undefined || row.attention === attention),
      )
      .sort((a, b) => b.number - a.number)
      .slice(0, limit);
  }

  async count(): Promise<Readonly<Partial<Record<RunStatus, number>>>> {
    const counts: Partial<Record<RunStatus, number>> = {};
    for (const { row } of this.#runs.values()) counts[row.status] = (counts[row.status] ?? 0) + 1;
    return counts;
  }

  async load(run: number): Promise<StoredRun> {
    const kept = this.#runs.get(run);
    const base = kept?.base;
    return { base, entries: kept?.entries.filter(({ seq }) => seq > (base?.seq ?? 0)) ?? [] };
  }

  async journal(
    run: number,
    { from = 1, limit = Number.POSITIVE_INFINITY }: { readonly from?: number; readonly limit?: number } = {},
  ): Promise<readonly StoredEntry[]> {
    return (this.#runs.get(run)?.entries ?? []).filter(({ seq }) => seq >= from).slice(0, limit);
  }

  async send(entry: InboxEntry): Promise<{ readonly number: number; readonly duplicate: boolean }> {
    const known = this.#inboxIds.get(entry.id);
    if (known !== undefined) return { number: known, duplicate: true };
    return { number: this.#add(entry), duplicate: false };
  }

  #add(entry: InboxEntry): number {
    const known = this.#inboxIds.get(entry.id);
    if (known !== undefined) return known;
    const number = this.#inbox.push({ ...entry, number: this.#inbox.length + 1, answeredAt: null, answer: null });
    this.#inboxIds.set(entry.id, number);
    this.#revision++;
    return number;
  }

  async pending(after: number, limit: number): Promise<readonly InboxRow[]> {
    return this.#inbox
      .slice(after)
      .filter(({ answeredAt }) => answeredAt === null)
      .slice(0, limit);
  }

  async inbox(id: string): Promise<InboxRow | undefined> {
    return this.#row(this.#inboxIds.get(id) ?? 0);
  }

  async outbox(limit: number): Promise<readonly OutboxRow[]> {
    return this.#outbox.slice(0, limit);
  }

  revision(): number {
    return this.#revision;
  }
}
