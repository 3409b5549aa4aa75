// cspell:ignore xabcabx abca bcab ananana anana
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mask, sensitiveTexts } from '../../src/observe/mask.ts';

const secret = z.string().meta({ sensitive: true });

describe('the texts that may not be repeated', () => {
  it('are the strings and the long numbers that redaction hides', () => {
    const schema = z.object({
      who: z.string(),
      card: secret,
      deep: z.array(z.object({ code: z.number(), inside: z.any() }).meta({ sensitive: true })),
      none: secret,
    });
    const value = {
      who: 'Albert',
      card: '4111 1111',
      deep: [{ code: 123_456, inside: { a: ['below', 7n, new Map([['key', 'mapped']]), new Set(['in a set'])] } }],
      none: 'abc',
    };
    expect(sensitiveTexts(value, schema)).toEqual(['4111 1111', '123456', 'below', 'mapped', 'in a set']);
    expect(sensitiveTexts({ code: 99_999, big: 123_456_789n, minus: -123_456.5 }, z.any().meta({ sensitive: true }))).toEqual(['123456789', '-123456.5']);
  });

  it('are those under likely names, too, without a schema', () => {
    expect(sensitiveTexts({ headers: { 'x-api-key': 'key-1' }, pin: 1_234, pins: 'seen' })).toEqual(['key-1']);
  });

  it('are the keys where the keys are sensitive', () => {
    expect(sensitiveTexts({ 'SSN-1': { total: 'inside' } }, z.record(secret, z.any()))).toEqual(['SSN-1', 'total', 'inside']);
    expect(sensitiveTexts({ known: { name: 'inside' } }, z.record(z.string(), z.any().meta({ sensitive: true })))).toEqual(['inside']);
  });

  it('end in a value that contains itself, and are never why something fails', () => {
    const circle: Record<string, unknown> = { text: 'hidden' };
    circle.self = circle;
    expect(sensitiveTexts({ secret: circle })).toEqual(['hidden']);
    const hostile = Object.defineProperty({ token: 'found' }, 'z', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(sensitiveTexts(hostile)).toEqual([]);
    expect(sensitiveTexts([{ token: 'found' }, hostile])).toEqual(['found']);
    expect(sensitiveTexts('text', 'no schema')).toEqual([]);
  });
});

describe('a mask', () => {
  const texts = ['4111-1111', 'Ada "x"/ü', 'a b', '4111', '123456'];

  it('covers each text wherever it stands in a string, also where they overlap', () => {
    expect(mask('card 4111-1111 of Ada', texts)).toBe('card [redacted] of Ada');
    expect(mask('4111 4111-11114111', texts)).toBe('[redacted] [redacted]');
    expect(mask('xabcabx', ['abca', 'bcab'])).toBe('x[redacted]x');
    expect(mask('4111', texts)).toBe('[redacted]');
    expect(mask('ananana', ['anana'])).toBe('[redacted]');
    expect(mask('the word redacted', ['redacted'])).toBe('the word [redacted]');
  });

  it('covers what JSON, a URL or an inspected value make of it', () => {
    expect(mask(`body ${JSON.stringify({ who: 'Ada "x"/ü' })}`, texts)).toBe('body {"who":"[redacted]"}');
    expect(mask(`https://x.test/?who=${encodeURIComponent('Ada "x"/ü')}&q=a%20b`, texts)).toBe('https://x.test/?who=[redacted]&q=[redacted]');
    expect(mask(inspect({ who: 'a b' }), texts)).toBe("{ who: '[redacted]' }");
    expect(mask('\ud800 kept', ['\ud800 lone'])).toBe('\ud800 kept');
  });

  it('covers keys, numbers and everything deeper down, and changes nothing of the original', () => {
    const value = {
      list: [1, { '4111': '4111' }],
      number: 123_456,
      other: 1_234_567,
      map: new Map([['a b', 'a b']]),
      set: new Set(['a b', 1]),
      at: new Date(0),
      bytes: new Uint8Array(2),
    };
    const before = structuredClone(value);
    expect(mask(value, texts)).toEqual({
      ...before,
      list: [1, { '[redacted]': '[redacted]' }],
      number: '[redacted]',
      map: new Map([['[redacted]', '[redacted]']]),
      set: new Set(['[redacted]', 1]),
    });
    expect(value).toEqual(before);
  });

  it('gives what has none of them as it is', () => {
    const value = { list: [1, { key: 'text' }], map: new Map([['k', 'v']]), set: new Set(['a']), error: new Error('no') };
    expect(mask(value, texts)).toBe(value);
    expect(mask(value, [])).toBe(value);
    expect(mask(undefined, texts)).toBeUndefined();
    expect(mask('text', [''])).toBe('text');
  });

  it('covers message, stack, fields and causes of an error, which stays one of its class', () => {
    class DeclinedError extends RangeError {
      override readonly name = 'DeclinedError';
      readonly request = { card: '4111-1111' };
    }
    const error = new DeclinedError('declined 4111-1111', { cause: new AggregateError([new Error('inner 4111-1111')], 'all') });
    const masked = mask(error, texts);
    expect(masked).toBeInstanceOf(DeclinedError);
    expect(masked).toMatchObject({ name: 'DeclinedError', message: 'declined [redacted]', request: { card: '[redacted]' } });
    expect(masked.stack).toMatch(/declined \[redacted\]\n +at /);
    expect((masked.cause as AggregateError).errors[0]).toMatchObject({ message: 'inner [redacted]' });
    expect(inspect(masked, { depth: 9 })).not.toContain('4111');
    expect(error.message).toBe('declined 4111-1111');
  });

  it('ends in what contains itself, and is never why something fails', () => {
    const circle: Record<string, unknown> = { text: 'a b' };
    circle.self = circle;
    expect(mask(circle, texts)).toEqual({ text: '[redacted]', self: '[circular]' });
    const twice = { one: ['a b'] };
    expect(mask([twice, twice], texts)).toEqual([{ one: ['[redacted]'] }, { one: ['[redacted]'] }]);
    const hostile = {
      get a(): never {
        throw new Error('no');
      },
    };
    expect(mask(hostile, texts)).toBe('[not storable]');
  });

  it('takes a text that is very long', () => {
    const long = 'x"'.repeat(200_000);
    expect(mask(`before ${long} after`, [long])).toBe('before [redacted] after');
  });
});
