import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { SentEvent } from '../../kernel/event.ts';
import type { Program } from '../../runtime/program.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import type { Rules } from './rules.ts';
import type { WorldModel } from './world.ts';

/** What is explored: a saga or a workflow as it runs, made small enough to be gone through. */
export interface Subject {
  readonly name: string;
  readonly program: Program;
  readonly rules: Rules;
  readonly world: WorldModel;
  /** Whether its own functions run, or one effect stands for each step of a saga. */
  readonly own: boolean;
  /** Steps that can be undone. */
  readonly undoable: readonly string[];
  /** Of a saga. */
  readonly definition?: SagaDefinition;
  /** What may be sent from outside at any time. */
  readonly requests: readonly SentEvent[];
  /** Signals, which may come at any time. */
  readonly signals: readonly SentEvent[];
  /** How often a person takes a run back to a step of its own. */
  readonly rewinds: number;
  /** What policies were cut to. */
  readonly attempts: number;
  /** What of the context makes a difference. */
  contextForm(context: unknown): unknown;
}

/** The action by which a state says that it is entered: what is passed through within one commit is seen nowhere else. */
export const ENTERED = 'verify.entered';

/** Every state of a machine by its id. */
export function nodesOf(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  return (machine as unknown as { readonly idMap: ReadonlyMap<string, AnyStateNode> }).idMap;
}
