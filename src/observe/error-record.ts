/** Also of another realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** What there is to say of an error, its causes as they are: its own fields are not enumerable, or not its own. */
export function errorRecord(error: Error): Record<string, unknown> {
  const { message, stack, cause, errors } = error as Error & { readonly errors?: unknown };
  const said = { type: error.constructor?.name ?? error.name, message, stack };
  return {
    ...said,
    ...error,
    ...said,
    ...(cause === undefined ? {} : { cause }),
    ...(errors === undefined ? {} : { errors }),
  };
}
