import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { canonical, sha256 } from '../base/encoding.ts';
import type { SagaDefinition } from '../saga/definition.ts';

/** What of a chart a stored run depends on, in document order: plain data, so that it can be kept and compared. */
export interface Shape {
  readonly states: StateShape;
  /** Of a saga; null of a workflow. */
  readonly steps: readonly StepShape[] | null;
}

/** `child` is the saga of which it is a run; `transact` of one that writes in the transaction of its commit. */
export type StepShape = readonly [number: number, name: string, kind: string, after: readonly number[], child?: string | null, transact?: true];

export interface StateShape {
  readonly path: string;
  readonly type: string;
  readonly history?: unknown;
  readonly initial: unknown;
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly on: readonly (readonly [event: string, transitions: readonly TransitionShape[]])[];
  readonly always: readonly TransitionShape[];
  readonly invoke: readonly (readonly [id: string, src: unknown])[];
  readonly delays: readonly string[];
  readonly states: readonly StateShape[];
}

export interface TransitionShape {
  /** Ids of states. */
  readonly target: readonly string[] | null;
  readonly guard: unknown;
  readonly actions: readonly unknown[];
  readonly reenter: boolean;
}

/**
 * SHA-256 of canonical JSON of the shape: states, transitions, the names and parameters of guards, actions, invocations
 * and delays, and of a saga its steps and dependencies. Texts and policies may change under live runs.
 */
export function fingerprint(machine: AnyStateMachine, definition?: SagaDefinition): string {
  return sha256(canonical(shapeOf(machine, definition)));
}

export function shapeOf(machine: AnyStateMachine, definition?: SagaDefinition): Shape {
  const steps = definition?.steps.map(
    ({ number, name, kind, after, child, transact }): StepShape =>
      transact ? [number, name, kind, after, null, true] : child ? [number, name, kind, after, child.name] : [number, name, kind, after],
  );
  return { states: shape(machine.root), steps: steps ?? null };
}

function shape(node: AnyStateNode): StateShape {
  const config = node.config as { readonly after?: object; readonly initial?: unknown };
  return {
    path: node.path.join('.'),
    type: node.type,
    history: node.history,
    initial: node.type === 'compound' ? [node.initial.target?.map((target: AnyStateNode) => target.id), node.initial.actions.map(named)] : null,
    entry: node.entry.map(named),
    exit: node.exit.map(named),
    // XState adds a state's delays to its transitions as `xstate.after.…` events, so they are covered by them.
    on: [...node.transitions].map(([event, transitions]) => [event, transitions.map(transition)]),
    always: node.always?.map(transition) ?? [],
    invoke: node.invoke.map(({ id, src }: { id: string; src: unknown }) => [id, src]),
    delays: Object.keys(config.after ?? {}),
    states: Object.values(node.states).map((child) => shape(child as AnyStateNode)),
  };
}

function transition({
  target,
  guard,
  actions,
  reenter,
}: {
  target?: readonly AnyStateNode[] | undefined;
  guard?: unknown;
  actions: readonly unknown[];
  reenter: boolean;
}): TransitionShape {
  return { target: target?.map((node) => node.id) ?? null, guard: named(guard), actions: actions.map(named), reenter };
}

/** A reference as written: a name, or a name with parameters. Functions have only a name. */
function named(reference: unknown): unknown {
  if (reference === undefined || reference === null) return null;
  if (typeof reference === 'string') return reference;
  if (typeof reference === 'function') {
    const { type, name, guards, event, ...rest } = reference as unknown as Record<string, unknown>;
    return { function: type ?? name, ...(Array.isArray(guards) ? { guards: guards.map(named) } : {}), ...sent(event), ...data(rest) };
  }
  const { type, params } = reference as { type: string; params?: unknown };
  return { type, ...(params === undefined || typeof params === 'function' ? {} : { params }) };
}

/** What `raise`, `sendTo` and `emit` send, where it is written out: what it carries may change. */
function sent(event: unknown): { readonly event?: unknown } {
  return typeof event === 'object' && event !== null ? { event: (event as { readonly type: string }).type } : {};
}

/** Of a built-in action what is plain: ids, delays by name, event types. */
function data(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'string' || typeof value === 'number'));
}
