import { canonical } from '../base/encoding.ts';
import type { Shape, StateShape, StepShape, TransitionShape } from './fingerprint.ts';
import { plainPath, type StepOf, stepsByName } from './shape-steps.ts';

/** How many differences are told where they stand beside something else. */
export const FEW = 4;

/** What became of a chart, in words, one thing a line: steps first, then states, then transitions. Empty if nothing did. */
export function differences(before: Shape, after: Shape): readonly string[] {
  const steps = stepDifferences(before, after);
  const gone = new Set([...added(after, before), ...added(before, after)]);
  const states = stateDifferences(read(before, gone), read(after, gone), steps.length > 0);
  return [...steps, ...states];
}

/** The first of them, and how many more there are. */
export function inShort(lines: readonly string[], most = FEW): string {
  const more = lines.length - most;
  return [...lines.slice(0, most), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function added(shape: Shape, than: Shape): readonly string[] {
  const known = new Set(than.steps?.map(([, name]) => name));
  return shape.steps?.flatMap(([, name]) => (known.has(name) ? [] : [name])) ?? [];
}

function stepDifferences(before: Shape, after: Shape): readonly string[] {
  const was = stepsByName(before);
  const is = stepsByName(after);
  const lines: string[] = [];
  for (const [name, step] of was) if (!is.has(name)) lines.push(`${about(step)} was removed`);
  for (const [name, step] of is) {
    const old = was.get(name);
    if (old === undefined) lines.push(`${about(step)} was added${step.after.length > 0 ? ` after ${step.after.join(', ')}` : ''}`);
    else lines.push(...changesOf(old, step));
  }
  return lines;
}

function about({ name, kind }: StepOf): string {
  return `${kind === 'step' ? 'step' : `the ${kind}`} ${name}`;
}

function changesOf(old: StepOf, step: StepOf): readonly string[] {
  const { name } = step;
  return [
    ...(old.kind === step.kind ? [] : [`step ${name} was a ${old.kind}, and is a ${step.kind}`]),
    ...(old.child === step.child ? [] : [`step ${name} was a run of ${old.child ?? 'nothing'}, and is one of ${step.child ?? 'nothing'}`]),
    ...(old.after.join() === step.after.join()
      ? []
      : [`step ${name} came after ${old.after.join(', ') || 'nothing'}, and comes after ${step.after.join(', ') || 'nothing'}`]),
    ...(old.transact === step.transact
      ? []
      : [`step ${name} ${step.transact ? 'writes in a transaction with the run now' : 'no longer writes in a transaction with the run'}`]),
    ...(old.undo === step.undo ? [] : [`step ${name} ${step.undo ? 'has an undo now' : 'has no undo any more'}`]),
  ];
}

/** The states of a chart by the path that people read, and the names of steps by their numbers. */
interface Read {
  readonly states: ReadonlyMap<string, StateShape>;
  readonly steps: readonly StepShape[];
  readonly id: string;
}

/** @param without names of steps that are told of as such */
function read({ states, steps }: Shape, without: ReadonlySet<string>): Read {
  const all = new Map<string, StateShape>();
  const visit = (state: StateShape, inside: boolean): void => {
    const path = plainPath(state.path);
    const own = path.split('.')[1];
    // Where a run goes on from after a rewind follows from its steps.
    if (inside && steps !== null && own !== undefined && (without.has(own) || own === 'resuming')) return;
    // A lane has the path of what it lies in.
    if (!all.has(path)) all.set(path, state);
    for (const child of state.states) visit(child, true);
  };
  visit(states, false);
  return { states: all, steps: steps ?? [], id: '' };
}

/** What a step waits for, and whether it has to, follows from which steps there are. */
const FOLLOWS = /\.(waiting|notStarted|nothingToUndo)$/;

function stateDifferences(before: Read, after: Read, stepsDiffer: boolean): readonly string[] {
  const lines: string[] = [];
  const isTold = (path: string): boolean => !(stepsDiffer && FOLLOWS.test(path));
  const tells = (path: string, other: Read): boolean => !other.states.has(path) && other.states.has(parentOf(path));
  for (const path of before.states.keys()) if (isTold(path) && tells(path, after)) lines.push(`state ${path} was removed`);
  for (const path of after.states.keys()) if (isTold(path) && tells(path, before)) lines.push(`state ${path} was added`);
  for (const [path, state] of after.states) {
    const old = before.states.get(path);
    if (old && isTold(path)) lines.push(...insideOf(path, { old, before, state, after, stepsDiffer }));
  }
  return lines;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

interface Pair {
  readonly old: StateShape;
  readonly before: Read;
  readonly state: StateShape;
  readonly after: Read;
  readonly stepsDiffer: boolean;
}

function insideOf(path: string, pair: Pair): readonly string[] {
  const { old, before, state, after, stepsDiffer } = pair;
  const where = path === '' ? 'the chart' : path;
  const lines: string[] = [];
  const was = transitionsOf(old, before);
  const is = transitionsOf(state, after);
  for (const [event, transitions] of was) {
    // Where a step leads to when it has ended follows from which steps there are.
    if (stepsDiffer && event === 'its end') continue;
    const now = is.get(event);
    if (now === undefined) lines.push(`${where}: it hears ${event} no more`);
    else lines.push(...between(`${where}, ${event}`, transitions, now));
  }
  for (const event of is.keys()) if (!was.has(event) && !(stepsDiffer && event === 'its end')) lines.push(`${where}: it hears ${event}`);
  for (const part of ['entry', 'exit', 'invoke'] as const) {
    if (canonical(clear(old[part], before)) !== canonical(clear(state[part], after))) lines.push(`${where}: ${PARTS[part]} changed`);
  }
  if (old.type !== state.type && !hasLanes(path)) lines.push(`${where}: it was ${old.type}, and is ${state.type}`);
  return lines;
}

const PARTS = { entry: 'its entry actions have', exit: 'its exit actions have', invoke: 'what it invokes has' };

/** Whether there are lanes in it follows from the steps. */
function hasLanes(path: string): boolean {
  return path === 'running' || path === 'compensating';
}

/** Each as a text, by what is heard of. */
function transitionsOf(state: StateShape, read: Read): ReadonlyMap<string, readonly string[]> {
  const all: [string, readonly string[]][] = state.on.map(([event, transitions]) => [eventText(event), transitions.map((one) => transitionText(one, read))]);
  if (state.always.length > 0) all.push(['at once', state.always.map((one) => transitionText(one, read))]);
  return new Map(all);
}

function eventText(event: string): string {
  const [, kind, ...rest] = event.split('.');
  if (!event.startsWith('xstate.')) return event;
  if (kind === 'after') return `the delay ${rest.slice(0, 2).join('.')}`;
  return rest[0] === 'state' ? 'its end' : `${kind === 'error' ? 'an error' : 'the result'} of ${rest.slice(1).join('.')}`;
}

function transitionText({ target, guard, actions, reenter }: TransitionShape, read: Read): string {
  const to = target === null ? 'stays' : `goes to ${target.map(targetText).join(', ')}`;
  const when = guard === null ? '' : ` if ${called(guard, read)}`;
  const does = actions.length === 0 ? '' : ` and does ${actions.map((action) => called(action, read)).join(', ')}`;
  return `${to}${when}${does}${reenter ? ' anew' : ''}`;
}

function targetText(id: string): string {
  const [, ...path] = id.split('.');
  return plainPath(path.join('.')) || id;
}

function called(reference: unknown, read: Read): string {
  const plain = clear(reference, read);
  if (typeof plain === 'string') return plain;
  const { type, function: name, params, ...rest } = plain as { readonly type?: string; readonly function?: string; readonly params?: object };
  const more = [...Object.values(params ?? {}), ...Object.values(rest)].flat().map((one) => (typeof one === 'object' ? canonical(one) : String(one)));
  return `${type ?? name}${more.length > 0 ? `(${more.join(', ')})` : ''}`;
}

const STEP_FIELDS: ReadonlySet<string> = new Set(['step', 'steps', 'gate', 'race']);

/** With names where numbers of steps stand: those shift with each step that is added. */
function clear(value: unknown, read: Read, field = ''): unknown {
  if (typeof value === 'number' && STEP_FIELDS.has(field)) return read.steps[value]?.[1] ?? value;
  if (Array.isArray(value)) return value.map((one) => clear(one, read, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, clear(one, read, key)]));
}

function between(where: string, was: readonly string[], is: readonly string[]): readonly string[] {
  const gone = was.filter((one) => !is.includes(one)).map((one) => `${where}: it no longer ${one}`);
  const come = is.filter((one) => !was.includes(one)).map((one) => `${where}: now it ${one}`);
  if (gone.length + come.length > 0) return [...gone, ...come];
  return was.join() === is.join() ? [] : [`${where}: its transitions are tried in another order`];
}
