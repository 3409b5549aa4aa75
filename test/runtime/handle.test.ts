import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const noop = async () => 1;
let w: World;
afterEach(async () => await w.close());

const stuckSaga = saga('stuck', { version: 1, input: z.any() })
  .step('a', noop, {
    compensate: () => {
      throw new HardError('no undo');
    },
  })
  .read('b', async () => {
    throw new HardError('no');
  });

describe('a run that is not there', () => {
  it('is told of by every method of its handle', async () => {
    w = new World();
    const run = (await w.open([stuckSaga])).run('nope');
    const asked = [run.outcome(), run.until('attention'), run.status(), run.signal('x'), run.cancel(), run.terminate(), run.retry(), run.resolve('a')];
    for (const one of [...asked, run.skip('a', { reason: 'x' })]) await expect(one).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN', details: { run: 'nope' } });
  });
});

describe('a run that is blocked', () => {
  it('can be looked at; all else says why, also to those who waited, and it goes on with the code it knows', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, { compensate: noop });
    const first = await w.open([s]);
    await first.start(s, null, { id: 'r' });
    const closing = first.close();
    gate.last.reject(new Error('reset'));
    await closing;
    const engine = await w.open([saga('one', { version: 2, input: z.any() }).read('a', noop)]);
    const run = engine.run('r');
    expect(await run.status()).toMatchObject({ status: 'running', saga: 'one', version: 1 });
    const asked = [run.outcome(), run.until('attention'), run.signal('x'), run.cancel(), run.terminate(), run.retry()];
    for (const one of asked)
      await expect(one).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED', message: expect.stringContaining('version 1 is not registered') });
    expect(w.types('r')).toContain('run.blocked');
    expect(engine.load()).toMatchObject({ blocked: 1, runs: 0 });
    await engine.close();
    await w.open([s]);
    await w.clock.advance(1_000);
    gate.last.resolve(1);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });
});

describe('until', () => {
  it('gives the steps that need a person, to all who wait, and at once if they do already', async () => {
    w = new World();
    const engine = await w.open([stuckSaga]);
    const run = await engine.start(stuckSaga, null, { id: 'r' });
    expect(await Promise.all([run.until('attention'), engine.run('r').until('attention')])).toEqual([['a'], ['a']]);
    expect(await run.until('attention')).toEqual(['a']);
    // Nothing is left to do for it by itself, so it is read from the store.
    await w.close();
    await w.open([stuckSaga]);
    expect(await w.engine.run('r').until('attention')).toEqual(['a']);
  });

  it('is an error if the run ends instead, whether it is waited for or asked afterwards', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('fine', { version: 1, input: z.any() }).step('a', gate.run, { compensate: noop });
    const run = await (await w.open([s])).start(s, null, { id: 'r' });
    const waiting = run.until('attention');
    gate.last.resolve(1);
    const error = { code: 'SC_RUN_ENDED', message: 'run r has ended (completed) without needing a person' };
    await expect(waiting).rejects.toMatchObject(error);
    await expect(run.until('attention')).rejects.toMatchObject(error);
  });
});

describe('a run that has ended', () => {
  it('takes no command', async () => {
    w = new World();
    const s = saga('fine', { version: 1, input: z.any() }).read('a', noop);
    const run = await (await w.open([s])).start(s, null, { id: 'r' });
    await run.outcome();
    const asked = [run.signal('x' as never), run.cancel(), run.terminate(), run.retry(), run.resolve('a'), run.skip('a', { reason: 'x' })];
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
  });
});

describe('status', () => {
  it('is that of the last commit, also where the row is not written with each', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('three', { version: 1, input: z.any() }).read('a', noop).read('b', noop).step('c', gate.run, { compensate: noop });
    const run = await (await w.open([s])).start(s, null, { id: 'r', labels: { of: 'Ada' } });
    await w.clock.settle();
    expect(await run.status()).toMatchObject({ seq: 3, status: 'running', due: 0, endedAt: null, labels: { of: 'Ada' } });
    expect(await w.store.find('r')).toMatchObject({ seq: 1 });
    gate.last.resolve(1);
    await run.outcome();
    expect(await run.status()).toMatchObject({ seq: 4, status: 'completed', due: null, labels: { of: 'Ada' } });
  });
});

describe('resolve', () => {
  it('says that a person did it, and the run goes on with that result', async () => {
    w = new World();
    const s = saga('paid', { version: 1, input: z.any() })
      .pivot('p', noop)
      .step('a', async (): Promise<{ ticket: string }> => {
        throw new HardError('closed');
      })
      .output(({ results }) => results.a.ticket);
    const run = await (await w.open([s], { limits: { payloadBytes: 40 } })).start(s, null, { id: 'r' });
    await run.until('attention');
    await expect(run.resolve('a', { ticket: 'x'.repeat(50) })).rejects.toMatchObject({ code: 'SC_PAYLOAD_TOO_LARGE' });
    await expect(run.resolve('a', { ticket: () => 1 })).rejects.toMatchObject({ code: 'SC_NOT_STORABLE' });
    await run.resolve('a', { ticket: 'T-1' }, { by: 'Ann', reason: 'by phone' });
    expect(await run.outcome()).toEqual({ status: 'completed', output: 'T-1', left: [{ step: 'a', what: 'run resolved by hand' }] });
  });
});
