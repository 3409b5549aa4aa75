import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { Gate } from '../runtime/harness.ts';
import { setting } from './setting.ts';

const worlds = setting();

/** A first step, then one that fails beside one that is still at work. */
const beside = () => {
  const [failing, busy] = [new Gate(), new Gate()];
  const undone: string[] = [];
  const undo = (step: string) => ({
    compensate: ({ outcome }: { readonly outcome: { readonly status: string; readonly result?: unknown } }) =>
      undone.push([step, outcome.status, ...(outcome.result === undefined ? [] : [outcome.result])].join(' ')),
  });
  const s = saga('beside', { version: 1, input: z.any() })
    .step('first', async () => 1, undo('first'))
    .parallel(
      (b) => b.step('failing', failing.run, undo('failing')),
      (b) => b.step('busy', busy.run, { ...undo('busy'), timeout: '1m', grace: '5s' }),
    );
  return { s, failing, busy, undone };
};

describe('6. undo waits for do', () => {
  it('a step that ignores its signal holds every undo back until its grace is over; then it is unknown', async () => {
    const w = worlds.memory();
    const { s, failing, busy, undone } = beside();
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await w.clock.settle();
    expect(busy.last.signal.aborted).toBe(false);
    failing.last.reject(new HardError('refused'));
    await w.clock.settle();
    expect(busy.last.signal.aborted).toBe(true);
    expect(busy.last.signal.reason).toMatchObject({ code: 'SC_ATTEMPT_ABORTED' });
    await w.clock.advance(4_999);
    expect(undone).toEqual([]);
    expect((await run.status()).status).toBe('running');
    await w.clock.advance(1);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', step: 'failing' });
    expect(undone).toEqual(['busy unknown', 'first succeeded 1']);
  });

  it('what it answers within its grace counts, and is undone by its result', async () => {
    const w = worlds.memory();
    const { s, failing, busy, undone } = beside();
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await w.clock.settle();
    failing.last.reject(new HardError('refused'));
    await w.clock.advance(4_000);
    expect(undone).toEqual([]);
    busy.last.resolve('room 12');
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(undone).toEqual(['busy succeeded room 12', 'first succeeded 1']);
  });

  it('draining begins nothing more: no retry, and no step that waits for its turn', async () => {
    const w = worlds.memory();
    const { s, failing, busy } = beside();
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await w.clock.settle();
    await run.cancel();
    failing.last.reject(new Error('socket hang up'));
    busy.last.reject(new Error('socket hang up'));
    await w.clock.advance(120_000);
    expect(await run.outcome()).toMatchObject({ status: 'canceled' });
    expect([failing.calls.length, busy.calls.length]).toEqual([1, 1]);
  });

  it('a retry waits for the attempt before it', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const s = saga('retried', { version: 1, input: z.any() }).step('a', gate.run, {
      compensate: () => {},
      timeout: '1s',
      grace: '3s',
      retry: { from: '100ms', jitter: 'none' },
    });
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await w.clock.advance(3_999);
    expect(gate.calls.map(({ signal }) => signal.aborted)).toEqual([true]);
    await w.clock.advance(1);
    expect(gate.calls).toHaveLength(1);
    await w.clock.advance(100);
    expect(gate.calls).toHaveLength(2);
    gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('and so does the next attempt to undo', async () => {
    const w = worlds.memory();
    const undo = new Gate();
    const s = saga('slow-undo', { version: 1, input: z.any() })
      .step('a', async () => 1, { compensate: undo.run, undo: { timeout: '1s', grace: '3s', retry: { from: '100ms', jitter: 'none' } } })
      .step('b', () => Promise.reject(new HardError('refused')), { compensate: () => {} });
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await w.clock.advance(4_099);
    expect(undo.calls).toHaveLength(1);
    await w.clock.advance(1);
    expect(undo.calls).toHaveLength(2);
    undo.last.resolve(undefined);
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
  });
});
