import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';
import type { Commit, CommitVerdict } from '../store.ts';
import { lend } from './lent.ts';

/** SQLite's primary code of a constraint that is broken. */
const CONSTRAINT = 19;
/** Stands in the transaction while somebody else has the connection: it is gone if they have ended that. */
const MARK = 'sagachart_step';

/**
 * Has `work` write on the connection, and applies the commit it returns; to be called inside a transaction.
 * @throws StoreError SC_STORE_FENCED if the commit is refused: what was written belongs to it, and may not stay without it;
 * SC_TRANSACTION if `work` has ended the transaction; what `work` throws
 */
export function transactOn<T>(
  db: DatabaseSync,
  work: (connection: DatabaseSync) => { readonly value: T; readonly commit: Commit },
  { path, apply }: { readonly path: string; readonly apply: (commit: Commit) => CommitVerdict },
): { readonly value: T; readonly commit: Commit; readonly verdict: CommitVerdict } {
  db.exec(`SAVEPOINT ${MARK}`);
  const lent = lend(db);
  let done: { readonly value: T; readonly commit: Commit };
  try {
    done = work(lent.db);
  } finally {
    lent.takeBack();
  }
  release(db, path);
  const verdict = apply(done.commit);
  if (verdict === 'applied') return { ...done, verdict };
  throw new StoreError(
    'SC_STORE_FENCED',
    `${path}: the commit of run number ${done.commit.run} was refused (${verdict}), so the step's own writes were undone`,
    {
      retryable: true,
      details: { verdict },
    },
  );
}

/** A constraint that is looked at when a transaction commits: what the step wrote breaks it, and the store is well. */
export function atCommit(error: unknown, path: string): unknown {
  const { errcode, details } = error as { readonly errcode?: number; readonly details?: { readonly errcode?: number } };
  if (((errcode ?? details?.errcode ?? 0) & 255) !== CONSTRAINT) return error;
  return new StoreError(
    'SC_TRANSACT_CONSTRAINT',
    `${path}: what a step has written breaks a constraint of the database, so all of it was undone: ${(error as Error).message}`,
    {
      next: 'Correct what the step writes, or give it a `classify` that says what this means.',
      details: { path },
      cause: error,
    },
  );
}

function release(db: DatabaseSync, path: string): void {
  try {
    db.exec(`RELEASE ${MARK}`);
  } catch (cause) {
    throw new StoreError(
      'SC_TRANSACTION',
      `${path}: a step has ended the transaction that it was in: what it wrote before that stands, and the run does not know of it`,
      {
        next: 'Take COMMIT, ROLLBACK and BEGIN out of the function of the step, and look at what it has written.',
        details: { path },
        cause,
      },
    );
  }
}
