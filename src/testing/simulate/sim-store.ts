import { StoreError } from '../../base/errors.ts';
import type { Batch, Commit, CommitVerdict, Store } from '../../stores/store.ts';
import type { Random } from './random.ts';
import type { SimProcess, SimTime } from './sim-time.ts';

/** What may go wrong between a process and its store. */
export interface StoreFaults {
  /** Whether the disk is full now. */
  full(): boolean;
  /** The process dies before, or after, a commit. */
  readonly crashes: number;
  /** A commit is answered with an error, though it was applied or not: nobody can tell. */
  readonly doubts: number;
  /** Longest time a call takes, ms. */
  readonly slowMs: number;
}

export interface StoreWatcher {
  committed(process: SimProcess, batch: Batch, verdicts: readonly CommitVerdict[]): void;
  claimed(run: number, fence: number): void;
  crash(process: SimProcess): void;
}

type Work = Parameters<NonNullable<Store['transact']>>[0];

/** The store as one process sees it, over a line that fails. */
export function simStore(
  real: Store,
  {
    process,
    time,
    random,
    faults,
    watcher,
  }: { readonly process: SimProcess; readonly time: SimTime; readonly random: Random; readonly faults: StoreFaults; readonly watcher: StoreWatcher },
): Store {
  const call = async <T>(work: () => Promise<T>): Promise<T> =>
    await process.hear(
      (async () => {
        if (random.chance(0.2)) await time.wait(random.between(1, faults.slowMs));
        return await work();
      })(),
    );
  const commit = async (batch: Batch): Promise<readonly CommitVerdict[]> => {
    if (random.chance(faults.crashes)) watcher.crash(process);
    if (!process.alive) return await new Promise(() => {});
    if (faults.full()) throw new StoreError('SC_STORE_FULL', 'the simulated disk is full', { retryable: true });
    const doubt = random.chance(faults.doubts);
    if (doubt && random.chance(0.5)) throw lost();
    const verdicts = await real.commit(batch);
    watcher.committed(process, batch, verdicts);
    if (random.chance(faults.crashes)) watcher.crash(process);
    if (doubt) throw lost();
    return verdicts;
  };
  const transact = async (work: Work): Promise<unknown> => {
    if (random.chance(faults.crashes)) watcher.crash(process);
    if (!process.alive) return await new Promise(() => {});
    if (faults.full()) throw new StoreError('SC_STORE_FULL', 'the simulated disk is full', { retryable: true });
    const doubt = random.chance(faults.doubts);
    if (doubt && random.chance(0.5)) throw lost();
    let commit: Commit | undefined;
    const done = await (real as Required<Store>).transact((connection) => {
      const result = work(connection);
      commit = result.commit;
      return result;
    });
    if (commit) watcher.committed(process, { fence: commit.fence, commits: [commit] }, [done.verdict]);
    if (random.chance(faults.crashes)) watcher.crash(process);
    if (doubt) throw lost();
    return done;
  };
  return new Proxy(real, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...args: unknown[]) => unknown;
      if (name === 'revision') return method;
      if (name === 'commit') return (batch: Batch) => call(() => commit(batch));
      if (name === 'transact') return (work: Work) => call(() => transact(work));
      return (...args: unknown[]) =>
        call(async () => {
          const answer = await method(...args);
          for (const { row, fence } of claimsIn(name, answer)) watcher.claimed(row.number, fence);
          return answer;
        });
    },
  });
}

function claimsIn(name: string | symbol, answer: unknown): readonly { readonly row: { readonly number: number }; readonly fence: number }[] {
  if (name === 'claim') return answer as never;
  return name === 'claimRun' && answer ? [answer as never] : [];
}

function lost(): StoreError {
  return new StoreError('SC_STORE_IO', 'the answer of the simulated store was lost', { retryable: true });
}
