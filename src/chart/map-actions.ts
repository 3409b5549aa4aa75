import { sendTo } from 'xstate';
import { type SagaContext, type StepItems, stepRecord, undoRecord, withStep, withUndo } from './context.ts';
import type { Scope, Steps } from './scope.ts';

/** The actions of maps, by their names in the chart. */
export function mapActionsOf(steps: Steps) {
  return {
    tellItems: sendTo(
      (_: unknown, { child }: { readonly child: string }) => child,
      ({ event }: { readonly event: unknown }, { what }: { readonly what: string }) => ({ type: what, result: (event as Scope['event']).result }) as never,
    ),
    recordItems: steps.context(({ context, event }, { step }) => {
      const { items } = event;
      if (!items) return context;
      return counted(steps, withStep(context, step, { ...stepRecord(context, step), items: kept(items) }), items);
    }),
    recordUndoItems: steps.context(({ context, event }, { step }) =>
      event.items?.left ? withUndo(context, step, { ...undoRecord(context, step), leftItems: event.items.left }) : context,
    ),
  };
}

/** Retries of items are retries of the run, where there is a budget for them. */
function counted({ definition }: Steps, context: SagaContext, { retries = 0 }: StepItems & { readonly retries?: number }): SagaContext {
  return definition.retryBudget === undefined || retries === 0 ? context : { ...context, retries: (context.retries ?? 0) + retries };
}

function kept({ total, begun, refused, left }: StepItems): StepItems {
  return { total, begun, ...(refused === undefined ? {} : { refused }), ...(left === undefined ? {} : { left }) };
}
