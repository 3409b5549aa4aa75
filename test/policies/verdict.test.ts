import { describe, expect, it } from 'vitest';
import type { Failure } from '../../src/base/failure.ts';
import { thrownFailure } from '../../src/base/failure.ts';
import { BusyError, HardError } from '../../src/index.ts';
import { verdictOf } from '../../src/policies/verdict.ts';
import { classify } from '../../src/saga/classify.ts';

const thrown = (error: unknown): Failure => thrownFailure(error, classify);
const ours = (code: string, more: Partial<Failure> = {}): Failure => ({ ...thrown(new Error('x')), code, ...more });

describe('what an attempt says of its dependency', () => {
  it.each([
    ['a success: it works', undefined, 'succeeded'],
    ['a hard error: it has answered', thrown(new HardError('declined')), 'succeeded'],
    ['a result that its schema refuses: it has answered', ours('SC_RESULT_INVALID', { class: 'hard' }), 'succeeded'],
    ['any other error: it does not', thrown(new TypeError('fetch failed')), 'failed'],
    ['a busy error: it is to be left alone', thrown(new BusyError('429')), 'failed'],
    ['a timeout: it does not', ours('SC_ATTEMPT_TIMEOUT'), 'failed'],
    ['a timeout that was classified as hard: it does not', ours('SC_ATTEMPT_TIMEOUT', { class: 'hard' }), 'failed'],
    ['told to stop by its run: nothing', ours('SC_ATTEMPT_ABORTED'), 'nothing'],
    ['told to stop by a shutdown: nothing', ours('SC_ATTEMPT_INTERRUPTED'), 'nothing'],
    ['an input that could not be made: nothing', ours('SC_STEP_INPUT', { class: 'hard', effect: 'none' }), 'nothing'],
    ['never begun: nothing', ours('SC_ATTEMPT_PAUSED'), 'nothing'],
  ] as const)('%s', (_, failure, verdict) => {
    expect(verdictOf(failure)).toBe(verdict);
  });
});
