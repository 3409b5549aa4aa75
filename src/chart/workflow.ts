import type { AnyStateMachine, AnyStateNode, SnapshotFrom } from 'xstate';
import type { ZodType } from 'zod';
import { DefinitionError } from '../base/errors.ts';
import { own } from '../base/own.ts';
import type { QueryScope } from '../saga/definition.ts';
import { type AttemptOptions, type AttemptPolicy, attemptPolicy } from '../saga/policy.ts';
import { checkQueries, type Queried, type QueriesOn } from '../saga/queries.ts';

/** What a query of a workflow is asked about: its snapshot as it stands, once it has begun. */
export interface MachineNow<Machine extends AnyStateMachine> extends Pick<QueryScope, 'states' | 'status' | 'progress'> {
  readonly context: SnapshotFrom<Machine>['context'];
  readonly value: SnapshotFrom<Machine>['value'];
}

/** How a hand-written machine is run. */
export interface WorkflowOptions<Input = unknown, Machine extends AnyStateMachine = AnyStateMachine, Answers = unknown> {
  /** A whole number from 1; a changed chart needs a new one. */
  readonly version: number;
  /** Parses the input of `start`. Default: any. */
  readonly input?: ZodType<unknown, Input>;
  /** The events that may be sent from outside, by type: each is parsed before it is stored. Default: none. */
  readonly events?: Readonly<Record<string, ZodType>>;
  /** Policies of the actors the machine invokes, by source name. */
  readonly actors?: Readonly<Record<string, Pick<AttemptOptions, 'timeout' | 'grace'>>>;
  /** What may be asked of a run at any time, by name: pure functions of what it knows then. Default: none. */
  readonly queries?: QueriesOn<MachineNow<Machine>, Answers>;
  /** How runs of earlier versions are carried over to this one. Default: each stays in the states of the same names, with its context. */
  readonly migrations?: readonly WorkflowMigration[];
  readonly why?: string;
}

/** How runs of an earlier version of a workflow are carried over. */
export interface WorkflowMigration {
  /** The version that runs come from. */
  readonly from: number;
  /** The state and the context of a run in this version: pure. Default: as they were. */
  readonly carry?: (run: { readonly value: unknown; readonly context: unknown }) => { readonly value: unknown; readonly context: unknown };
}

/** A machine that runs durably: started, shown and stored as a saga is. */
export interface Workflow<Input = unknown> {
  readonly kind: 'workflow';
  readonly name: string;
  readonly version: number;
  readonly machine: AnyStateMachine;
  readonly input: ZodType<unknown, Input> | undefined;
  readonly events: Readonly<Record<string, ZodType>>;
  readonly policies: ReadonlyMap<string, AttemptPolicy>;
  readonly queries: Readonly<Record<string, (now: MachineNow<AnyStateMachine>) => unknown>>;
  readonly migrations: readonly WorkflowMigration[];
  readonly why: string | undefined;
}

/** XState has none by default; a chart of thousands of microsteps for one event is a loop. */
const MOST_MICROSTEPS = 10_000;

/**
 * Runs a machine that you have written by hand with the promises of a saga.
 * @throws DefinitionError SC_WORKFLOW_UNSUPPORTED where the machine uses what cannot be stored: it names the state
 */
export function workflow<Input = unknown, Machine extends AnyStateMachine = AnyStateMachine, Answers = unknown>(
  machine: Machine,
  options: WorkflowOptions<Input, Machine, Answers>,
): Workflow<Input> & Queried<Answers> {
  const name = machine.id;
  if (!Number.isSafeInteger(options.version) || options.version < 1) {
    throw new DefinitionError('SC_DEFINITION_OPTION', `workflow ${name}: version is ${JSON.stringify(options.version)}, but must be a whole number from 1`, {
      next: 'Give the workflow a version, and a new one whenever its chart changes.',
      details: { workflow: name, value: options.version },
    });
  }
  const bounded = machine.provide({});
  bounded.options.maxIterations = Math.min(bounded.options.maxIterations as number, MOST_MICROSTEPS);
  const sources = checkNode(name, bounded.root, bounded, new Map());
  const policies = new Map<string, AttemptPolicy>();
  for (const source of sources) policies.set(source, attemptPolicy(`workflow ${name}, actor ${source}`, options.actors?.[source]));
  for (const source of Object.keys(options.actors ?? {})) {
    if (!sources.has(source)) {
      throw new DefinitionError('SC_DEFINITION_OPTION', `workflow ${name}: it has a policy for the actor '${source}', which its chart does not invoke`, {
        next: `The chart invokes: ${[...sources].join(', ') || 'nothing'}.`,
        details: { workflow: name, value: source },
      });
    }
  }
  for (const type of Object.keys(options.events ?? {})) {
    if (type === '*' || type.startsWith('xstate.'))
      throw unsupported(name, '(events)', `the event name '${type}', which is XState's own`, 'Choose another name.');
  }
  return {
    kind: 'workflow',
    name,
    version: options.version,
    machine: bounded,
    input: options.input,
    events: options.events ?? {},
    policies,
    queries: checkQueries({ workflow: name }, options.queries ?? {}),
    migrations: options.migrations ?? [],
    why: options.why,
  };
}

