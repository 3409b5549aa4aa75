import { SagachartError } from '../base/errors.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { parseWith } from '../saga/schema.ts';
import { readVerdict } from '../saga/verdict.ts';
import { isWithUndo, withUndo } from '../saga/with-undo.ts';
import { isThenable } from './attempt.ts';

/** What `run` returned, as the schema of its result makes it. @throws SagachartError SC_RESULT_INVALID */
export async function parsedResult(definition: SagaDefinition, step: StepDefinition, pending: unknown): Promise<unknown> {
  return parsedNow(definition, step, await pending);
}

/** The same of what never waits; a promise stays as it is, for whoever refuses it. */
export function parsedNow(definition: SagaDefinition, step: StepDefinition, result: unknown): unknown {
  if (!step.resultSchema || isThenable(result)) return result;
  return isWithUndo(result) ? withUndo(parseResult(definition, step, result.result), result.undoData) : parseResult(definition, step, result);
}

/** @throws SagachartError SC_RESULT_INVALID */
export function parseResult(definition: SagaDefinition, step: StepDefinition, result: unknown): unknown {
  const parsed = parseWith(step.resultSchema, result);
  if ('value' in parsed) return parsed.value;
  throw new SagachartError('SC_RESULT_INVALID', `step ${step.name} of ${definition.name} returned what its result schema refuses: ${parsed.problem}`, {
    next: 'Correct the schema or the step; the effect may have happened.',
    details: { saga: definition.name, step: step.name },
    cause: parsed.cause,
  });
}

/** What `check` says. @throws SagachartError SC_RESULT_INVALID */
export async function checked(definition: SagaDefinition, step: StepDefinition, pending: unknown): Promise<unknown> {
  const verdict = readVerdict(await pending);
  return verdict.verdict === 'happened' && step.resultSchema ? { ...verdict, result: parseResult(definition, step, verdict.result) } : verdict;
}

/** What `compensate` returned is nobody's. */
export async function discarded(pending: unknown): Promise<undefined> {
  await pending;
}

/** The same of what never waits; a promise stays as it is, for whoever refuses it. */
export function discardedNow(result: unknown): unknown {
  return isThenable(result) ? result : undefined;
}
