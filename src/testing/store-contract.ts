import { deepStrictEqual, notStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import type { Commit, ItemRow, OutboxRow, RunIdentity, RunStanding, Store, Tenure, WorkerInfo } from '../stores/store.ts';
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

const sorted = (rows: readonly OutboxRow[]): readonly OutboxRow[] => rows.toSorted((a, b) => a.n - b.n || (a.sink < b.sink ? -1 : 1));

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

  'keeps the items of a map, the last row of each, and reads them in pages': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const item = (index: number, more: Partial<ItemRow> = {}): ItemRow => ({
      step: 1,
      round: 1,
      index,
      state: 'done',
      attempts: 1,
      result: `[${index}]`,
      ...more,
    });
    const items = [item(3), item(0), item(2, { result: null }), item(0, { round: 2 }), item(0, { step: 2 })];
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { items }), first(tenure, run + 1, 's', { items: [item(1)] })] });
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { items: [item(2, { state: 'undone', attempts: 2 }), item(10_000)] })] });
    const page = async (from: number, limit: number): Promise<readonly ItemRow[]> => await store.items(run, { step: 1, round: 1, from, limit });
    deepStrictEqual(await page(0, 3), [item(0), item(2, { state: 'undone', attempts: 2 }), item(3)]);
    deepStrictEqual(await page(4, 3), [item(10_000)]);
    deepStrictEqual(await page(10_001, 3), []);
    deepStrictEqual(await store.items(run, { step: 1, round: 2, from: 0, limit: 3 }), [item(0, { round: 2 })]);
    deepStrictEqual(await store.items(run, { step: 3, round: 1, from: 0, limit: 3 }), []);
    // A commit that is refused leaves no rows.
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 9, { items: [item(5)] })] }), ['conflict']);
    deepStrictEqual(await page(4, 1), [item(10_000)]);
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

  'takes many entries at once, each once, and answers in their order': async (store) => {
    const entry = (id: string): { id: string; run: string; body: string; at: number } => ({ id, run: 'r', body: '{}', at: 1 });
    await store.send(entry('b'));
    const posted = await store.sendAll([entry('a'), entry('b'), entry('c'), entry('a')]);
    deepStrictEqual(
      posted.map(({ duplicate }) => duplicate),
      [false, true, false, true],
    );
    strictEqual(posted[3]?.number, posted[0]?.number);
    deepStrictEqual(
      (await store.pending(0, 9)).map(({ id }) => id),
      ['b', 'a', 'c'],
    );
    deepStrictEqual(await store.sendAll([]), []);
  },

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

  'keeps settings that anybody may set, change and take away, and reads them by name': async (store) => {
    deepStrictEqual(await store.controls(), []);
    await store.setControl('b', '{"text":"ünïcødé 🚂"}');
    await store.setControl('a', 'old');
    await store.setControl('a', 'new');
    await store.setControl('nobody', undefined);
    deepStrictEqual(await store.controls(), [
      { name: 'a', body: 'new' },
      { name: 'b', body: '{"text":"ünïcødé 🚂"}' },
    ]);
    await store.setControl('b', undefined);
    deepStrictEqual(await store.controls(), [{ name: 'a', body: 'new' }]);
  },

  'tells of a setting that another process made, and of one that it took away': async (store, { again }) => {
    await store.join(worker('a'));
    const other = await again?.(store);
    await other?.open();
    for (const body of ['on', undefined]) {
      const before = store.revision();
      strictEqual(store.revision(), before);
      await (other ?? store).setControl('x', body);
      notStrictEqual(store.revision(), before);
      deepStrictEqual(await store.controls(), body === undefined ? [] : [{ name: 'x', body }]);
    }
    await other?.close();
  },

  'tells another process of a commit': async (store, { again }) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(1);
    const other = await again?.(store);
    await other?.open();
    const before = (other ?? store).revision();
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r')] });
    notStrictEqual((other ?? store).revision(), before);
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
