import { canonical } from '../base/encoding.ts';
import { quoted } from '../base/quoted.ts';
import { ValueChangedError } from './errors.ts';

/**
 * The value as it is now, if it still is what an earlier step read: a version number, a date, or the value itself, compared
 * by what it holds. To be read in the transaction that writes, and locked there (`FOR UPDATE`) where the database does
 * not do that by itself.
 * @param what it is, for the message
 * @throws ValueChangedError, a `HardError`: what was decided on the old value is off, and nothing happened
 */
export function reread<T>(expected: T, actual: T, what = 'the value'): T {
  if (canonical(expected) === canonical(actual)) return actual;
  throw new ValueChangedError(`${what} has changed since it was read: it was ${quoted(expected)}, and is ${quoted(actual)}`);
}
