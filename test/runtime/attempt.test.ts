import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { Attempt, type AttemptEnd } from '../../src/runtime/attempt.ts';
import type { AttemptPlan } from '../../src/runtime/program.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from './harness.ts';
import { planOf } from './plans.ts';

/** One attempt, begun, and its ends: there must never be a second. */
function begun(run: AttemptPlan['run'], plan: Parameters<typeof planOf>[0] = {}) {
  const clock = new ManualClock();
  const attempt = new Attempt(planOf({ ...plan, run }), { clock, maxBytes: 100 });
  const ends: AttemptEnd[] = [];
  let late = 0;
  attempt.begin(
    {} as never,
    (end) => ends.push(end),
    () => late++,
  );
  return { clock, attempt, ends, late: () => late };
}

const stalls = () => {
  let signal: AbortSignal | undefined;
  const settle: { resolve?: (value: unknown) => void; reject?: (error: unknown) => void } = {};
  const run: AttemptPlan['run'] = (_, ask) => {
    signal = ask();
    return new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }));
  };
  return { run, settle, aborted: () => signal?.aborted, reason: () => signal?.reason as Error };
};

describe('an attempt ends once', () => {
  it.each([
    ['with what it returns', () => 1, { output: 1, ms: 0 }],
    ['with what its promise gives', async () => ({ a: [1] }), { output: { a: [1] }, ms: 0 }],
    ['with nothing', async () => undefined, { output: undefined, ms: 0 }],
    [
      'with what it throws',
      () => {
        throw new HardError('no');
      },
      { error: { code: 'HardError', effect: 'none' } },
    ],
    [
      'with what its promise rejects with',
      async () => {
        throw new TypeError('x');
      },
      { error: { type: 'TypeError', effect: 'maybe' } },
    ],
    ['even if it throws nothing', () => Promise.reject(undefined), { error: { message: 'the step threw nothing' } }],
    ['with what cannot be kept', async () => () => 1, { error: { code: 'SC_NOT_STORABLE' } }],
    ['with what is too large', async () => 'x'.repeat(101), { error: { code: 'SC_PAYLOAD_TOO_LARGE' } }],
    ['with what is too large in bytes', async () => 'ü'.repeat(60), { error: { code: 'SC_PAYLOAD_TOO_LARGE' } }],
    ['with what has more bytes than a third of the limit', async () => 'x'.repeat(90), { output: 'x'.repeat(90) }],
  ])('%s', async (_, run, end) => {
    const { clock, ends } = begun(run);
    await clock.advance(10_000);
    expect(ends).toMatchObject([end]);
  });

  it('and gives a frozen copy: what the step does to its own later changes nothing', async () => {
    const own = { list: [1] };
    const { clock, ends } = begun(async () => own);
    await clock.settle();
    own.list.push(2);
    expect(ends).toMatchObject([{ output: { list: [1] } }]);
    expect(Object.isFrozen((ends[0] as { output: object }).output)).toBe(true);
  });
});

describe('a timeout', () => {
  it('aborts, and what comes within the grace counts, with the time it took', async () => {
    const step = stalls();
    const { clock, ends } = begun(step.run);
    await clock.advance(999);
    expect(step.aborted()).toBe(false);
    await clock.advance(1);
    expect(step.reason()).toMatchObject({ code: 'SC_ATTEMPT_TIMEOUT', message: 'attempt 1 of step a took longer than its timeout of 1s' });
    await clock.advance(499);
    expect(ends).toEqual([]);
    step.settle.resolve?.('in time');
    await clock.advance(10_000);
    expect(ends).toEqual([{ output: 'in time', ms: 1_499 }]);
  });

  it('gives up after the grace, as unknown whatever the plan thinks of it, and what comes later counts for nothing', async () => {
    const step = stalls();
    const sure = { class: 'hard', effect: 'none', code: 'MINE', type: 'Error', message: 'm' } as const;
    const { clock, ends, late } = begun(step.run, { kind: 'undo', attempt: 3, failure: () => sure });
    await clock.advance(1_500);
    expect(ends).toMatchObject([{ error: { message: 'm', class: 'transient', effect: 'maybe' }, ms: 1_500 }]);
    expect(late()).toBe(0);
    step.settle.resolve?.('late');
    await clock.advance(10_000);
    expect([ends.length, late()]).toEqual([1, 1]);
  });

  it('is what an error thrown because of it is told as; but a refusal stays one', async () => {
    const asked = stalls();
    const first = begun(asked.run, { kind: 'check' });
    await first.clock.advance(1_000);
    asked.settle.reject?.(asked.reason());
    await first.clock.settle();
    const message = expect.stringMatching(/^attempt 1 of check of step a took longer than its timeout of 1s \(/);
    expect(first.ends).toMatchObject([{ error: { code: 'SC_ATTEMPT_TIMEOUT', effect: 'maybe', message } }]);
    const other = stalls();
    const second = begun(other.run);
    await second.clock.advance(1_000);
    other.settle.reject?.(new HardError('sold out'));
    await second.clock.settle();
    expect(second.ends).toMatchObject([{ error: { code: 'HardError', effect: 'none', message: 'sold out' } }]);
  });
});

describe('told to stop', () => {
  it.each([
    ['drain', 'SC_ATTEMPT_ABORTED', 'the run is draining'],
    ['shutdown', 'SC_ATTEMPT_INTERRUPTED', 'the engine is shutting down'],
  ] as const)('for a %s, it hears why, once', async (reason, code, why) => {
    const step = stalls();
    const { clock, attempt, ends } = begun(step.run);
    attempt.abort(reason);
    attempt.abort('timeout');
    expect(step.reason()).toMatchObject({ code, message: expect.stringContaining(why) });
    await clock.advance(500);
    expect(ends).toMatchObject([{ error: { code, effect: 'maybe', message: expect.stringContaining('within its grace of 500ms') }, ms: 500 }]);
    attempt.abort('drain');
  });

  it('it hears of it also if it asks for its signal only afterwards', async () => {
    let ask: (() => AbortSignal) | undefined;
    const { attempt } = begun((_, signal) => {
      ask = signal;
      return new Promise(() => {});
    });
    attempt.abort('drain');
    expect(ask?.().aborted).toBe(true);
    expect(ask?.().reason).toMatchObject({ code: 'SC_ATTEMPT_ABORTED' });
  });
});

describe('a result that comes too late', () => {
  let w: World;
  afterEach(async () => await w.close());

  it('is told to observers as discarded', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('late', { version: 1, input: z.any() }).step('a', gate.run, {
      compensate: async () => {},
      timeout: '1s',
      grace: '1s',
      retry: { attempts: 2, from: '1s', jitter: 'none' },
    });
    const engine = await w.open([s]);
    const run = await engine.start(s, null, { id: 'r' });
    await w.clock.advance(3_000);
    gate.calls[0]?.resolve('late');
    await w.clock.settle();
    gate.calls[1]?.resolve('in time');
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect(w.events.filter(({ type }) => type === 'discarded')).toHaveLength(1);
  });
});
