import type { Failure } from '../base/failure.ts';

/** Keeps what must not be seen out of failures: given by whoever assembles the engine. */
export interface Secrets {
  /** A copy of a value without what its schema marks, and without likely credentials. */
  redact(value: unknown, schema?: unknown): unknown;
  /** The texts that `redact` hides in a value. */
  sensitiveTexts(value: unknown, schema?: unknown): readonly string[];
  /** A copy in which these texts are replaced wherever they stand. */
  mask<T>(value: T, texts: readonly string[]): T;
}

/** The failure without these texts: errors quote what a step was given. */
export function masked(failure: Failure, { mask }: Secrets, texts: readonly string[]): Failure {
  const { message, stack, causes } = failure;
  return { ...failure, ...mask({ message, ...(stack ? { stack } : {}), ...(causes ? { causes } : {}) }, texts) };
}
