import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { pinoLog, wrap } from '../../src/observe/log.ts';
import { logFields } from '../../src/observe/log-fields.ts';
import { Lines } from './lines.ts';

const MARKER = 'MARKER-2b77';
const failure = (): Error =>
  Object.assign(new TypeError('outer', { cause: new RangeError('middle', { cause: 'the root' }) }), { code: 'E1', headers: { authorization: MARKER } });

describe('the fields of a line', () => {
  it('that are too large stand as one text, beside the errors', () => {
    const fields = logFields({ big: 'x'.repeat(3_000), id: 1, err: failure() }) as { fields: string; err: Error };
    expect(fields.fields).toMatch(/^\{"big":"x+… \(\d+ characters\)$/);
    expect(fields.err).toMatchObject({ type: 'TypeError', message: 'outer', stack: expect.stringContaining('log-fields.test'), code: 'E1' });
  });

  it('keep an error with its causes, redacted, under any name', () => {
    const { problem } = logFields({ problem: failure() });
    expect(problem).toMatchObject({
      type: 'TypeError',
      cause: { type: 'RangeError', message: 'middle', cause: 'the root' },
      headers: { authorization: '[redacted]' },
    });
  });

  it('cut what an error says, and what it carries, each by itself', () => {
    const error = Object.assign(new Error('m'.repeat(5_000)), { body: 'b'.repeat(5_000) });
    const { err } = logFields({ err: error }) as { err: Record<string, string> };
    for (const text of [err.message, err.stack, err.fields]) expect(text?.length).toBeLessThan(2_100);
  });

  it('may be an error, may contain itself, and are never why something fails', () => {
    expect(logFields(failure() as never)).toMatchObject({ err: { message: 'outer' } });
    const circle = new Error('round');
    circle.cause = circle;
    expect(logFields({ circle })).toMatchObject({ circle: { cause: '[circular]' } });
    const hostile = Object.defineProperty(new Error('x'), 'constructor', {
      get: () => {
        throw new Error('no');
      },
    });
    expect(logFields({ hostile })).toEqual({ fields: '[not storable]' });
  });
});

describe('an error in a line', () => {
  it.each([
    ['pinoLog', (to: Lines) => pinoLog({ level: 'info', to }), { message: 'outer', cause: { type: 'RangeError', message: 'middle' } }],
    // Pino's serializer folds the causes into the message.
    ['a logger with pino’s serializer', (to: Lines) => wrap(pino({ level: 'info' }, to)), { message: 'outer: middle' }],
    [
      'a logger with one that keeps causes',
      (to: Lines) => wrap(pino({ serializers: { err: pino.stdSerializers.errWithCause } }, to)),
      { message: 'outer', cause: { message: 'middle' } },
    ],
    [
      'a logger with a serializer of one’s own',
      (to: Lines) => wrap(pino({ serializers: { err: ({ type, code }) => ({ type, mine: code }) } }, to)),
      { mine: 'E1' },
    ],
  ] as const)('of %s has its type, and no credentials', (_, make, says) => {
    const lines = new Lines();
    make(lines).error('failed', { err: failure(), id: 7 });
    expect(lines.of('failed')).toMatchObject([{ id: 7, err: { type: 'TypeError', ...says } }]);
    expect(lines.text).not.toContain(MARKER);
  });
});
