import { compileSaga } from '../../chart/chart.ts';
import type { Program } from '../../runtime/program.ts';
import { sagaProgram } from '../../runtime/saga-program.ts';
import { descendantsIn } from '../../saga/child.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import type { RunRow, Store } from '../../stores/store.ts';
import { childWithCalls, withCalls } from './calls.ts';
import { judgeFamily } from './family.ts';
import { judgeRun, type Wrong } from './oracle.ts';
import type { LedgerEntry } from './sim-services.ts';

/** Nothing here is logged. */
const SECRETS = { redact: () => null, sensitiveTexts: () => [], mask: <T>(value: T): T => value };

/** The saga that is simulated, and those that its children are runs of, each with calls of simulated services. */
export class Cast {
  readonly saga: SagaDefinition;
  readonly programs: readonly Program[];
  readonly #byName: ReadonlyMap<string, SagaDefinition>;

  /** @param options.transacts whether the store has a database: without one a call stands for a transactional step, too */
  constructor(given: SagaDefinition, options: { readonly transacts: boolean }) {
    this.saga = withCalls(given, options);
    const children = [...descendantsIn(given).values()].map((child) => childWithCalls(child, options));
    this.#byName = new Map([this.saga, ...children].map((one) => [one.name, one]));
    this.programs = this.definitions.map((one) => sagaProgram(one, compileSaga(one), SECRETS));
  }

  get definitions(): readonly SagaDefinition[] {
    return [...this.#byName.values()];
  }

  /** Whether a step asks somebody for an approval. */
  asks(step: string): boolean {
    return this.definitions.some(({ steps }) => steps.some(({ name, approval }) => approval !== undefined && name === step));
  }

  /** Runs that a client has asked for. */
  asked(rows: readonly RunRow[]): readonly RunRow[] {
    return rows.filter(({ saga }) => saga === this.saga.name);
  }

  /** Judges each run by itself, and with those of its children. */
  async judge(store: Store, rows: readonly RunRow[], ledger: readonly LedgerEntry[], known: Parameters<typeof judgeRun>[4]): Promise<readonly Wrong[]> {
    const wrong: Wrong[] = [];
    for (const row of rows) {
      const definition = this.#byName.get(row.saga) as SagaDefinition;
      wrong.push(...(await judgeRun(store, definition, row, ledger, known)), ...(await judgeFamily(store, definition, row, rows)));
    }
    return wrong;
  }
}
