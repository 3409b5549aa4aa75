import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { descendantsOf } from './lanes.ts';

interface Edge {
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
  readonly label: string;
}

/** The whole chart as a Mermaid state diagram. */
export function mermaid(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2'];
  const edges: Edge[] = [];
  writeStates(machine.root, lines, edges, 1);
  for (const { source, target, label } of edges) lines.push(`  ${idOf(source)} --> ${idOf(target)}${label ? `: ${label}` : ''}`);
  return `${lines.join('\n')}\n`;
}

function writeStates(node: AnyStateNode, lines: string[], edges: Edge[], depth: number): void {
  const indent = '  '.repeat(depth);
  if (node.type === 'compound') lines.push(`${indent}[*] --> ${idOf(node.initial.target?.[0] as AnyStateNode)}`);
  const children = Object.values(node.states) as AnyStateNode[];
  children.forEach((child, place) => {
    if (node.type === 'parallel' && place > 0) lines.push(`${indent}--`);
    lines.push(`${indent}state "${labelOf(child)}" as ${idOf(child)}`);
    if (child.type === 'compound' || child.type === 'parallel') {
      lines.push(`${indent}state ${idOf(child)} {`);
      writeStates(child, lines, edges, depth + 1);
      lines.push(`${indent}}`);
    } else {
      edges.push(...edgesOf(child));
    }
    if (child.type === 'final') lines.push(`${indent}${idOf(child)} --> [*]`);
  });
  edges.push(...edgesOf(node));
}

function edgesOf(node: AnyStateNode): readonly Edge[] {
  const always = (node.always ?? []).map((transition) => ['', transition] as const);
  const events = [...node.transitions].flatMap(([event, transitions]) => transitions.map((transition) => [event, transition] as const));
  return [...events, ...always].flatMap(([event, transition]) =>
    ((transition.target ?? []) as readonly AnyStateNode[]).map((target) => ({
      source: node,
      target,
      label: [eventLabel(event), guardLabel(transition.guard)].filter(Boolean).join(' '),
    })),
  );
}

function labelOf(node: AnyStateNode): string {
  const { child } = (node.parent?.meta ?? {}) as { readonly child?: string };
  if (child && node.invoke.length > 0) return `${node.key} (saga ${child})`;
  return node.invoke.length > 0 ? `${node.key} (${node.invoke.map(({ src }: { src: unknown }) => String(src)).join(', ')})` : node.key;
}

/** XState's own events, as people say them. */
function eventLabel(event: string): string {
  if (event.startsWith('xstate.done.actor.') || event.startsWith('xstate.done.state.')) return 'done';
  if (event.startsWith('xstate.error.actor.')) return 'error';
  const after = /^xstate\.after\.(.+?)\.[^.]+\.(running|compensating)\b/.exec(event) ?? /^xstate\.after\.([^.]+)\./.exec(event);
  return after ? `after ${after[1]}` : event;
}

function guardLabel(guard: unknown): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return `[${guard}]`;
  const { type, params } = guard as { readonly type?: string; readonly params?: { readonly to?: string } };
  return `[${type ?? 'guard'}${params?.to ? ` ${params.to}` : ''}]`;
}

function idOf(node: AnyStateNode): string {
  return node.path.length === 0 ? 'root' : node.path.map((part) => part.replaceAll(/\W/g, '_')).join('__');
}

/** The saga folded to one state a step: what depends on what going forward, and in which order it is undone. */
export function foldedMermaid({ steps }: SagaDefinition): string {
  const lines = ['flowchart TD', '  started([started])', '  completed([completed])'];
  const undoable = steps.filter(({ compensate }) => compensate);
  if (undoable.length > 0) lines.push('  compensated([compensated])');
  for (const step of steps) {
    lines.push(`  s${step.number}${shapeOf(step)}`);
    if (step.compensate) lines.push(`  u${step.number}["undo ${step.child ? `${step.name}: saga ${step.child.name}` : step.name}"]`);
  }
  const followed = new Set(steps.flatMap(({ after }) => after));
  for (const { number, after } of steps) {
    if (after.length === 0) lines.push(`  started --> s${number}`);
    for (const before of after) lines.push(`  s${before} --> s${number}`);
    if (!followed.has(number)) lines.push(`  s${number} --> completed`);
  }
  for (const { number, loop } of steps) if (loop) lines.push(`  s${number} -- "another round" --> s${loop.body[0]}`);
  for (const { number } of undoable) lines.push(`  s${number} -. "may have happened" .-> u${number}`);
  const descendants = descendantsOf(steps);
  const dependsOn = (later: number, earlier: number): boolean => (descendants[earlier] as Set<number>).has(later);
  for (const { number } of undoable) {
    const earlier = undoable.filter((other) => dependsOn(number, other.number));
    const next = earlier.filter((other) => !earlier.some((between) => dependsOn(between.number, other.number)));
    for (const before of next) lines.push(`  u${number} --> u${before.number}`);
    if (next.length === 0) lines.push(`  u${number} --> compensated`);
  }
  return `${lines.join('\n')}\n`;
}

/** A pivot is a hexagon, what decides a diamond, a savepoint a store, what waits a flag, a map has double walls; what a run may go on without is round. */
function shapeOf({ name, kind, wait, map, optional, fallback, gate, approval }: StepDefinition): string {
  if (approval) return `>"${name} (approval)"]`;
  if (map) return `[["${name} (each item)"]]`;
  switch (kind) {
    case 'pivot':
      return `{{"${name} (pivot)"}}`;
    case 'choice':
    case 'loop':
    case 'race':
      return `{"${name}"}`;
    case 'savepoint':
      return `[("${name}")]`;
    case 'sleep':
      return `>"${name}"]`;
    case 'wait':
      return `>"${name} (signal ${wait?.signal})"]`;
    default:
      return optional || fallback || gate !== undefined ? `("${name}${optional ? ' (optional)' : fallback ? ' (has a fallback)' : ''}")` : `["${name}"]`;
  }
}
