import { describe, expect, it } from 'vitest';
import { dependency } from '../../src/index.ts';
import { Gate, type Pass } from '../../src/policies/gate.ts';
import type { DependencyOptions } from '../../src/saga/dependency.ts';
import { ManualClock } from '../../src/testing/index.ts';

function guarding(options: DependencyOptions) {
  const clock = new ManualClock();
  const gate = new Gate('airline', dependency('airline', options), { clock, changed: () => {} });
  const ask = (seed = 'r/a/run', retry = false) => gate.ask({ seed, retry });
  const pass = (retry = false): Pass => {
    const answer = ask('r/a/run', retry);
    if (typeof answer !== 'function') throw new Error(`turned away: ${JSON.stringify(answer)}`);
    return answer;
  };
  return { clock, gate, ask, pass };
}

describe('a bulkhead', () => {
  it('lets so many begin at a time, and calls who stands in line when a place is free, in order', async () => {
    const { clock, gate, ask, pass } = guarding({ concurrency: 2 });
    const [first, second] = [pass(), pass()];
    expect([ask(), gate.counts.running]).toEqual(['wait', 2]);
    const called: string[] = [];
    for (const name of ['a', 'b', 'c']) gate.wait(() => called.push(name));
    expect(gate.counts.waiting).toBe(3);
    await first('succeeded');
    await second('failed');
    await clock.settle();
    expect([called, gate.counts]).toEqual([['a', 'b'], { running: 0, waiting: 1, successes: 1, failures: 1 }]);
  });

  it('takes nothing of the rate from who must wait', async () => {
    const { ask, pass } = guarding({ concurrency: 1, rate: { limit: 2, per: '1m' } });
    const end = pass();
    for (let i = 0; i < 5; i++) expect(ask()).toBe('wait');
    await end('succeeded');
    pass();
  });

  it('gives the place of who is turned away to the next in line', async () => {
    const { clock, gate, ask, pass } = guarding({ concurrency: 1, retryBudget: { retries: 1, per: '1m' } });
    const end = pass(true);
    const came: unknown[] = [];
    gate.wait(() => came.push(ask('r/a/run', true)));
    gate.wait(() => came.push(ask('r/b/run', false)));
    await end('succeeded');
    await clock.settle();
    expect(came).toEqual([expect.any(Function), expect.objectContaining({ code: 'SC_ATTEMPT_BUDGET' })]);
  });
});

describe('a rate', () => {
  it('turns away what is over it, each a little longer', () => {
    const { ask, pass } = guarding({ rate: { limit: 2, per: '2s' } });
    pass();
    pass();
    expect([ask(), ask()]).toMatchObject([
      { code: 'SC_ATTEMPT_RATE_LIMITED', retryAfterMs: 1_000, why: 'as many attempts of airline as its rate allows have begun' },
      { retryAfterMs: 2_000 },
    ]);
  });
});

describe('a retry budget', () => {
  it('holds back retries, and no first attempts', async () => {
    const { clock, ask, pass } = guarding({ retryBudget: { retries: 1, per: '10s' } });
    pass();
    pass(true);
    pass();
    expect(ask('r/a/run', true)).toMatchObject({ code: 'SC_ATTEMPT_BUDGET', retryAfterMs: 10_000 });
    pass();
    await clock.advance(10_000);
    pass(true);
  });

  it('is not spent by a retry that the rate turns away', async () => {
    const { clock, ask, pass } = guarding({ rate: { limit: 1, per: '1s' }, retryBudget: { retries: 1, per: '1h' } });
    pass();
    expect(ask('r/a/run', true)).toMatchObject({ code: 'SC_ATTEMPT_RATE_LIMITED' });
    await clock.advance(1_000);
    pass(true);
  });
});

describe('a breaker', () => {
  it('turns away while it is open, beyond its time, and not all until the same moment', async () => {
    const { gate, ask, pass } = guarding({ breaker: { failures: 1, openFor: '30s' } });
    await pass()('failed');
    const waits = Array.from({ length: 100 }, (_, i) => ask(`run-${i}/a/run`) as { readonly code: string; readonly retryAfterMs: number });
    expect(new Set(waits.map(({ code }) => code))).toEqual(new Set(['SC_ATTEMPT_BREAKER_OPEN']));
    expect(Math.min(...waits.map(({ retryAfterMs }) => retryAfterMs))).toBeGreaterThanOrEqual(30_500);
    expect(Math.max(...waits.map(({ retryAfterMs }) => retryAfterMs))).toBeLessThanOrEqual(31_000);
    expect(new Set(waits.map(({ retryAfterMs }) => retryAfterMs)).size).toBeGreaterThan(70);
    expect([gate.state, gate.openMs]).toEqual(['open', 30_000]);
  });

  it('lets exactly one through when its time is over, and turns the others away as long as that one runs', async () => {
    const { clock, gate, ask, pass } = guarding({ breaker: { failures: 1, openFor: '30s' } });
    await pass()('failed');
    await clock.advance(30_000);
    const probe = pass();
    expect([gate.state, gate.openMs]).toEqual(['halfOpen', 0]);
    expect(ask()).toMatchObject({ code: 'SC_ATTEMPT_BREAKER_OPEN', why: 'an attempt of another finds out whether airline works again' });
    await probe('succeeded');
    expect(gate.state).toBe('closed');
    pass();
  });

  it('has counted a failure before the place is given on', async () => {
    const { gate, ask, pass } = guarding({ concurrency: 1, breaker: { failures: 1, openFor: '30s' } });
    const end = pass();
    let came: unknown;
    gate.wait(() => {
      came = ask();
    });
    await end('failed');
    expect(came).toMatchObject({ code: 'SC_ATTEMPT_BREAKER_OPEN' });
  });

  it('sends away for longer, the longer the dependency has been failing', async () => {
    const { clock, ask, pass } = guarding({ breaker: { failures: 1, openFor: '30s' } });
    const waits: number[] = [];
    for (let i = 0; i < 60; i++) {
      await pass()('failed');
      waits.push((ask() as { readonly retryAfterMs: number }).retryAfterMs);
      await clock.advance(30_000);
    }
    expect(waits[0]).toBeLessThanOrEqual(31_000);
    expect(waits[10]).toBeGreaterThan(55_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(90_000);
  });
});

describe('an attempt that stays away', () => {
  it('comes back in time, unless it is forgotten, and counts as waiting until then', async () => {
    const { clock, gate } = guarding({});
    let back = 0;
    gate.stayAway(1_000, () => back++);
    const forget = gate.stayAway(1_000, () => back++);
    expect(gate.counts.waiting).toBe(2);
    forget();
    expect(gate.counts.waiting).toBe(1);
    await clock.advance(1_000);
    expect([back, gate.counts.waiting, clock.alarms]).toEqual([1, 0, 0]);
  });
});
