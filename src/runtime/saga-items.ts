import { decode } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { asFailure, type Failure } from '../base/failure.ts';
import { quoted } from '../base/quoted.ts';
import { type SagaContext, type StepRecord, stepRecord, withStep, withUndo } from '../chart/context.ts';
import { resultsOf } from '../chart/results.ts';
import type { Item } from '../kernel/items.ts';
import type { RunState } from '../kernel/state.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { AttemptKind, AttemptRef } from './event.ts';
import { begunItems, isMap, itemStep, type MapStep, recordOf, undoOf } from './item-rules.ts';
import type { AttemptPlan, ItemsProgram, StoredItem } from './program.ts';

/** What an attempt is about; of a map one item. */
export interface ItemAttempted {
  readonly step: StepDefinition;
  readonly kind: AttemptKind;
  readonly ref: AttemptRef;
  readonly item?: { readonly index: number; value(): unknown };
}

type PlanAttempt = (context: SagaContext, attempted: ItemAttempted) => AttemptPlan;

/** The maps of a saga, by the ids of their invocations. */
export function itemsProgramsOf(definition: SagaDefinition, plan: PlanAttempt): ReadonlyMap<string, ItemsProgram> {
  return new Map(
    definition.steps
      .filter(isMap)
      .flatMap((step): [string, ItemsProgram][] => [
        [step.name, itemsProgram(definition, step, 'run', plan)],
        ...(step.compensate ? ([[`${step.name}.undo`, itemsProgram(definition, step, 'undo', plan)]] as const) : []).map(
          ([id, one]): [string, ItemsProgram] => [id, one],
        ),
      ]),
  );
}

function itemsProgram(definition: SagaDefinition, step: MapStep, first: 'run' | 'undo', plan: PlanAttempt): ItemsProgram {
  const one = itemStep(step);
  const describe = ({ index, what, record }: Item): AttemptRef => ({
    step: step.name,
    kind: what,
    attempt: what === 'check' ? record.attempts : record.attempts + 1,
    ...(step.dependency === undefined ? {} : { dependency: step.dependency }),
    item: index,
  });
  return {
    step: step.number,
    first,
    list: ({ data }) => listed(definition, step, data.context as SagaContext),
    total: ({ data }, list) => (first === 'run' ? list().length : begunItems(data.context as SagaContext, step)),
    describe,
    plan: ({ data }: RunState, item, { list, row }) => {
      const context = data.context as SagaContext;
      const { round, items, named } = stepRecord(context, step.number);
      const own = first === 'run' ? recordOf(item.record, round) : storedRecord(row, round);
      const record = named === undefined ? own : { ...own, named };
      const asStep = withUndo(withStep(context, step.number, record), step.number, undoOf(item.record));
      const total = first === 'run' ? data.children[step.name]?.items?.total : items?.total;
      const { index } = item;
      return plan(asStep, { step: one, kind: item.what, ref: describe(item), item: { index, value: () => itemOf(step, list(), { index, total }) } });
    },
    failure: (error): Failure => asFailure(error, () => ({ class: 'hard', effect: 'none' }), { step: step.name }),
  };
}

/** @throws SagachartError SC_MAP_ITEMS */
function listed(definition: SagaDefinition, step: MapStep, context: SagaContext): readonly unknown[] {
  let items: unknown;
  try {
    items = step.map.items({ input: context.input, results: resultsOf(definition, context, step.number) });
  } catch (cause) {
    throw badItems(step, `could not be listed: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  if (Array.isArray(items)) return items;
  throw badItems(step, `are ${quoted(items)}, not a list`);
}

/** What was listed again must be what was listed first, or one item would be taken for another. */
function itemOf(step: MapStep, items: readonly unknown[], { index, total }: { readonly index: number; readonly total: number | undefined }): unknown {
  if (total === undefined || items.length === total) return items[index];
  throw badItems(step, `are ${items.length} now, and were ${total} when it began`);
}

function badItems({ name }: StepDefinition, what: string, cause?: unknown): SagachartError {
  return new SagachartError('SC_MAP_ITEMS', `the items of ${name} ${what}`, {
    next: 'Correct the function that lists them: it must be pure, and give the same list for the same input and results.',
    details: { step: name },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The record of a step that a stored item has, as its undo sees it. */
function storedRecord(row: StoredItem | undefined, round: number): StepRecord {
  const record = recordOf({ attempts: 1 }, round);
  const kept: unknown = row?.result ? decode(row.result) : undefined;
  if (Array.isArray(kept)) {
    const [result, undoData] = kept as readonly unknown[];
    return { ...record, status: 'succeeded', result, ...(kept.length > 1 ? { undoData } : {}) };
  }
  const { failure } = (kept ?? {}) as { readonly failure?: Failure };
  return { ...record, status: 'unknown', unknown: true, ...(failure ? { failure } : {}) };
}
