import fc from 'fast-check';
import { type ZodType, z } from 'zod';
import { SagachartError } from '../../base/errors.ts';

/** As much of a JSON schema as zod writes. */
interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** Longer texts and lists say nothing more. */
const LONGEST = 12;

/**
 * Values that a schema takes: for `start`, and for signals. What its refinements refuse is left out.
 * @throws SagachartError SC_ARBITRARY if the schema is of a kind that JSON cannot say (a custom check without a type)
 */
export function inputs<T>(schema: ZodType<unknown, T>): fc.Arbitrary<T> {
  let json: JsonSchema;
  try {
    json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'throw' }) as JsonSchema;
  } catch (cause) {
    throw new SagachartError('SC_ARBITRARY', `no values can be made for the schema: ${cause instanceof Error ? cause.message : cause}`, {
      next: 'Write an arbitrary of your own for it.',
      cause,
    });
  }
  return valuesOf(json).filter((value) => schema.safeParse(value).success) as fc.Arbitrary<T>;
}

function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return fc.oneof(...options.map(valuesOf));
  if (schema.allOf) return fc.tuple(...schema.allOf.map(valuesOf)).map((parts) => Object.assign({}, ...parts));
  switch (schema.type) {
    case 'string':
      return textsOf(schema);
    case 'integer':
      return fc.integer(boundsOf(schema, 1));
    case 'number':
      return fc.double({ ...boundsOf(schema, Number.EPSILON), noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return listsOf(schema);
    case 'object':
      return recordsOf(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function boundsOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema, step: number): { min: number; max: number } {
  const min = minimum ?? (exclusiveMinimum === undefined ? -1_000_000 : exclusiveMinimum + step);
  const max = maximum ?? (exclusiveMaximum === undefined ? Math.max(min, 1_000_000) : exclusiveMaximum - step);
  return { min: Math.max(min, Number.MIN_SAFE_INTEGER), max: Math.min(max, Number.MAX_SAFE_INTEGER) };
}

function textsOf({ minLength = 0, maxLength, pattern, format }: JsonSchema): fc.Arbitrary<string> {
  const known: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
    email: () => fc.emailAddress(),
    uuid: () => fc.uuid(),
    uri: () => fc.webUrl(),
    'date-time': () => fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }).map((date) => date.toISOString()),
    date: () => fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }).map((date) => date.toISOString().slice(0, 10)),
  };
  const made = format === undefined ? undefined : known[format];
  if (made) return made();
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength, maxLength: maxLength ?? Math.max(minLength, LONGEST) });
}

function listsOf({ items, prefixItems, minItems = 0, maxItems }: JsonSchema): fc.Arbitrary<unknown> {
  if (prefixItems) return fc.tuple(...prefixItems.map(valuesOf));
  const item = typeof items === 'object' ? valuesOf(items) : fc.jsonValue({ maxDepth: 1 });
  return fc.array(item, { minLength: minItems, maxLength: maxItems ?? Math.max(minItems, LONGEST) });
}

function recordsOf({ properties = {}, required = [], additionalProperties }: JsonSchema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, valuesOf(field)]));
  const fixed = fc.record(fields, { requiredKeys: required as string[], noNullPrototype: true });
  if (typeof additionalProperties !== 'object' || Object.keys(additionalProperties).length === 0) return fixed;
  const others = fc.dictionary(
    fc.string({ minLength: 1, maxLength: LONGEST }).filter((key) => key !== '__proto__'),
    valuesOf(additionalProperties),
    { maxKeys: 4, noNullPrototype: true },
  );
  return fc.tuple(others, fixed).map(([more, own]) => ({ ...more, ...own }));
}
