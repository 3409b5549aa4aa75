import { SagachartError } from '../base/errors.ts';

/** @throws SagachartError SC_OPTION: who asks and why stand in the journal as text */
export function who({ by, reason }: { readonly by?: unknown; readonly reason?: unknown }): { readonly by?: string; readonly reason?: string } {
  return { ...(by === undefined ? {} : { by: note('by', by) }), ...(reason === undefined ? {} : { reason: note('reason', reason) }) };
}

const LONGEST_NOTE = 4_000;

export function note(name: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= LONGEST_NOTE) return value;
  throw new SagachartError(
    'SC_OPTION',
    `${name} is ${typeof value === 'string' ? `${value.length} characters long` : `a ${typeof value}`}, but must be text of ${LONGEST_NOTE} characters at most`,
    {
      next: `Give ${name} as text.`,
      details: { name },
    },
  );
}
