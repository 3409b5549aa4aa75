import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

let w: World;
afterEach(async () => await w.close());

async function running(options: object = {}) {
  w = new World();
  const gate = new Gate();
  const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, { compensate: async () => {}, grace: '2s', ...options });
  const engine = await w.open([s]);
  const run = await engine.start(s, null, { id: 'r' });
  return { gate, s, engine, run };
}

/** Whether a promise has settled, without waiting for it. */
function watched(promise: Promise<unknown>) {
  const seen = { settled: false };
  promise.then(
    () => Object.assign(seen, { settled: true }),
    () => Object.assign(seen, { settled: true }),
  );
  return seen;
}

describe('closing while an attempt hangs', () => {
  it('aborts it at the deadline, waits for its grace, and the next engine tries it again', async () => {
    const { gate, s, engine, run } = await running();
    const outcome = run.outcome();
    const closing = watched(engine.close({ deadlineMs: 3_000 }));
    const refused = expect(outcome).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED', retryable: true });
    await w.clock.advance(2_999);
    expect(gate.last.signal.aborted).toBe(false);
    await w.clock.advance(1);
    expect(gate.last.signal.reason).toMatchObject({ code: 'SC_ATTEMPT_INTERRUPTED', message: expect.stringContaining('shutting down') });
    await w.clock.advance(1_999);
    expect(closing.settled).toBe(false);
    await w.clock.advance(1);
    expect(closing.settled).toBe(true);
    await refused;
    expect(w.events.find(({ type }) => type === 'attempt.failed')).toMatchObject({ failure: { code: 'SC_ATTEMPT_INTERRUPTED', effect: 'maybe' } });
    await w.open([s]);
    await w.clock.advance(1_000);
    expect(gate.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(w.types()).not.toContain('attempt.lost');
    gate.last.resolve(1);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('takes ten seconds by default, and a second call may bring that forward', async () => {
    const { gate, engine } = await running();
    const first = watched(engine.close());
    await w.clock.advance(1_000);
    const second = watched(engine.close({ deadlineMs: 500 }));
    await w.clock.advance(500);
    expect(gate.last.signal.aborted).toBe(true);
    await w.clock.advance(2_000);
    expect([first.settled, second.settled]).toEqual([true, true]);
  });

  it('keeps what it says within its grace', async () => {
    const { gate, s, engine } = await running();
    const closing = engine.close({ deadlineMs: 100 });
    await w.clock.advance(1_500);
    gate.last.resolve('in time');
    await closing;
    await w.open([s]);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    expect(gate.calls).toHaveLength(1);
  });

  it('begins nothing more: no step, no retry, no timer', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('two', { version: 1, input: z.any() })
      .step('a', gate.run, { compensate: async () => {} })
      .sleep('1s')
      .read('b', async () => 1);
    const engine = await w.open([s]);
    await engine.start(s, null, { id: 'r' });
    const closing = engine.close();
    gate.last.resolve(1);
    await closing;
    await w.clock.advance(60_000);
    expect(await w.store.find('r')).toMatchObject({ status: 'running' });
    await expect(engine.start(s, null)).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    await expect(engine.run('r').cancel()).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    await w.open([s]);
    await w.clock.advance(1);
    expect(await w.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('tells whoever asks afterwards how a run ends that this engine will not know', async () => {
    const { gate, engine } = await running({ retry: { from: '1s', jitter: 'none' } });
    const closing = engine.close();
    gate.last.reject(new Error('reset'));
    await closing;
    const asked = engine.run('r').outcome();
    const seen = watched(asked);
    await w.clock.settle();
    expect(seen.settled).toBe(true);
    await expect(asked).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
  });

  it('is what leaving a block does', async () => {
    const { gate, engine } = await running();
    gate.last.resolve(1);
    await w.clock.settle();
    await engine[Symbol.asyncDispose]();
    await expect(engine.run('r').cancel()).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
  });
});