/** Refuses what would be lost in a crash, and returns the sources that the chart invokes. */
function checkNode(workflow: string, node: AnyStateNode, machine: AnyStateMachine, ids: Map<string, string>): ReadonlySet<string> {
  const sources = new Set<string>();
  const where = node.path.join('.') || '(root)';
  if (node.type === 'history') throw unsupported(workflow, where, 'a history state', 'Keep what is to be recalled in the context.');
  const transitions = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  for (const { guard } of transitions) checkGuard(workflow, where, guard, machine);
  for (const { delay } of node.after) checkDelay(workflow, where, delay, machine);
  for (const action of [...node.entry, ...node.exit, ...node.initial.actions, ...transitions.flatMap(({ actions }) => actions)]) {
    const type = actionType(workflow, where, action, machine);
    if (type === 'xstate.spawnChild') throw unsupported(workflow, where, 'spawnChild', 'Invoke the actor from a state.');
    if (type === 'xstate.sendParent' || type === 'xstate.forwardTo') throw unsupported(workflow, where, type, 'Raise an event instead.');
  }
  for (const { id, src } of node.invoke as readonly { id: string; src: string }[]) {
    const logic = own(machine.implementations.actors as Readonly<Record<string, { readonly config?: unknown }>>, src);
    if (src.startsWith('xstate.invoke.')) throw unsupported(workflow, where, 'an inline actor', `Name it: setup({ actors: { name: … } }) and src: 'name'.`);
    if (logic === undefined)
      throw unsupported(workflow, where, `the actor '${src}', which has no implementation`, `Provide it: setup({ actors: { ${src}: fromPromise(…) } }).`);
    if ('states' in logic || '__xstatenode' in logic) throw unsupported(workflow, where, `the child machine '${src}'`, 'Run it as a workflow of its own.');
    if (typeof logic.config !== 'function' || !isPromiseLogic(logic))
      throw unsupported(workflow, where, `the actor '${src}', which is not a promise actor`, 'Use fromPromise.');
    if (id in Object.prototype) throw unsupported(workflow, where, `the invoke id '${id}', which every object of JavaScript has`, 'Choose another id.');
    const other = ids.get(id);
    if (other !== undefined)
      throw unsupported(workflow, where, `the invoke id '${id}', which ${other} has too: one result would advance both`, 'Give each invoke an id of its own.');
    ids.set(id, where);
    sources.add(src);
  }
  for (const child of Object.values(node.states)) for (const source of checkNode(workflow, child as AnyStateNode, machine, ids)) sources.add(source);
  return sources;
}

/** XState marks its kinds of actors by nothing; only a promise actor is done when it is told that its promise is. */
function isPromiseLogic(logic: object): boolean {
  const { transition } = logic as { transition?: (state: object, event: object, scope: object) => { readonly status?: unknown } };
  try {
    return transition?.({ status: 'active' }, { type: 'xstate.promise.resolve' }, {}).status === 'done';
  } catch {
    return false;
  }
}

/** XState passes over a name without an implementation, with a warning at most: here it would be a step that silently does nothing. */
function actionType(workflow: string, where: string, action: unknown, machine: AnyStateMachine): string {
  if (typeof action === 'function') return (action as { type?: string }).type ?? action.name;
  const name = typeof action === 'string' ? action : (action as { readonly type: string }).type;
  const resolved = own(machine.implementations.actions as Readonly<Record<string, unknown>>, name);
  if (resolved === undefined)
    throw unsupported(workflow, where, `the action '${name}', which has no implementation`, `Provide it: setup({ actions: { ${name}: … } }).`);
  return actionType(workflow, where, resolved, machine);
}

/** XState finds out when the event comes: here the run would fault, long after it was started. */
function checkGuard(workflow: string, where: string, guard: unknown, machine: AnyStateMachine): void {
  if (guard === undefined) return;
  // `and`, `or` and `not` are functions that hold the guards they join.
  if (typeof guard === 'function') {
    for (const joined of (guard as { readonly guards?: readonly unknown[] }).guards ?? []) checkGuard(workflow, where, joined, machine);
    return;
  }
  const name = typeof guard === 'string' ? guard : (guard as { readonly type: string }).type;
  const resolved = own(machine.implementations.guards as Readonly<Record<string, unknown>>, name);
  if (resolved === undefined)
    throw unsupported(workflow, where, `the guard '${name}', which has no implementation`, `Provide it: setup({ guards: { ${name}: … } }).`);
  checkGuard(workflow, where, resolved, machine);
}

/** XState takes a name without an implementation as no delay at all. */
function checkDelay(workflow: string, where: string, delay: unknown, machine: AnyStateMachine): void {
  if (typeof delay === 'string' && own(machine.implementations.delays as Readonly<Record<string, unknown>>, delay) === undefined)
    throw unsupported(workflow, where, `the delay '${delay}', which has no implementation`, `Provide it: setup({ delays: { ${delay}: … } }).`);
}

function unsupported(workflow: string, state: string, what: string, next: string): DefinitionError {
  return new DefinitionError('SC_WORKFLOW_UNSUPPORTED', `workflow ${workflow} cannot run durably: state ${state} uses ${what}`, {
    next,
    details: { workflow, state, what },
  });
}
