/**
 * As much of a zod schema as is looked at. Everything is optional: whatever is given as a schema, looking at it is
 * never the reason why something fails.
 */
export interface Schema {
  readonly def?: SchemaParts;
  readonly _zod?: { readonly innerType?: Schema };
  readonly meta?: () => { readonly sensitive?: unknown } | undefined;
}

interface SchemaParts {
  readonly type?: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly out?: Schema;
  /** Of a codec. */
  readonly transform?: unknown;
  readonly options?: readonly Schema[];
  readonly left?: Schema;
  readonly right?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly catchall?: Schema;
  readonly element?: Schema;
  readonly items?: readonly Schema[];
  readonly rest?: Schema | null;
  readonly keyType?: Schema;
  readonly valueType?: Schema;
}

/** Schemas that make themselves anew each time they are asked never end: what is larger than this counts as sensitive. */
export const MOST_SCHEMAS = 5_000;
const known = new WeakMap<Schema, boolean>();

export function isMarked(schema: Schema): boolean {
  return schema.meta?.()?.sensitive === true;
}

export function partsOf(schema: Schema): SchemaParts {
  return schema.def ?? {};
}

/** Those that describe the same place: what a wrapper wraps, the two ends of a pipe, the options of a union. */
export function layersOf(schema: Schema): readonly Schema[] {
  const { type, innerType, in: from, out, options, left, right } = partsOf(schema);
  // Zod keeps what a lazy schema stands for: asking anew could make another one each time.
  return present([innerType, type === 'lazy' ? schema._zod?.innerType : undefined, from, out, ...(options ?? []), left, right]);
}

/** Whether a value can come out of this schema in another form, under other names. */
export function reshapes(schema: Schema): boolean {
  return some(schema, (one) => partsOf(one).type === 'transform' || partsOf(one).transform !== undefined, layersOf);
}

/** Whether this schema, or anything in it, is marked. */
export function containsMark(schema: Schema): boolean {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const seen = new Set<Schema>();
  const found = some(schema, isMarked, (one) => [...layersOf(one), ...insidesOf(one)], seen);
  // Where nothing was found, nothing is in any part of it.
  for (const one of found ? [schema] : seen) known.set(one, found);
  return found;
}

function insidesOf(schema: Schema): readonly Schema[] {
  const { shape, catchall, element, items, rest, keyType, valueType } = partsOf(schema);
  return present([...Object.values(shape ?? {}), catchall, element, ...(items ?? []), rest, keyType, valueType]);
}

function some(schema: Schema, is: (schema: Schema) => boolean, next: (schema: Schema) => readonly Schema[], seen = new Set<Schema>()): boolean {
  seen.add(schema);
  // A set gives what is added to it while it is gone through.
  for (const one of seen) {
    if (is(one) || seen.size > MOST_SCHEMAS) return true;
    for (const more of next(one)) seen.add(more);
  }
  return false;
}

export function present<T>(list: readonly (T | null | undefined)[]): readonly T[] {
  return list.filter((one) => one !== undefined && one !== null);
}
