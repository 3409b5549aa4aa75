import type { StepDefinition } from '../saga/definition.ts';

/** Steps of which each depends on the one before it. */
export type Lane = readonly [StepDefinition, ...StepDefinition[]];

/** Of the region of a chain: it is called after its first step. */
export function laneName(first: StepDefinition): string {
  return `${first.name}Lane`;
}

/**
 * Covers the graph of steps with as few chains as possible: XState's cost grows with parallel regions, so a region
 * is a chain, not a step. By Dilworth's theorem the least number is the size of the largest set of steps of which
 * none depends on another; it is found as a maximum matching between steps and steps that come after them
 * (Fulkerson 1956), here by Kuhn's augmenting paths.
 */
export function lanesOf(steps: readonly StepDefinition[]): readonly Lane[] {
  const descendants = descendantsOf(steps);
  const next = new Int32Array(steps.length).fill(-1);
  const previous = new Int32Array(steps.length).fill(-1);
  const fixed = new Set(steps.flatMap((step) => step.loop?.body ?? []));
  // A loop stays in one lane: its next round begins where its first step is. Nothing outside follows a step inside.
  for (const { number, loop } of steps) for (const [i, step] of (loop?.body ?? []).entries()) link(step, loop?.body[i + 1] ?? number, next, previous);
  for (const step of steps) linkDirectly(step, next, previous);
  const free = descendants.map((later, number) => (fixed.has(number) ? new Set<number>() : new Set([...later].filter((one) => !isInside(one)))));
  for (const step of steps) if (next[step.number] === -1) augment(step.number, free, next, previous);
  return steps.filter((step) => previous[step.number] === -1).map((first) => follow(first, steps, next));

  /** Whether a step has its place behind another one of its loop. */
  function isInside(number: number): boolean {
    const before = previous[number] as number;
    return before !== -1 && fixed.has(before);
  }
}

function link(from: number, to: number, next: Int32Array, previous: Int32Array): void {
  next[from] = to;
  previous[to] = from;
}

/** A chain is the common case, and needs no search: each step follows its only dependency where that is free. */
function linkDirectly(step: StepDefinition, next: Int32Array, previous: Int32Array): void {
  if (previous[step.number] !== -1) return;
  const free = step.after.findLast((before) => next[before] === -1);
  if (free !== undefined) link(free, step.number, next, previous);
}

/** Finds a successor for `start`, moving others to another one where needed: breadth first, with no recursion. */
function augment(start: number, descendants: readonly Set<number>[], next: Int32Array, previous: Int32Array): void {
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    for (const candidate of descendants[step] as Set<number>) {
      if (cameFrom.has(candidate)) continue;
      cameFrom.set(candidate, step);
      const taken = previous[candidate] as number;
      if (taken !== -1) {
        queue.push(taken);
        continue;
      }
      let free = candidate;
      for (;;) {
        const from = cameFrom.get(free) as number;
        const released = next[from] as number;
        next[from] = free;
        previous[free] = from;
        if (from === start) return;
        free = released;
      }
    }
  }
}

function follow(first: StepDefinition, steps: readonly StepDefinition[], next: Int32Array): Lane {
  const lane: [StepDefinition, ...StepDefinition[]] = [first];
  for (let step = steps[next[first.number] as number]; step; step = steps[next[step.number] as number]) lane.push(step);
  return lane;
}

/** For each step the numbers of all that depend on it, directly or not, ascending. */
export function descendantsOf(steps: readonly StepDefinition[]): readonly Set<number>[] {
  const descendants = steps.map(() => new Set<number>());
  for (const step of [...steps].reverse()) {
    for (const before of step.after) {
      const all = descendants[before] as Set<number>;
      all.add(step.number);
      for (const later of descendants[step.number] as Set<number>) all.add(later);
    }
  }
  return descendants;
}
