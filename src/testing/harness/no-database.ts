import type { DatabaseSync } from 'node:sqlite';
import { SagachartError } from '../../base/errors.ts';

/** Stands where a transactional step has no database: its function must be scripted, or it is told what it lacks. */
export function noDatabase(saga: string, problem: (error: unknown) => void): DatabaseSync {
  let isTransaction = false;
  const lacks = (): never => {
    const error = new SagachartError('SC_HARNESS', `a transactional step of ${saga} wrote to its database, and the harness has none`, {
      next: "Give the harness a `database`, such as new DatabaseSync(':memory:'), or script the step.",
      details: { saga },
    });
    problem(error);
    throw error;
  };
  const exec = (text: string): void => {
    if (!/^(BEGIN IMMEDIATE|COMMIT|ROLLBACK|SAVEPOINT sagachart_step|RELEASE sagachart_step)$/.test(text)) lacks();
    isTransaction = text === 'BEGIN IMMEDIATE' || (isTransaction && text !== 'COMMIT' && text !== 'ROLLBACK');
  };
  return new Proxy({} as DatabaseSync, {
    get: (_, name) => (name === 'exec' ? exec : name === 'isTransaction' ? isTransaction : lacks),
  });
}
