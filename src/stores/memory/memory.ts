import type { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../../base/clock.ts';
import { StoreError } from '../../base/errors.ts';
import { type Ids, timeOrderedIds } from '../../base/ids.ts';
import { fencedOff } from '../fence.ts';
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
  Tenure,
  Tombstone,
  WorkerInfo,
} from '../store.ts';
import { Charts, censusOf, exchange, recast } from './charts.ts';
import { Controls } from './controls.ts';
import { MemoryInbox } from './inbox.ts';
import { Lines } from './line.ts';
import { dueRuns, type Kept, Lives, putItems } from './lives.ts';
import { Outbox } from './outbox.ts';
import { leased, type Post, Posts } from './posts.ts';
import { countsOf, firstDue, itemsOf, journalOf, listOf, loadOf, rowWith } from './read.ts';
import { transactBeside } from './transact.ts';

export interface MemoryOptions {
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** What transactional steps write to, such as `new DatabaseSync(':memory:')`. Default: none, and no such steps. */
  readonly database?: DatabaseSync;
}

/** Runs in the memory of this process, for tests and simulations: several workers, with leases and fences for each run. */
export function memory(options: MemoryOptions = {}): Store {
  return new MemoryStore(options);
}

class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly transact?: NonNullable<Store['transact']>;
  readonly #clock: Clock;
  readonly #id: string;
  readonly #runs = new Lives();
  readonly #lines = new Lines(this.#runs);
  readonly #inbox = new MemoryInbox();
  readonly #outbox = new Outbox();
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #charts = new Charts();
  readonly #controls = new Controls();
  readonly #posts = new Posts();
  #next = 1;
  #fence = 0;
  #revision = 0;

  constructor({ clock = systemClock, ids = timeOrderedIds(clock), database }: MemoryOptions) {
    this.#clock = clock;
    this.#id = ids();
    if (database) this.transact = transactBeside(database, { check: (commit) => this.#check(commit), apply: (commit) => this.#apply(commit) });
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
    for (const { held } of this.#runs.all()) if (held?.post === post && held.until > now) held.until = now + post.worker.leaseMs;
    post.until = now + post.worker.leaseMs;
  }

  async leave(tenure: Tenure): Promise<void> {
    this.#posts.remove(tenure);
    for (const kept of this.#runs.all()) if (kept.held?.post.fence === tenure.fence) kept.held = undefined;
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
    return dueRuns(this.#runs.all(), (kept) => (kept.row.due ?? 0) <= now && this.#free(kept, now))
      .slice(0, limit)
      .map((kept) => this.#hold(kept, post, now));
  }

  async claimRun(tenure: Tenure, id: string, now: number, incarnation?: number): Promise<Claim | undefined> {
    const kept = this.#runs.of(id, incarnation);
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
    return firstDue([...this.#runs.all()].filter((kept) => this.#free(kept, this.#clock.now())));
  }

  async nextKey(queue: string, after?: string): Promise<string | undefined> {
    return this.#lines.nextKey(queue, after);
  }

  async claimWaiting(tenure: Tenure, { queue, key, now }: { readonly queue: string; readonly key: string; readonly now: number }): Promise<Claim | undefined> {
    const first = this.#lines.waiting(queue, key).find((kept) => this.#free(kept, now));
    return first && this.#hold(first, this.#posts.of(tenure), now);
  }

  async begun(queue: string, key?: string): Promise<number> {
    return this.#lines.begun(queue, key);
  }

  async queues(): Promise<readonly QueueCount[]> {
    return this.#lines.counts();
  }

  async holder(sole: string): Promise<RunRow | undefined> {
    return this.#lines.holder(sole);
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
    const { commits, settled = [], settings = [] } = batch;
    const refused = new Set<number>();
    const verdicts = commits.map((commit) => {
      const verdict = refused.has(commit.run) ? 'conflict' : this.#check(commit);
      if (verdict === 'applied') this.#apply(commit);
      else refused.add(commit.run);
      return verdict;
    });
    for (const { outbox, ...settlement } of settled)
      if (this.#inbox.settle(settlement)) this.#outbox.put({ run: 0, seq: settlement.number, at: settlement.at }, outbox);
    exchange(settings, this.#controls, this.#outbox);
    this.#revision++;
    return verdicts;
  }

  #check(commit: Commit): CommitVerdict {
    const kept = this.#runs.get(commit.run);
    if (commit.within && this.#lines.isFull(commit.within, commit.standing?.place)) return 'full';
    if (commit.create) {
      const { id, incarnation } = commit.create;
      const last = this.#runs.of(id)?.row ?? this.#tombstones.get(id);
      if (last && last.incarnation >= incarnation) return 'exists';
      if (commit.standing?.sole !== undefined && this.#lines.holder(commit.standing.sole)) return 'taken';
      if (kept || commit.seq !== 1) return 'conflict';
      if (!this.#posts.find(commit.fence)) return 'fenced';
    } else {
      if (!kept) return 'conflict';
      if (commit.fence !== kept.fence) return 'fenced';
      const last = kept.entries.at(-1)?.seq ?? 0;
      if (commit.seq !== last + 1) return 'conflict';
    }
    return commit.consumed?.some(({ number }) => !this.#inbox.isPending(number)) ? 'conflict' : 'applied';
  }

  #apply(commit: Commit): void {
    const { run, seq, at, create, standing, entry, base, tombstone } = commit;
    if (create) {
      if (!standing) throw new StoreError('SC_STORE_IO', `the first commit of run ${create.id} has no standing`, { next: 'This is a defect of the caller.' });
      const row: RunRow = { ...create, ...standing, number: run, seq, updatedAt: at };
      const held = leased(this.#posts.find(commit.fence) as Post, at);
      this.#runs.add({ row, base: undefined, entries: [], items: new Map(), held, fence: commit.fence });
    }
    const kept = this.#runs.get(run) as Kept;
    kept.entries.push({ ...entry, seq });
    if (standing) kept.row = rowWith(kept.row, standing, { seq, updatedAt: at });
    if (commit.inputHash !== undefined) kept.row = { ...kept.row, inputHash: commit.inputHash };
    if (commit.recast) recast(kept, commit.recast);
    if (base) kept.base = { ...base, seq };
    putItems(kept, commit.items ?? []);
    for (const settlement of commit.consumed ?? []) this.#inbox.settle(settlement);
    for (const message of commit.messages ?? []) this.#inbox.add(message);
    this.#outbox.put(commit, commit.outbox);
    if (!tombstone) return;
    this.#runs.remove(kept);
    if (!this.#runs.of(tombstone.id)) this.#inbox.forget(tombstone.id);
    if (tombstone.incarnation >= (this.#tombstones.get(tombstone.id)?.incarnation ?? 0)) this.#tombstones.set(tombstone.id, tombstone);
  }

  async find(id: string, incarnation?: number): Promise<RunRow | undefined> {
    return this.#runs.of(id, incarnation)?.row;
  }

  async tombstone(id: string): Promise<Tombstone | undefined> {
    return this.#tombstones.get(id);
  }

  async list(filter: RunFilter): Promise<readonly RunRow[]> {
    return listOf(this.#runs.all(), filter);
  }

  async count(): Promise<Readonly<Partial<Record<RunStatus, number>>>> {
    return countsOf(this.#runs.all());
  }

  async census(filter: CensusFilter): Promise<readonly CensusRow[]> {
    return censusOf(this.#runs.all(), filter);
  }

  async keepCharts(charts: readonly StoredChart[]): Promise<void> {
    this.#charts.keep(charts);
  }

  async charts(saga: string): Promise<readonly StoredChart[]> {
    return this.#charts.of(saga);
  }

  async load(run: number): Promise<StoredRun> {
    return loadOf(this.#runs.get(run));
  }

  async journal(run: number, page: { readonly from?: number; readonly limit?: number } = {}): Promise<readonly StoredEntry[]> {
    return journalOf(this.#runs.get(run), page);
  }

  async items(run: number, page: ItemPage): Promise<readonly ItemRow[]> {
    return itemsOf(this.#runs.get(run), page);
  }

  async send(entry: InboxEntry): Promise<Posted> {
    const posted = this.#inbox.add(entry);
    if (!posted.duplicate) this.#revision++;
    return posted;
  }

  async sendAll(entries: readonly InboxEntry[]): Promise<readonly Posted[]> {
    return await Promise.all(entries.map((entry) => this.send(entry)));
  }

  async pending(after: number, limit: number): Promise<readonly InboxRow[]> {
    return this.#inbox.pending(after, limit);
  }

  async inbox(id: string): Promise<InboxRow | undefined> {
    return this.#inbox.find(id);
  }

  async outbox(limit: number): Promise<readonly OutboxRow[]> {
    return this.#outbox.list(limit);
  }

  async outboxCount(): Promise<Readonly<Record<string, number>>> {
    return this.#outbox.count();
  }

  async takeOutbox(tenure: Tenure, options: Parameters<Outbox['take']>[0]): Promise<ReturnType<Outbox['take']>> {
    this.#posts.of(tenure);
    return this.#outbox.take(options);
  }

  async markOutbox(tenure: Tenure, marks: Parameters<Outbox['mark']>[0]): Promise<void> {
    this.#posts.of(tenure);
    this.#outbox.mark(marks);
  }

  async setControl(name: string, body: string | undefined): Promise<void> {
    this.#controls.set(name, body);
    this.#revision++;
  }

  async controls(): Promise<readonly Control[]> {
    return this.#controls.list();
  }

  revision(): number {
    return this.#revision;
  }
}
