import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import { sha256 } from './encoding.ts';
import { SagachartError } from './errors.ts';

/** Makes ids for runs, workers and stores. */
export type Ids = () => string;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32, so that ids sort by time

/** Random bytes are fetched for many ids at once: one call a run shows in the throughput. */
const RANDOM_CHARACTERS = 16;
const POOL = RANDOM_CHARACTERS * 64;

/** Ids that sort by the time they were made (random ones cost 10 % of the throughput), with 80 random bits. */
export function timeOrderedIds(clock: Clock, random: (size: number) => Uint8Array = randomBytes): Ids {
  let pool: Uint8Array = new Uint8Array();
  let at = 0;
  return () => {
    let time = clock.now();
    let head = '';
    for (let i = 0; i < 10; i++) {
      head = ALPHABET[time % 32] + head;
      time = Math.floor(time / 32);
    }
    if (at === pool.length) {
      pool = random(POOL);
      at = 0;
    }
    let tail = '';
    for (const end = at + RANDOM_CHARACTERS; at < end; at++) tail += ALPHABET[(pool[at] as number) % 32];
    return head + tail;
  };
}

/** In bytes. */
export const LONGEST_RUN_ID = 200;

/**
 * A run id as given by the caller: 1 to 200 bytes of well-formed text without control characters.
 * @throws SagachartError SC_RUN_ID
 */
export function checkRunId(id: string): string {
  const bytes = typeof id === 'string' ? Buffer.byteLength(id) : 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character in an id is what is looked for
  if (bytes === 0 || bytes > LONGEST_RUN_ID || !id.isWellFormed() || /[\u0000-\u001f\u007f]/.test(id)) {
    throw new SagachartError(
      'SC_RUN_ID',
      `run id ${JSON.stringify(id)} is not usable: it must be 1 to ${LONGEST_RUN_ID} bytes of text without control characters`,
      {
        next: 'Choose a shorter id, or leave it out to have one generated.',
        details: { id, bytes },
      },
    );
  }
  return id;
}

/** Digits of a hash that stand for what is too long. */
const HASH = 32;

/**
 * The id of the run that a step of another one is: `trip-7/payment`, and where it is not the first there `trip-7/payment.2`
 * (round) or `trip-7/payment.1.2` (round and attempt). What would be longer than an id may be is cut, and ends in a hash.
 */
export function childRunId(parent: string, { step, round, attempt }: { readonly step: string; readonly round: number; readonly attempt: number }): string {
  const number = attempt > 1 ? `.${round}.${attempt}` : round > 1 ? `.${round}` : '';
  const id = `${parent}/${step}${number}`;
  if (Buffer.byteLength(id) <= LONGEST_RUN_ID) return id;
  const kept = Buffer.from(id).subarray(0, LONGEST_RUN_ID - HASH - 1);
  // Half a character at the end would be no text.
  return `${new TextDecoder().decode(kept, { stream: true })}~${sha256(id).slice(0, HASH)}`;
}
