import { DefinitionError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';

/** What a definition error is about, as `{ saga: 'trip', step: 'flight' }`, or as text where it is about something else. */
export type Where = Readonly<Record<string, string>> | string;

interface Wrong {
  /** What is wrong, with the offending value. */
  readonly what: string;
  /** What the reader should do, as a sentence. */
  readonly next: string;
  readonly option?: string;
  readonly value?: unknown;
}

export function definitionError(code: string, where: Where, wrong: Wrong): DefinitionError {
  const { what, next, option } = wrong;
  return new DefinitionError(code, `${whereText(where)}: ${what}`, {
    next,
    details: {
      ...(typeof where === 'string' ? { where } : where),
      ...(option === undefined ? {} : { option }),
      ...('value' in wrong ? { value: plain(wrong.value) } : {}),
    },
  });
}

/** Details are printed as JSON, which a bigint would break: what is no plain value is kept as text. */
function plain(value: unknown): unknown {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value) ? value : quoted(value);
}

/** `saga trip, step flight` */
function whereText(where: Where): string {
  if (typeof where === 'string') return where;
  return Object.entries(where)
    .map(([what, name]) => `${what} ${name}`)
    .join(', ');
}
