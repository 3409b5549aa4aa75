import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../base/errors.ts';

/** What would end the transaction that the connection is lent in, or the connection itself. */
const ENDS = /^\s*(begin|commit|end|rollback(?!\s+(transaction\s+)?to\b))\b/i;

/** A connection that somebody else may use for a while. */
export interface Lent {
  readonly db: DatabaseSync;
  /** From now on `db` is of no use, whoever still has it. */
  takeBack(): void;
}

/** Lends a connection inside a transaction: it does everything but end that. */
export function lend(db: DatabaseSync): Lent {
  const { proxy, revoke } = Proxy.revocable(db, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name === 'close' || name === Symbol.dispose) return () => refuse('close()');
      if (name !== 'exec' && name !== 'prepare') return member.bind(target);
      return (text: string, ...rest: unknown[]) => {
        if (ENDS.test(text)) refuse(text.trim());
        return (member as (...given: unknown[]) => unknown).call(target, text, ...rest);
      };
    },
  });
  return { db: proxy, takeBack: revoke };
}

function refuse(what: string): never {
  throw new StoreError('SC_TRANSACTION', `${what} cannot be called inside of the transaction of a step: it ends with the commit of the run`, {
    next: 'Leave it out. To undo a part of what the step has written, use a SAVEPOINT.',
    details: { what },
  });
}
