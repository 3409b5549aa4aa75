import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { Migration } from '../../saga/migration.ts';
import type { SagaContext } from '../context.ts';
import type { Shape } from '../fingerprint.ts';
import { descendantsOf } from '../lanes.ts';
import { mustBeUndone } from '../settlement.ts';
import { type Carried, type Entrance, NotCarried, type Stored } from './carried.ts';
import { carriedChildren, carriedItems, carriedTimers } from './invocations.ts';
import { type Names, namesOf } from './names.ts';
import { type Chain, chainsOf, type Phase, type Standing, standingAt, standingIn } from './place.ts';
import { carriedContext, passedRecord } from './records.ts';

/** What a run is carried over to. */
export interface CarryTo {
  readonly shape: Shape;
  readonly definition: SagaDefinition;
  readonly migration: Migration | undefined;
}

/**
 * A run of a saga as another version of it has it: each record goes to the step of its name, and what goes on goes on
 * there. What a step did keeps its undo and its keys. Pure.
 * @param from the chart that the run was on
 * @throws NotCarried with the reason, where that is not clear
 */
export function carry(stored: Stored, from: Shape, { shape, definition, migration }: CarryTo): Carried {
  const names = namesOf(from, definition, migration);
  if (stored.value === null) return { ...stored, enter: [], items: [] };
  const standing = standingIn(stored.value, from);
  if (!standing) throw new NotCarried(`it stands in ${JSON.stringify(stored.value)}, which is no place of a saga`);
  const carried = carriedContext(stored.context as SagaContext, names, { definition, migration });
  const active = activeSteps(standing, names, { definition, shape });
  if (carried.cause !== null && definition.onFailure === 'forward') throw new NotCarried('it is to be undone, and nothing is undone in this version');
  const context = passedOver(carried, { definition, migration, names, active, phase: standing.phase });
  const placed = standing.phase === 'held' ? held(definition) : placedIn(standing.phase, { shape, definition, context, active });
  return {
    value: placed.value,
    context,
    children: carriedChildren(stored.children, names),
    timers: carriedTimers(stored.timers, { names, standing, shape, definition }),
    enter: placed.enter,
    items: carriedItems(stored, names),
  };
}

/** What is active below each step that goes on, by the new names. @throws NotCarried */
function activeSteps(
  { phase, active }: Standing,
  { byOldName }: Names,
  { definition, shape }: { readonly definition: SagaDefinition; readonly shape: Shape },
): ReadonlyMap<string, unknown> {
  const going = new Map<string, unknown>();
  for (const [name, below] of active) {
    const pair = byOldName.get(name);
    if (!pair?.step) throw new NotCarried(`it stands in step ${name}, which is gone`);
    const { old, step } = pair;
    // It has not begun: whether there is still something to wait for is found out anew.
    if (below === 'waiting') continue;
    if (old.kind !== step.kind) throw new NotCarried(`it stands in step ${name}, which was a ${old.kind}, and is a ${step.kind}`);
    if (!hasState(shape, phase, step.name, below))
      throw new NotCarried(`it stands in ${phase}.${name}.${pathText(below)}, which version ${definition.version} does not have`);
    going.set(step.name, below);
  }
  return going;
}

function hasState({ states }: Shape, phase: Phase, step: string, below: unknown): boolean {
  const lanes = states.states.find(({ path }) => path === phase);
  const inLanes = lanes?.type === 'parallel' ? lanes.states.flatMap((lane) => lane.states) : (lanes?.states ?? []);
  let state = inLanes.find(({ path }) => path.endsWith(`.${step}`));
  let value = below;
  while (state && value !== undefined) {
    const [name, deeper] = typeof value === 'string' ? [value, undefined] : (Object.entries(value as object)[0] ?? ['', undefined]);
    state = state.states.find(({ path }) => path.endsWith(`.${name}`));
    value = deeper;
  }
  return state !== undefined;
}

function pathText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, below] = ['', '']] = Object.entries(value as object);
  return `${name}.${pathText(below)}`;
}

interface Passing {
  readonly definition: SagaDefinition;
  readonly migration: Migration | undefined;
  readonly names: Names;
  readonly active: ReadonlyMap<string, unknown>;
  readonly phase: Phase;
}

