import { initialContext, type SagaContext } from '../chart/context.ts';
import { resultsOf } from '../chart/results.ts';
import type { StateData } from '../kernel/state.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { Program, RunNow } from './program.ts';

/** What a saga tells of its runs to whoever asks. */
export function sagaReads(definition: SagaDefinition): Pick<Program, 'queries' | 'progress'> {
  const { queries = {}, steps } = definition;
  const kept = ({ steps: records, undos }: SagaContext, what: 'previous' | 'progress'): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      steps.flatMap(({ name, number }) => {
        const value = (what === 'progress' ? undos[number]?.progress : undefined) ?? records[number]?.[what];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  return {
    queries: Object.fromEntries(
      Object.entries(queries).map(([name, query]) => [
        name,
        ({ data, states, status, progress }: RunNow) => {
          const context = contextOf(data);
          return query({ input: context.input, results: resultsOf(definition, context), previous: kept(context, 'previous'), states, status, progress });
        },
      ]),
    ),
    progress: (data) => kept(contextOf(data), 'progress'),
  };
}

/** One that is queued knows what it was started with. */
function contextOf({ context, input }: StateData): SagaContext {
  return (context as SagaContext | null) ?? initialContext({ runId: '', input });
}
