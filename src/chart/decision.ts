import type { DecisionScope, Length, LoopDefinition, SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { durationMs } from '../saga/duration.ts';
import { ruledOut, type SagaContext, type StepRecord } from './context.ts';
import { previousOf, resultsOf } from './results.ts';

/** The record of a step that decides, once its author's function has been asked. What that throws is the step's failure. */
export function decided(definition: SagaDefinition, context: SagaContext, step: StepDefinition, record: StepRecord): StepRecord {
  return asked({ definition, context, step, record, what: 'condition' }, (scope) =>
    step.loop ? afterRound(step, record, isTrue(step, step.loop.until(scope))) : { ...succeeded(record), result: isTrue(step, step.decide?.(scope)) },
  );
}

/** The record of a step that waits, once it is worked out how long. */
export function measured(definition: SagaDefinition, context: SagaContext, step: StepDefinition, record: StepRecord): StepRecord {
  const length = step.sleepMs ?? step.wait?.timeoutMs;
  return asked({ definition, context, step, record, what: 'length' }, (scope) => {
    const { failure: _, ...rest } = record;
    return { ...rest, waitMs: durationMs((length as Exclude<Length, number>)(scope), step.kind, { saga: definition.name, step: step.name }) };
  });
}

interface Asked {
  readonly definition: SagaDefinition;
  readonly context: SagaContext;
  readonly step: StepDefinition;
  readonly record: StepRecord;
  readonly what: string;
}

function asked({ definition, context, step, record, what }: Asked, ask: (scope: DecisionScope) => StepRecord): StepRecord {
  const { name, number } = step;
  try {
    return ask({
      input: context.input,
      results: resultsOf(definition, context, number),
      round: record.round,
      previous: previousOf(definition, context, number),
    });
  } catch (error) {
    const message = `the ${what} of ${name} could not be worked out: ${error instanceof Error ? error.message : String(error)}`;
    return { ...record, status: step.forward ? 'open' : 'refused', failure: ruledOut('SC_CONDITION', name, message) };
  }
}

function afterRound({ name, loop }: StepDefinition, record: StepRecord, isOver: boolean): StepRecord {
  const { most, atMost } = loop as LoopDefinition;
  if (isOver || (record.round >= most && atMost === 'goOn')) return succeeded(record);
  if (record.round < most) return { ...record, status: 'open' };
  const message = `the loop ${name} has gone around ${most} times, and is not over`;
  return { ...record, status: 'refused', failure: ruledOut('SC_LOOP_BOUND', name, message) };
}

function succeeded({ failure: _, ...record }: StepRecord): StepRecord {
  return { ...record, status: 'succeeded' };
}

/** Truthiness would take a promise for a yes. */
function isTrue({ name }: StepDefinition, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`${name} must answer with true or false, not ${answer instanceof Promise ? 'a promise: it is asked at once' : typeof answer}`);
}
