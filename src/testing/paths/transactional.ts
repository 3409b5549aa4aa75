import type { AnySaga } from '../../saga/any-saga.ts';

/** Whether an attempt is one with the commit of its end: it takes no time, so a cancel comes before it, or after. */
export function isTransactional({ definition: { steps } }: AnySaga, attempt: string): boolean {
  return steps.some(({ name, transact }) => transact && (attempt === name || attempt === `${name}.undo`));
}
