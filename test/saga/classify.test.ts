import { describe, expect, it } from 'vitest';
import { BusyError, HardError } from '../../src/index.ts';
import { classify, classifyBy } from '../../src/saga/classify.ts';
import { retryAfterOf } from '../../src/saga/retry-after.ts';

const MAYBE = { class: 'transient', effect: 'maybe', unclassified: true };

describe('what an error means', () => {
  it.each([
    ['a HardError', new HardError('no'), { class: 'hard', effect: 'none' }],
    ['a BusyError', new BusyError('later'), { class: 'transient', effect: 'none' }],
    ['a BusyError that says when', new BusyError('later', { retryAfterMs: 5 }), { class: 'transient', effect: 'none', retryAfterMs: 5 }],
    ['any other error', new TypeError('x'), MAYBE],
    ['what is no error', 'text', MAYBE],
    ['nothing', undefined, MAYBE],
  ])('%s', (_, error, meaning) => expect(classify(error)).toEqual(meaning));

  it('is what the saga says, and the default where it says nothing', () => {
    const own = { class: 'hard', effect: 'maybe' } as const;
    expect(classify(new HardError('no'), () => own)).toEqual(own);
    expect(classify(new HardError('no'), () => undefined)).toEqual({ class: 'hard', effect: 'none' });
  });

  it('is the default also where the saga’s own reading throws', () => {
    const broken = (): never => {
      throw new Error('cannot read');
    };
    expect(classify(new TypeError('x'), broken)).toEqual({ ...MAYBE, note: 'classify threw: cannot read' });
  });

  it('is what a list of classes says of the first that fits', () => {
    class Declined extends Error {}
    class Expired extends Declined {}
    class Limited extends Error {}
    const read = classifyBy({ step: 'a' }, [
      [Expired, { class: 'hard', effect: 'maybe' }],
      [Declined, 'refused'],
      [Limited, 'busy'],
    ]);
    expect(classify(new Declined(), read)).toEqual({ class: 'hard', effect: 'none' });
    expect(classify(new Expired(), read)).toEqual({ class: 'hard', effect: 'maybe' });
    expect(classify(Object.assign(new Limited(), { headers: { 'Retry-After': '3' } }), read)).toEqual({
      class: 'transient',
      effect: 'none',
      retryAfterMs: 3_000,
    });
    expect(classify(new Error('x'), read)).toEqual(MAYBE);
  });

  it.each([
    ['no pair', [Error]],
    ['no class', [['Declined', 'refused']]],
    ['an unknown word', [[Error, 'declined']]],
  ])('is refused where a list has %s', (_, list) => {
    expect(() => classifyBy({ step: 'a' }, list as never)).toThrow(/step a: classify\[0\] is .* not a class of errors and what it means/);
  });
});

describe('the wait that an error asks for', () => {
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT';
  it.each([
    ['its own field', { retryAfterMs: 7 }, 7],
    ['seconds in a header', { headers: { 'Retry-After': '120' } }, 120_000],
    ['a number in a header', { headers: { 'retry-after': 2 } }, 2_000],
    ['the header of a response', { response: { headers: new Headers({ 'Retry-After': '1' }) } }, 1_000],
    ['a date, by the clock of whoever answered', { headers: { 'retry-after': date, date: 'Wed, 21 Oct 2026 07:27:30 GMT' } }, 30_000],
    ['a date that has passed', { headers: { 'retry-after': date, date: 'Wed, 21 Oct 2026 07:29:00 GMT' } }, 0],
    ['a date with nothing to compare it with', { headers: { 'retry-after': date } }, undefined],
    ['nonsense', { headers: { 'retry-after': 'soon' } }, undefined],
    ['a negative field, and a header', { retryAfterMs: -1, headers: { 'retry-after': '1' } }, 1_000],
    ['no headers', { headers: null, response: null }, undefined],
    ['nothing', undefined, undefined],
    ['a text', 'busy', undefined],
  ])('is read from %s', (_, error, ms) => expect(retryAfterOf(error)).toBe(ms));

  it('is none where reading it throws', () => {
    const error = {
      get headers() {
        throw new Error('no');
      },
    };
    expect(retryAfterOf(error)).toBeUndefined();
  });
});