/** With what the migration says of steps that the run has passed before they were there. @throws NotCarried */
function passedOver(given: SagaContext, { definition, migration, names, active, phase }: Passing): SagaContext {
  let context = given;
  const later = descendantsOf(definition.steps);
  // Of what is being undone only that counts which it comes back to.
  const last = phase === 'compensating' ? (given.backTo ?? -1) : definition.steps.length;
  const isActive = ({ name }: StepDefinition): boolean => phase === 'running' && active.has(name);
  for (const step of definition.steps) {
    if (step.number > last || isSettled(context, step)) continue;
    const behind =
      phase === 'held' ? [step] : definition.steps.filter((other) => later[step.number]?.has(other.number) && (isActive(other) || isSettled(context, other)));
    const [first] = phase === 'compensating' ? [step] : behind;
    if (!first) continue;
    if (isActive(step)) throw new NotCarried(`step ${step.name}, which is under way, comes before ${first.name} now, which the run has come to`);
    if (!migration?.passed || !Object.hasOwn(migration.passed, step.name)) throw new NotCarried(whyNot(step, first, names));
    const steps = [...context.steps];
    while (steps.length < step.number) steps.push(null);
    steps[step.number] = passedRecord(step, context, { definition, migration });
    context = { ...context, steps };
  }
  return context;
}

function whyNot({ name }: StepDefinition, first: StepDefinition, { byNewName }: Names): string {
  const isNew = !byNewName.has(name);
  const where = first.name === name ? 'the run would not come to it any more' : `the run has come to ${first.name}, which is behind it`;
  return `step ${name} ${isNew ? 'is new' : 'has not been done'}, and ${where}: say in \`passed\` what it counts as`;
}

function isSettled({ steps }: SagaContext, { number }: StepDefinition): boolean {
  const status = steps[number]?.status ?? 'open';
  return status !== 'open' && status !== 'undoing';
}

interface Placing {
  readonly shape: Shape;
  readonly definition: SagaDefinition;
  readonly context: SagaContext;
  readonly active: ReadonlyMap<string, unknown>;
}

interface Placed {
  readonly value: unknown;
  readonly enter: readonly Entrance[];
}

function held({ nested, version }: SagaDefinition): Placed {
  if (!nested) throw new NotCarried(`it waits for its parent, and version ${version} is not nested`);
  return { value: 'held', enter: [] };
}

/** Each chain where it stands; one that begins with a step that was not under way stands at its end, and is entered from there. */
function placedIn(phase: 'running' | 'compensating', { shape, definition, context, active }: Placing): Placed {
  const chains = chainsOf(shape, phase);
  if (chains.length === 0) throw new NotCarried(`it is being undone, and nothing can be undone in version ${definition.version}`);
  const byName = new Map(definition.steps.map((step) => [step.name, step]));
  /** It must not be come to again. */
  const isDone = (name: string): boolean => {
    const step = byName.get(name) as StepDefinition;
    return phase === 'running' ? isSettled(context, step) : (context.undos[step.number]?.status ?? 'open') !== 'open';
  };
  const isOver = (name: string): boolean => isDone(name) || (phase === 'compensating' && !mustBeUndone(context, (byName.get(name) as StepDefinition).number));
  const enter: Entrance[] = [];
  const placed = chains.map((chain) => {
    const name = chain.steps.find((step) => active.has(step) || !isOver(step));
    checkOrder(chain, name, { active, isDone, phase });
    if (name !== undefined && active.has(name)) return { ...chain, at: { [name]: active.get(name) } };
    if (name !== undefined && (phase === 'compensating' || context.cause === null)) enter.push({ path: chain.path, state: name });
    return { ...chain, at: 'ended' };
  });
  const stands = placed.some(({ at }) => at !== 'ended');
  // Where nothing is left to do the phase is over: it is told so by coming to an end once more.
  if (!stands && enter.length === 0) enter.push({ path: (chains[0] as Chain).path, state: 'ended' });
  return { value: standingAt(phase, placed), enter };
}

/** Behind where a chain goes on nothing may be done already: it would be done once more. @throws NotCarried */
function checkOrder(
  { steps }: Chain,
  at: string | undefined,
  { active, isDone, phase }: { readonly active: ReadonlyMap<string, unknown>; readonly isDone: (name: string) => boolean; readonly phase: Phase },
): void {
  if (at === undefined) return;
  const behind = steps.slice(steps.indexOf(at) + 1);
  const done = behind.find((name) => active.has(name) || isDone(name));
  if (done !== undefined) throw new NotCarried(`${phase === 'running' ? done : `the undo of ${done}`} comes after ${at} now, and the run has come to it`);
}
