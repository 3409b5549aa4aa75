import { canonical, encode, sha256, stored } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { parseWith } from '../saga/schema.ts';
import { checkSize } from './attempt.ts';
import type { Program } from './program.ts';

/**
 * The input as it will be stored: parsed, storable, a copy. The hash is of the input as given.
 * @throws SagachartError SC_INPUT_INVALID, SC_NOT_STORABLE, SC_PAYLOAD_TOO_LARGE
 */
export function prepareInput(program: Program, input: unknown, maxBytes: number): { readonly value: unknown; readonly hash: string } {
  const parsed = parseWith(program.schemas.input, input);
  if ('problem' in parsed) {
    throw new SagachartError('SC_INPUT_INVALID', `the input does not fit the schema of ${program.name}: ${parsed.problem}`, {
      next: 'Correct the input.',
      details: { saga: program.name },
      cause: parsed.cause,
    });
  }
  const text = encode(parsed.value, 'input');
  checkSize(text, `the input of ${program.name}`, maxBytes);
  return { value: stored(text), hash: sha256(canonical(input)) };
}
