import { quoted } from '../base/quoted.ts';
import { definitionError, type Where } from './error.ts';

export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * What the types promise, checked once more for plain JavaScript: an object, with options that there are.
 * @param name what the options are called, for the message
 * @throws DefinitionError SC_DEFINITION_OPTION with the offending value
 */
export function checkOptions(where: Where, name: string, options: unknown, allowed: readonly string[]): void {
  const next = `Options are: ${allowed.join(', ')}.`;
  if (!isPlain(options))
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `${name} ${name.endsWith('s') ? 'are' : 'is'} ${quoted(options)}, not an object`,
      next,
      option: name,
      value: options,
    });
  const unknown = Object.keys(options).find((option) => !allowed.includes(option));
  if (unknown === undefined) return;
  const value = options[unknown];
  throw definitionError('SC_DEFINITION_OPTION', where, {
    what: `there is no option ${quoted(unknown)} (it is ${quoted(value)})`,
    next,
    option: unknown,
    value,
  });
}
