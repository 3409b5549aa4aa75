import { quoted } from '../base/quoted.ts';
import type { Results } from './definition.ts';
import { definitionError, type Where } from './error.ts';
import { checkOptions, isPlain } from './options.ts';

/** What a step counts as that a run has passed before it was there. */
export interface PassedScope {
  readonly input: unknown;
  /** Of the steps that have one, by the names of the new version. */
  readonly results: Results;
}

/** How runs of an earlier version are carried over to this one. What it does not say goes by the names of steps. */
export interface Migration {
  /** The version that runs come from. */
  readonly from: number;
  /** Steps of that version that have another name now, or are gone: null. Default: each goes to the step of its name. */
  readonly steps?: Readonly<Record<string, string | null>>;
  /**
   * New steps that runs may have passed already, and what they have come to there: a pure function, or undefined for
   * nothing. Without it such a run is refused. Default: none.
   */
  readonly passed?: Readonly<Record<string, ((scope: PassedScope) => unknown) | undefined>>;
  /** Makes the input of this version from that of the other, as its schema gave it: pure. Default: the same. */
  readonly input?: (input: unknown) => unknown;
}

/** @throws DefinitionError SC_DEFINITION_OPTION with the offending value */
export function checkMigrations(where: Where, migrations: unknown): void {
  const wrong = (what: string, value: unknown): Error =>
    definitionError('SC_DEFINITION_OPTION', where, {
      what,
      next: "Write `migrations: [{ from: 1, steps: { oldName: 'newName', gone: null } }]`.",
      option: 'migrations',
      value,
    });
  if (!Array.isArray(migrations)) throw wrong(`migrations are ${quoted(migrations)}, not a list`, migrations);
  const seen = new Set<number>();
  for (const one of migrations as readonly Migration[]) {
    checkOptions(where, 'a migration', one, ['from', 'steps', 'passed', 'input']);
    const { from, steps = {}, passed = {}, input } = one;
    if (!Number.isSafeInteger(from) || from < 1) throw wrong(`a migration is from ${quoted(from)}, which is no version`, from);
    if (seen.has(from)) throw wrong(`there are two migrations from version ${from}`, from);
    seen.add(from);
    const names = isPlain(steps) ? Object.values(steps) : [steps];
    const odd = names.find((name) => name !== null && typeof name !== 'string');
    if (odd !== undefined) throw wrong(`a migration gives ${quoted(odd)} for a step, not a name or null`, odd);
    const twice = names.find((name, i) => name !== null && names.indexOf(name) !== i);
    if (twice !== undefined) throw wrong(`a migration makes one step ${quoted(twice)} of two`, twice);
    const no = isPlain(passed) ? Object.values(passed).find((value) => value !== undefined && typeof value !== 'function') : passed;
    if (no !== undefined) throw wrong(`a migration lets ${quoted(no)} stand for what a step came to, not a function`, no);
    if (input !== undefined && typeof input !== 'function') throw wrong(`a migration makes the input by ${quoted(input)}, not a function`, input);
  }
}
