import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { input as ZodInput, ZodType } from 'zod';
import { DefinitionError } from './base/errors.ts';
import { quoted } from './base/quoted.ts';
import type { Workflow } from './chart/workflow.ts';
import { type LogOptions, logEvents, loggedTypes, pinoLog, wrap } from './observe/log.ts';
import { mask, sensitiveTexts } from './observe/mask.ts';
import { redact } from './observe/redact.ts';
import { type CloseOptions, Engine } from './runtime/engine.ts';
import type { Observer, RuntimeEventType } from './runtime/event.ts';
import type { RunHandle } from './runtime/handle.ts';
import type { EngineOptions } from './runtime/options.ts';
import type { Program } from './runtime/program.ts';
import { sagaProgram } from './runtime/saga-program.ts';
import type { StartOptions } from './runtime/starts.ts';
import { workflowProgram } from './runtime/workflow-program.ts';
import type { AnySaga } from './saga/saga.ts';

/** What can be run. */
export type Definition = AnySaga | Workflow<never> | Workflow;

export interface SagachartOptions<Definitions extends readonly Definition[] = readonly Definition[]>
  extends Omit<EngineOptions, 'programs' | 'log' | 'services'> {
  /** Sagas and workflows, any number of versions of each. */
  readonly sagas: Definitions;
  /** What the steps call: everything that the sagas ask for. */
  readonly services?: ServicesOf<Definitions[number]>;
  /** A pino logger, or how to make one. Default: warnings and errors, to standard output. */
  readonly log?: Logger | LogOptions;
}

type ServicesOf<D> = (
  D extends { readonly types?: { readonly services: (services: infer Services) => void } | undefined }
    ? (services: Services) => void
    : never
) extends (all: infer All) => void
  ? All
  : unknown;

/** Sagas that call something cannot run without it. */
type Needed<Services> = unknown extends Services ? unknown : { readonly services: Services };

export type InputOf<D> = D extends { readonly types?: { readonly input: infer Input } | undefined } ? Input : D extends Workflow<infer Input> ? Input : unknown;
export type OutputOf<D> = D extends { readonly types?: { readonly output: infer Output } | undefined } ? Output : unknown;

/** What may be sent to a run: of a saga what it declares, by name, as its schemas take it. */
export type SignalsOf<D> = D extends { readonly types?: { readonly signals: infer Signals } | undefined }
  ? { readonly [Name in keyof Signals]: Signals[Name] extends ZodType ? ZodInput<Signals[Name]> : unknown }
  : Readonly<Record<string, unknown>>;

/** Only a name leaves open which version is meant; without one it is the newest. */
type Versioned<D> = D extends string ? { readonly version?: number } : unknown;

/** The names that are known; of a workflow it is the machine's id, which its type does not hold. */
type NameOf<D> = D extends { readonly name: infer Name extends string } ? (string extends Name ? string & {} : Name) : never;
/** What a name stands for, every version of it; `unknown` if the types do not say. */
type Meant<D, All> = D extends string ? ([Bearing<D, All>] extends [never] ? unknown : Bearing<D, All>) : D;
type Bearing<Name, D> = D extends { readonly name: infer Own } ? (string extends Own ? never : Name extends Own ? D : never) : never;

/** An engine whose calls know the sagas it was made with, as such or by name. */
export interface Sagachart<Definitions extends readonly Definition[] = readonly Definition[]> extends AsyncDisposable {
  start<const D extends Definition | NameOf<Definitions[number]>>(
    definition: D,
    input: InputOf<Meant<D, Definitions[number]>>,
    options?: StartOptions & Versioned<D>,
  ): Promise<RunHandle<OutputOf<Meant<D, Definitions[number]>>, SignalsOf<Meant<D, Definitions[number]>>>>;
  run(id: string): RunHandle;
  /** Calls `observer` with what happens, after it is durable; `only` names the types it wants. Returns the way to stop it. */
  observe(observer: Observer, only?: readonly RuntimeEventType[]): () => void;
  load(): ReturnType<Engine['load']>;
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Opens an engine: it takes the role of executor of the store, and goes on with every run that was under way.
 * @throws StoreError SC_STORE_LOCKED if another process has that role; SagachartError SC_DUPLICATE_SAGA, SC_OPTION
 */
export async function sagachart<const Definitions extends readonly Definition[]>(
  options: SagachartOptions<Definitions> & Needed<ServicesOf<Definitions[number]>>,
): Promise<Sagachart<Definitions>> {
  const { sagas, log: logger, observers = [], ...rest } = options as SagachartOptions<Definitions>;
  const wrong = wrongDefinitions(sagas);
  if (wrong !== undefined) throw new DefinitionError('SC_OPTION', wrong, { next: 'List what `saga()` and `workflow()` made.', details: { option: 'sagas' } });
  const log = logger && 'child' in logger ? wrap(logger) : pinoLog(logger);
  const engine = await Engine.open({
    ...rest,
    log,
    programs: sagas.map(programOf),
    observers: [{ observe: logEvents(log), only: loggedTypes(log) }, ...observers],
    worker: { pid: process.pid, host: hostname() },
  });
  return {
    start: async (definition: Definition | string, input: unknown, start: StartOptions & { readonly version?: number } = {}) =>
      typeof definition === 'string'
        ? await engine.start(definition, input, start)
        : await engine.start(definition.name, input, { ...start, version: definition.version }),
    run: (id) => engine.run(id),
    observe: (observer, only) => engine.observe(observer, only),
    load: () => engine.load(),
    close: (close) => engine.close(close),
    [Symbol.asyncDispose]: () => engine.close(),
  } as Sagachart<Definitions>;
}

/** What is wrong with a list of sagas, if anything is. */
export function wrongDefinitions(sagas: unknown): string | undefined {
  if (!Array.isArray(sagas)) return `sagas is ${sagas === undefined ? 'missing' : quoted(sagas)}, but must be a list of sagas and workflows`;
  const i = sagas.findIndex((one: unknown) => !isDefinition(one));
  return i === -1 ? undefined : `sagas[${i}] is ${quoted(sagas[i])}, but must be a saga or a workflow`;
}

/** By its parts: a command line may have another copy of this package than the config that it reads. */
function isDefinition(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('definition' in value || ('kind' in value && value.kind === 'workflow'));
}

/** A saga or a workflow as the runtime runs it. */
export function programOf(definition: Definition): Program {
  const secrets = { redact, sensitiveTexts, mask };
  return 'kind' in definition ? workflowProgram(definition as Workflow, secrets) : sagaProgram(definition.definition, definition.machine, secrets);
}
