import { DefinitionError } from '../../base/errors.ts';
import type { Ids } from '../../base/ids.ts';

export interface SqliteOptions {
  /** How long to wait for another connection's write, ms. Default: 5,000. */
  readonly busyMs?: number;
  /** Takes a file that has tables of others in it, for transactional steps. Default: false, a new one or one that a store has made. */
  readonly shared?: boolean;
  /** Makes the store's id. */
  readonly ids?: Ids;
  /** Bits of an entry's number in the journal key, 1 to 32; fixed once a file exists. Default: what the file has, 20 for a new one. */
  readonly seqBits?: number;
}

const MOST_SEQ_BITS = 32;

/** @throws DefinitionError SC_OPTION */
export function checkSeqBits(seqBits: number | undefined): void {
  if (seqBits !== undefined && !(Number.isInteger(seqBits) && seqBits >= 1 && seqBits <= MOST_SEQ_BITS))
    throw new DefinitionError('SC_OPTION', `seqBits is ${seqBits}: it must be a whole number from 1 to ${MOST_SEQ_BITS}`, {
      next: 'Correct the option, or leave it out.',
      details: { option: 'seqBits', value: seqBits },
    });
}
