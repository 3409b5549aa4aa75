import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { ruledOut, type SagaContext, type StepRecord } from './context.ts';
import { resultsOf } from './results.ts';

/** The record of a step that decides, once its author's function has been asked. What that throws is the step's failure. */
export function decided(definition: SagaDefinition, context: SagaContext, step: StepDefinition, record: StepRecord): StepRecord {
  const { name, number, round } = { ...step, round: record.round };
  try {
    const scope = { input: context.input, results: resultsOf(definition, context, number), round };
    return step.loop ? afterRound(step, record, isTrue(step, step.loop.until(scope))) : { ...succeeded(record), result: isTrue(step, step.decide?.(scope)) };
  } catch (error) {
    const message = `the condition of ${name} could not be decided: ${error instanceof Error ? error.message : String(error)}`;
    return { ...record, status: 'refused', failure: ruledOut('SC_CONDITION', name, message) };
  }
}

function afterRound({ name, loop }: StepDefinition, record: StepRecord, isOver: boolean): StepRecord {
  const { most = 0, atMost } = loop ?? {};
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
