// cspell:ignore prefault
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REDACTED, redact } from '../../src/observe/redact.ts';

const MARKER = 'MARKER-08e1';
const secret = z.string().meta({ sensitive: true });
const o = z.object({ x: secret, kept: z.string().optional() });

const RENAMED: readonly (readonly [what: string, schema: unknown, value: unknown])[] = [
  ['a new name', o.transform(({ x }) => ({ y: x })), { y: MARKER }],
  ['a text', o.transform(({ x }) => x), MARKER],
  ['a list', o.transform(({ x }) => [x]), [MARKER]],
  ['a map', o.transform(({ x }) => new Map([['y', x]])), new Map([['y', MARKER]])],
  ['a number', z.object({ x: z.number().meta({ sensitive: true }) }).transform(({ x }) => x), 4_111_111_111],
  ['a name that is deeper down', z.object({ a: o }).transform(({ a }) => ({ a: { y: a.x } })), { a: { y: MARKER } }],
  ['the name of a whole', z.object({ a: o }).transform(({ a }) => ({ a: a.x })), { a: MARKER }],
  ['a new name, then a pipe', o.transform(({ x }) => ({ y: x })).pipe(z.object({ y: z.string() })), { y: MARKER }],
  ['a new name, then a default', z.object({ a: o.transform(({ x }) => ({ y: x })).prefault({ x: 'q' }) }), { a: { y: MARKER } }],
  ['two transforms', o.transform((value) => value).transform(({ x }) => ({ y: x })), { y: MARKER }],
  ['one of a union', z.union([z.number(), o.transform(({ x }) => ({ y: x }))]), { y: MARKER }],
  ['a name another side of a union has', z.union([o.transform(({ x }) => ({ y: x })), z.object({ y: z.string() })]), { y: MARKER }],
  ['a name that a catch-all takes', o.catchall(z.string()).transform(({ x }) => ({ y: x })), { y: MARKER }],
  ['a name that a loose object takes', z.looseObject({ x: secret }).transform(({ x }) => ({ y: x })), { y: MARKER }],
  ['the other side of a codec', z.codec(o, z.object({ y: z.string() }), { decode: ({ x }) => ({ y: x }), encode: ({ y }) => ({ x: y }) }), { y: MARKER }],
  ['text that a codec reads', z.codec(z.string(), o, { decode: (text) => JSON.parse(text), encode: (value) => JSON.stringify(value) }), `{"x":"${MARKER}"}`],
  ['text that preprocess reads', z.preprocess((text) => JSON.parse(String(text)), o), `{"x":"${MARKER}"}`],
  ['names that preprocess takes', z.preprocess((value) => ({ x: (value as { y: string }).y }), o), { y: MARKER }],
  [
    'text, then a pipe',
    z
      .string()
      .transform((text) => JSON.parse(text))
      .pipe(o),
    `{"x":"${MARKER}"}`,
  ],
  ['lists in an array', z.array(o.transform(({ x }) => [x])), [[MARKER]]],
];

describe('what a transform may have made of something sensitive is hidden', () => {
  it.each(RENAMED)('as %s', (_, schema, value) => {
    const copy = JSON.stringify(redact(value, schema));
    expect(copy).not.toContain(typeof value === 'number' ? String(value) : MARKER);
    expect(copy).toContain(REDACTED);
  });

  it('and what its input knows is still seen', () => {
    const schema = z
      .object({ x: secret, kept: z.string(), n: z.string().transform(Number), deep: z.object({ list: z.array(z.number()), any: z.unknown() }) })
      .transform((value) => value);
    const value = { x: MARKER, kept: 'yes', n: 5, deep: { list: [1, 2], any: { thing: ['seen'] } } };
    expect(redact(value, schema)).toEqual({ ...value, x: REDACTED });
  });

  it('but nothing of a transform without anything sensitive', () => {
    const schema = z.object({ x: secret, other: z.object({ a: z.string() }).transform(({ a }) => ({ b: a })) });
    expect(redact({ x: MARKER, other: { b: 'seen' } }, schema)).toEqual({ x: REDACTED, other: { b: 'seen' } });
  });
});

