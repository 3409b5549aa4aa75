import { describe, expect, it } from 'vitest';
import { quoted } from '../../src/base/quoted.ts';
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
    expect(attemptPolicy('x')).toEqual({
      timeoutMs: 30_000,
      graceMs: 5_000,
      retry: { attempts: 5, tiers: [{ attempts: 5, fromMs: 200, toMs: 30_000, factor: 2, jitter: 'full' }] },
    });
    expect(attemptPolicy('x', {}, 'undo').retry).toMatchObject({ attempts: 10, tiers: [{ toMs: 60_000 }] });
  });
  it('follow the end that is named', () => {
    expect(attemptPolicy('x', { retry: { from: '2m' } }).retry.tiers).toMatchObject([{ fromMs: 120_000, toMs: 120_000 }]);
    expect(attemptPolicy('x', { retry: { to: '50ms' } }).retry.tiers).toMatchObject([{ fromMs: 50, toMs: 50 }]);
    expect(attemptPolicy('x', { retry: 'forever' }).retry.attempts).toBe('forever');
  });
  it('take a number for a number of attempts', () => {
    expect(attemptPolicy('x', { retry: 3 }).retry.tiers).toEqual([{ attempts: 3, fromMs: 200, toMs: 30_000, factor: 2, jitter: 'full' }]);
    expect(attemptPolicy('x', { retry: 1 }, 'undo').retry).toMatchObject({ attempts: 1, tiers: [{ toMs: 60_000 }] });
  });
  it('have their defaults where a value is left undefined', () => {
    const open = { attempts: undefined, from: undefined, to: undefined, factor: undefined, jitter: undefined } as never;
    expect(attemptPolicy('x', { retry: open })).toEqual(attemptPolicy('x'));
    expect(attemptPolicy('x', { timeout: undefined, grace: undefined, retry: undefined } as never)).toEqual(attemptPolicy('x'));
  });
  it('name the workflow and the actor they belong to', () => {
    expect(() => attemptPolicy('workflow approval, actor mail', { timout: 3 } as never)).toThrow(
      'workflow approval, actor mail: there is no option "timout" (it is 3)',
    );
    expect(() => attemptPolicy('workflow approval, actor mail', null as never)).toThrow('workflow approval, actor mail: its policy is null');
  });
});

describe('errors', () => {
  it('are read by class and effect', () => {
    expect(classify(new HardError('no'))).toEqual({ class: 'hard', effect: 'none' });
    expect(classify(new BusyError('later', { retryAfterMs: 7 }))).toEqual({ class: 'transient', effect: 'none', retryAfterMs: 7 });
    expect(classify(new BusyError('later'))).toEqual({ class: 'transient', effect: 'none' });
    expect(classify(new TypeError('reset'))).toEqual({ class: 'transient', effect: 'maybe', unclassified: true });
    expect(classify('x', () => ({ class: 'hard', effect: 'maybe' }))).toEqual({ class: 'hard', effect: 'maybe' });
    expect(classify('x', () => undefined)).toEqual({ class: 'transient', effect: 'maybe', unclassified: true });
    expect(classify('x', () => null as never)).toEqual({ class: 'transient', effect: 'maybe', unclassified: true });
    expect(classify('x', () => ({ class: 'transient', effect: 'none', retryAfterMs: 0 }))).toEqual({ class: 'transient', effect: 'none', retryAfterMs: 0 });
  });

  const refused: readonly [what: string, custom: () => unknown, note: string][] = [
    ['throws', () => (undefined as never as { code: string }).code, "classify threw: Cannot read properties of undefined (reading 'code')"],
    [
      'throws what is no error',
      () => {
        throw Object.create(null);
      },
      'classify threw: {}',
    ],
    [
      'throws an error that throws',
      () => {
        throw Object.defineProperty(new Error('x'), 'message', {
          get() {
            throw new Error('again');
          },
        });
      },
      'classify threw: an instance of Error',
    ],
    ['knows another class', () => ({ class: 'soft', effect: 'none' }), 'classify answered {"class":"soft","effect":"none"}, which is no classification'],
    ['knows another effect', () => ({ class: 'hard', effect: 'some' }), 'classify answered {"class":"hard","effect":"some"}, which is no classification'],
    ['answers with a word', () => 'hard', 'classify answered "hard", which is no classification'],
    ['says no', () => false, 'classify answered false, which is no classification'],
    ['is async', async () => ({ class: 'hard', effect: 'none' }), 'classify answered a promise, which is no classification'],
    ['is async and fails', () => Promise.reject(new Error('late')), 'classify answered a promise, which is no classification'],
    [
      'answers with what cannot be read',
      () => ({
        get class() {
          throw new Error('hidden');
        },
      }),
      'classify threw: hidden',
    ],
  ];
  for (const [what, custom, note] of refused)
    it(`are read by default, and say why, where a classify ${what}`, async () => {
      expect(classify(new HardError('no'), custom as never)).toEqual({ class: 'hard', effect: 'none', note });
      expect(classify(new BusyError('no', { retryAfterMs: 5 }), custom as never)).toEqual({ class: 'transient', effect: 'none', retryAfterMs: 5, note });
      expect(classify('x', custom as never)).toEqual({ class: 'transient', effect: 'maybe', unclassified: true, note });
    });

  it('carry a wait only if it is a length of time', () => {
    for (const retryAfterMs of [Number.NaN, Number.POSITIVE_INFINITY, -1, '5', null, 5n] as never[]) {
      expect(classify(new BusyError('later', { retryAfterMs }))).toEqual({ class: 'transient', effect: 'none' });
      expect(classify('x', () => ({ class: 'transient', effect: 'none', retryAfterMs }))).toEqual({ class: 'transient', effect: 'none' });
    }
  });
});

describe('an offending value', () => {
  it('is shown as it is written', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const shown: readonly [value: unknown, text: string][] = [
      ['a "b"', '"a \\"b\\""'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      [Number.NaN, 'NaN'],
      [-0, '-0'],
      [3n, '3n'],
      [Symbol('x'), 'Symbol(x)'],
      [undefined, 'undefined'],
      [null, 'null'],
      [() => 1, 'a function'],
      [function charge() {}, 'function charge'],
      [{ attempts: Number.POSITIVE_INFINITY, 'max-wait': [3n, undefined] }, '{"attempts":Infinity,"max-wait":[3n,undefined]}'],
      [Object.create(null), '{}'],
      [new Map(), 'an instance of Map'],
      [Promise.resolve(), 'a promise'],
      [circle, '{"self":{"self":{"self":…}}}'],
      [
        Object.create({
          get constructor() {
            throw new Error('hidden');
          },
        }),
        'an object',
      ],
      ['x'.repeat(500), `"${'x'.repeat(119)}…`],
      [Array.from({ length: 1_000_000 }, () => 'long'), expect.stringMatching(/^\["long",.{100,120}…$/) as never],
    ];
    for (const [value, text] of shown) expect(quoted(value)).toEqual(text);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(quoted(proxy)).toBe('an object');
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
