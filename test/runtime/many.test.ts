import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { breakable } from './breakable.ts';
import { Gate, World } from './harness.ts';

const gate = new Gate();
const quick = saga('quick', { version: 1, input: z.object({ n: z.number() }) })
  .read('a', ({ input }) => input.n)
  .output(({ input }) => input.n);
const held = saga('held', { version: 1, input: z.any() }).step('a', gate.run, { compensate: () => {}, timeout: '1d' });
let broken: boolean;
const stuck = saga('stuck', { version: 1, input: z.any() }).graph((g) => {
  const undo = {
    compensate: () => {
      if (broken) throw new HardError('no undo');
    },
  };
  return g
    .step('x', () => 1, undo)
    .step('y', () => 2, undo)
    .after('x', 'y')
    .pivot('p', () => {
      throw new HardError('declined');
    });
});

let w: World;
beforeEach(() => {
  w = new World();
  gate.calls.length = 0;
  broken = true;
});
afterEach(async () => await w.close());
const open = (options: Parameters<World['open']>[1] = {}) => w.open([quick, held, stuck], options);

/** Batches that were committed, as how many runs each began. */
function began(): number[] {
  const batches: number[] = [];
  const commit = w.store.commit.bind(w.store);
  w.store.commit = async (batch) => {
    const starts = batch.commits.filter(({ create }) => create).length;
    if (starts > 0) batches.push(starts);
    return await commit(batch);
  };
  return batches;
}

describe('startMany', () => {
  it('answers in order: started, existing, or what each was refused with', async () => {
    const engine = await open();
    await engine.start(quick, { n: 1 }, { id: 'there' });
    const answers = await engine.startMany([
      { saga: quick, input: { n: 1 }, id: 'there' },
      { saga: 'quick', input: { n: 2 }, id: 'new', labels: { of: 'Ann' } },
      { saga: quick, input: { n: 'x' as never } },
      { saga: quick, input: { n: 3 }, id: 'there' },
      { saga: 'nobody' as never, input: { n: 3 } },
      undefined as never,
      { saga: quick, input: { n: 4 } },
      { saga: quick, input: { n: 2 }, id: 'new' },
    ]);
    expect(answers.map((answer) => (answer.status === 'error' ? answer.error.code : answer.status))).toEqual([
      'existing',
      'started',
      'SC_INPUT_INVALID',
      'SC_RUN_EXISTS',
      'SC_UNKNOWN_SAGA',
      'SC_INTERNAL',
      'started',
      'existing',
    ]);
    const [, made] = answers;
    expect(made?.status === 'started' && (await made.run.outcome())).toMatchObject({ output: 2 });
    expect((await engine.run('new').status()).labels).toEqual({ of: 'Ann' });
  });

  it('takes as few transactions as batches allow', async () => {
    const engine = await open({ limits: { batch: 50 } });
    const batches = began();
    await engine.startMany(Array.from({ length: 200 }, (_, n) => ({ saga: quick, input: { n }, id: `r${n}` })));
    expect(batches.reduce((sum, n) => sum + n, 0)).toBe(200);
    // The first finds nobody to wait for, and goes alone.
    expect(batches.length).toBeLessThanOrEqual(6);
  });

  it('takes entries of a source only as fast as they are started', async () => {
    let release = (): void => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    w = new World(breakable({ until }));
    const engine = await open({ limits: { pending: 5 } });
    let asked = 0;
    const source = async function* () {
      for (let n = 0; n < 20; n++) {
        asked++;
        yield { saga: quick, input: { n } };
      }
    };
    const answers = engine.startMany(source());
    await w.clock.settle();
    expect(asked).toBe(6);
    release();
    expect(await answers).toHaveLength(20);
  });
});

describe('list and runs', () => {
  it('find by filter, and go through all pages', async () => {
    const engine = await open();
    await engine.startMany(Array.from({ length: 230 }, (_, n) => ({ saga: quick, input: { n }, id: `r${n}`, labels: { third: `${n % 3}` } })));
    expect(await engine.list({ labels: { third: '1' }, limit: 500 })).toHaveLength(77);
    expect(await engine.list()).toHaveLength(100);
    const ids = async (filter: object): Promise<string[]> => {
      const found: string[] = [];
      for await (const { id } of engine.runs(filter)) found.push(id);
      return found;
    };
    const all = await ids({});
    expect([all.length, new Set(all).size, all[0]]).toEqual([230, 230, 'r229']);
    expect(await ids({ limit: 120 })).toHaveLength(120);
    expect(await ids({ limit: 0 })).toEqual([]);
  });

  it('refuse a filter that does not say what it means', async () => {
    const engine = await open();
    for (const filter of [
      { sagas: 'quick' },
      { status: 'failed' },
      { status: ['gone'] },
      { labels: { n: 1 } },
      { createdBefore: new Date() },
      { limit: -1 },
      null,
    ])
      await expect(engine.list(filter as never), JSON.stringify(filter)).rejects.toMatchObject({ code: 'SC_OPTION' });
    await expect(engine.bulk('cancel', { saga: 7 } as never)).rejects.toMatchObject({ code: 'SC_OPTION' });
    await expect(engine.bulk('reboot' as never, {})).rejects.toMatchObject({ code: 'SC_OPTION' });
  });
});

