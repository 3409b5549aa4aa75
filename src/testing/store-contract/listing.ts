import { deepStrictEqual } from 'node:assert/strict';
import type { Store } from '../../stores/store.ts';
import { type Checks, first, identity, next, standing, worker } from './rows.ts';

/** Which runs fit a filter. */
export const LISTING: Checks = {
  'lists by labels, ids, version and times': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(4);
    const made = (
      n: number,
      id: string,
      { labels = {}, endedAt = null, version = 1 }: { labels?: Record<string, string>; endedAt?: number | null; version?: number },
    ) =>
      first(tenure, run + n, id, {
        create: { ...identity(id), version, createdAt: 100 * n },
        standing: { ...standing, labels, endedAt, ...(endedAt === null ? {} : { status: 'completed', due: null }) },
      });
    await store.commit({
      fence: tenure.fence,
      commits: [
        made(0, 'a', { labels: { team: 'x', city: 'Rome' }, endedAt: 900 }),
        made(1, 'b', { labels: { team: 'x' }, endedAt: 700, version: 2 }),
        made(2, 'c', { labels: { team: 'y', city: 'Rome' }, endedAt: 800 }),
        made(3, 'd', {}),
      ],
    });
    const ids = async (filter: Parameters<Store['list']>[0]): Promise<string[]> => (await store.list(filter)).map(({ id }) => id);
    deepStrictEqual(await ids({ labels: { team: 'x' } }), ['b', 'a']);
    deepStrictEqual(await ids({ labels: { team: 'x', city: 'Rome' } }), ['a']);
    deepStrictEqual(await ids({ labels: { city: 'x' } }), []);
    deepStrictEqual(await ids({ labels: { toString: 'x' } }), []);
    deepStrictEqual(await ids({ labels: { team: 'x' }, before: run + 1, limit: 1 }), ['a']);
    deepStrictEqual(await ids({ labels: {}, limit: 1 }), ['d']);
    deepStrictEqual(await ids({ ids: ['a', 'd', 'nobody'] }), ['d', 'a']);
    deepStrictEqual(await ids({ ids: [] }), []);
    deepStrictEqual(await ids({ version: 2 }), ['b']);
    deepStrictEqual(await ids({ createdBefore: 200 }), ['b', 'a']);
    deepStrictEqual(await ids({ createdAfter: 100, createdBefore: 300 }), ['c']);
    deepStrictEqual(await ids({ endedBefore: 900 }), ['c', 'b']);
    deepStrictEqual(await ids({ order: 'ended' }), ['b', 'c', 'a']);
    deepStrictEqual(await ids({ order: 'ended', status: ['completed', 'failed'], endedBefore: 900, limit: 1 }), ['b']);
    deepStrictEqual(await ids({ status: ['running', 'completed'], limit: 3 }), ['d', 'c', 'b']);
    deepStrictEqual(await ids({ status: [] }), []);
    // Labels that change are found as they are, and not as they were.
    await store.commit({
      fence: tenure.fence,
      commits: [next(tenure.fence, run + 1, 2, { standing: { ...standing, labels: { team: 'z' } } })],
    });
    deepStrictEqual(await ids({ labels: { team: 'x' } }), ['a']);
    deepStrictEqual(await ids({ labels: { team: 'z' } }), ['b']);
    const tombstone = { id: 'a', saga: 'saga', inputHash: 'h', status: 'completed', incarnation: 1, at: 2 } as const;
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { tombstone })] });
    deepStrictEqual(await ids({ labels: { city: 'Rome' } }), ['c']);
  },

  'lists by saga, status and attention, newest first, in pages': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(3);
    await store.commit({
      fence: tenure.fence,
      commits: [
        first(tenure, run, 'a', { create: { ...identity('a'), saga: 'other' } }),
        first(tenure, run + 1, 'b', { standing: { ...standing, status: 'failed', endedAt: 1 } }),
        first(tenure, run + 2, 'c', { standing: { ...standing, attention: true } }),
      ],
    });
    const ids = async (filter: Parameters<Store['list']>[0]): Promise<string[]> => (await store.list(filter)).map(({ id }) => id);
    deepStrictEqual(await ids({}), ['c', 'b', 'a']);
    deepStrictEqual(await ids({ saga: 'saga' }), ['c', 'b']);
    deepStrictEqual(await ids({ status: ['failed', 'completed'] }), ['b']);
    deepStrictEqual(await ids({ attention: true }), ['c']);
    deepStrictEqual(await ids({ limit: 1 }), ['c']);
    deepStrictEqual(await ids({ before: run + 2, attention: false }), ['b', 'a']);
    deepStrictEqual(await store.count(), { running: 2, failed: 1 });
  },
};
