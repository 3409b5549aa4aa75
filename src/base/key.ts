/** What an idempotency key is made of. */
export interface KeyParts {
  /** The store's random id, unless the engine was given another. */
  readonly namespace: string;
  readonly run: string;
  /** Which life of the run id, from 1. */
  readonly incarnation: number;
  readonly step: string;
  /** Index of the element of a map, from 1. */
  readonly item?: number;
  /** How many times the chart has come to this step in this run, from 1. */
  readonly round: number;
  readonly kind: 'run' | 'undo';
}

/**
 * The key a dependency sees: the same over all attempts and restarts, new in every round, so that
 * reserve → release → reserve again is not answered with the released reservation.
 * This format cannot change once runs exist; a golden test pins it.
 */
export function idempotencyKey({ namespace, run, incarnation, step, item, round, kind }: KeyParts): string {
  const encode = encodeURIComponent;
  return `sc1:${encode(namespace)}/${encode(run)}/${incarnation}/${encode(step)}/${item ?? '-'}/${round}/${kind}`;
}
