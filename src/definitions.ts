import type { input as ZodInput, ZodType } from 'zod';
import { quoted } from './base/quoted.ts';
import type { Workflow } from './chart/workflow.ts';
import { mask, sensitiveTexts } from './observe/mask.ts';
import { redact } from './observe/redact.ts';
import type { Program } from './runtime/program.ts';
import { sagaProgram } from './runtime/saga-program.ts';
import type { StartEntry } from './runtime/start-many.ts';
import type { StartOptions } from './runtime/starts.ts';
import { workflowProgram } from './runtime/workflow-program.ts';
import type { AnySaga } from './saga/any-saga.ts';

/** What can be run. */
export type Definition = AnySaga | Workflow<never> | Workflow;

/** What the steps of a saga call. */
export type ServicesOf<D> = (
  D extends { readonly types?: { readonly services: (services: infer Services) => void } | undefined }
    ? (services: Services) => void
    : never
) extends (all: infer All) => void
  ? All
  : unknown;

/** Sagas that call something cannot run without it. */
export type Needed<Services> = unknown extends Services ? unknown : { readonly services: Services };

export type InputOf<D> = D extends { readonly types?: { readonly input: infer Input } | undefined } ? Input : D extends Workflow<infer Input> ? Input : unknown;
export type OutputOf<D> = D extends { readonly types?: { readonly output: infer Output } | undefined } ? Output : unknown;

/** What may be sent to a run: of a saga what it declares, by name, as its schemas take it. */
export type SignalsOf<D> = D extends { readonly types?: { readonly signals: infer Signals } | undefined }
  ? { readonly [Name in keyof Signals]: Signals[Name] extends ZodType ? ZodInput<Signals[Name]> : unknown }
  : Readonly<Record<string, unknown>>;

/** What may be asked of a run, by name, and what is answered. */
export type QueriesOf<D> = D extends { readonly name: string }
  ? D extends { readonly answers?: infer Answers }
    ? unknown extends Answers
      ? object
      : NonNullable<Answers>
    : object
  : Readonly<Record<string, unknown>>;

/** One of many starts: by the definition, or by its name where the types know it. */
export type ManyOf<D> = D extends Definition
  ? StartOptions & {
      readonly saga:
        | D
        | (D extends { readonly name: infer Name extends string } ? (string extends Name ? (unknown extends InputOf<D> ? string : never) : Name) : never);
      readonly input: InputOf<D>;
      readonly version?: number;
    }
  : never;

/** Only a name leaves open which version is meant; without one it is the newest. */
export type Versioned<D> = D extends string ? { readonly version?: number } : unknown;

/** The names that are known; of a workflow it is the machine's id, which its type does not hold. */
export type NameOf<D> = D extends { readonly name: infer Name extends string } ? (string extends Name ? string & {} : Name) : never;
/** What a name stands for, every version of it; `unknown` if the types do not say. */
export type Meant<D, All> = D extends string ? ([Bearing<D, All>] extends [never] ? unknown : Bearing<D, All>) : D;
type Bearing<Name, D> = D extends { readonly name: infer Own } ? (string extends Own ? never : Name extends Own ? D : never) : never;

/** A start as the runtime knows it: by names. */
export function startEntry({ saga, ...start }: ManyOf<Definition>): StartEntry {
  return typeof saga === 'string' ? { ...start, saga } : { ...start, saga: saga.name, version: saga.version };
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
