import { deepStrictEqual, notStrictEqual, rejects, strictEqual } from 'node:assert/strict';
import type { RunStanding } from '../../stores/store.ts';
import { type Checks, first, next, standing, worker } from './rows.ts';

/** Who executes, and which runs it is given. */
export const CLAIMS: Checks = {
  'claims what is due and free: active runs first, then by time; a claimed run is not given twice': async (store) => {
    const maker = await store.join(worker('a'));
    const run = await store.reserve(5);
    const due = (time: number | null): RunStanding => ({ ...standing, due: time });
    await store.commit({
      fence: maker.fence,
      commits: [
        first(maker, run, 'late', { standing: due(900) }),
        first(maker, run + 1, 'active', { standing: due(0) }),
        first(maker, run + 2, 'early', { standing: due(500) }),
        first(maker, run + 3, 'future', { standing: due(9_000) }),
        first(maker, run + 4, 'idle', { standing: due(null) }),
      ],
    });
    await store.leave(maker);
    const tenure = await store.join(worker('b'));
    const ids = async (limit: number): Promise<string[]> => (await store.claim(tenure, { now: 1_000, limit })).map(({ row }) => row.id);
    deepStrictEqual(await ids(2), ['active', 'early']);
    deepStrictEqual(await ids(9), ['late']);
    deepStrictEqual(await ids(9), []);
    strictEqual(await store.nextDue(), 9_000);
    await store.release(tenure, [run]);
    strictEqual(await store.nextDue(), 900);
    deepStrictEqual(await ids(9), ['late']);
    strictEqual((await store.claimRun(tenure, 'idle', 1_000))?.row.number, run + 4);
    strictEqual(await store.claimRun(tenure, 'nobody', 1_000), undefined);
  },

  'does not give a run to a second worker while the lease of the first holds': async (store) => {
    const a = await store.join(worker('a'));
    const b = await store.join(worker('b'));
    const run = await store.reserve(1);
    await store.commit({ fence: a.fence, commits: [first(a, run, 'r')] });
    deepStrictEqual(await store.claim(b, { now: 1_000, limit: 9 }), []);
    strictEqual(await store.claimRun(b, 'r', 1_000), undefined);
    await store.release(a, [run]);
    const [claim] = await store.claim(b, { now: 1_000, limit: 9 });
    notStrictEqual(claim?.fence, a.fence);
    deepStrictEqual(await store.commit({ fence: a.fence, commits: [next(a.fence, run, 2)] }), ['fenced']);
    deepStrictEqual(await store.commit({ fence: b.fence, commits: [next(claim?.fence ?? 0, run, 2)] }), ['applied']);
  },

  'names its owner': async (store) => {
    strictEqual(await store.owner(), undefined);
    const tenure = await store.join(worker('a'));
    deepStrictEqual(await store.owner(), worker('a'));
    await store.renew(tenure);
    await store.leave(tenure);
    strictEqual(await store.owner(), undefined);
  },

  'refuses a second executor, and names the first': async (store, { again }) => {
    await store.join(worker('a'));
    const other = await again?.(store);
    await other?.open();
    await rejects(
      async () => await other?.join(worker('b')),
      (error: { code?: string; message?: string }) => error.code === 'SC_STORE_LOCKED' && (error.message?.includes('process 1 on here') ?? false),
    );
    deepStrictEqual(await other?.owner(), worker('a'));
    await other?.close();
  },
};
