import type { ZodType } from 'zod';

/** What stands in place of what must not be seen. */
export const REDACTED = '[redacted]';

/** Names under which credentials are likely to be found, at any depth, in any spelling. */
const LIKELY =
  /^(pass(word|wd|phrase)?|secret|client_?secret|token|access_?token|refresh_?token|id_?token|api_?key|auth|authorization|cookie|set-cookie|private_?key|credentials?|cvc|cvv|card_?number|iban|ssn|pin)$/i;

const LONGEST = 2_000;

/**
 * A copy without likely credentials, and without fields that the schema marks with `.meta({ sensitive: true })`;
 * anything larger than 2,000 characters of JSON is cut, because failures are stored with each attempt.
 */
export function redact(value: unknown, schema?: unknown): unknown {
  const copy = copyOf(value, schema as ZodType | undefined, new Set());
  try {
    const text = JSON.stringify(copy);
    return text === undefined || text.length <= LONGEST ? copy : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
  } catch {
    return '[not storable]';
  }
}

function copyOf(value: unknown, schema: ZodType | undefined, above: Set<object>): unknown {
  if (isSensitive(schema)) return value === undefined ? undefined : REDACTED;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint' ? String(value) : value;
  if (above.has(value)) return '[circular]';
  above.add(value);
  try {
    const { shape, element, options } = unwrap(schema);
    if (Array.isArray(value)) return value.map((item) => copyOf(item, element, above));
    if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) return String(value);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const sensitive = LIKELY.test(key) || options.some((option) => isSensitive(unwrap(option).shape?.[key]));
        return [key, sensitive ? REDACTED : copyOf(item, shape?.[key] ?? options.map((option) => unwrap(option).shape?.[key]).find(Boolean), above)];
      }),
    );
  } finally {
    above.delete(value);
  }
}

interface Inside {
  readonly def?: {
    readonly innerType?: ZodType;
    readonly in?: ZodType;
    readonly shape?: Record<string, ZodType>;
    readonly element?: ZodType;
    readonly options?: readonly ZodType[];
    readonly valueType?: ZodType;
  };
  readonly meta?: () => { readonly sensitive?: unknown } | undefined;
}

/** The mark stays on the schema it was put on: what wraps it (`.optional()`, `.default()`, a pipe) is taken off. */
function layers(schema: ZodType | undefined): readonly Inside[] {
  const all: Inside[] = [];
  for (
    let layer = schema as unknown as Inside | undefined;
    layer !== undefined && all.length < 20;
    layer = (layer.def?.innerType ?? layer.def?.in) as unknown as Inside | undefined
  )
    all.push(layer);
  return all;
}

function isSensitive(schema: ZodType | undefined): boolean {
  return layers(schema).some((layer) => layer.meta?.()?.sensitive === true);
}

function unwrap(schema: ZodType | undefined): {
  readonly shape: Record<string, ZodType> | undefined;
  readonly element: ZodType | undefined;
  readonly options: readonly ZodType[];
} {
  const def = layers(schema).at(-1)?.def;
  return { shape: def?.shape, element: def?.element, options: def?.options ?? [] };
}
