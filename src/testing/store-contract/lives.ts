import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { RunStanding } from '../../stores/store.ts';
import { type Checks, first, identity, next, standing, worker } from './rows.ts';

/** Purged runs, and several incarnations of an id. */
export const LIVES: Checks = {
  'leaves only the tombstone of a purged run, and its id stays taken for that incarnation': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const tombstone = { id: 'r', saga: 'saga', inputHash: 'h', status: 'completed', incarnation: 1, at: 2 } as const;
    const items = [{ step: 1, round: 1, index: 1, state: 'done', attempts: 1, result: '{}' }];
    const outbox = [{ topic: 'failure', body: 'x', sinks: ['log'] }];
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { items, outbox }), next(tenure.fence, run, 2, { tombstone })] });
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { items }), next(tenure.fence, run, 2, { tombstone })] });
    deepStrictEqual(await store.items(run, { step: 1, round: 1, from: 0, limit: 1 }), []);
    strictEqual(await store.find('r'), undefined);
    // What waits to leave is not of the run any more.
    deepStrictEqual(await store.outboxCount(), { log: 1 });
    deepStrictEqual((await store.load(run)).entries, []);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r')] }), ['exists']);
  },

  'knows what was purged, and refuses the same incarnation or an earlier one': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(3);
    const second = { create: { ...identity('r'), incarnation: 2 } };
    strictEqual(await store.tombstone('r'), undefined);
    const tombstone = { id: 'r', saga: 'saga', inputHash: 'h', status: 'failed', incarnation: 1, at: 2 } as const;
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r'), next(tenure.fence, run, 2, { tombstone })] });
    deepStrictEqual(await store.tombstone('r'), tombstone);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r')] }), ['exists']);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r', second)] }), ['applied']);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 2, 'r', second)] }), ['exists']);
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run + 1, 2, { tombstone: { ...tombstone, incarnation: 2 } })] });
    strictEqual((await store.tombstone('r'))?.incarnation, 2);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 2, 'r', second)] }), ['exists']);
  },

  'keeps incarnations side by side, and means the last one': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const ended: RunStanding = { ...standing, status: 'completed', due: null, endedAt: 5 };
    await store.commit({
      fence: tenure.fence,
      commits: [first(tenure, run, 'r', { standing: ended }), first(tenure, run + 1, 'r', { create: { ...identity('r'), incarnation: 2 } })],
    });
    strictEqual((await store.find('r'))?.number, run + 1);
    strictEqual((await store.find('r', 1))?.number, run);
    strictEqual(await store.find('r', 3), undefined);
    deepStrictEqual(
      (await store.list({ ids: ['r'] })).map(({ incarnation }) => incarnation),
      [2, 1],
    );
    await store.release(tenure, [run, run + 1]);
    const claim = await store.claimRun(tenure, 'r', 1_000, 1);
    strictEqual(claim?.row.number, run);
    const tombstone = { id: 'r', saga: 'saga', inputHash: 'h', status: 'completed', incarnation: 1, at: 2 } as const;
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(claim.fence, run, 2, { tombstone })] }), ['applied']);
    strictEqual((await store.find('r'))?.number, run + 1);
    strictEqual(await store.find('r', 1), undefined);
  },

  'forgets with a purged run what was sent to it and answered': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    const [start, late, other] = await store.sendAll([
      { id: 'start', run: 'r', body: '{}', at: 1 },
      { id: 'late', run: 'r', body: '{}', at: 1 },
      { id: 'other', run: 's', body: '{}', at: 1 },
    ]);
    const settled = [start, other].map((posted) => ({ number: posted?.number ?? 0, at: 2, answer: 'yes' }));
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')], settled });
    const tombstone = { id: 'r', saga: 'saga', inputHash: 'h', status: 'completed', incarnation: 1, at: 2 } as const;
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { tombstone })] });
    strictEqual(await store.inbox('start'), undefined);
    strictEqual((await store.inbox('other'))?.answer, 'yes');
    deepStrictEqual(
      (await store.pending(0, 9)).map(({ id, number }) => [id, number]),
      [['late', late?.number]],
    );
  },
};
