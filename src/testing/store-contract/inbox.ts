import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert/strict';
import { type Checks, first, next, worker } from './rows.ts';

/** What waits for a run, and how a process hears of what another wrote. */
export const INBOX: Checks = {
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
};
