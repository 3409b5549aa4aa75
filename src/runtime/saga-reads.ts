import { initialContext, type SagaContext } from '../chart/context.ts';
import { resultsOf } from '../chart/results.ts';
import type { StateData } from '../kernel/state.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { Program, RunNow } from './program.ts';

/** What a saga tells of its runs to whoever asks. */
export function sagaReads(definition: SagaDefinition): Pick<Program, 'queries' | 'progress'> {
  const { queries = {}, steps } = definition;
  return {
    queries: Object.fromEntries(
      Object.entries(queries).map(([name, query]) => [
        name,
        ({ data, states, status, progress }: RunNow) => {
          const context = contextOf(data);
          return query({ input: context.input, results: resultsOf(definition, context), states, status, progress });
        },
      ]),
    ),
    progress: (data) => {
      const context = contextOf(data);
      return Object.fromEntries(
        steps.flatMap(({ name, number }) => {
          const progress = context.undos[number]?.progress ?? context.steps[number]?.progress;
          return progress === undefined ? [] : [[name, progress]];
        }),
      );
    },
  };
}

/** One that is queued knows what it was started with. */
function contextOf({ context, input }: StateData): SagaContext {
  return (context as SagaContext | null) ?? initialContext({ runId: '', input });
}
