import { describe, expect, it } from 'vitest';
import { BusyError, didNotHappen, HardError, happened } from '../../src/index.ts';
import { classify } from '../../src/saga/classify.ts';
import { durationMs, durationText } from '../../src/saga/duration.ts';
import { attemptPolicy } from '../../src/saga/policy.ts';
import { readVerdict } from '../../src/saga/verdict.ts';

describe('durations', () => {
  it('are read', () => {
    expect(['200ms', '1.5s', '5m', '24h', '2d', 7].map((text) => durationMs(text as never, 'x'))).toEqual([200, 1_500, 300_000, 86_400_000, 172_800_000, 7]);
  });
  it('are written as people write them', () => {
    expect([200, 1_500, 60_000, 86_400_000, 1].map(durationText)).toEqual(['200ms', '1.5s', '1m', '1d', '1ms']);
  });
});

describe('policies', () => {
  it('are safe by default', () => {
    expect(attemptPolicy('x')).toEqual({ timeoutMs: 30_000, graceMs: 5_000, retry: { attempts: 5, fromMs: 200, toMs: 30_000, factor: 2, jitter: 'full' } });
    expect(attemptPolicy('x', {}, 'undo').retry).toMatchObject({ attempts: 10, toMs: 60_000 });
  });
  it('follow the end that is named', () => {
    expect(attemptPolicy('x', { retry: { from: '2m' } }).retry).toMatchObject({ fromMs: 120_000, toMs: 120_000 });
    expect(attemptPolicy('x', { retry: { to: '50ms' } }).retry).toMatchObject({ fromMs: 50, toMs: 50 });
    expect(attemptPolicy('x', { retry: 'forever' }).retry.attempts).toBe('forever');
  });
});

describe('errors', () => {
  it('are read by class and effect', () => {
    expect(classify(new HardError('no'))).toEqual({ class: 'hard', effect: 'none' });
    expect(classify(new BusyError('later', { retryAfterMs: 7 }))).toEqual({ class: 'transient', effect: 'none', retryAfterMs: 7 });
    expect(classify(new BusyError('later'))).toEqual({ class: 'transient', effect: 'none' });
    expect(classify(new TypeError('reset'))).toEqual({ class: 'transient', effect: 'maybe' });
    expect(classify('x', () => ({ class: 'hard', effect: 'maybe' }))).toEqual({ class: 'hard', effect: 'maybe' });
    expect(classify('x', () => undefined)).toEqual({ class: 'transient', effect: 'maybe' });
  });
});

describe('verdicts', () => {
  it('are open unless something is known', () => {
    expect([undefined, null, 0, '', { ref: 1 }, happened(undefined), didNotHappen].map(readVerdict)).toEqual([
      { verdict: 'open' },
      { verdict: 'open' },
      { verdict: 'happened', result: 0 },
      { verdict: 'happened', result: '' },
      { verdict: 'happened', result: { ref: 1 } },
      { verdict: 'happened', result: undefined },
      { verdict: 'didNotHappen' },
    ]);
  });
});
