import { quoted } from '../base/quoted.ts';
import type { AddBlock } from './block.ts';
import { choicePart, loopPart, racePart } from './control.ts';
import { definitionError } from './error.ts';
import { freeName, type Plan, withStep } from './plan.ts';

/** What a verb is given, with a name in front where its author gave none. */
export function named(plan: Plan, verb: string, given: readonly unknown[], length: number): readonly [string, ...unknown[]] {
  return (given.length < length ? [freeName(plan, verb), ...given] : given) as readonly [string, ...unknown[]];
}

/** A choice, and behind its gate what the block adds. */
export function whenAdded(plan: Plan, given: readonly unknown[], add: AddBlock): Plan {
  const [name, condition, block] = named(plan, 'when', given, 3);
  const chosen = withStep(plan, choicePart(plan.saga, name, condition));
  const { steps, frontier } = add(block, { ...chosen, blocks: [...plan.blocks, 'when'], gate: chosen.steps.length - 1 }, '.when');
  return { ...plan, steps, frontier };
}

/** What the block adds, and behind it the step that goes around. */
export function loopAdded(plan: Plan, given: readonly unknown[], add: AddBlock): Plan {
  const [name, block, options] = named(plan, 'loop', given, 3);
  const { steps, frontier } = add(block, { ...plan, blocks: [...plan.blocks, 'loop'] }, '.loop');
  const body = steps.slice(plan.steps.length).map(({ number }) => number);
  if (body.length === 0) throw wrong(plan, '.loop: it has no steps', 'Give it a chain of steps.');
  return withStep({ ...plan, steps, frontier }, loopPart(plan.saga, name, body, options as never));
}

/** The steps that race, and behind them the one that sees who has won. */
export function raceAdded(plan: Plan, given: readonly unknown[], add: AddBlock): Plan {
  const [name, ...branches] = typeof given[0] === 'string' ? given : [freeName(plan, 'race'), ...given];
  if (branches.length < 2) throw wrong(plan, `.race: it has ${branches.length === 1 ? 'one branch' : 'no branches'}`, 'Give it at least two.');
  const first = plan.steps.length;
  const { steps, frontier } = fork({ ...plan, blocks: [...plan.blocks, 'race'] }, branches, '.race', add, plan);
  const runners = steps.slice(first).map(({ number }) => number);
  if (runners.length !== branches.length) throw wrong(plan, '.race: a branch has more or less than one step', 'Give each branch one step.');
  const racing = first + runners.length;
  const raced = steps.map((step) => (step.number < first ? step : { ...step, racing }));
  return withStep({ ...plan, steps: raced, frontier }, racePart(plan.saga, name as string, runners));
}

/** Branches side by side. */
export function parallelAdded(plan: Plan, branches: readonly unknown[], add: AddBlock): Plan {
  if (branches.length === 0) throw wrong(plan, '.parallel: it has no branches', 'Give it one chain for each branch.');
  return { ...plan, ...fork(plan, branches, '.parallel', add) };
}

/** One branch after another is added; all begin where the fork is. */
function fork(start: Plan, branches: readonly unknown[], verb: string, add: AddBlock, around: Plan = start): Pick<Plan, 'steps' | 'frontier'> {
  checkChain(around, verb);
  const ends: number[] = [];
  let { steps } = start;
  for (const [i, branch] of branches.entries()) {
    const built = add(branch, { ...start, steps }, `${verb}: branch ${i + 1}`);
    ({ steps } = built);
    ends.push(...built.frontier);
  }
  return { steps, frontier: [...new Set(ends)] };
}

/** @throws DefinitionError SC_DEFINITION_OPTION, SC_DEFINITION_BLOCK */
export function checkGraph(plan: Plan, build: unknown): void {
  if (typeof build !== 'function')
    throw wrong(plan, `.graph is given ${quoted(build)}, not a function`, 'Give a function that builds on the graph it is given.');
  checkChain(plan, '.graph');
}

/** What goes around must be a chain: two rounds would run side by side else. @throws DefinitionError SC_DEFINITION_BLOCK */
function checkChain({ saga, blocks }: Plan, verb: string): void {
  const block = blocks.find((one) => one !== 'when');
  if (!block) return;
  throw definitionError('SC_DEFINITION_BLOCK', { saga }, { what: `${verb} stands in a .${block}`, next: 'Use steps in a chain there.' });
}

function wrong({ saga }: Plan, what: string, next: string): Error {
  return definitionError('SC_DEFINITION_OPTION', { saga }, { what, next });
}
