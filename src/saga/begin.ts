import type { AnyStateMachine } from 'xstate';
import type { input as ZodInput, output as ZodOutput, ZodType } from 'zod';
import { quoted } from '../base/quoted.ts';
import { checkCount, checkFlag, checkOneOf, checkSchema, checkText } from './check.ts';
import type { OnFailure, SagaDefinition } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { definitionError, type Where } from './error.ts';
import { checkMigrations, type Migration } from './migration.ts';
import { checkSagaName, checkSignalName } from './name.ts';
import { checkOptions } from './options.ts';
import { Saga } from './saga.ts';
import type { TypeOnly } from './types.ts';

type Schemas = Readonly<Record<string, ZodType>>;

export interface SagaOptions<Schema extends ZodType, Services, Signals extends Schemas, Direction extends OnFailure> {
  /** A whole number from 1; a changed chart needs a new one. */
  readonly version: number;
  /** Parses the input of `start`. */
  readonly input: Schema;
  /** What the steps call: given when the engine is made. */
  readonly services?: TypeOnly<Services>;
  /** What may be sent to a run, by name; a `.waitFor` takes it. Default: nothing. */
  readonly signals?: Signals;
  /**
   * What a failure before the pivot leads to. `'backward'`: everything is undone. `'toSavepoint'`: what came after the
   * last `.savepoint()` is undone and done again, as often as that allows. `'forward'`: nothing is undone, a person is
   * asked; steps need no `compensate`. Default: `'backward'`.
   */
  readonly onFailure?: Direction;
  /** `'parallel'`: what does not depend on each other is undone side by side. `'serial'`: one at a time, what ended last first. Default: `'parallel'`. */
  readonly compensation?: 'parallel' | 'serial';
  /**
   * Whether a run of it can be undone as a unit: as a `.child` it waits, once it is done, until its parent has come to
   * its end, or has it undone. Default: false.
   */
  readonly nested?: boolean;
  /** How long a run may take. Before the pivot it then fails; past it an alert says so. Default: for ever. */
  readonly deadline?: Duration;
  /** How many attempts of a run may be retries, of all its steps together. 1 or more. Default: as many as the policies allow. */
  readonly retryBudget?: number;
  /** How runs of earlier versions are carried over to this one. Default: by the names of steps. */
  readonly migrations?: readonly Migration[];
  readonly why?: string;
}

const OPTIONS = ['version', 'input', 'services', 'signals', 'onFailure', 'compensation', 'nested', 'deadline', 'retryBudget', 'migrations', 'why'];
const DIRECTIONS: readonly OnFailure[] = ['backward', 'forward', 'toSavepoint'];

/** The function `saga`, joined with the compiler of charts. */
export function createSaga(compile: (definition: SagaDefinition) => AnyStateMachine) {
  /**
   * Begins a saga.
   * @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_CHILD
   */
  return function saga<
    const Name extends string,
    Schema extends ZodType,
    Services = unknown,
    // biome-ignore lint/complexity/noBannedTypes: no signals
    Signals extends Schemas = {},
    const Direction extends OnFailure = 'backward',
  >(
    name: Name,
    options: SagaOptions<Schema, Services, Signals, Direction>,
  ): Saga<Name, ZodOutput<Schema>, Services, unknown, unknown, Direction extends 'forward' ? 'forward' : 'undoable', undefined, ZodInput<Schema>, Signals> {
    checkSagaName(name);
    const where = { saga: name };
    checkOptions(where, 'options', options, OPTIONS);
    const { version, input, signals = {}, onFailure = 'backward', compensation = 'parallel', nested, deadline, retryBudget, migrations, why } = options;
    if (!Number.isSafeInteger(version) || version < 1)
      throw definitionError('SC_DEFINITION_OPTION', where, {
        what: `version is ${quoted(version)}`,
        next: 'Give it a whole number from 1.',
        option: 'version',
        value: version,
      });
    checkSchema(where, 'input', input);
    checkSignals(where, signals);
    checkOneOf(where, 'onFailure', onFailure, DIRECTIONS);
    checkOneOf(where, 'compensation', compensation, ['parallel', 'serial']);
    if (nested !== undefined) checkFlag(where, 'nested', nested);
    if (nested && onFailure === 'forward')
      throw definitionError('SC_DEFINITION_CHILD', where, {
        what: "it is nested, but onFailure is 'forward', so that nothing of it is ever undone",
        next: 'Drop one of the two.',
      });
    if (retryBudget !== undefined) checkCount(where, 'retryBudget', retryBudget);
    if (migrations !== undefined) checkMigrations(where, migrations);
    if (why !== undefined) checkText(where, 'why', why);
    return new Saga(
      { saga: name, steps: [], frontier: [], onFailure, blocks: [] },
      {
        version,
        input,
        signals,
        onFailure,
        compensation,
        ...(nested ? { nested } : {}),
        ...(deadline === undefined ? {} : { deadlineMs: durationMs(deadline, 'deadline', where) }),
        ...(retryBudget === undefined ? {} : { retryBudget }),
        ...(migrations === undefined ? {} : { migrations }),
        ...(why === undefined ? {} : { why }),
        compile,
      },
    );
  };
}

function checkSignals(where: Where, signals: unknown): void {
  const names = typeof signals === 'object' && signals !== null ? Object.keys(signals) : [];
  checkOptions(where, 'signals', signals, names);
  for (const name of names) {
    checkSignalName(where, name);
    checkSchema(where, `signals.${name}`, (signals as Schemas)[name]);
  }
}
