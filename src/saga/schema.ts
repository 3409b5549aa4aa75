import type { ZodError, ZodType } from 'zod';

/** What a schema makes of a value, or what is wrong with it in one line: `cents: expected number; bags[0]: …`. */
export type Parsed = { readonly value: unknown } | { readonly problem: string; readonly cause: ZodError };

/** The value as it is where there is no schema. */
export function parseWith(schema: ZodType | undefined, value: unknown): Parsed {
  if (!schema) return { value };
  const { success, data, error } = schema.safeParse(value);
  return success ? { value: data } : { problem: problemOf(error), cause: error };
}

/** Paths and messages, never the values: they may be secret. */
function problemOf({ issues }: ZodError): string {
  return issues.map(({ path, message }) => (path.length === 0 ? message : `${pathText(path)}: ${message}`)).join('; ');
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`)).join('');
}
