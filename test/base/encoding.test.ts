import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, decode, encode, sha256, stored } from '../../src/base/encoding.ts';

describe('encoding', () => {
  // The key `__proto__` is refused: an object cannot be rebuilt with it.
  test.prop([fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'))])('keeps every JSON value', (value) => {
    expect(decode(encode(value))).toEqual(value);
  });

  const odd = [
    undefined,
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    10n,
    new Date(0),
    { $sc: 'undefined' },
    { a: undefined },
    [undefined, 1],
    { $sc: { $sc: 1 }, d: new Date(5) },
  ];
  for (const value of odd) {
    it(`keeps ${typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)} (${typeof value}), which JSON alone loses`, () => {
      expect(decode(encode({ value }))).toStrictEqual({ value });
    });
  }

  const circular: Record<string, unknown> = {};
  circular.self = circular;
  class Money {}
  const refused: readonly [string, unknown, string][] = [
    ['a function', { a: [() => 1] }, 'value.a[0]'],
    ['a symbol', { a: Symbol('x') }, 'value.a'],
    ['a map', { a: { b: new Map() } }, 'value.a.b'],
    ['an error', new Error('x'), 'value'],
    ['an instance', { money: new Money() }, 'value.money'],
    ['an invalid date', { at: new Date(Number.NaN) }, 'value.at'],
    ['itself', circular, 'value.self'],
    ['a symbol key', { [Symbol('k')]: 1 }, 'value'],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'value.a'],
  ];
  for (const [what, value, path] of refused) {
    it(`refuses ${what}, and names the path`, () => {
      expect(() => encode(value)).toThrowError(expect.objectContaining({ code: 'SC_NOT_STORABLE', details: { path } }));
    });
  }

  it('refuses a kind that a newer version wrote', () => {
    expect(() => decode('{"$sc":"future"}')).toThrowError(expect.objectContaining({ code: 'SC_ENCODING' }));
  });

  it('keeps what is deeper than it looks at once', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 80; i++) deep = { deep };
    expect(decode(encode(deep))).toEqual(deep);
  });

  test.prop([
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.integer(),
    ),
  ])('gives equal text to equal values, whatever the order of their keys', (record) => {
    const reversed = Object.fromEntries(Object.entries(record).reverse());
    expect(canonical(reversed)).toBe(canonical(record));
  });

  it('gives a frozen copy of what is stored', () => {
    const copy = stored('{"a":[{"b":1}]}') as { a: { b: number }[] };
    expect(Object.isFrozen(copy.a[0])).toBe(true);
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(canonical({ b: undefined, a: [null, 1] })).toBe('{"a":[null,1],"b":{"$sc":"undefined"}}');
  });
});
