import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/base/encoding.ts';
import { applyChanges, difference, worthReferring } from '../../src/kernel/change.ts';

const json = fc.jsonValue({ maxDepth: 4 });
const record = fc.dictionary(
  fc.string({ maxLength: 3 }).filter((key) => key !== '__proto__'),
  json,
  { maxKeys: 5 },
);

describe('differences', () => {
  test.prop([record, record])('turn one state into the other, keys in the same order below the top', (a, b) => {
    const before = { part: a, list: Object.values(a) };
    const after = { part: b, list: Object.values(b) };
    // As read back from text: what a difference holds of a state is shared with it, and would be changed with the rest.
    const changes = decode(encode(difference(before, after, {}))) as ReturnType<typeof difference>;
    const changed = applyChanges(structuredClone(before), changes, {});
    expect(changed).toEqual(after);
    expect(JSON.stringify(changed)).toBe(JSON.stringify(after));
  });

  test.prop([record, json.filter((value) => typeof value === 'object' && value !== null)])(
    'refer to what the event carries instead of repeating it',
    (a, output) => {
      const after = { ...a, kept: { deeper: { result: output }, short: 1 } };
      const changes = difference(a, after, { output });
      expect(changes.filter(([kind]) => kind === '@')).toHaveLength(worthReferring(output) ? 1 : 0);
      expect(applyChanges(structuredClone(a), changes, { output })).toEqual(after);
    },
  );

  it('are none between a thing and itself', () => {
    expect(difference(1, 1, {})).toEqual([]);
    expect(difference([1], [1, 2], {})).toEqual([['=', [1], 2]]);
  });

  it('are few where little changes', () => {
    const before = { steps: Array.from({ length: 1_000 }, (_, i) => ({ i })), other: { a: 1 } };
    const after = { ...before, steps: [...before.steps, { i: 1_000 }] };
    expect(difference(before, after, {})).toEqual([['=', ['steps', 1_000], { i: 1_000 }]]);
    expect(difference({ a: 1, b: 2 }, { b: 2 }, {})).toEqual([['-', ['a']]]);
    expect(difference([1, 2], [1], {})).toEqual([['=', [], [1]]]);
    expect(difference({ a: new Date(0) }, { a: new Date(1) }, {})).toEqual([['=', ['a'], new Date(1)]]);
    expect(difference({ a: {} }, { a: { b: 1 } }, {})).toEqual([['=', ['a', 'b'], 1]]);
    expect(applyChanges(1, difference(1, 2, {}), {})).toBe(2);
    expect(difference({ a: Number.NaN }, { a: Number.NaN }, {})).toEqual([]);
  });

  it('write a short text sooner than a reference to it, and a long one as a reference', () => {
    const long = 'x'.repeat(100);
    expect(difference({}, { a: 'short' }, { output: 'short' })).toEqual([['=', ['a'], 'short']]);
    expect(difference({}, { a: long }, { output: long })).toEqual([['@', ['a'], 'output']]);
    const deep = { d: { d: { d: { d: { d: long } } } } };
    expect(difference({}, deep, { output: long }).some(([kind]) => kind === '@')).toBe(false);
  });

  it('lead through no key that would set a prototype', () => {
    const own = JSON.parse('{"__proto__":{"admin":true}}');
    for (const [before, after, path] of [
      [{}, own, ''],
      [{ context: { a: 1 } }, { context: { a: 1, ...own } }, 'context'],
      [own, JSON.parse('{"__proto__":{"admin":false}}'), ''],
    ])
      expect(() => difference(before, after, {})).toThrowError(expect.objectContaining({ code: 'SC_NOT_STORABLE', details: { path } }));
    // What was there before, and is untouched, is not looked at again.
    expect(difference({ ...own, a: 1 }, { ...own, a: 2 }, {})).toEqual([['=', ['a'], 2]]);
  });

  it('do not share what two references point to', () => {
    const output = { n: 1 };
    const data = applyChanges(
      {},
      [
        ['@', ['a'], 'output'],
        ['@', ['b'], 'output'],
        ['=', ['a', 'n'], 2],
      ],
      { output },
    );
    expect(data).toEqual({ a: { n: 2 }, b: { n: 1 } });
  });
});
