import { quoted } from '../base/quoted.ts';
import { definitionError, type Where } from './error.ts';

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkFunction(where: Where, option: string, value: unknown): void {
  if (typeof value !== 'function') throw wrong(where, option, value, 'a function');
}

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkText(where: Where, option: string, value: unknown): void {
  if (typeof value !== 'string') throw wrong(where, option, value, 'text');
}

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkFlag(where: Where, option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw wrong(where, option, value, 'true or false');
}

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkCount(where: Where, option: string, value: unknown, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  throw wrong(where, option, value, `a whole number from 1${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}`);
}

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkOneOf(where: Where, option: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) throw wrong(where, option, value, allowed.map((one) => `'${one}'`).join(', '));
}

/** @throws DefinitionError SC_DEFINITION_OPTION */
export function checkSchema(where: Where, option: string, value: unknown): void {
  if (typeof (value as { safeParse?: unknown } | null | undefined)?.safeParse !== 'function') throw wrong(where, option, value, 'a zod schema');
}

function wrong(where: Where, option: string, value: unknown, wanted: string): Error {
  return definitionError('SC_DEFINITION_OPTION', where, { what: `${option} is ${quoted(value)}, not ${wanted}`, next: `Give ${wanted}.`, option, value });
}
