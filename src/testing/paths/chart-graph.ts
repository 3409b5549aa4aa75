// The only file that uses @xstate/graph, which is also found as xstate/graph.
import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths, getSimplePaths } from '@xstate/graph';
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

/** How a chart is gone through. */
export interface Traversal {
  readonly input: unknown;
  events(snapshot: AnyMachineSnapshot): readonly EventObject[];
  /** Two snapshots with the same text are one place. */
  serialize(snapshot: AnyMachineSnapshot): string;
  readonly limit: number;
}

/** One way through a chart: each event, and the snapshot after it. */
export interface Way {
  readonly snapshots: readonly AnyMachineSnapshot[];
  readonly events: readonly EventObject[];
}

/** From where, by which event, to where. */
export interface Edge {
  readonly from: AnyMachineSnapshot;
  readonly event: EventObject;
  readonly to: AnyMachineSnapshot;
}

/** Every edge that can be reached; undefined where there are more places than the limit. */
export function edgesOf(machine: AnyStateMachine, traversal: Traversal): readonly Edge[] | undefined {
  try {
    return allEdges(machine, traversal);
  } catch (error) {
    if (error instanceof Error && error.message === 'Traversal limit exceeded') return undefined;
    throw error;
  }
}

function allEdges(machine: AnyStateMachine, traversal: Traversal): readonly Edge[] {
  return adjacencyMapToArray(getAdjacencyMap(machine as never, optionsOf(traversal) as never)).map(({ state, event, nextState }) => ({
    from: state as AnyMachineSnapshot,
    event: event as EventObject,
    to: nextState as AnyMachineSnapshot,
  }));
}

/** The shortest way to each end, and to each place where a person is needed. */
export function shortestWays(machine: AnyStateMachine, traversal: Traversal): readonly Way[] {
  return getShortestPaths(machine, { ...optionsOf(traversal), toState: isGoal } as never).map(wayOf as never);
}

/** Every way to an end that comes to no place twice. */
export function simpleWays(machine: AnyStateMachine, traversal: Traversal): readonly Way[] {
  return getSimplePaths(machine, { ...optionsOf(traversal), toState: isGoal } as never).map(wayOf as never);
}

function optionsOf({ input, events, serialize, limit }: Traversal) {
  return {
    input,
    events,
    serializeState: serialize,
    serializeEvent: (event: EventObject) => `${event.type} ${(event as { readonly outcome?: string }).outcome}`,
    limit,
  };
}

/** An end, or where a person is needed. */
function isGoal(snapshot: AnyMachineSnapshot): boolean {
  return snapshot.status !== 'active' || snapshot.hasTag('attention');
}

function wayOf({ steps }: { readonly steps: readonly { readonly state: AnyMachineSnapshot; readonly event: EventObject }[] }): Way {
  // The first step is the initial one.
  return { snapshots: steps.map(({ state }) => state), events: steps.slice(1).map(({ event }) => event) };
}
