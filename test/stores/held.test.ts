import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqlite } from '../../src/index.ts';
import { HeldRuns } from '../../src/stores/sqlite/held.ts';
import { prepareAll } from '../../src/stores/sqlite/statements.ts';
import type { Commit, Store, Tenure } from '../../src/stores/store.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sagachart-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const worker = { name: 'a', pid: 1, host: 'here', since: 1, leaseMs: 1 };
const due = (time: number | null): NonNullable<Commit['standing']> => ({
  status: 'running',
  attention: false,
  paused: false,
  degraded: false,
  due: time,
  endedAt: null,
  labels: {},
});
const commit = (run: number, seq: number, fence: number, time: number | null): Commit => ({
  run,
  seq,
  fence,
  at: 1,
  ...(seq === 1 ? { create: { id: `r${run}`, saga: 's', version: 1, fingerprint: 'f', incarnation: 1, inputHash: 'h', createdAt: 1 } } : {}),
  standing: due(time),
  entry: { format: 1, codec: 0, text: '{}' },
});

interface Opened {
  readonly store: Store;
  readonly tenure: Tenure;
  /** Of the first run. */
  readonly run: number;
}

/** Runs with these due times, none of them held. */
async function withDue(times: readonly number[], file = 'runs.db'): Promise<Opened> {
  const store = sqlite(join(directory, file));
  await store.open();
  const maker = await store.join(worker);
  const run = await store.reserve(times.length);
  await store.commit({ fence: maker.fence, commits: times.map((time, i) => commit(run + i, 1, maker.fence, time)) });
  await store.leave(maker);
  return { store, tenure: await store.join(worker), run };
}

const taken = async ({ store, tenure }: Opened, limit: number): Promise<readonly number[]> =>
  (await store.claim(tenure, { now: 1_000, limit })).map(({ row }) => row.number);

