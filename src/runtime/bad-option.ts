import { DefinitionError } from '../base/errors.ts';

/** @param wanted what it must be, to stand behind a colon */
export function badOption(name: string, value: unknown, wanted: string): DefinitionError {
  const shown = typeof value === 'object' && value !== null ? 'an object' : typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new DefinitionError('SC_OPTION', `${name} is ${shown}: ${wanted}`, {
    next: `Correct ${name} where the engine is made.`,
    details: { name, value: shown },
  });
}
