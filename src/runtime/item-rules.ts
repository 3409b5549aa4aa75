import { type Failure, LOST, NOT_BEGUN } from '../base/failure.ts';
import { backoffMs } from '../chart/backoff.ts';
import {
  afterCheck,
  afterFailure,
  afterUndoFailure,
  type SagaContext,
  type StepRecord,
  stepRecord,
  type UndoRecord,
  withStep,
  withUndo,
} from '../chart/context.ts';
import { type Case, type Judgment, judgeCheck, judgeFailure, judgeUndoFailure } from '../chart/judgment.ts';
import { mayStand } from '../chart/settlement.ts';
import type { Item, ItemEnd, ItemJudgment, ItemRecord, ItemRules } from '../kernel/items.ts';
import type { StateData } from '../kernel/state.ts';
import type { MapDefinition, SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { RetryPolicy } from '../saga/policy.ts';
import type { Settled } from '../saga/verdict.ts';

/** A step over many items. */
export type MapStep = StepDefinition & { readonly map: MapDefinition };

export function isMap(step: StepDefinition): step is MapStep {
  return step.map !== undefined;
}

/** One item as a step of its own: what holds for steps holds for it. */
export function itemStep({ map, ...step }: MapStep): StepDefinition {
  return { ...step, ...(map.check ? { check: map.check } : {}) };
}

/** How the items of a saga's maps are worked through, by the id of the invocation. */
export function itemRulesOf(definition: SagaDefinition): ReadonlyMap<string, ItemRules> {
  const rules = definition.steps.filter(isMap).flatMap((step): [string, ItemRules][] => {
    const { concurrency, collect } = step.map;
    const shared = { step: step.number, concurrency, round: (data: StateData) => stepRecord(contextOf(data), step.number).round };
    const forward: ItemRules = {
      ...shared,
      first: 'run',
      collects: collect,
      passedOver: () => NOBODY,
      judge: (data, item, end, wanted) => judgeRun({ definition, step: itemStep(step), data, item, wanted }, end),
    };
    if (!step.compensate) return [[step.name, forward]];
    const back: ItemRules = {
      ...shared,
      first: 'undo',
      collects: false,
      passedOver: (data) => stepRecord(contextOf(data), step.number).items?.refused ?? NOBODY,
      judge: (data, item, end) => judgeUndo({ definition, step, data, item }, end),
    };
    return [
      [step.name, forward],
      [`${step.name}.undo`, back],
    ];
  });
  return new Map(rules);
}

/** How many items may have happened, or were at least begun. */
export function begunItems(context: SagaContext, { number }: StepDefinition): number {
  const { items, status } = stepRecord(context, number);
  return items && mayStand({ status }) ? items.begun : 0;
}

const NOBODY: readonly number[] = [];

interface About {
  readonly definition: SagaDefinition;
  readonly step: StepDefinition;
  readonly data: StateData;
  readonly item: Item;
}

function judgeRun(about: About & { readonly wanted: boolean }, end: ItemEnd): ItemJudgment {
  const { step, item } = about;
  switch (end.kind) {
    case 'succeeded':
      if (item.what === 'check') return afterChecked(about, end.output as Settled);
      return happened(item.record.attempts + 1, end.output, end.undoData);
    case 'failed': {
      if (item.what === 'check') return checkedInVain(about, end.error.code === LOST ? 'lost' : 'open');
      const record = afterFailure(step, recordOf(item.record), end.error);
      return next(about, record, judgeFailure(caseOf(about, recordOf(item.record)), end.error));
    }
    case 'stopped':
      return endedBadly(item.record);
    case 'retry':
      return { to: 'attempt', what: 'run', record: anew(item.record) };
    case 'resolve':
      return { to: 'end', state: 'resolved', record: item.record, kept: [end.result], result: end.result, left: 'run resolved by hand' };
    case 'skip': {
      if (step.forward) return { to: 'end', state: 'skipped', record: item.record, left: 'run skipped' };
      const given = { ...endedBadly(item.record), left: 'run skipped' };
      return about.wanted && item.record.failure ? { ...given, fails: item.record.failure } : given;
    }
  }
}

function afterChecked(about: About & { readonly wanted: boolean }, settled: Settled): ItemJudgment {
  if (settled.verdict === 'happened') return happened(about.item.record.attempts, settled.result);
  return checkedInVain(about, settled.verdict);
}

function checkedInVain(about: About & { readonly wanted: boolean }, end: 'didNotHappen' | 'open' | 'lost'): ItemJudgment {
  const before = recordOf(about.item.record);
  return next(about, afterCheck(before, end), judgeCheck(caseOf(about, before), end));
}

function happened(attempts: number, result: unknown, undoData?: unknown): ItemJudgment {
  return { to: 'end', state: 'succeeded', record: { attempts }, kept: undoData === undefined ? [result] : [result, undoData], result };
}

/** What a judgment about a step means for an item. */
function next({ definition, step, data, item, wanted }: About & { readonly wanted: boolean }, after: StepRecord, judgment: Judgment): ItemJudgment {
  const record = stored(after);
  switch (judgment) {
    case 'checking':
      return { to: 'attempt', what: 'check', record };
    case 'attempting':
      return { to: 'attempt', what: 'run', record };
    case 'backingOff': {
      const counts = definition.retryBudget !== undefined && after.failure?.code !== NOT_BEGUN;
      const waitMs = pause(step.policy.retry, { data, item, name: step.name, kind: 'run' }, after);
      return { to: 'attempt', what: 'run', record, waitMs, ...(counts ? { isRetry: true } : {}) };
    }
    case 'attention':
      return { to: 'person', record };
    default: {
      const ended = endedBadly(record);
      return wanted && after.failure ? { ...ended, fails: after.failure } : ended;
    }
  }
}

function endedBadly(record: ItemRecord): Extract<ItemJudgment, { to: 'end' }> {
  if (!record.unknown) return { to: 'end', state: 'refused', record };
  const { failure } = record;
  return { to: 'end', state: 'unknown', record, ...(failure ? { kept: { failure } } : {}) };
}

function judgeUndo({ definition, step, data, item }: About, end: ItemEnd): ItemJudgment {
  const before = undoOf(item.record);
  switch (end.kind) {
    case 'succeeded':
      return { to: 'end', state: 'undone', record: { attempts: before.attempts + 1 } };
    case 'failed': {
      const after = afterUndoFailure(before, end.error);
      const context = withUndo(contextOf(data), step.number, before);
      const record = stored(after);
      switch (judgeUndoFailure({ definition, step, context }, end.error)) {
        case 'attention':
          return { to: 'person', record };
        case 'attempting':
          return { to: 'attempt', what: 'undo', record };
        default:
          return { to: 'attempt', what: 'undo', record, waitMs: pause(step.undoPolicy.retry, { data, item, name: step.name, kind: 'undo' }, after) };
      }
    }
    case 'skip':
      return { to: 'end', state: 'undoSkipped', record: item.record, left: 'undo skipped' };
    case 'resolve':
      return { to: 'end', state: 'undoResolved', record: item.record, left: 'undo resolved by hand' };
    default:
      // An undo is not stopped: it is tried again.
      return { to: 'attempt', what: 'undo', record: anew(item.record) };
  }
}

/** The run as it would be if the item were the step. Whatever ends the map ends the run, or is about to. */
function caseOf({ definition, step, data, wanted }: About & { readonly wanted: boolean }, record: StepRecord): Case {
  const context = contextOf(data);
  const retries = Object.values(data.children).reduce((sum, { items }) => sum + (items?.retries ?? 0), context.retries ?? 0);
  const own = { ...withStep(context, step.number, record), ...(definition.retryBudget === undefined ? {} : { retries }) };
  return { definition, step, context: wanted ? own : { ...own, cause: own.cause ?? { kind: 'cancel', by: null, reason: null } } };
}

function pause(
  retry: RetryPolicy,
  { data, item, name, kind }: { readonly data: StateData; readonly item: Item; readonly name: string; readonly kind: string },
  { attempts, since, failure }: StepRecord | UndoRecord,
): number {
  return backoffMs(retry, attempts - since, `${contextOf(data).runId}/${name}[${item.index}]/${kind}`, failure?.retryAfterMs);
}

function anew({ losses: _, checkLosses: __, ...record }: ItemRecord): ItemRecord {
  return { ...record, since: record.attempts };
}

/** The record of a step that an item has. */
export function recordOf(record: ItemRecord, round = 1): StepRecord {
  return { status: 'open', since: 0, losses: 0, checkLosses: 0, unknown: false, round, ...record };
}

/** The record of an undo that an item has. */
export function undoOf({ attempts, since = 0, losses = 0, failure, progress }: ItemRecord): UndoRecord {
  return { status: 'open', attempts, since, losses, ...(failure === undefined ? {} : { failure }), ...(progress === undefined ? {} : { progress }) };
}

/** A record as an item keeps it: what has its usual value is left out. */
function stored({ attempts, since, losses, failure, progress, ...rest }: StepRecord | UndoRecord): ItemRecord {
  const { checkLosses = 0, unknown = false } = rest as Partial<StepRecord>;
  return {
    attempts,
    ...(since === 0 ? {} : { since }),
    ...(losses === 0 ? {} : { losses }),
    ...(checkLosses === 0 ? {} : { checkLosses }),
    ...(unknown ? { unknown } : {}),
    ...(failure === undefined ? {} : { failure: shortened(failure) }),
    ...(progress === undefined ? {} : { progress }),
  };
}

/** The journal has all of it; here there may be one for each item in flight. */
function shortened({ stack: _, ...failure }: Failure): Failure {
  return failure;
}

function contextOf({ context }: StateData): SagaContext {
  return context as SagaContext;
}
