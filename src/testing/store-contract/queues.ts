import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { QueuePlace, RunStanding } from '../../stores/store.ts';
import { type Checks, first, next, standing, worker } from './rows.ts';

const waiting = (key: string, priority = 0, queue = 'q'): RunStanding => ({
  ...standing,
  status: 'queued',
  due: null,
  place: { queue, key, priority, stage: 'waiting' },
});
const begun = (key: string, queue = 'q'): RunStanding => ({ ...standing, place: { queue, key, priority: 0, stage: 'begun' } });
const ended: RunStanding = { ...standing, status: 'completed', due: null, endedAt: 9 };

/** Who waits in a queue, who has a place in it, and names that one run alone may have. */
export const QUEUES: Checks = {
  'gives out what waits in a queue key by key, by priority and then by number, each once': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(6);
    await store.commit({
      fence: tenure.fence,
      commits: [
        first(tenure, run, 'b1', { standing: waiting('b') }),
        first(tenure, run + 1, 'b2', { standing: waiting('b', 5) }),
        first(tenure, run + 2, 'b3', { standing: waiting('b', 5) }),
        first(tenure, run + 3, 'nobody', { standing: waiting('', -1) }),
        first(tenure, run + 4, 'other', { standing: waiting('a', 0, 'another') }),
        first(tenure, run + 5, 'd', { standing: waiting('d') }),
      ],
    });
    await store.release(
      tenure,
      [0, 1, 2, 3, 4, 5].map((n) => run + n),
    );
    const keys: string[] = [];
    for (let key = await store.nextKey('q'); key !== undefined; key = await store.nextKey('q', key)) keys.push(key);
    deepStrictEqual(keys, ['', 'b', 'd']);
    strictEqual(await store.nextKey('none'), undefined);
    const take = async (key: string): Promise<string | undefined> => (await store.claimWaiting(tenure, { queue: 'q', key, now: 1_000 }))?.row.id;
    deepStrictEqual([await take('b'), await take('b'), await take('b'), await take('b')], ['b2', 'b3', 'b1', undefined]);
    await store.release(tenure, [run + 2]);
    strictEqual(await take('b'), 'b3');
    // Time alone gives out nothing that stands in line.
    deepStrictEqual(await store.claim(tenure, { now: 9_000, limit: 9 }), []);
    strictEqual(await store.nextDue(), undefined);
    deepStrictEqual(await store.queues(), [
      { queue: 'another', waiting: 1, begun: 0 },
      { queue: 'q', waiting: 5, begun: 0 },
    ]);
    deepStrictEqual(
      (await store.list({ queue: 'q', limit: 2 })).map(({ id }) => id),
      ['d', 'nobody'],
    );
  },

  'counts the places that are taken up, until their runs have ended': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(3);
    const place: QueuePlace = { queue: 'q', key: 'a', priority: 0, stage: 'begun' };
    await store.commit({
      fence: tenure.fence,
      commits: [first(tenure, run, 'a1', { standing: waiting('a') }), first(tenure, run + 1, 'a2', { standing: begun('a') }), first(tenure, run + 2, 'plain')],
    });
    deepStrictEqual([await store.begun('q'), await store.begun('q', 'a'), await store.begun('q', 'b'), await store.begun('other')], [1, 1, 0, 0]);
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { standing: begun('a') })] });
    deepStrictEqual((await store.find('a1'))?.place, place);
    strictEqual(await store.begun('q', 'a'), 2);
    await store.commit({
      fence: tenure.fence,
      commits: [next(tenure.fence, run, 3, { standing: ended }), next(tenure.fence, run + 1, 2, { standing: ended })],
    });
    strictEqual(await store.begun('q'), 0);
    strictEqual((await store.find('a1'))?.place, undefined);
    deepStrictEqual(await store.queues(), []);
  },

  'refuses a beginning where no place is free, of the queue or of the key, also within one batch': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(4);
    const begin = (n: number, key: string, within: object) => next(tenure.fence, run + n, 2, { standing: begun(key), within });
    const all = ['a', 'a', 'b', 'c'].map((key, n) => first(tenure, run + n, `r${n}`, { standing: waiting(key) }));
    await store.commit({ fence: tenure.fence, commits: all });
    const bounds = { most: 2, perKey: 1 };
    deepStrictEqual(
      await store.commit({ fence: tenure.fence, commits: [begin(0, 'a', bounds), begin(1, 'a', bounds), begin(2, 'b', bounds), begin(3, 'c', bounds)] }),
      ['applied', 'full', 'applied', 'full'],
    );
    strictEqual((await store.find('r3'))?.place?.stage, 'waiting');
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [begin(3, 'c', { perKey: 1 })] }), ['applied']);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [begin(1, 'a', {})] }), ['applied']);
  },

  'lets one run have a sole name, and another when that one has it no more': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(3);
    const named: RunStanding = { ...standing, sole: 'x' };
    deepStrictEqual(
      await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'a', { standing: named }), first(tenure, run + 1, 'b', { standing: named })] }),
      ['applied', 'taken'],
    );
    strictEqual((await store.holder('x'))?.id, 'a');
    strictEqual((await store.find('a'))?.sole, 'x');
    strictEqual(await store.find('b'), undefined);
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { standing: ended })] });
    strictEqual(await store.holder('x'), undefined);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'b', { standing: named })] }), ['applied']);
    strictEqual((await store.holder('x'))?.id, 'b');
  },

  'keeps the hash of an input that has taken the place of another': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r'), next(tenure.fence, run, 2, { inputHash: 'other' })] });
    strictEqual((await store.find('r'))?.inputHash, 'other');
  },
};
