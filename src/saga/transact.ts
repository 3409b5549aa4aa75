import type { DatabaseSync } from 'node:sqlite';
import { checkFlag, checkFunction } from './check.ts';
import { definitionError, type Where } from './error.ts';
import { checkStepName } from './name.ts';
import { checkOptions } from './options.ts';
import { attemptPart, type Part } from './parts.ts';
import type { AttemptOptions } from './policy.ts';
import type { GracefulOptions, NoUndo, Stage, StepContext, StepOptions, StepUndoContext, Storable } from './types.ts';

/** The store's own connection, inside the transaction of the run's commit. It is lent: after the function has returned it is of no use. */
export interface OnDatabase {
  readonly db: DatabaseSync;
}

/** What cannot be told to a function that never waits. */
type Waiting = 'signal' | 'heartbeat' | 'progress';

/** What the function of a transactional step is given. */
export type TransactContext<Input, Results, Services> = Omit<StepContext<Input, Results, Services>, Waiting> & OnDatabase;

/** What its `compensate` is given: the step succeeded, or it would not be undone. */
export type TransactUndoContext<Input, Result, Results, Services> = Omit<StepUndoContext<Input, Result, Results, Services>, Waiting | 'outcome'> &
  OnDatabase & { readonly outcome: Extract<StepUndoContext<Input, Result, Results, Services>['outcome'], { readonly status: 'succeeded' }> };

/** What it may return: plain data, and at once. */
export type AtOnce<R> = R extends PromiseLike<unknown> ? 'a transactional step must not wait: its function returns its result, not a promise' : Storable<R>;

/** A function that never waits has no time limit, and nothing to be asked of it later. */
type Options = Omit<StepOptions, 'timeout' | 'grace' | 'heartbeat'>;

interface TransactUndo<Input, Result, Results, Services> {
  /** Undoes the step, in one transaction with the run's commit: exactly once, too. */
  readonly compensate: (context: TransactUndoContext<Input, NoInfer<Result>, Results, Services>) => unknown;
  /** Policy of `compensate`. Default: 10 attempts, up to 1 min apart. */
  readonly undo?: Pick<AttemptOptions, 'retry'>;
}

/** What a `.transact` must say: before the pivot how it is undone, as the pivot and after it nothing of the kind. */
export type TransactRules<S extends Stage, Input, Result, D, Services, Fallback, Optional, Pivot> = Options &
  GracefulOptions<Input, D, Services, Fallback, Optional> & {
    /** Makes it the point of no return: what comes after it only goes forward. Default: false. */
    readonly pivot?: Pivot;
  } & (S extends 'forward' ? NoUndo : Pivot extends true ? NoUndo : TransactUndo<Input, Result, D, Services>);

const TRANSACT_OPTIONS = ['pivot', 'retry', 'within', 'compensate', 'undo', 'classify', 'optional', 'fallback', 'dependency', 'why', 'result'];

interface Given {
  readonly pivot?: boolean;
  readonly compensate?: unknown;
  readonly undo?: unknown;
}

/** @throws DefinitionError as `attemptPart` does; SC_DEFINITION_OPTION where a function waits */
export function transactPart(saga: string, name: string, run: unknown, given: Given = {}): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  checkFunction(where, 'run', run);
  checkOptions(where, 'options', given, TRANSACT_OPTIONS);
  const { pivot, ...options } = given;
  if (pivot !== undefined) checkFlag(where, 'pivot', pivot);
  if (options.undo !== undefined) checkOptions(where, 'undo', options.undo, ['retry']);
  for (const [option, value] of Object.entries({ run, compensate: options.compensate })) checkAtOnce(where, option, value);
  const { body, ...part } = attemptPart(saga, pivot ? 'pivot' : 'step', name, run, options as never);
  return { ...part, body: { ...body, transact: true } };
}

/** An async function is known before it is ever called. */
function checkAtOnce(where: Where, option: string, value: unknown): void {
  if (Object.prototype.toString.call(value) !== '[object AsyncFunction]') return;
  throw definitionError('SC_DEFINITION_OPTION', where, {
    what: `${option} is an async function, but what it waited for would be outside of the transaction`,
    next: 'Make it synchronous, or use .step for what has to be waited for.',
    option,
    value,
  });
}
