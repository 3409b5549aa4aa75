import { describe, expect, it } from 'vitest';
import { BusyError, HardError } from '../../src/index.ts';
import { classify } from '../../src/saga/classify.ts';

const MAYBE = { class: 'transient', effect: 'maybe' };

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
});
