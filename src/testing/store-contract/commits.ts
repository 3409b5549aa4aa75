import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import type { RunStanding } from '../../stores/store.ts';
import { type Checks, first, identity, next, standing, worker } from './rows.ts';

/** What a batch applies, what it refuses, and what a run is read back from. */
export const COMMITS: Checks = {
  'keeps what a batch says, and reads it back in order': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    const text = '{"text":"ünïcødé \\u0000 \\ud800 🚂"}';
    deepStrictEqual(
      await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r'), next(tenure.fence, run, 2, { entry: { format: 3, codec: 2, text } })] }),
      ['applied', 'applied'],
    );
    deepStrictEqual(await store.load(run), {
      base: undefined,
      entries: [
        { seq: 1, format: 1, codec: 0, text: '{"first":"r"}' },
        { seq: 2, format: 3, codec: 2, text },
      ],
    });
    const row = await store.find('r');
    deepStrictEqual(row, { ...identity('r'), ...standing, number: run, seq: 1, updatedAt: 1_000 });
  },

  'writes the row only when the standing changes': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r'), next(tenure.fence, run, 2)] });
    strictEqual((await store.find('r'))?.seq, 1);
    const ended: RunStanding = { ...standing, status: 'completed', due: null, endedAt: 5_000, attention: true, labels: { team: 'a' } };
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 3, { standing: ended })] });
    deepStrictEqual(await store.find('r'), { ...identity('r'), ...ended, number: run, seq: 3, updatedAt: 1_003 });
  },

  'refuses a commit that is not the next, and applies the others of the batch': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')] });
    const verdicts = await store.commit({
      fence: tenure.fence,
      commits: [next(tenure.fence, run, 3), next(tenure.fence, run, 2), first(tenure, run + 1, 's')],
    });
    // After a refusal nothing more of that run is applied: it was computed from what is not there.
    deepStrictEqual(verdicts, ['conflict', 'conflict', 'applied']);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2)] }), ['applied']);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2)] }), ['conflict']);
  },

  'answers exists for an id that is taken, and changes nothing': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')] });
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r'), next(tenure.fence, run + 1, 2)] }), [
      'exists',
      'conflict',
    ]);
    deepStrictEqual((await store.load(run + 1)).entries, []);
    strictEqual((await store.find('r'))?.number, run);
  },

  'refuses commits under an old fence': async (store) => {
    const old = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({ fence: old.fence, commits: [first(old, run, 'r')] });
    await store.leave(old);
    const tenure = await store.join(worker('b'));
    ok(tenure.fence > old.fence);
    const [claim] = await store.claim(tenure, { now: 2_000, limit: 10 });
    strictEqual(claim?.row.id, 'r');
    deepStrictEqual(await store.commit({ fence: old.fence, commits: [next(old.fence, run, 2)] }), ['fenced']);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(claim.fence, run, 2)] }), ['applied']);
  },

  'applies nothing of a worker that has lost its role': async (store, { usurp }) => {
    const old = await store.join(worker('a'));
    const run = await store.reserve(2);
    await store.commit({ fence: old.fence, commits: [first(old, run, 'r', { outbox: [{ topic: 'failure', body: 'x', sinks: ['log'] }] })] });
    const { number } = await store.send({ id: 'i', run: 'nobody', body: '{}', at: 1 });
    if (!usurp) await store.leave(old);
    const other = (await usurp?.(store)) ?? store;
    if (other !== store) await other.open();
    const tenure = await other.join(worker('b'));
    const refused = [{ number, at: 2, answer: 'no' }];
    const fenced = { code: 'SC_STORE_FENCED', retryable: false };
    await rejects(store.commit({ fence: old.fence, commits: [], settled: refused }), fenced);
    await rejects(store.commit({ fence: old.fence, commits: [] }), fenced);
    const commits = [next(old.fence, run, 2), first(tenure, run + 1, 's')];
    deepStrictEqual(await store.commit({ fence: old.fence, commits, settled: refused }), ['fenced', 'fenced']);
    await rejects(store.renew(old), fenced);
    await rejects(store.takeOutbox(old, { sink: 'log', now: 2_000, until: 3_000, limit: 1 }), fenced);
    await rejects(store.markOutbox(old, [{ run, seq: 1, n: 0, sink: 'log', due: null }]), fenced);
    deepStrictEqual(await other.outboxCount(), { log: 1 });
    strictEqual((await other.inbox('i'))?.answer, null);
    strictEqual((await other.load(run)).entries.length, 1);
    strictEqual(await other.find('s'), undefined);
    // It leaves when it wakes up, which takes nothing from the present one.
    await store.leave(old);
    deepStrictEqual(await other.owner(), worker('b'));
    deepStrictEqual(await other.commit({ fence: tenure.fence, commits: [], settled: [{ number, at: 3, answer: 'yes' }] }), []);
    strictEqual((await other.inbox('i'))?.answer, 'yes');
    if (other !== store) await other.close();
  },

  'refuses a commit under the fence of a claim that is over, and applies the rest of the batch': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')] });
    const { number } = await store.send({ id: 'i', run: 'nobody', body: '{}', at: 1 });
    const commits = [next(tenure.fence - 1, run, 2), first(tenure, run + 1, 's')];
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits, settled: [{ number, at: 2, answer: 'no' }] }), ['fenced', 'applied']);
    strictEqual((await store.inbox('i'))?.answer, 'no');
  },

  'rebuilds from the last snapshot and what came after': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({
      fence: tenure.fence,
      commits: [first(tenure, run, 'r'), next(tenure.fence, run, 2, { base: { format: 7, codec: 0, text: '{"base":2}' } }), next(tenure.fence, run, 3)],
    });
    const { base, entries } = await store.load(run);
    deepStrictEqual(base, { seq: 2, format: 7, codec: 0, text: '{"base":2}' });
    deepStrictEqual(
      entries.map(({ seq }) => seq),
      [3],
    );
    deepStrictEqual(
      (await store.journal(run)).map(({ seq }) => seq),
      [1, 2, 3],
    );
    deepStrictEqual(
      (await store.journal(run, { from: 2, limit: 1 })).map(({ seq }) => seq),
      [2],
    );
  },

  'reserves numbers once': async (store) => {
    await store.join(worker('a'));
    const a = await store.reserve(10);
    const b = await store.reserve(1);
    ok(b >= a + 10);
  },

  'keeps everything over a reopening': async (store, { again }) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { outbox: [{ topic: 'failure', body: 'x', sinks: ['log'] }] })] });
    await store.setControl('x', 'on');
    const { id } = await store.open();
    await store.close();
    const other = (await again?.(store)) ?? store;
    strictEqual((await other.open()).id, id);
    strictEqual((await other.load(run)).entries.length, 1);
    deepStrictEqual(await other.controls(), [{ name: 'x', body: 'on' }]);
    deepStrictEqual(await other.outboxCount(), { log: 1 });
    await other.close();
    await store.open();
  },
};
