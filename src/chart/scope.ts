import { assign } from 'xstate';
import { asFailure, type Failure, LOST } from '../base/failure.ts';
import { classify } from '../saga/classify.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { Settled } from '../saga/verdict.ts';
import {
  type CheckEnd,
  type Left,
  type SagaContext,
  type StepItems,
  type StepRecord,
  stepRecord,
  type UndoRecord,
  undoRecord,
  withStep,
  withUndo,
} from './context.ts';
import type { Case } from './judgment.ts';

/** What the functions of a saga's chart are given. */
export interface Scope {
  readonly context: SagaContext;
  readonly event: {
    readonly type: string;
    readonly output?: unknown;
    readonly error?: unknown;
    readonly undoData?: unknown;
    readonly progress?: unknown;
    /** Of the end of a child: what that has left as it was. */
    readonly left?: readonly Left[];
    readonly result?: unknown;
    /** Of a map that has ended. */
    readonly items?: StepItems & { readonly retries?: number };
    /** Of a signal, and of a decision. */
    readonly payload?: unknown;
    /** Of a decision: what it was, and which question it is about. */
    readonly approved?: boolean;
    readonly round?: number;
    readonly by?: string;
    readonly reason?: string;
    /** Of `rewind`: the step it goes back to, by name. */
    readonly to?: string;
    /** Of `terminate`: the invocations under way, as the kernel knows them. */
    readonly running?: readonly string[];
  };
}

/** Which step a guard or an action is about. */
export interface About {
  readonly step: number;
}

type ChangeStep = (record: StepRecord, scope: Scope, step: StepDefinition) => StepRecord;
type ChangeUndo = (record: UndoRecord) => UndoRecord;

/** What the functions of one saga's chart have in common. */
export class Steps {
  readonly definition: SagaDefinition;

  constructor(definition: SagaDefinition) {
    this.definition = definition;
  }

  of({ step }: About): StepDefinition {
    return this.definition.steps[step] as StepDefinition;
  }

  case({ context }: Scope, about: About): Case {
    return { definition: this.definition, step: this.of(about), context };
  }

  failure(about: About, { error }: Scope['event']): Failure {
    const step = this.of(about);
    return asFailure(error, (thrown) => classify(thrown, step.classify), { step: step.name });
  }

  // Assigns are written by hand, not with immer: on records this small a draft costs a third more.
  /** An action that changes the whole context. */
  context(change: (scope: Scope, about: About) => SagaContext) {
    return assign((scope, params: About) => change(scope as unknown as Scope, params));
  }

  /** An action that changes the record of a step. */
  step(change: ChangeStep) {
    return this.context((scope, about) => {
      const step = this.of(about);
      const before = stepRecord(scope.context, step.number);
      return this.with(scope.context, step, change(before, scope, step));
    });
  }

  /** An action that changes the record of a step's undo. */
  undo(change: ChangeUndo) {
    return this.context(({ context }, about) => this.withUndo(context, about, change));
  }

  withUndo(context: SagaContext, { step }: About, change: ChangeUndo): SagaContext {
    return withUndo(context, step, change(undoRecord(context, step)));
  }

  /** The context with another record of a step. Where the order in which steps end decides how they are undone it is written down. */
  with(context: SagaContext, { number, compensate }: StepDefinition, record: StepRecord): SagaContext {
    const before = context.steps[number]?.status ?? 'open';
    const counts = this.definition.compensation === 'serial' && compensate !== undefined && before === 'open' && record.status !== 'open';
    if (!counts) return withStep(context, number, record);
    const order = (context.ended ?? 0) + 1;
    return { ...withStep(context, number, { ...record, order }), ended: order };
  }
}

/** What a check has found. */
export function settled(event: Scope['event']): Settled {
  return (event.output ?? { verdict: 'open' }) as Settled;
}

/** How a check ended that did not say that it happened. */
export function unanswered({ error }: Scope['event']): CheckEnd {
  return (error as Failure | undefined)?.code === LOST ? 'lost' : 'open';
}
