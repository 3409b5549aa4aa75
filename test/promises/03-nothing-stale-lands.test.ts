import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { saga, workflow } from '../../src/index.ts';
import { Gate } from '../runtime/harness.ts';
import { Disk, happened, setting } from './setting.ts';

const worlds = setting();

/** A workflow that can be asked to do the same thing anew: same actor id, same timer id, another time round. */
const again = (gate: Gate) => {
  const machine = setup({
    actors: { work: fromPromise<unknown>(({ signal }) => gate.run({ key: '', attempt: gate.calls.length + 1, signal })) },
  }).createMachine({
    id: 'again',
    context: { result: null as unknown },
    initial: 'working',
    states: {
      working: {
        invoke: { id: 'work', src: 'work', onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) } },
        after: { 60000: 'late' },
        on: { redo: { target: 'working', reenter: true } },
      },
      late: { type: 'final' },
      done: { type: 'final' },
    },
    output: ({ context }) => context.result,
  });
  return workflow(machine, { version: 1, events: { redo: z.object({}) }, actors: { work: { timeout: '1h' } } });
};

describe('3. nothing stale lands', () => {
  it('the result of an invocation that was left and begun anew is not taken for the new one', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const engine = await w.open([again(gate)]);
    const run = await engine.start('again', undefined, { id: 'r' });
    await run.signal('redo');
    gate.calls[0]?.resolve('old');
    await w.clock.settle();
    expect((await run.status()).status).toBe('running');
    expect(w.types('r').filter((type) => type === 'discarded')).toHaveLength(1);
    gate.calls[1]?.resolve('new');
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: 'new' });
  });

  it('a timer that fires while it is being replaced does not count for the one that replaced it', async () => {
    const w = worlds.memory();
    const disk = new Disk(w.store);
    const gate = new Gate();
    const engine = await w.open([again(gate)]);
    const run = await engine.start('again', undefined, { id: 'r' });
    await w.clock.advance(59_000);
    disk.hold();
    const asked = run.signal('redo');
    await w.clock.advance(2_000);
    await disk.release(w.clock);
    await asked;
    expect(await run.status()).toMatchObject({ endedAt: null });
    expect(await happened(w.store, 'r')).toEqual(['started', 'sent']);
    await w.clock.advance(58_000);
    expect(await happened(w.store, 'r')).toEqual(['started', 'sent', 'due']);
  });

  it('what an attempt says after its timeout and grace is not taken for the attempt that followed', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const s = saga('slow', { version: 1, input: z.any() })
      .step('a', gate.run, { compensate: () => {}, timeout: '1s', grace: '1s', retry: { from: '1s', jitter: 'none' } })
      .output(({ results }) => results.a);
    const engine = await w.open([s]);
    const run = await engine.start(s, null, { id: 'r' });
    await w.clock.advance(3_000);
    expect(gate.calls).toHaveLength(2);
    gate.calls[0]?.resolve('old');
    await w.clock.settle();
    expect((await run.status()).status).toBe('running');
    expect(w.types('r').filter((type) => type === 'discarded')).toHaveLength(1);
    gate.calls[1]?.resolve('new');
    expect(await run.outcome()).toMatchObject({ output: 'new' });
    expect(await happened(w.store, 'r')).toEqual(['started', 'failed a', 'due', 'succeeded a']);
  });

  it('what comes after the end of a run is discarded, visibly', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const s = saga('over', { version: 1, input: z.any() }).step('a', gate.run, { compensate: () => {} });
    const engine = await w.open([s]);
    const run = await engine.start(s, null, { id: 'r' });
    await run.terminate({ by: 'Ann' });
    const before = await happened(w.store, 'r');
    gate.last.resolve('too late');
    await w.clock.settle();
    expect(await happened(w.store, 'r')).toEqual(before);
    expect(w.events).toContainEqual(expect.objectContaining({ type: 'discarded', what: 'the result of attempt 1 of a' }));
  });

  it('an event that is delivered twice is handled once', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const engine = await w.open([again(gate)], { pollEvery: '50ms' });
    await engine.start('again', undefined, { id: 'r' });
    const entry = { id: 'redo once', run: 'r', body: JSON.stringify({ type: 'signal', name: 'redo', payload: {} }), at: 0 };
    expect(await w.store.send(entry)).toMatchObject({ duplicate: false });
    await w.clock.advance(100);
    expect(await w.store.send(entry)).toMatchObject({ duplicate: true });
    await w.clock.advance(100);
    expect(await happened(w.store, 'r')).toEqual(['started', 'sent']);
  });
});
