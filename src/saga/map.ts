import { checkCount, checkFlag, checkFunction } from './check.ts';
import type { StepDefinition } from './definition.ts';
import { checkStepName } from './name.ts';
import { checkOptions } from './options.ts';
import { attemptPart, type Part } from './parts.ts';
import type { AttemptOptions } from './policy.ts';
import type { Flat, NoUndo, ResultOf, Stage, StepCheckContext, StepContext, StepOptions, StepUndoContext } from './types.ts';
import type { CheckVerdict } from './verdict.ts';
import type { ResultOnly } from './with-undo.ts';

/** Which item an attempt is about. */
export interface ItemPlace<Item> {
  readonly item: Item;
  /** Its place among all, from 0. */
  readonly index: number;
}

/** Lists the items of a map. */
export type ItemsOf<Input, Results, Item> = (scope: { readonly input: Input; readonly results: Flat<Results> }) => readonly Item[];

/** What `run` of a map is given. */
export type ItemContext<Input, Item, Results, Services> = StepContext<Input, Results, Services> & ItemPlace<NoInfer<Item>>;

export interface MapOptions<Collect = boolean> extends Omit<StepOptions, 'within'> {
  /** Items in flight at a time, those included that wait for their next attempt. 1 to 1,000. Default: 10. */
  readonly concurrency?: number;
  /** Whether the result are those of the items; else it is `{ total }`, and may be of any size. Default: true. */
  readonly collect?: Collect;
}

interface MapCheck<Input, Item, Result, Results, Services> {
  /** Asks the dependency what became of one item, after an attempt whose outcome is unknown. */
  readonly check?: (
    context: StepCheckContext<Input, Results, Services> & ItemPlace<NoInfer<Item>>,
  ) => CheckVerdict<ResultOnly<NoInfer<Result>>> | Promise<CheckVerdict<ResultOnly<NoInfer<Result>>>>;
}

interface MapUndo<Input, Item, Result, Results, Services> {
  /** Undoes one item. It may be called more than once with the same `undoKey`, and for one that never happened. */
  readonly compensate: (context: StepUndoContext<Input, NoInfer<Result>, Results, Services> & ItemPlace<NoInfer<Item>>) => unknown;
  /** Policy of `compensate`, for each item. Default: 10 attempts, up to 1 min apart. */
  readonly undo?: AttemptOptions;
}

/** What a `.map` must say: before the pivot how an item is undone, after it nothing of the kind. */
export type MapRules<S extends Stage, Input, Item, Result, D, Services, Collect> = MapOptions<Collect> &
  MapCheck<Input, Item, Result, D, Services> &
  (S extends 'forward' ? NoUndo : MapUndo<Input, Item, Result, D, Services>);

/** The result of a map as later steps see it. */
export type MapResult<R, Collect = true> = false extends Collect ? (true extends Collect ? unknown : { readonly total: number }) : ResultOf<R>[];

const MOST_AT_A_TIME = 1_000;
const MAP_OPTIONS = [
  ...['concurrency', 'collect', 'timeout', 'grace', 'heartbeat', 'retry', 'compensate', 'undo', 'check', 'classify', 'dependency', 'why', 'result'],
];

type Given = AttemptOptions & {
  readonly concurrency?: number;
  readonly collect?: boolean;
  readonly check?: StepDefinition['check'];
};

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_OPTION, SC_DEFINITION_DURATION, SC_DEFINITION_RETRY */
export function mapPart(
  saga: string,
  kind: 'step' | 'read',
  name: string,
  { items, run }: { readonly items: unknown; readonly run: unknown },
  given: Given = {},
): Part {
  checkStepName(saga, name);
  const where = { saga, step: name };
  checkFunction(where, 'items', items);
  checkOptions(where, 'options', given, MAP_OPTIONS);
  const { concurrency = 10, collect = true, ...options } = given;
  checkCount(where, 'concurrency', concurrency, MOST_AT_A_TIME);
  checkFlag(where, 'collect', collect);
  const { body, undoing } = attemptPart(saga, kind, name, run, options);
  const { check, ...rest } = body;
  const map = { items: items as NonNullable<StepDefinition['map']>['items'], concurrency, collect, ...(check ? { check } : {}) };
  return { body: { ...rest, map }, undoing, reusable: false };
}
