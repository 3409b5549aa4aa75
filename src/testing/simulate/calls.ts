import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { didNotHappen, happened } from '../../saga/verdict.ts';
import type { Asked } from './sim-services.ts';

interface Context {
  readonly services: unknown;
  readonly signal: AbortSignal;
  readonly run: { readonly id: string };
  /** Of an item of a map. */
  readonly index?: number;
}

/** A child as it is simulated: it takes whatever its parent was started with. */
export function childWithCalls(definition: SagaDefinition): SagaDefinition {
  const anything = { safeParse: (data: unknown) => ({ success: true, data }) };
  return { ...withCalls(definition), input: anything as never };
}

/** The saga with one call of a simulated service in place of each of its functions: its chart, policies and order are what is run. */
export function withCalls({ output: _, ...definition }: SagaDefinition): SagaDefinition {
  return { ...definition, steps: definition.steps.map(callingStep) };
}

/** What is transactional is simulated as a call like others: there is no database. */
function callingStep({ mapInput: _, inputSchema: __, resultSchema: ___, classify: ____, transact: _____, ...step }: StepDefinition): StepDefinition {
  const { name, kind, forward } = step;
  const call = async ({ services, signal, run, index }: Context, asked: Pick<Asked, 'kind' | 'key' | 'runKey'>): Promise<unknown> =>
    await (services as { call(asked: Asked): Promise<unknown> }).call({
      ...asked,
      run: run.id,
      step: index === undefined ? name : `${name}[${index}]`,
      signal,
      // What only goes forward has nobody to say no to it.
      mayBeRefused: asked.kind === 'run' && (!forward || kind === 'pivot'),
    });
  const check: StepDefinition['check'] = async (context) => {
    const found = await call(context, { kind: 'check', key: context.runKey, runKey: context.runKey });
    if (found === 'standing') return happened(undefined);
    return found === 'undone' ? didNotHappen : undefined;
  };
  return {
    ...step,
    ...(step.run ? { run: (context) => call(context, { kind: 'run', key: context.key, runKey: context.key }) } : {}),
    ...(step.compensate ? { compensate: (context) => call(context, { kind: 'undo', key: context.undoKey, runKey: context.runKey }) } : {}),
    ...(step.fallback ? { fallback: (context) => call(context, { kind: 'fallback', key: context.key, runKey: context.key }) } : {}),
    ...(step.check ? { check } : {}),
    ...(step.map?.check ? { map: { ...step.map, check } } : {}),
  };
}
