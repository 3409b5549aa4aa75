import type { LoopDefinition, SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { nextRound, type PastRound, type SagaContext, stepRecord, withStep } from './context.ts';
import { keepLeft } from './left.ts';
import { isGoneBackOver } from './settlement.ts';

/** The context in which a loop goes around once more: what must be undone of the round that is over is kept for later. */
export function afterRound(definition: SagaDefinition, context: SagaContext, loop: StepDefinition): SagaContext {
  const { body } = loop.loop as LoopDefinition;
  const steps = body.filter((step) => definition.steps[step]?.compensate);
  const over: PastRound = { loop: loop.number, steps, records: steps.map((step) => recordOf(context, step)) };
  const kept = steps.length === 0 ? context : { ...context, rounds: [...(context.rounds ?? []), over] };
  const gone = body.filter((step) => !steps.includes(step));
  const next = begunAgain(keepLeft(definition, kept, gone), [...body, loop.number]);
  return body.reduce((after, step) => withPrevious(after, step, recordOf(context, step)), next);
}

/** Every step of a round that is over has ended, if only because it was passed over. */
function recordOf(context: SagaContext, step: number): PastRound['records'][number] {
  return context.steps[step] as PastRound['records'][number];
}

/** The next round may read what the one before it came to. */
function withPrevious(context: SagaContext, step: number, before: PastRound['records'][number]): SagaContext {
  const has = before.result !== undefined && before.status !== 'passed';
  return has ? withStep(context, step, { ...stepRecord(context, step), previous: before.result }) : context;
}

/** Whether the last round there was, of this loop or of one around it, is one of this loop: it is to be undone next. */
export function hasEarlierRound({ steps }: SagaDefinition, context: SagaContext, { number }: StepDefinition): boolean {
  const { rounds = [] } = context;
  if (!isGoneBackOver(context, number)) return false;
  const around = steps.filter(({ loop }) => loop?.body.includes(number)).map((outer) => outer.number);
  return rounds.findLast(({ loop }) => loop === number || around.includes(loop))?.loop === number;
}

/** The context in which the last round of a loop that is still to be undone is the present one. */
export function backToRound(definition: SagaDefinition, given: SagaContext, { number }: StepDefinition): SagaContext {
  const { rounds = [] } = given;
  const place = rounds.findLastIndex(({ loop }) => loop === number);
  const { steps, records } = rounds[place] as PastRound;
  const context = keepLeft(definition, given, steps);
  let before: SagaContext = { ...context, rounds: rounds.filter((_, i) => i !== place), undos: without(context.undos, steps) };
  for (const [i, step] of steps.entries()) {
    const { round, lastRound = round } = stepRecord(context, step);
    const earlier = { ...before, steps: before.steps.with(step, records[i] as never) };
    before = withStep(earlier, step, { ...stepRecord(earlier, step), lastRound });
  }
  return before;
}

/** The savepoint that a failed run returns to: the last that it came to, if it has not returned there too often. */
export function savepointOf({ steps, onFailure }: SagaDefinition, context: SagaContext): StepDefinition | undefined {
  if (onFailure !== 'toSavepoint' || context.cause?.kind !== 'failure') return undefined;
  const last = steps.findLast(({ kind, number }) => kind === 'savepoint' && context.steps[number]?.status === 'succeeded');
  return last && stepRecord(context, last.number).round <= (last.returns as number) ? last : undefined;
}

/** The context in which a run, all undone that came after its savepoint, goes forward from there again. */
export function afterReturn(definition: SagaDefinition, context: SagaContext): SagaContext {
  const backTo = context.backTo as number;
  const later = definition.steps.filter(({ number }) => number > backTo).map(({ number }) => number);
  const isUndone = context.compensated || context.undos.some((undo, number) => number > backTo && undo !== null);
  const kept = { ...keepLeft(definition, context, later), ...(isUndone ? { compensated: true as const } : {}) };
  const again = begunAgain({ ...kept, cause: null, backTo: null }, later);
  return context.degraded ? { ...again, degraded: again.steps.some((record) => record?.degraded) } : again;
}

/** The context in which steps have not been done yet, in a round of their own. */
export function begunAgain(context: SagaContext, steps: readonly number[]): SagaContext {
  let after: SagaContext = { ...context, undos: without(context.undos, steps) };
  for (const step of steps) if (context.steps[step]) after = withStep(after, step, nextRound(stepRecord(context, step)));
  return after;
}

function without<R>(records: readonly (R | null)[], places: readonly number[]): readonly (R | null)[] {
  return records.some((record, i) => record !== null && places.includes(i)) ? records.map((record, i) => (places.includes(i) ? null : record)) : records;
}
