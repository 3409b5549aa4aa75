import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { didNotHappen, happened } from '../../saga/verdict.ts';
import type { SimBank, Written } from './sim-bank.ts';
import type { Asked } from './sim-services.ts';

interface Context {
  readonly services: unknown;
  readonly signal: AbortSignal;
  readonly run: { readonly id: string };
  /** Of an item of a map. */
  readonly index?: number;
}

/** A child as it is simulated: it takes whatever its parent was started with. */
export function childWithCalls(definition: SagaDefinition, options: { readonly transacts: boolean }): SagaDefinition {
  const anything = { safeParse: (data: unknown) => ({ success: true, data }) };
  return { ...withCalls(definition, options), input: anything as never };
}

/** The saga with one call of a simulated service in place of each of its functions: its chart, policies and order are what is run. */
export function withCalls({ output: _, ...definition }: SagaDefinition, { transacts }: { readonly transacts: boolean }): SagaDefinition {
  return { ...definition, steps: definition.steps.map((step) => (step.transact && transacts ? writingStep(step) : callingStep(step))) };
}

/** A transactional step writes into the simulated bank; its fallback is a call. */
function writingStep({ mapInput: _, inputSchema: __, resultSchema: ___, classify: ____, ...step }: StepDefinition): StepDefinition {
  const { name, kind, forward, fallback } = step;
  const write = (context: object, asked: Pick<Written, 'kind' | 'key' | 'runKey'>): void => {
    const { db, run } = context as { readonly db: Pick<SimBank, 'write'>; readonly run: { readonly id: string } };
    db.write({ ...asked, run: run.id, step: name, mayBeRefused: asked.kind === 'run' && (!forward || kind === 'pivot') });
  };
  const { fallback: calling } = fallback ? callingStep(step) : {};
  return {
    ...step,
    run: (context) => write(context, { kind: 'run', key: context.key, runKey: context.key }),
    ...(step.compensate ? { compensate: (context) => write(context, { kind: 'undo', key: context.undoKey, runKey: context.runKey }) } : {}),
    ...(calling ? { fallback: calling } : {}),
  };
}

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
