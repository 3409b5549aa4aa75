import { describe, expect, it } from 'vitest';
import { Breaker, type BreakerState } from '../../src/policies/breaker.ts';
import type { Verdict } from '../../src/policies/verdict.ts';
import { ManualClock } from '../../src/testing/index.ts';

function breaking(failures: number | { readonly ratio: number; readonly of: number } = 2) {
  const clock = new ManualClock();
  const states: BreakerState[] = [];
  const breaker: Breaker = new Breaker({ failures, openForMs: 10_000 }, { clock, changed: () => states.push(breaker.state) });
  const attempt = async (...verdicts: readonly Verdict[]): Promise<void> => {
    for (const verdict of verdicts) {
      expect(breaker.passes).toBe(true);
      await breaker.begin()(verdict);
    }
  };
  return { clock, states, breaker, attempt };
}

describe('a breaker of failures in a row', () => {
  it('opens at the last of them, and a success in between begins the count anew', async () => {
    const { breaker, attempt, states } = breaking(3);
    await attempt('failed', 'failed', 'succeeded', 'failed', 'failed');
    expect([breaker.state, states]).toEqual(['closed', []]);
    await attempt('failed');
    expect([breaker.state, breaker.passes, breaker.openMs]).toEqual(['open', false, 10_000]);
  });

  it('counts nothing of an attempt that says nothing', async () => {
    const { breaker, attempt } = breaking();
    await attempt('failed', 'nothing', 'nothing', 'nothing');
    expect(breaker.state).toBe('closed');
    await attempt('failed');
    expect(breaker.state).toBe('open');
  });
});

describe('a breaker of a part of the last attempts', () => {
  it('opens when more than that part of a whole window has failed', async () => {
    const { breaker, attempt } = breaking({ ratio: 0.5, of: 4 });
    await attempt('failed', 'failed', 'succeeded');
    expect(breaker.state).toBe('closed');
    await attempt('succeeded', 'succeeded', 'failed');
    expect(breaker.state).toBe('closed');
    await attempt('failed', 'failed');
    expect(breaker.state).toBe('open');
  });
});

describe('an open breaker', () => {
  it('lets nothing through until its time is over on the clock it was given', async () => {
    const { clock, breaker, attempt } = breaking();
    await attempt('failed', 'failed');
    await clock.advance(9_999);
    expect([breaker.passes, breaker.openMs]).toEqual([false, 1]);
    await clock.advance(1);
    expect([breaker.passes, breaker.openMs, breaker.state]).toEqual([true, 0, 'open']);
  });

  it('then lets one through at a time; its success closes it', async () => {
    const { clock, breaker, attempt, states } = breaking();
    await attempt('failed', 'failed');
    await clock.advance(10_000);
    const end = breaker.begin();
    expect([breaker.state, breaker.passes]).toEqual(['halfOpen', false]);
    await clock.advance(60_000);
    expect(breaker.passes).toBe(false);
    await end('succeeded');
    expect([breaker.state, breaker.passes, breaker.failingMs]).toEqual(['closed', true, 0]);
    await attempt('failed');
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'halfOpen', 'closed']);
  });

  it('opens again for as long when that one fails, however many were needed at first', async () => {
    const { clock, breaker, attempt, states } = breaking(5);
    await attempt('failed', 'failed', 'failed', 'failed', 'failed');
    await clock.advance(12_000);
    await attempt('failed');
    expect([breaker.state, breaker.openMs, breaker.failingMs]).toEqual(['open', 10_000, 12_000]);
    expect(states).toEqual(['open', 'halfOpen', 'open']);
  });

  it('lets the next one through when that one says nothing', async () => {
    const { clock, breaker, attempt, states } = breaking({ ratio: 0.5, of: 2 });
    await attempt('failed', 'failed');
    await clock.advance(10_000);
    await attempt('nothing');
    expect([breaker.state, breaker.passes]).toEqual(['open', true]);
    await attempt('nothing', 'succeeded');
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'halfOpen', 'open', 'halfOpen', 'open', 'halfOpen', 'closed']);
    await attempt('failed');
    expect(breaker.state).toBe('closed');
  });

  it('is not asked twice because an attempt from before it opened says nothing', async () => {
    const { clock, breaker, attempt } = breaking();
    const old = breaker.begin();
    await attempt('failed', 'failed');
    await clock.advance(10_000);
    const probe = breaker.begin();
    await old('nothing');
    expect([breaker.state, breaker.passes]).toEqual(['halfOpen', false]);
    await probe('succeeded');
    expect(breaker.state).toBe('closed');
  });

  it('hears of attempts from before it opened: a success does not close it, a failure does not prolong it', async () => {
    const { clock, breaker, attempt } = breaking();
    const [good, bad] = [breaker.begin(), breaker.begin()];
    await attempt('failed', 'failed');
    await clock.advance(4_000);
    await good('succeeded');
    await bad('failed');
    expect([breaker.state, breaker.openMs]).toEqual(['open', 6_000]);
  });
});
