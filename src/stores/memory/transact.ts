import type { DatabaseSync } from 'node:sqlite';
import { atCommit, transactOn } from '../sqlite/transact.ts';
import type { Commit, CommitVerdict, Store } from '../store.ts';

/**
 * Transactional steps on a database in memory beside the runs: for tests. Neither outlives the process, so that one is
 * never there without the other.
 * @param runs.check whether a commit may be applied
 */
export function transactBeside(
  database: DatabaseSync,
  runs: { check(commit: Commit): CommitVerdict; apply(commit: Commit): void },
): NonNullable<Store['transact']> {
  return async (work) => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const { commit, ...done } = transactOn(database, work, { path: 'memory', apply: runs.check });
      database.exec('COMMIT');
      runs.apply(commit);
      return done;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw atCommit(error, 'memory');
    }
  };
}
