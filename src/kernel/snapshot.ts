import { freeze } from 'immer';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { asFailure } from '../base/failure.ts';
import { scopeOf } from './scope.ts';
import type { StateData } from './state.ts';

interface Node {
  readonly id: string;
  readonly order: number;
}

/** What the kernel keeps beside XState's snapshot. */
interface Kept {
  readonly children: StateData['children'];
  readonly timers: StateData['timers'];
  readonly rounds: StateData['rounds'] | undefined;
  readonly faults: StateData['faults'] | undefined;
  readonly seen: StateData['seen'] | undefined;
  readonly paused: StateData['paused'] | undefined;
  readonly parent: StateData['parent'] | undefined;
  readonly place: StateData['place'] | undefined;
}

/** What of a snapshot is kept; the rest (tags, nodes, methods) follows from the machine. */
export function dataOf(snapshot: AnyMachineSnapshot, rest: Kept): StateData {
  const { status, value, context, output, error } = snapshot;
  // Past the end nothing is entered any more.
  const order = status === 'active' ? entryOrder(snapshot) : undefined;
  const history = historyOf(snapshot);
  return {
    status: status as StateData['status'],
    value,
    context,
    ...(order === undefined ? {} : { order }),
    ...(history === undefined ? {} : { history }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error: asFailure(error, () => ({ class: 'hard', effect: 'maybe' })) }),
    children: rest.children,
    timers: rest.timers,
    ...(rest.rounds === undefined ? {} : { rounds: rest.rounds }),
    ...(rest.faults === undefined ? {} : { faults: rest.faults }),
    ...(rest.seen === undefined ? {} : { seen: rest.seen }),
    ...(rest.paused === undefined ? {} : { paused: rest.paused }),
    ...(rest.parent === undefined ? {} : { parent: rest.parent }),
    ...(rest.place === undefined ? {} : { place: rest.place }),
  };
}

/** XState's own restore puts the active states in document order, which can change which transition wins. */
function entryOrder({ _nodes }: AnyMachineSnapshot): string | undefined {
  const orders = (_nodes as readonly Node[]).map((node) => node.order);
  return orders.every((order, i) => i === 0 || order > (orders[i - 1] as number)) ? undefined : orders.join('.');
}

function historyOf({ historyValue }: AnyMachineSnapshot): StateData['history'] {
  const entries = Object.entries(historyValue as Record<string, readonly Node[]>);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([id, nodes]) => [id, nodes.map((node) => node.id)]));
}

/**
 * The snapshot that data stands for. Throws if the machine does not know a state of it; the fingerprint is compared
 * before, so that does not happen to a run of the same chart.
 */
export function restore(machine: AnyStateMachine, data: StateData): AnyMachineSnapshot {
  const historyValue = Object.fromEntries(Object.entries(data.history ?? {}).map(([id, nodes]) => [id, nodes.map((node) => ({ id: node }))]));
  const persisted = { status: data.status, value: data.value, context: data.context, output: data.output, error: data.error, historyValue, children: {} };
  const restored = machine.restoreSnapshot(persisted as never, scopeOf(machine)) as AnyMachineSnapshot & { _nodes: Node[] };
  const byOrder = new Map(restored._nodes.map((node) => [node.order, node]));
  const wanted = data.order?.split('.').map(Number) ?? [...byOrder.keys()].sort((a, b) => a - b);
  restored._nodes = wanted.map((order) => byOrder.get(order) as never);
  restored.children = Object.fromEntries(Object.keys(data.children).map((id) => [id, childRef(id)])) as never;
  freeze(restored.context, true);
  return restored;
}

/** All that XState asks of a child it only keeps a reference to. */
function childRef(id: string): unknown {
  return { id, getSnapshot: () => ({ status: 'active' }), send: () => {}, toJSON: () => ({ id }) };
}
