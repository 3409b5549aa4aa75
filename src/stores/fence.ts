import { StoreError } from '../base/errors.ts';
import type { Batch, CommitVerdict } from './store.ts';

/**
 * What a batch of a worker whose tenure is over comes to.
 * @param now the fence of whoever holds the role, if one does
 * @throws StoreError SC_STORE_FENCED where no commit can say so
 */
export function fencedOff({ fence, commits }: Batch, now: number | undefined): readonly CommitVerdict[] {
  if (commits.length > 0) return commits.map(() => 'fenced');
  throw tenureOver('the batch', fence, now);
}

/** @param what it is that cannot be done any more */
export function tenureOver(what: string, fence: number, now: number | undefined): StoreError {
  const holder = now === undefined ? '' : `, held now under ${now}`;
  return new StoreError('SC_STORE_FENCED', `${what} was refused: the role of executor taken up under fence ${fence} is over${holder}`, {
    next: 'Open a new engine.',
    details: { fence, now },
  });
}
