import { childRunId } from '../base/ids.ts';
import type { StepRecord } from '../chart/context.ts';
import { type SagaContext, stepRecord } from '../chart/context.ts';
import type { RunState } from '../kernel/state.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { Family } from './program.ts';

/**
 * What a saga has to do with runs of others.
 * @param inputOf makes a step's own input
 */
export function sagaFamily(definition: SagaDefinition, inputOf: (step: StepDefinition, context: SagaContext) => unknown): Family {
  const children = definition.steps.filter(({ child }) => child);
  return {
    nested: isUnit(definition),
    children: children.map(({ name, child, compensate }) => ({ step: name, saga: (child as SagaDefinition).name, undoable: compensate !== undefined })),
    startOf: (state, name) => {
      const step = children.find((one) => one.name === name) as StepDefinition;
      const { name: saga } = step.child as SagaDefinition;
      return { saga, input: inputOf(step, state.data.context as SagaContext), undoable: step.compensate !== undefined };
    },
    heldBy: (state) => (state.snapshot?.hasTag('held') ? (state.data.context as SagaContext).held : undefined),
    standing: (state) => standing(children, state),
  };
}

/** A run past a pivot of its own only goes forward. */
function isUnit({ nested, steps }: SagaDefinition): boolean {
  return nested === true && !steps.some(({ kind }) => kind === 'pivot');
}

/** The id of the run that an invocation is; undefined for an attempt. */
export function runOf({ steps }: SagaDefinition, source: string, context: SagaContext): string | undefined {
  const [name = '', what] = source.split('.');
  const step = steps.find((one) => one.child && one.name === name);
  if (!step || what === 'fallback') return undefined;
  const record = stepRecord(context, step.number);
  return idOf(context, step, what === 'undo' ? record : { ...record, attempts: record.attempts + 1 });
}

function idOf({ runId }: SagaContext, { name }: StepDefinition, { round, attempts, named = name }: Pick<StepRecord, 'round' | 'attempts' | 'named'>): string {
  return childRunId(runId, { step: named, round, attempt: attempts });
}

function standing(children: readonly StepDefinition[], { data }: RunState): readonly string[] {
  const context = data.context as SagaContext | null;
  if (!context) return [];
  return children
    .filter(({ compensate }) => compensate)
    .flatMap((step) => {
      const now = context.undos[step.number]?.status === 'undone' ? [] : [context.steps[step.number]];
      const before = context.rounds?.map(({ steps, records }) => records[steps.indexOf(step.number)]) ?? [];
      return [...before, ...now].flatMap((record) =>
        record?.status === 'succeeded' && !record.inherited ? [idOf(context, step, { round: 1, ...record })] : [],
      );
    });
}
