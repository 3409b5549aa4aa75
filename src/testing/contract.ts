import { SagachartError } from '../base/errors.ts';

/** One promise of a contract, to be run in any test runner. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * The cases that apply.
 * @throws SagachartError SC_OPTION for a skip without a reason, or of what is no case
 */
export function kept<Check>(
  cases: Readonly<Record<string, Check>>,
  skip: Readonly<Record<string, string>> = {},
): readonly (readonly [name: string, check: Check])[] {
  for (const [name, reason] of Object.entries(skip)) {
    const wrong = !Object.hasOwn(cases, name) ? 'is no case of the contract' : reason.trim() === '' ? 'is skipped without a reason' : undefined;
    if (wrong)
      throw new SagachartError('SC_OPTION', `the case ${JSON.stringify(name)} ${wrong}`, {
        next: `Say why it does not apply. The cases are: ${Object.keys(cases).join('; ')}.`,
        details: { name },
      });
  }
  return Object.entries(cases).filter(([name]) => skip[name] === undefined);
}
