import { DefinitionError } from '../base/errors.ts';
import type { Store } from '../stores/store.ts';
import type { Program } from './program.ts';

/** Transactional steps need a store that is a database. @throws DefinitionError SC_STORE_TRANSACT */
export function checkTransactional(programs: readonly Program[], store: Store): void {
  if (store.transact) return;
  for (const { name, version, transactional } of programs) {
    const [step] = transactional ?? [];
    if (step === undefined) continue;
    throw new DefinitionError(
      'SC_STORE_TRANSACT',
      `step ${step} of ${name} version ${version} is transactional, but the store ${store.kind} is no database that a step could write to`,
      {
        next: "Use sqlite(file); in tests give memory() a database: memory({ database: new DatabaseSync(':memory:') }).",
        details: { saga: name, version, step, store: store.kind },
      },
    );
  }
}
