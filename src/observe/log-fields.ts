import { errorRecord, isError } from './error-record.ts';
import { cut, redact } from './redact.ts';

/** The fields of a line, redacted; errors with their stacks and causes. Fields that are too large stand as one text under `fields`. */
export function logFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    // A caller without types may give the error itself.
    const entries = isError(fields) ? [['err', fields] as const] : Object.entries(fields);
    const errors = entries.flatMap(([key, value]) => (isError(value) ? [[key, errorFields(value, new Set())] as const] : []));
    return { ...redacted(Object.fromEntries(entries.filter(([, value]) => !isError(value)))), ...Object.fromEntries(errors) };
  } catch {
    return { fields: '[not storable]' };
  }
}

function errorFields(error: Error, above: Set<unknown>): unknown {
  if (above.has(error)) return '[circular]';
  above.add(error);
  const { type, message, stack, cause, ...rest } = errorRecord(error);
  const text = (value: unknown): unknown => (typeof value === 'string' ? cut(value) : redact(value));
  // Without a constructor, so that the serializer of a user's own logger takes the type from the name.
  const fields: Record<string, unknown> = Object.assign(Object.create(null), {
    type,
    message: text(message),
    stack: text(stack),
    ...redacted(rest),
    ...(cause === undefined ? {} : { cause: isError(cause) ? errorFields(cause, above) : redact(cause) }),
  });
  return Object.defineProperty(fields, 'name', { value: type });
}

function redacted(fields: Readonly<Record<string, unknown>>): object {
  const copy = redact(fields);
  return typeof copy === 'string' ? { fields: copy } : (copy as object);
}
