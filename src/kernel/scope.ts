import type { AnyActorScope, AnyStateMachine, AnyStateNode } from 'xstate';

/** What XState hands over instead of doing it. */
export interface ExecutableAction {
  readonly type: string;
  readonly info: unknown;
  readonly params: unknown;
  readonly exec: ((info: unknown, params: unknown) => void) | undefined;
}

/**
 * The scope in which a machine decides without acting: actions are collected, actors are made but never started.
 * XState's public `transition()` builds an actor for each call, which costs more than the transition itself.
 */
export interface InertScope extends AnyActorScope {
  collected: ExecutableAction[];
  /** Whether an assign or the function that makes the context has spawned an actor: XState asks only for its start to be deferred. */
  spawned: boolean;
  /** The source of each invocation of the machine by its id: the only actors that can be run durably. */
  readonly invokes: ReadonlyMap<string, string>;
}

const nothing = (): void => {};

/** The system that XState's actors are made in: it books an id for each, and there is nobody to find in it. */
const inertSystem = {
  _bookId: () => 'x:0',
  _sendInspectionEvent: nothing,
  _set: nothing,
  get: nothing,
  _logger: nothing,
  _clock: {},
};

const scopes = new WeakMap<AnyStateMachine, InertScope>();

/** The scope of a machine. One is enough: a decision is made in one go, and leaves nothing in it. */
export function scopeOf(machine: AnyStateMachine): InertScope {
  const known = scopes.get(machine);
  if (known) {
    known.collected = [];
    known.spawned = false;
    return known;
  }
  const scope = inertScope(machine);
  scopes.set(machine, scope);
  return scope;
}

function inertScope(machine: AnyStateMachine): InertScope {
  const self = { id: machine.id, sessionId: 'x:0', system: inertSystem, src: machine, send: nothing, _send: nothing, _parent: undefined };
  const scope = {
    self,
    id: machine.id,
    sessionId: 'x:0',
    logger: nothing,
    defer: (): void => {
      scope.spawned = true;
    },
    system: inertSystem,
    stopChild: nothing,
    emit: nothing,
    collected: [] as ExecutableAction[],
    spawned: false,
    invokes: new Map(invokesOf(machine.root)),
    actionExecutor: (action: ExecutableAction): void => {
      scope.collected.push(action);
    },
  };
  // The scope's type names classes of XState that cannot be made outside it; the kernel's tests pin what is used.
  return scope as unknown as InertScope;
}

function invokesOf(node: AnyStateNode): readonly (readonly [id: string, src: string])[] {
  const own = (node.invoke as readonly { readonly id: string; readonly src: string }[]).map(({ id, src }) => [id, src] as const);
  return [...own, ...Object.values(node.states).flatMap((child) => invokesOf(child as AnyStateNode))];
}
