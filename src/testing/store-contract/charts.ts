import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { type Checks, first, identity, next, standing, worker } from './rows.ts';

/** Charts, and runs that go on with another one. */
export const CHARTS: Checks = {
  'keeps charts, the first that is given under a fingerprint, and gives those of one saga by version': async (store) => {
    const chart = (version: number, fingerprint: string, body: string, saga = 's') => ({ saga, version, fingerprint, body });
    await store.keepCharts([chart(2, 'b', 'two'), chart(1, 'a', 'ünïcødé 🚂'), chart(1, 'a', 'not this', 't')]);
    await store.keepCharts([chart(1, 'a', 'changed'), chart(1, 'c', 'other')]);
    deepStrictEqual(await store.charts('s'), [chart(1, 'a', 'ünïcødé 🚂'), chart(1, 'c', 'other'), chart(2, 'b', 'two')]);
    deepStrictEqual(await store.charts('nobody'), []);
  },

  'gives a run another chart with a commit, and its elements other numbers, all at the same time': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const item = (step: number, index: number) => ({ step, round: 1, index, state: 'done', attempts: 1, result: `"${step}/${index}"` });
    const items = [item(1, 0), item(1, 1), item(2, 0), item(3, 0), item(4, 0)];
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { items }), first(tenure, run + 1, 's', { items })] });
    const moves = [
      { from: 1, to: 2 },
      { from: 2, to: 1 },
      { from: 3, to: null },
    ];
    const recast = { version: 2, fingerprint: 'g', items: moves };
    const base = { format: 1, codec: 0, text: '{}' };
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { recast, base, items: [item(1, 3)] })] }), ['applied']);
    const row = await store.find('r');
    deepStrictEqual([row?.version, row?.fingerprint, row?.incarnation, row?.createdAt], [2, 'g', 1, identity('r').createdAt]);
    const page = async (of: number, step: number) =>
      (await store.items(of, { step, round: 1, from: 0, limit: 9 })).map(({ step: own, index, result }) => [own, index, result]);
    deepStrictEqual(await page(run, 1), [
      [1, 0, '"2/0"'],
      [1, 3, '"1/3"'],
    ]);
    deepStrictEqual(await page(run, 2), [
      [2, 0, '"1/0"'],
      [2, 1, '"1/1"'],
    ]);
    deepStrictEqual([await page(run, 3), await page(run, 4)], [[], [[4, 0, '"4/0"']]]);
    strictEqual((await store.find('s'))?.version, 1);
    strictEqual((await page(run + 1, 3)).length, 1);
    deepStrictEqual(
      (await store.list({ version: 2 })).map(({ id }) => id),
      ['r'],
    );
    strictEqual((await store.load(run)).base?.seq, 2);
  },

  'leaves a run on its chart whose commit is refused': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')] });
    const recast = { version: 2, fingerprint: 'g', items: [] };
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 3, { recast })] }), ['conflict']);
    deepStrictEqual(await store.commit({ fence: tenure.fence + 1, commits: [next(tenure.fence + 1, run, 2, { recast })] }), ['fenced']);
    strictEqual((await store.find('r'))?.version, 1);
  },

  'counts runs by chart and standing': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(4);
    const at = (createdAt: number, version: number) => ({ create: { ...identity(`r${createdAt}`), createdAt, version } });
    const failed = { standing: { ...standing, status: 'failed' as const, due: null, endedAt: 5 } };
    await store.commit({
      fence: tenure.fence,
      commits: [
        first(tenure, run, 'r1', at(1, 1)),
        first(tenure, run + 1, 'r2', at(2, 1)),
        first(tenure, run + 2, 'r3', { ...at(3, 2), ...failed }),
        first(tenure, run + 3, 'r4', { ...at(4, 2), standing: { ...standing, attention: true } }),
      ],
    });
    const row = (version: number, status: string, attention: boolean, count: number) => ({ saga: 'saga', version, fingerprint: 'f', status, attention, count });
    const sorted = async (filter: Parameters<typeof store.census>[0]) =>
      (await store.census(filter)).toSorted((a, b) => a.version - b.version || (a.status < b.status ? -1 : 1));
    deepStrictEqual(await sorted({}), [row(1, 'running', false, 2), row(2, 'failed', false, 1), row(2, 'running', true, 1)]);
    deepStrictEqual(await sorted({ saga: 'saga', version: 1, createdAfter: 1 }), [row(1, 'running', false, 1)]);
    deepStrictEqual(await sorted({ saga: 'nobody' }), []);
  },

  'changes a setting only if nobody else has, and tells of it in the same go': async (store) => {
    const tenure = await store.join(worker('a'));
    const [number, other] = [await store.reserve(1), await store.reserve(1)];
    const change = { name: 'x', was: 'old', body: 'new', at: 5, number, outbox: [{ topic: 'rollback', body: 'x', sinks: ['log'] }] };
    await store.commit({ fence: tenure.fence, commits: [], settings: [change] });
    deepStrictEqual([await store.controls(), await store.outboxCount()], [[], {}]);
    await store.setControl('x', 'old');
    await store.commit({ fence: tenure.fence, commits: [], settings: [change, { ...change, number: other }] });
    await store.commit({ fence: tenure.fence, commits: [], settings: [{ ...change, number: other }] });
    deepStrictEqual([await store.controls(), await store.outboxCount()], [[{ name: 'x', body: 'new' }], { log: 1 }]);
    const [row] = await store.outbox(9);
    deepStrictEqual([row?.run, row?.at, row?.topic], [number, 5, 'rollback']);
  },
};