describe('what is not as the schema says', () => {
  it.each([
    ['text for an object', z.object({ a: o }), { a: MARKER }],
    ['an object for a list', z.array(o), { 0: { x: MARKER } }],
    ['a list for a map', z.map(z.string(), secret), [['k', MARKER]]],
    [
      'an instance for an object',
      o,
      new (class {
        x = MARKER;
        toString = (): string => MARKER;
      })(),
    ],
  ] as const)('is hidden where it may hold something sensitive: %s', (_, schema, value) => {
    expect(JSON.stringify(redact(value, schema))).not.toContain(MARKER);
  });

  it('is seen elsewhere, null too', () => {
    expect(redact({ a: null, b: 'text', further: 1 }, z.object({ a: o.nullable(), b: z.object({ c: z.string() }), x: secret }))).toEqual({
      a: null,
      b: 'text',
      further: 1,
    });
  });

  it('has no keys but its own', () => {
    const value = JSON.parse('{"constructor":"seen","__proto__":{"x":"seen"}}');
    expect(JSON.stringify(redact(value, o))).toBe('{"constructor":"seen","__proto__":{"x":"seen"}}');
  });
});

describe('collections', () => {
  it.each([
    ['values of a map', z.map(z.string(), o), new Map([['k', { x: MARKER }]])],
    ['keys of a map', z.map(secret, z.number()), new Map([[MARKER, 1]])],
    ['items of a set', z.set(o), new Set([{ x: MARKER }])],
    ['a promise', z.object({ a: z.promise(secret) }), { a: MARKER }],
  ] as const)('%s', (_, schema, value) => {
    expect(JSON.stringify(redact(value, schema))).not.toContain(MARKER);
  });

  it('are lists of what they hold', () => {
    expect(redact({ map: new Map([['k', 1]]), set: new Set([2]), bytes: Buffer.from('secret') })).toEqual({ map: [['k', 1]], set: [2], bytes: '[6 bytes]' });
  });
});

describe('schemas without an end', () => {
  it('that make themselves anew each time', () => {
    const node = (): z.ZodType => z.object({ plain: z.string(), x: secret, below: z.lazy(node).optional() });
    expect(redact({ plain: 'a', x: MARKER, below: { plain: 'b', x: MARKER } }, node())).toEqual({
      plain: 'a',
      x: REDACTED,
      below: { plain: 'b', x: REDACTED },
    });
    const unmarked = (): z.ZodType => z.object({ plain: z.string(), below: z.lazy(unmarked).optional() });
    expect(redact({ plain: 'a', below: { plain: 'b' } }, unmarked())).toEqual({ plain: 'a', below: { plain: 'b' } });
  });

  it('that are lazy for ever', () => {
    const never = (): z.ZodType => z.lazy(never);
    expect(redact({ a: 1 }, never())).toBe(REDACTED);
  });

  it('that are transformed at each level: the cost does not multiply', () => {
    const node: z.ZodType = z.object({ x: secret, plain: z.string(), below: z.lazy(() => z.array(node)) }).transform((value) => value);
    const deep = (levels: number): object => ({ x: MARKER, plain: 'p', below: levels === 0 ? [] : [deep(levels - 1)] });
    const began = performance.now();
    const copy = JSON.stringify(redact(deep(20), node));
    expect(copy).not.toContain(MARKER);
    expect(copy).toContain('"plain":"p"');
    expect(performance.now() - began).toBeLessThan(500);
  });
});

it('walks a schema once, not once an element', () => {
  const schema = z.array(z.union([z.object({ x: secret }), z.object({ y: z.array(z.union([z.string(), z.object({ z: secret })])) })]));
  const began = performance.now();
  redact(
    Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? { x: MARKER } : { y: ['a', { z: MARKER }] })),
    schema,
  );
  expect(performance.now() - began).toBeLessThan(1_000);
});
