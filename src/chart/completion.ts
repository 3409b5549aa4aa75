import type { SagaDefinition } from '../saga/definition.ts';
import type { Left, SagaContext } from './context.ts';
import { leftBehind } from './left.ts';
import { resultsOf } from './results.ts';

/** What a run comes to that has gone forward to its end. */
export function completion(definition: SagaDefinition, context: SagaContext): { readonly output: unknown; readonly left: readonly Left[] } {
  return context.held ?? { output: outputOf(definition, context), left: leftBehind(definition, context, false) };
}

/** What a person skipped has no result: an output that needs it is left out, because the run must be able to end. */
function outputOf(definition: SagaDefinition, context: SagaContext): unknown {
  try {
    return definition.output?.({ input: context.input, results: resultsOf(definition, context) });
  } catch (error) {
    if (context.steps.some((step) => step?.status === 'skipped')) return undefined;
    throw error;
  }
}
