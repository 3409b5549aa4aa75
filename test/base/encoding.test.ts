import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, decode, encode, sha256, stored, WRAPPED_LEVELS } from '../../src/base/encoding.ts';

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
  class List extends Array {}
  class Day extends Date {}
  const deep = (levels: number, around: (inner: unknown) => unknown): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = around(value);
    return value;
  };
  const refused: readonly [string, unknown, string][] = [
    ['a function', { a: [() => 1] }, 'value.a[0]'],
    ['a symbol', { a: Symbol('x') }, 'value.a'],
    ['a map', { a: { b: new Map() } }, 'value.a.b'],
    ['an error', new Error('x'), 'value'],
    ['an instance', { money: new Money() }, 'value.money'],
    ['an invalid date', { at: new Date(Number.NaN) }, 'value.at'],
    ['itself', circular, 'value.self'],
    ['a symbol key', { [Symbol('k')]: 1 }, 'value'],
    ['the fields of a match', { found: 'abc'.match(/b/) }, 'value.found'],
    ['a field of an array', { list: Object.assign([1], { x: 2 }) }, 'value.list'],
    ['a field of an array that has a hole too', { list: Object.assign(new Array(1), { '01': 2 }) }, 'value.list'],
    ['toJSON of an array', { list: Object.assign([1], { toJSON: () => 'gone' }) }, 'value.list'],
    ['a subclass of Array', { list: List.from([1]) }, 'value.list'],
    ['a field of a date', { at: Object.assign(new Date(0), { zone: 'UTC' }) }, 'value.at'],
    ['a subclass of Date', { at: new Day(0) }, 'value.at'],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'value.a'],
  ];
  for (const [what, value, path] of refused) {
    it(`refuses ${what}, and names the path`, () => {
      expect(() => encode(value)).toThrowError(expect.objectContaining({ code: 'SC_NOT_STORABLE', details: { path } }));
    });
  }

  it('refuses what is nested without end, with the beginning of the path', () => {
    for (const around of [(d: unknown) => ({ d }), (d: unknown) => [d], (d: unknown) => ({ $sc: 1, d })]) {
      for (const levels of [501, 20_000])
        expect(() => encode(deep(levels, around))).toThrowError(
          expect.objectContaining({
            code: 'SC_NOT_STORABLE',
            message: expect.stringMatching(/^value.{0,200}… cannot be stored: it is more than 500 levels deep$/),
          }),
        );
      // As deep as a result may be, it fits into an entry of the journal, and is read back.
      const result = deep(500, around);
      encode(result);
      const entry = encode({ change: [['=', ['faults'], [{ event: { output: result } }]]] }, 'run', WRAPPED_LEVELS);
      expect(stored(entry)).toEqual({ change: [['=', ['faults'], [{ event: { output: result } }]]] });
    }
  });

  it('takes an array with holes, and an object with a field named toJSON', () => {
    const holes = new Array(2);
    holes[1] = 1;
    expect(decode(encode({ holes }))).toEqual({ holes: [undefined, 1] });
    expect(decode(encode({ toJSON: 1 }))).toEqual({ toJSON: 1 });
    expect(() => encode({ toJSON: () => 'gone' })).toThrowError(expect.objectContaining({ code: 'SC_NOT_STORABLE', details: { path: 'value.toJSON' } }));
  });

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

  it('gives equal text also below what had to be escaped', () => {
    expect(canonical({ $sc: 1, b: { d: 2, c: 3 } })).toBe(canonical({ b: { c: 3, d: 2 }, $sc: 1 }));
    expect(canonical([{ $sc: { $sc: 1, a: 2 } }])).toBe(canonical([{ $sc: { a: 2, $sc: 1 } }]));
    // Pinned: hashes of inputs are kept with the runs.
    expect(canonical({ $sc: 1, b: { d: 2, c: 3 } })).toBe('{"$sc":"object","v":[["$sc",1],["b",{"c":3,"d":2}]]}');
    expect(canonical({ $sc: 'object', v: 1 })).toBe('{"$sc":"object","v":[["$sc","object"],["v",1]]}');
  });

  it('gives a frozen copy of what is stored', () => {
    const copy = stored('{"a":[{"b":1}]}') as { a: { b: number }[] };
    expect(Object.isFrozen(copy.a[0])).toBe(true);
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(canonical({ b: undefined, a: [null, 1] })).toBe('{"a":[null,1],"b":{"$sc":"undefined"}}');
  });
});
