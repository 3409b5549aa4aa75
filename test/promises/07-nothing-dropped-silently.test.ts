import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import type { World } from '../runtime/harness.ts';
import { Disk, journalOf, setting } from './setting.ts';

const worlds = setting();
const refuse = (): never => {
  throw new HardError('refused');
};
const undo = { retry: { attempts: 2, from: '100ms', jitter: 'none' } } as const;

/** Two independent steps behind a first one; `left` cannot be undone while `broken`. */
const stuckSaga = () => {
  const state = { broken: true, calls: 0, undone: [] as string[] };
  const compensate = (step: string) => () => state.undone.push(step);
  const s = saga('stuck', { version: 1, input: z.any() })
    .step('first', async () => 1, { compensate: compensate('first') })
    .parallel(
      (b) =>
        b.step('left', async () => 1, {
          undo,
          compensate: () => {
            state.calls++;
            if (state.broken) throw new Error('no connection');
            state.undone.push('left');
          },
        }),
      (b) => b.step('right', async () => 1, { compensate: compensate('right') }),
    )
    .read('end', refuse);
  return { s, state };
};

const stuck = async (w: World) => {
  const { s, state } = stuckSaga();
  const engine = await w.open([s]);
  const run = await engine.start(s, null, { id: 'r' });
  await w.clock.advance(100);
  return { run, state };
};

describe('7. nothing is dropped silently', () => {
  it('an undo that has used up its policy asks for a person, and the alert is written in the same commit', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const { run, state } = await stuck(w);
    expect(state.calls).toBe(2);
    expect(await run.until('attention')).toEqual(['left']);
    expect(await run.status()).toMatchObject({ status: 'compensating', attention: true, endedAt: null });
    expect(w.alerts).toMatchObject([{ kind: 'attention', run: { id: 'r' }, step: 'left', failure: { message: 'no connection' } }]);
    // One commit holds them all, so no power cut can come between them.
    const commits = disk.batches.flatMap(({ commits }) => commits).filter(({ outbox }) => outbox);
    expect(commits).toMatchObject([{ standing: { attention: true }, outbox: [{ topic: 'attention', body: JSON.stringify(w.alerts[0]) }] }]);
    const entry = (await journalOf(w.store, 'r')).find(({ seq }) => seq === commits[0]?.seq);
    expect(entry?.event).toMatchObject({ type: 'failed', child: 'left.undo' });
  });

  it('a hard error asks at once; while one is stuck independent ones go on, and those that must follow it wait', async () => {
    const w = worlds.memory();
    const { run, state } = await stuck(w);
    expect(state.undone).toEqual(['right']);
    await run.skip('left', { reason: 'written off' });
    await run.outcome();

    const hard = saga('hard', { version: 1, input: z.any() })
      .step('a', async () => 1, { compensate: refuse })
      .read('end', refuse);
    const second = worlds.memory();
    const engine = await second.open([hard]);
    const other = await engine.start(hard, null);
    await second.clock.settle();
    expect(await other.status()).toMatchObject({ attention: true });
    await other.terminate();
  });

  it('each step that is stuck has an alert of its own', async () => {
    const w = worlds.memory();
    const broken = { compensate: refuse };
    const s = saga('both', { version: 1, input: z.any() })
      .parallel(
        (b) => b.step('left', async () => 1, broken),
        (b) => b.step('right', async () => 1, broken),
      )
      .read('end', refuse);
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await w.clock.settle();
    expect(w.alerts.map(({ step }) => step)).toEqual(['left', 'right']);
    await run.retry('left');
    await w.clock.settle();
    expect(w.alerts.map(({ step }) => step)).toEqual(['left', 'right', 'left']);
    await run.terminate();
  });

  it('a person can have it retried', async () => {
    const w = worlds.memory();
    const { run, state } = await stuck(w);
    state.broken = false;
    await run.retry('left', { by: 'Ann' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', left: [] });
    expect([state.calls, state.undone]).toEqual([3, ['right', 'left', 'first']]);
  });

  it('or skip it, which needs a reason and stays listed', async () => {
    const w = worlds.memory();
    const { run, state } = await stuck(w);
    await expect(run.skip('left', { reason: '' })).rejects.toMatchObject({ code: 'SC_REASON_MISSING' });
    await expect(run.skip('right', { reason: 'no' })).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    await run.skip('left', { by: 'Ann', reason: 'written off' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', left: [{ step: 'left', what: 'undo skipped' }] });
    expect(state.undone).toEqual(['right', 'first']);
    expect((await journalOf(w.store, 'r')).map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ event: { type: 'left.skip', by: 'Ann', reason: 'written off' } }),
    );
  });

  it('or resolve it by hand, which stays listed too', async () => {
    const w = worlds.memory();
    const { run, state } = await stuck(w);
    await run.resolve('left', undefined, { by: 'Ann' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', left: [{ step: 'left', what: 'undo resolved by hand' }] });
    expect(state.undone).toEqual(['right', 'first']);
  });

  it('past the pivot a run only completes or asks for a person', async () => {
    const w = worlds.memory();
    const undone: string[] = [];
    const s = saga('paid', { version: 1, input: z.any() })
      .step('a', async () => 1, { compensate: () => undone.push('a') })
      .pivot('pay', async () => 'paid')
      .step('ticket', refuse as () => Promise<string>, { retry: { attempts: 1 } })
      .output(({ results }) => results.ticket);
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    expect(await run.until('attention')).toEqual(['ticket']);
    await expect(run.cancel()).rejects.toMatchObject({ code: 'SC_CANCEL_PAST_PIVOT' });
    expect(undone).toEqual([]);
    await run.resolve('ticket', 'written by hand', { by: 'Ann' });
    expect(await run.outcome()).toMatchObject({
      status: 'completed',
      output: 'written by hand',
      left: [{ step: 'ticket', what: 'run resolved by hand' }],
    });
  });
});
