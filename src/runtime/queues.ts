import { StoreError } from '../base/errors.ts';
import { TokenBucket } from '../policies/token-bucket.ts';
import type { Claim } from '../stores/store.ts';
import type { Admission } from './admission.ts';
import type { Coordinator } from './coordinator.ts';
import type { QueueSettings } from './queue.ts';

/** How long nothing is taken after the store has failed. */
const REST_MS = 1_000;

/** A queue as this process works on it. */
interface Line extends QueueSettings {
  readonly bucket: TokenBucket | undefined;
  /** The key that was served last: its turn comes again after all others. */
  last: string | undefined;
  /** By key: begun here, and the commit that says so not back yet. */
  readonly pending: Map<string, number>;
}

/** How many runs have a place, when a pass began and with what it has begun since. */
interface Taken {
  all: number;
  here: number;
}

/**
 * Lets runs of queues begin, when their turn has come and their queue has a place for them. Which waits and which have
 * begun is asked of the store, so it is right after a crash; the store refuses a commit that would take a place too many.
 */
export class Queues {
  readonly #coordinator: Coordinator;
  readonly #admission: Admission;
  readonly #lines: readonly Line[];
  #passing: Promise<void> | undefined;
  #again = false;
  #resting = false;
  /** Whether the room in memory that was free last was left to runs without a queue. */
  #left = false;
  readonly #alarms = new Map<string, () => void>();

  constructor(coordinator: Coordinator, admission: Admission) {
    const { queues, clock } = coordinator.settings;
    this.#coordinator = coordinator;
    this.#admission = admission;
    this.#lines = queues.map((queue) => ({
      ...queue,
      bucket: queue.rate && new TokenBucket(queue.rate, clock),
      last: undefined,
      pending: new Map(),
    }));
    const { onRoom } = coordinator;
    coordinator.onRoom = (due) => {
      onRoom(due);
      this.look();
    };
  }

  /** Begins what can, and says what cannot because this code does not know its queue. */
  async open(): Promise<void> {
    const { store, log } = this.#coordinator.settings;
    for (const { queue, waiting } of await store.queues())
      if (waiting > 0 && !this.#lines.some(({ name }) => name === queue)) log.warn('runs wait in a queue that this engine does not have', { queue, waiting });
    this.look();
  }

  /** Resolves when nothing is being taken any more. */
  async stop(): Promise<void> {
    for (const disarm of this.#alarms.values()) disarm();
    this.#alarms.clear();
    await this.#passing;
  }

  /** Something waits, has ended, or may have. */
  look(): void {
    if (this.#lines.length === 0 || this.#coordinator.closing || this.#resting) return;
    this.#again = true;
    this.#passing ??= this.#passes().finally(() => {
      this.#passing = undefined;
    });
  }

  async #passes(): Promise<void> {
    while (this.#again && !this.#resting) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#coordinator.settings.log.error('runs that wait in a queue could not be taken', { error: String(error) });
        this.#resting = true;
        this.#arm('', REST_MS, () => {
          this.#resting = false;
        });
      }
    }
  }

  /** One run of each queue in turn, until no queue can let one begin. */
  async #pass(): Promise<void> {
    let open: readonly (readonly [Line, Taken])[] = await Promise.all(this.#lines.map(async (line) => [line, await this.#taken(line)] as const));
    while (open.length > 0) {
      const still: (readonly [Line, Taken])[] = [];
      for (const [line, taken] of open) {
        if (this.#coordinator.closing || !(await this.#hasRoom())) return;
        if (await this.#next(line, taken)) still.push([line, taken]);
      }
      open = still;
    }
  }

  /** Where memory is full, what waits without a queue gets every second place that becomes free. */
  async #hasRoom(): Promise<boolean> {
    if (this.#admission.full) return false;
    if (this.#admission.behind && !this.#left) {
      this.#left = true;
      await this.#admission.claim();
    } else this.#left = false;
    return !this.#admission.full;
  }

  async #taken({ name, concurrency, perWorker, pending }: Line): Promise<Taken> {
    const { settings, cells } = this.#coordinator;
    const begun = concurrency === undefined ? 0 : await settings.store.begun(name);
    const all = begun + [...pending.values()].reduce((sum, n) => sum + n, 0);
    let here = 0;
    if (perWorker !== undefined) for (const { state } of cells.values()) if (state.data.place?.queue === name) here++;
    return { all, here };
  }

  /** Lets the next run of a queue begin: of the keys one after the other. */
  async #next(line: Line, taken: Taken): Promise<boolean> {
    if (line.concurrency !== undefined && taken.all >= line.concurrency) return false;
    if (line.perWorker !== undefined && taken.here >= line.perWorker) return false;
    if (line.bucket && !line.bucket.ready) {
      this.#arm(line.name, line.bucket.waitMs);
      return false;
    }
    const { settings, tenure } = this.#coordinator;
    for await (const key of this.#keys(line)) {
      if (!(await this.#keyHasPlace(line, key))) continue;
      const claim = await settings.store.claimWaiting(tenure, { queue: line.name, key, now: settings.clock.now() });
      if (!claim) continue;
      line.last = key;
      line.bucket?.take();
      taken.all++;
      taken.here++;
      await this.#begin(line, key, claim);
      return true;
    }
    return false;
  }

  /** Once round the keys under which runs wait, from the one after that which was served last. */
  async *#keys({ name, last }: Line): AsyncGenerator<string, void> {
    const { store } = this.#coordinator.settings;
    for (let key = await store.nextKey(name, last); key !== undefined; key = await store.nextKey(name, key)) yield key;
    if (last === undefined) return;
    for (let key = await store.nextKey(name); key !== undefined && key <= last; key = await store.nextKey(name, key)) yield key;
  }

  async #keyHasPlace({ name, perKey, pending }: Line, key: string): Promise<boolean> {
    return perKey === undefined || (await this.#coordinator.settings.store.begun(name, key)) + (pending.get(key) ?? 0) < perKey;
  }

  /** Its beginning is posted and not waited for: many of them make one batch. */
  async #begin({ concurrency: most, perKey, pending }: Line, key: string, claim: Claim): Promise<void> {
    const { committer } = this.#coordinator;
    const count = (n: number): void => void pending.set(key, (pending.get(key) ?? 0) + n);
    const settle = (): void => {
      count(-1);
      if (pending.get(key) === 0) pending.delete(key);
      this.look();
    };
    const post = (cell: Parameters<typeof committer.post>[0]): void => {
      count(1);
      committer.post(cell, { event: { type: 'started', run: cell.identity.id }, within: { most, perKey }, settle });
    };
    try {
      await this.#coordinator.adopt(claim, post);
    } catch (error) {
      // One that is blocked is told of, and stays claimed: the others go on. A store that fails is left alone for a while.
      if (error instanceof StoreError) throw error;
    }
  }

  #arm(name: string, ms: number, work: () => void = () => {}): void {
    if (this.#alarms.has(name)) return;
    this.#alarms.set(
      name,
      this.#coordinator.settings.clock.after(ms, () => {
        this.#alarms.delete(name);
        work();
        this.look();
      }),
    );
  }
}