describe('bulk', () => {
  it('does one thing to all that can take it, and tells the failures', async () => {
    const engine = await open();
    for (let i = 0; i < 30; i++) await engine.start(held, null, { id: `r${i}` });
    await (await engine.start(quick, { n: 1 }, { id: 'over' })).outcome();
    await w.clock.settle();
    const told: number[] = [];
    expect(await engine.bulk('terminate', { ids: ['r0', 'r1', 'over'] }, { dryRun: true })).toEqual({ matched: 2, done: 0, failed: 0, failures: [] });
    const canceled = engine.bulk('cancel', { saga: 'held' }, { by: 'Ann', reason: 'moved', progress: ({ matched }) => told.push(matched) });
    await w.clock.settle();
    for (const call of gate.calls) call.resolve(1);
    expect(await canceled).toEqual({ matched: 30, done: 30, failed: 0, failures: [] });
    expect(told).toEqual([20, 30]);
    expect(await engine.run('r3').outcome()).toMatchObject({ status: 'canceled', by: 'Ann', reason: 'moved' });
    expect(await engine.bulk('cancel', {})).toMatchObject({ matched: 0 });
    expect(await engine.bulk('cancel', { status: ['completed', 'running'] })).toMatchObject({ matched: 0 });
    expect(await engine.bulk('purge', { status: ['completed', 'running'] }, { dryRun: true })).toMatchObject({ matched: 1 });
  });

  it('never has more under way than a page', async () => {
    const engine = await open();
    for (let i = 0; i < 50; i++) await engine.start(held, null, { id: `r${i}` });
    let most = 0;
    const commit = w.store.commit.bind(w.store);
    w.store.commit = async (batch) => {
      most = Math.max(most, batch.commits.length);
      return await commit(batch);
    };
    expect(await engine.bulk('terminate', {})).toMatchObject({ done: 50 });
    expect(most).toBeLessThanOrEqual(20);
  });

  it('tries every stuck step again', async () => {
    const engine = await open();
    for (const id of ['a', 'b']) expect([...(await (await engine.start(stuck, null, { id })).until('attention'))].length).toBeGreaterThan(0);
    await w.clock.settle();
    broken = false;
    expect(await engine.bulk('retry', { saga: 'stuck' })).toMatchObject({ matched: 2, done: 2, failed: 0 });
    expect((await engine.run('a').outcome()).status).toBe('compensated');
    expect((await engine.run('b').outcome()).status).toBe('compensated');
  });

  it('goes on past what is refused', async () => {
    const paid = saga('paid', { version: 1, input: z.any() }).pivot('p', gate.run, { timeout: '1d' });
    const engine = await w.open([paid, held]);
    await engine.start(paid, null, { id: 'p' });
    await engine.start(held, null, { id: 'h' });
    const canceled = await engine.bulk('cancel', {});
    expect(canceled).toMatchObject({ matched: 2, done: 1, failed: 1, failures: [{ run: 'p', error: { code: 'SC_CANCEL_PAST_PIVOT' } }] });
    for (const call of gate.calls) call.resolve(1);
  });
});

describe('reads after a commit', () => {
  it('wait until the run is there', async () => {
    const engine = await open();
    const run = await engine.start(held, null, { id: 'r' });
    expect(await run.status({ after: 1 })).toMatchObject({ seq: 1 });
    const later = run.view({ after: 2 });
    const end = run.status({ after: 2 });
    await w.clock.settle();
    gate.last.resolve(1);
    expect(await later).toMatchObject({ seq: 2 });
    expect(await end).toMatchObject({ seq: 2, status: 'completed' });
    expect(await run.status({ after: 2 })).toMatchObject({ seq: 2 });
    await expect(run.status({ after: 3 })).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    await expect(engine.run('nobody').status({ after: 1 })).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });

  it('say so if it ends before', async () => {
    const engine = await open();
    const run = await engine.start(held, null, { id: 'r' });
    const never = run.status({ after: 9 });
    const caught = expect(never).rejects.toMatchObject({ code: 'SC_RUN_ENDED', details: { seq: 2, after: 9 } });
    await w.clock.settle();
    gate.last.resolve(1);
    await caught;
  });
});
