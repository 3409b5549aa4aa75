import { sha256 } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import type { Ids } from '../base/ids.ts';
import { isSigned, signature } from '../base/signature.ts';
import type { Store } from '../stores/store.ts';

/** What somebody is asked to decide: one life of a run, one step, one round. */
export interface Question {
  readonly run: string;
  readonly incarnation: number;
  readonly step: string;
  readonly round: number;
}

const PREFIX = 'sca1';
/** The setting of a store that keeps what its tokens are signed with. */
const SECRET = 'approval-secret';

/**
 * Tokens that say which question they are about, signed with HMAC-SHA-256 (RFC 2104): the same for every attempt that asks
 * it, and nobody can make one who does not read the store.
 */
export class ApprovalTokens {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  issue({ run, incarnation, step, round }: Question): string {
    const body = `${PREFIX}.${Buffer.from(JSON.stringify([run, incarnation, step, round])).toString('base64url')}`;
    return `${body}.${signature(this.#secret, body)}`;
  }

  /** @throws SagachartError SC_APPROVAL_TOKEN */
  read(token: string): Question {
    const end = typeof token === 'string' ? token.lastIndexOf('.') : -1;
    if (end === -1) throw badToken();
    const body = token.slice(0, end);
    if (!isSigned(this.#secret, body, token.slice(end + 1))) throw badToken();
    // It is one of ours, so it is what `issue` made.
    const [run, incarnation, step, round] = JSON.parse(Buffer.from(body.slice(PREFIX.length + 1), 'base64url').toString()) as [string, number, string, number];
    return { run, incarnation, step, round };
  }
}

/** Whether a text looks like one, right or not. */
export function isToken(text: string): boolean {
  return text.startsWith(`${PREFIX}.`);
}

/** Those of a store; the executor makes its secret when it has none yet. */
export async function approvalTokens(store: Store, ids?: Ids): Promise<ApprovalTokens> {
  const kept = (await store.controls()).find(({ name }) => name === SECRET)?.body;
  if (kept !== undefined) return new ApprovalTokens(kept);
  // Without a secret there is no token that could be right.
  if (!ids) throw badToken();
  const secret = sha256(`${ids()}${ids()}${ids()}`);
  await store.setControl(SECRET, secret);
  return new ApprovalTokens(secret);
}

function badToken(): SagachartError {
  return new SagachartError('SC_APPROVAL_TOKEN', 'the token is none that a run of this store has handed out', {
    next: 'Pass it on exactly as the step was given it, and to the store that its run is in.',
  });
}
