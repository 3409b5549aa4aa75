import { deepStrictEqual, notStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import type { Commit, RunIdentity, RunStanding, Store, Tenure, WorkerInfo } from '../stores/store.ts';
import { type ContractCase, kept } from './contract.ts';

export interface ContractOptions {
  /** A new, empty store, not opened yet. */
  make(): Promise<Store> | Store;
  /** The same data opened once more, as another process would; undefined where that cannot be. */
  again?(store: Store): Promise<Store> | Store;
  /**
   * A store in which a second worker can join although the first, frozen, has not left: its lease has run out, its
   * lock is lost. Default: the first one leaves.
   */
  usurp?(store: Store): Promise<Store> | Store;
  /** Cases that do not apply, and why. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What every store must do. Give each case to the `it` of your test runner. */
export function storeContract(options: ContractOptions): readonly ContractCase[] {
  return kept(CASES, options.skip).map(([name, check]) => ({
    name,
    run: async () => {
      const store = await options.make();
      await store.open();
      try {
        await check(store, options);
      } finally {
        await store.close();
      }
    },
  }));
}

const worker = (name: string): WorkerInfo => ({ name, pid: 1, host: 'here', since: 1_000, leaseMs: 10_000 });
const identity = (id: string): RunIdentity => ({ id, saga: 'saga', version: 1, fingerprint: 'f', incarnation: 1, inputHash: 'h', createdAt: 1_000 });
const standing: RunStanding = { status: 'running', attention: false, paused: false, degraded: false, due: 0, endedAt: null, labels: {} };

const first = (tenure: Tenure, run: number, id: string, more: Partial<Commit> = {}): Commit => ({
  run,
  seq: 1,
  fence: tenure.fence,
  at: 1_000,
  create: identity(id),
  standing,
  entry: { format: 1, codec: 0, text: `{"first":"${id}"}` },
  ...more,
});
const next = (fence: number, run: number, seq: number, more: Partial<Commit> = {}): Commit => ({
  run,
  seq,
  fence,
  at: 1_000 + seq,
  entry: { format: 1, codec: 0, text: `{"seq":${seq}}` },
  ...more,
});

type Check = (store: Store, options: ContractOptions) => Promise<void>;

const CASES: Readonly<Record<string, Check>> = {
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
    await store.commit({ fence: old.fence, commits: [first(old, run, 'r')] });
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

  'takes an inbox entry once, and hands it out until it is answered': async (store) => {
    const tenure = await store.join(worker('a'));
    const entry = { id: 'i', run: 'r', body: '{"type":"cancel"}', at: 1 };
    const { number, duplicate } = await store.send(entry);
    strictEqual(duplicate, false);
    deepStrictEqual(await store.send({ ...entry, body: 'other' }), { number, duplicate: true });
    deepStrictEqual(await store.pending(0, 9), [{ ...entry, number, answeredAt: null, answer: null }]);
    deepStrictEqual(await store.pending(number, 9), []);
    const run = await store.reserve(1);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { consumed: [{ number, at: 2, answer: 'yes' }] })] });
    deepStrictEqual(await store.pending(0, 9), []);
    deepStrictEqual(await store.inbox('i'), { ...entry, number, answeredAt: 2, answer: 'yes' });
    // A second commit that consumes it was decided twice from one event.
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { consumed: [{ number, at: 3, answer: 'no' }] })] }), [
      'conflict',
    ]);
    strictEqual((await store.inbox('i'))?.answer, 'yes');
  },

  'answers entries that came to nothing, with the batch': async (store) => {
    const tenure = await store.join(worker('a'));
    const { number } = await store.send({ id: 'i', run: 'nobody', body: '{}', at: 1 });
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [], settled: [{ number, at: 2, answer: 'no' }] }), []);
    await store.commit({ fence: tenure.fence, commits: [], settled: [{ number, at: 3, answer: 'again' }] });
    strictEqual((await store.inbox('i'))?.answer, 'no');
    strictEqual(await store.inbox('other'), undefined);
  },

  'adds a reply to an answer, if it is the first': async (store) => {
    const tenure = await store.join(worker('a'));
    const { number } = await store.send({ id: 'i', run: 'nobody', body: '{}', at: 1 });
    const settled = (id: string) => [{ number, at: 2, answer: id, reply: { id, run: 'r', body: '{}', at: 2 } }];
    await store.commit({ fence: tenure.fence, commits: [], settled: settled('first') });
    await store.commit({ fence: tenure.fence, commits: [], settled: settled('second') });
    strictEqual((await store.inbox('first'))?.run, 'r');
    strictEqual(await store.inbox('second'), undefined);
    deepStrictEqual(
      (await store.pending(0, 9)).map(({ id }) => id),
      ['first'],
    );
  },

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
            { topic: 'attention', body: 'x' },
            { topic: 'log', body: 'y' },
          ],
        }),
      ],
    });
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r', { outbox: [{ topic: 'never', body: 'z' }] })] });
    strictEqual((await store.inbox('m'))?.run, 's');
    deepStrictEqual(await store.outbox(9), [
      { run, seq: 1, n: 0, topic: 'attention', body: 'x', at: 1_000 },
      { run, seq: 1, n: 1, topic: 'log', body: 'y', at: 1_000 },
    ]);
  },

  'leaves only the tombstone of a purged run, and its id stays taken for that incarnation': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const tombstone = { id: 'r', saga: 'saga', inputHash: 'h', status: 'completed', incarnation: 1, at: 2 } as const;
    const items = [{ step: 1, round: 1, index: 1, state: 'done', attempts: 1, result: '{}' }];
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { items }), next(tenure.fence, run, 2, { tombstone })] });
    strictEqual(await store.find('r'), undefined);
    deepStrictEqual((await store.load(run)).entries, []);
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [first(tenure, run + 1, 'r')] }), ['exists']);
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

  'reserves numbers once': async (store) => {
    await store.join(worker('a'));
    const a = await store.reserve(10);
    const b = await store.reserve(1);
    ok(b >= a + 10);
  },

  'names its owner': async (store) => {
    strictEqual(await store.owner(), undefined);
    const tenure = await store.join(worker('a'));
    deepStrictEqual(await store.owner(), worker('a'));
    await store.renew(tenure);
    await store.leave(tenure);
    strictEqual(await store.owner(), undefined);
  },

  'tells of what another process wrote': async (store, { again }) => {
    await store.join(worker('a'));
    const before = store.revision();
    strictEqual(store.revision(), before);
    const other = await again?.(store);
    await other?.open();
    await (other ?? store).send({ id: 'i', run: 'r', body: '{}', at: 1 });
    notStrictEqual(store.revision(), before);
    strictEqual((await store.pending(0, 9)).length, 1);
    await other?.close();
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

  'keeps everything over a reopening': async (store, { again }) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')] });
    const { id } = await store.open();
    await store.close();
    const other = (await again?.(store)) ?? store;
    strictEqual((await other.open()).id, id);
    strictEqual((await other.load(run)).entries.length, 1);
    await other.close();
    await store.open();
  },
};
