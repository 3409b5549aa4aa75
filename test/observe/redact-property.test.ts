import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type ZodType, z } from 'zod';
import { redact } from '../../src/observe/redact.ts';

// cspell:ignore letrec

/** A schema, and a value of it: unique markers stand where the schema says that nobody may look, `open` where everybody may. */
interface Pair {
  readonly schema: ZodType;
  readonly value: unknown;
  readonly markers: readonly string[];
  readonly open: readonly string[];
}

let last = 0;
const unique = (kind: string): string => `${kind}<${++last}>`;

const sensitive = fc.constant(null).map((): Pair => {
  const marker = unique('MARKER');
  return { schema: z.string().meta({ sensitive: true }), value: marker, markers: [marker], open: [] };
});
const plain = fc.constant(null).map((): Pair => {
  const text = unique('OPEN');
  return { schema: z.string(), value: text, markers: [], open: [text] };
});
const sensitiveWhole = (pair: Pair): Pair => ({
  ...pair,
  schema: pair.schema.meta({ sensitive: true }),
  markers: [...pair.markers, ...pair.open],
  open: [],
});

const KEYS = ['alpha', 'beta', 'gamma', 'delta'] as const;
const together = (pairs: readonly Pair[]): Pick<Pair, 'markers' | 'open'> => ({
  markers: pairs.flatMap(({ markers }) => markers),
  open: pairs.flatMap(({ open }) => open),
});

/** What the schemas of a saga's input are made of. */
const { pair } = fc.letrec<{ pair: Pair }>((tie) => {
  const object = fc.uniqueArray(fc.tuple(fc.constantFrom(...KEYS), tie('pair')), { minLength: 1, maxLength: 4, selector: ([key]) => key }).map(
    (fields): Pair => ({
      schema: z.object(Object.fromEntries(fields.map(([key, { schema }]) => [key, schema]))),
      value: Object.fromEntries(fields.map(([key, { value }]) => [key, value])),
      ...together(fields.map(([, field]) => field)),
    }),
  );
  const wrapped = fc
    .tuple(tie('pair'), fc.constantFrom('optional', 'nullable', 'default', 'catch', 'readonly', 'transform', 'array'))
    .map(([inner, how]): Pair => {
      const { schema, value } = inner;
      if (how === 'array') return { ...inner, schema: z.array(schema), value: [value] };
      if (how === 'default') return { ...inner, schema: schema.default(value as never) };
      if (how === 'catch') return { ...inner, schema: schema.catch(value as never) };
      if (how === 'transform') return { ...inner, schema: schema.transform((same) => same) };
      return { ...inner, schema: schema[how as 'optional' | 'nullable' | 'readonly']() };
    });
  return {
    pair: fc.oneof({ maxDepth: 4, withCrossShrink: true }, sensitive, plain, object, object, wrapped, object.map(sensitiveWhole)),
  };
});

/** Built from the same parts, but beyond what is looked into so far. */
const further = fc.tuple(pair, fc.constantFrom('record', 'tuple', 'union', 'intersection', 'pipe', 'lazy', 'preprocess')).map(([inner, how]): Pair => {
  const { schema, value } = inner;
  if (how === 'record') return { ...inner, schema: z.record(z.string(), schema), value: { any: value } };
  if (how === 'tuple') return { ...inner, schema: z.tuple([z.number(), schema]), value: [1, value] };
  if (how === 'union') return { ...inner, schema: z.union([z.number(), z.union([z.boolean(), schema])]) };
  if (how === 'intersection') return { ...inner, schema: z.object({}).and(z.object({ a: schema })), value: { a: value } };
  if (how === 'pipe') return { ...inner, schema: z.unknown().pipe(schema) };
  if (how === 'lazy') return { ...inner, schema: z.lazy(() => schema) };
  return { ...inner, schema: z.preprocess((same) => same, schema) };
});

function judge({ schema, value, markers, open }: Pair): void {
  // The pair is one: the value is what the schema takes.
  expect(schema.safeParse(value).success).toBe(true);
  const text = JSON.stringify(redact(value, schema)) ?? '';
  for (const marker of markers) expect(text).not.toContain(marker);
  if (text.includes('characters)')) return;
  for (const one of open) expect(text).toContain(one);
}

describe('no value that any schema marks is seen, and all others are', () => {
  test.prop([pair], { numRuns: 500 })('in objects, arrays and what wraps them', judge);
  test('in records, tuples, unions, intersections, pipes and lazy schemas', () => fc.assert(fc.property(further, judge), { numRuns: 500 }));
});
