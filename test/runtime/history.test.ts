import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { didNotHappen, HardError, happened, saga } from '../../src/index.ts';
import { readJournal, timelineOf, viewRun } from '../../src/runtime/history.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from './harness.ts';

let w: World;
afterEach(async () => await w.close());

const told = async (id = 'r') =>
  (await viewRun(w.store, id)).timeline.map(({ step, kind, attempt, outcome, ms, failure }) => [step, kind, attempt, outcome, ms, failure?.code]);

describe('the timeline of a run', () => {
  it('has retries, checks and undos, in the order in which they began, with what came of each', async () => {
    w = new World();
    let checks = 0;
    const s = saga('all', { version: 1, input: z.any() })
      .step(
        'a',
        async ({ attempt }) => {
          if (attempt < 3) throw new Error('reset');
          return attempt;
        },
        {
          check: () => (++checks === 1 ? didNotHappen : happened(7)),
          compensate: ({ attempt }) => {
            if (attempt === 1) throw new TypeError('busy line');
          },
          retry: { from: '1s', jitter: 'none' },
          undo: { retry: { from: '1s', jitter: 'none' } },
        },
      )
      .read('b', async () => {
        throw new HardError('no');
      });
    const began = w.clock.now();
    const run = await (await w.open([s])).start(s, null, { id: 'r' });
    await w.clock.advance(10_000);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', step: 'b' });
    expect(await told()).toEqual([
      ['a', 'run', 1, 'failed', 0, 'Error'],
      ['a', 'check', 1, 'succeeded', 0, undefined],
      ['a', 'run', 2, 'failed', 0, 'Error'],
      ['a', 'check', 2, 'succeeded', 0, undefined],
      ['b', 'run', 1, 'failed', 0, 'HardError'],
      ['a', 'undo', 1, 'failed', 0, 'TypeError'],
      ['a', 'undo', 2, 'succeeded', 0, undefined],
    ]);
    const { timeline, row, states, seq } = await viewRun(w.store, 'r');
    expect(timeline.map(({ startedAt }) => startedAt - began)).toEqual([0, 0, 1_000, 1_000, 1_000, 1_000, 2_000]);
    expect({ status: row.status, states, same: seq === row.seq }).toEqual({ status: 'compensated', states: ['compensated'], same: true });
  });

  it('has what is under way, what was lost, and how long an attempt took', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('lossy', { version: 1, input: z.any() }).step('a', gate.run, { compensate: async () => {}, timeout: '5m' });
    await (await w.open([s], { clock: new ManualClock(w.clock.now()) })).start(s, null, { id: 'r' });
    await w.clock.advance(31_000);
    await w.open([s]);
    await w.clock.advance(2_500);
    expect(await told()).toEqual([
      ['a', 'run', 1, 'lost', null, 'SC_ATTEMPT_LOST'],
      ['a', 'run', 2, 'running', null, undefined],
    ]);
    expect((await viewRun(w.store, 'r')).states).toEqual(['running.a.attempting.working']);
    gate.last.resolve(1);
    await w.clock.settle();
    expect((await told())[1]).toEqual(['a', 'run', 2, 'succeeded', 2_500, undefined]);
  });

  it('counts attempts as the step does: one that never began is not the first', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('waits', { version: 1, input: z.number() }).step('a', gate.run, { compensate: async () => {} });
    const engine = await w.open([s], { limits: { attempts: 1 } });
    for (const n of [1, 2]) await engine.start(s, n, { id: `r${n}` });
    const closing = engine.close();
    await w.clock.settle();
    gate.last.resolve(1);
    await closing;
    await w.open([s]);
    await w.clock.advance(1_000);
    const { attempt } = gate.last;
    gate.last.resolve(1);
    await w.clock.settle();
    expect((await told('r2')).at(-1)?.slice(0, 4)).toEqual(['a', 'run', attempt, 'succeeded']);
  });

  it('is empty for a run that has not begun, and for no entries at all', async () => {
    w = new World();
    const s = saga('queued', { version: 1, input: z.any() })
      .sleep('1s')
      .read('a', async () => 1);
    const engine = await w.open([s], { limits: { runs: 1 } });
    for (const n of [1, 2]) await engine.start(s, n, { id: `r${n}` });
    expect(await viewRun(w.store, 'r2')).toMatchObject({ timeline: [], states: [], row: { status: 'queued' }, seq: 1 });
    expect(timelineOf([])).toEqual([]);
  });
});

describe('the journal of a run', () => {
  it('can be read from any place, a page at a time', async () => {
    w = new World();
    const s = saga('two', { version: 1, input: z.any() })
      .read('a', async () => 1)
      .read('b', async () => 2);
    await (await w.open([s])).start(s, null, { id: 'r' });
    await w.clock.settle();
    const all = await readJournal(w.store, 'r');
    expect(all.map(({ seq, event }) => [seq, event.type])).toEqual([
      [1, 'started'],
      [2, 'succeeded'],
      [3, 'succeeded'],
    ]);
    expect(await readJournal(w.store, 'r', { from: 2, limit: 1 })).toEqual(all.slice(1, 2));
  });

  it('of a run that is not there is an error, as is a look at it', async () => {
    w = new World();
    await w.open([]);
    await expect(readJournal(w.store, 'nope')).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(viewRun(w.store, 'nope')).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });
});
