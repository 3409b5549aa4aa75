import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { type Checks, first, sorted, worker } from './rows.ts';

/** What waits to leave. */
export const OUTBOX: Checks = {
  'delivers messages and alerts with the commit, and not without it': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const message = { id: 'm', run: 's', body: '{}', at: 1 };
    await store.commit({
      fence: tenure.fence,
      commits: [
        first(tenure, run, 'r', {
          messages: [message],
          outbox: [
            { topic: 'attention', body: 'x', sinks: ['log', 'hook'] },
            { topic: 'failure', body: 'y', sinks: ['log'] },
          ],
        }),
      ],
    });
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r', { outbox: [{ topic: 'never', body: 'z', sinks: ['log'] }] })] });
    strictEqual((await store.inbox('m'))?.run, 's');
    const waiting = { run, seq: 1, at: 1_000, attempts: 0, due: 0 };
    const both = [
      { ...waiting, n: 0, sink: 'hook', topic: 'attention', body: 'x' },
      { ...waiting, n: 0, sink: 'log', topic: 'attention', body: 'x' },
      { ...waiting, n: 1, sink: 'log', topic: 'failure', body: 'y' },
    ];
    deepStrictEqual(sorted(await store.outbox(9)), both);
    strictEqual((await store.outbox(1)).length, 1);
    deepStrictEqual(await store.outboxCount(), { log: 2, hook: 1 });
  },

  'hands out what is due for a sink, and again if nobody says what became of it': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    const alert = (body: string) => ({ topic: 'failure', body, sinks: ['log', 'hook'] });
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { outbox: [alert('x'), alert('y'), alert('z')] })] });
    const take = async (sink: string, now: number, limit = 9) => {
      const { rows, next } = await store.takeOutbox(tenure, { sink, now, until: now + 100, limit });
      return [rows.map(({ body, attempts }) => `${body}${attempts}`).join(' '), next];
    };
    deepStrictEqual(await take('other', 2_000), ['', undefined]);
    deepStrictEqual(await take('log', 2_000, 2), ['x1 y1', 0]);
    deepStrictEqual(await take('log', 2_000), ['z1', 2_100]);
    deepStrictEqual(await take('log', 2_099), ['', 2_100]);
    // What one sink is sent changes nothing for another.
    deepStrictEqual(await take('hook', 2_050), ['x1 y1 z1', 2_150]);
    const key = (n: number) => ({ run, seq: 1, n, sink: 'log' });
    await store.markOutbox(tenure, [
      { ...key(0), due: null },
      { ...key(1), due: 5_000 },
    ]);
    deepStrictEqual(await take('log', 2_100), ['z2', 2_200]);
    deepStrictEqual(await take('log', 5_000), ['z3 y2', 5_100]);
    await store.markOutbox(tenure, [{ ...key(0), due: 1 }]);
    deepStrictEqual(await store.outboxCount(), { log: 2, hook: 3 });
    deepStrictEqual(
      (await store.outbox(9)).filter(({ n, sink }) => n === 1 && sink === 'log').map(({ attempts, due }) => [attempts, due]),
      [[2, 5_100]],
    );
  },

  'writes what leaves with an answer once, with the answer': async (store) => {
    const tenure = await store.join(worker('a'));
    const { number } = await store.send({ id: 'i', run: 'nobody', body: '{}', at: 1 });
    const refused = { number, at: 2, answer: 'no', outbox: [{ topic: 'remedy', body: 'x', sinks: ['log'] }] };
    await store.commit({ fence: tenure.fence, commits: [], settled: [refused] });
    await store.commit({ fence: tenure.fence, commits: [], settled: [{ ...refused, at: 3 }] });
    deepStrictEqual(sorted(await store.outbox(9)), [{ run: 0, seq: number, n: 0, sink: 'log', topic: 'remedy', body: 'x', at: 2, attempts: 0, due: 0 }]);
  },
};