describe('looking for due runs', () => {
  /** ms to claim all runs page by page, and to ask after each page for the next due time. */
  async function claimAll(count: number): Promise<number> {
    const opened = await withDue(
      Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 0 : i)),
      `${count}-${performance.now()}.db`,
    );
    const { store, tenure } = opened;
    const began = performance.now();
    let claimed = 0;
    for (let page = -1; page !== 0; claimed += page) {
      page = (await store.claim(tenure, { now: 1_000_000, limit: 20 })).length;
      await store.nextDue();
    }
    const took = performance.now() - began;
    expect(claimed).toBe(count);
    await store.close();
    return took;
  }

  it('looks at each held run once at most, over all calls together', { timeout: 60_000 }, async () => {
    const fewest = async (count: number): Promise<number> => Math.min(await claimAll(count), await claimAll(count));
    await claimAll(200);
    // Ten times the runs in ten times the calls: 100 times the cost if each call looked at every held run.
    expect((await fewest(5_000)) / (await fewest(500))).toBeLessThan(20);
  });

  it('costs the same beside 20,000 held runs as beside 2,000', { timeout: 60_000 }, async () => {
    const msBeside = async (count: number): Promise<number> => {
      const { store, tenure } = await withDue(
        Array.from({ length: count }, () => 0),
        `${count}.db`,
      );
      await store.claim(tenure, { now: 1, limit: count });
      const began = performance.now();
      for (let i = 0; i < 200; i++) {
        await store.claim(tenure, { now: 1, limit: 10 });
        await store.nextDue();
      }
      const took = performance.now() - began;
      await store.close();
      return took;
    };
    expect((await msBeside(20_000)) / (await msBeside(2_000))).toBeLessThan(5);
  });

  it('stays within the index of what is due, which holds all that it reads', async () => {
    const { store } = await withDue([0]);
    const db = new DatabaseSync(join(directory, 'runs.db'));
    const { dueAlike, dueLater } = prepareAll(db);
    const plan = (text: string): unknown => db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(1, 1, ...(text.includes('number >') ? [1] : []));
    expect(plan(dueAlike.sourceSQL)).toEqual([expect.objectContaining({ detail: 'SEARCH runs USING COVERING INDEX runs_due (due=? AND rowid>?)' })]);
    expect(plan(dueLater.sourceSQL)).toEqual([expect.objectContaining({ detail: 'SEARCH runs USING COVERING INDEX runs_due (due>?)' })]);
    db.close();
    await store.close();
  });

  it('finds a run that was given back before those that are held', async () => {
    const opened = await withDue([0, 0, 0, 5, 5, 9_000]);
    const { store, tenure, run } = opened;
    expect(await taken(opened, 9)).toEqual([run, run + 1, run + 2, run + 3, run + 4]);
    expect(await store.nextDue()).toBe(9_000);
    await store.release(tenure, [run + 1, run + 3]);
    expect(await store.nextDue()).toBe(0);
    expect(await taken(opened, 9)).toEqual([run + 1, run + 3]);
    expect(await taken(opened, 9)).toEqual([]);
    await store.release(tenure, [run]);
    expect(await taken(opened, 9)).toEqual([run]);
    await store.close();
  });

  it('finds a run by the time it was given while it was held', async () => {
    const opened = await withDue([0, 700, 800]);
    const { store, tenure, run } = opened;
    expect(await taken(opened, 9)).toEqual([run, run + 1, run + 2]);
    await store.commit({
      fence: tenure.fence,
      commits: [commit(run, 2, tenure.fence, 750), commit(run + 1, 2, tenure.fence, null), commit(run + 2, 2, tenure.fence, 0)],
    });
    expect(await store.nextDue()).toBeUndefined();
    await store.release(tenure, [run, run + 1, run + 2]);
    expect(await store.nextDue()).toBe(0);
    expect(await taken(opened, 9)).toEqual([run + 2, run]);
    await store.close();
  });

  it('finds a run that was given a time while nobody held it', async () => {
    const opened = await withDue([0, 500]);
    const { store, tenure, run } = opened;
    expect(await taken(opened, 9)).toEqual([run, run + 1]);
    await store.commit({ fence: tenure.fence, commits: [commit(run, 2, tenure.fence, null)] });
    await store.release(tenure, [run]);
    expect(await store.nextDue()).toBeUndefined();
    await store.commit({ fence: tenure.fence, commits: [commit(run, 3, tenure.fence, 100)] });
    expect(await store.nextDue()).toBe(100);
    expect(await taken(opened, 9)).toEqual([run]);
    await store.close();
  });

  it('takes no more than it may, and nothing that is not due', async () => {
    const opened = await withDue([3, 2, 1, 5_000]);
    const { store, run } = opened;
    expect(await taken(opened, 0)).toEqual([]);
    expect(await taken(opened, 2)).toEqual([run + 2, run + 1]);
    expect(await taken(opened, 9)).toEqual([run]);
    expect(await store.nextDue()).toBe(5_000);
    await store.close();
  });

  it('holds nothing after it has left', async () => {
    const opened = await withDue([0, 0]);
    expect(await taken(opened, 9)).toHaveLength(2);
    await opened.store.leave(opened.tenure);
    expect(await opened.store.nextDue()).toBe(0);
    await opened.store.close();
  });

  it('loses no run to a read that fails', () => {
    const rows = [1, 2, 3].map((number) => ({ due: 0, number }));
    let broken = 2;
    const held = new HeldRuns(
      () =>
        ({
          dueAlike: { all: (_due: number, number: number) => rows.filter((row) => number > 0 && row.number > number) },
          dueLater: { all: (due: number) => (due < 0 ? rows : []) },
          byNumber: {
            get: (number: number) => {
              if (number === broken) throw new Error('I/O');
              return { number };
            },
          },
          due: {
            get: () => {
              throw new Error('I/O');
            },
          },
        }) as never,
    );
    expect(() => held.take(1, 9)).toThrow('I/O');
    broken = 0;
    expect(held.take(1, 9)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
    expect(held.nextFree()).toBeUndefined();
    held.release(2);
    expect(held.take(1, 9)).toEqual([{ number: 2 }]);
  });
});
