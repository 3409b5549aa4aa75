import type { Shape } from '../fingerprint.ts';

export type Phase = 'running' | 'compensating' | 'held';

/** Where a run stands: what goes on in which step. */
export interface Standing {
  readonly phase: Phase;
  /** By the names of the steps: what is active below the state of each. */
  readonly active: ReadonlyMap<string, unknown>;
}

/** A chain of states of steps, one of which is active; and `ended` behind them. `resuming` is only passed through. */
export interface Chain {
  /** The state that they lie in, from the top. */
  readonly path: readonly string[];
  readonly steps: readonly string[];
}

/** Reads where a run stands from its state; undefined where a saga's chart has no such place. */
export function standingIn(value: unknown, { states }: Shape): Standing | undefined {
  if (value === 'held') return { phase: 'held', active: new Map() };
  if (typeof value !== 'object' || value === null) return undefined;
  const [[phase, below] = ['', undefined]] = Object.entries(value);
  if (phase !== 'running' && phase !== 'compensating') return undefined;
  const isWide = states.states.find(({ path }) => path === phase)?.type === 'parallel';
  const lanes: readonly unknown[] = isWide ? Object.values(below as object) : [below];
  const active = lanes.flatMap((lane) => (typeof lane === 'object' && lane !== null ? Object.entries(lane) : []));
  return { phase, active: new Map(active) };
}

/** The chains of a phase; none where the chart has no such phase. */
export function chainsOf({ states }: Shape, phase: Phase): readonly Chain[] {
  const state = states.states.find(({ path }) => path === phase);
  if (!state) return [];
  const lanes = state.type === 'parallel' ? state.states : [state];
  return lanes.map(({ path, states: below }) => ({
    path: path.split('.'),
    steps: below.map((step) => step.path.slice(path.length + 1)).filter((name) => name !== 'ended' && name !== 'resuming'),
  }));
}

/** The state of a phase in which each chain stands where it is said to. */
export function standingAt(phase: Phase, chains: readonly (Chain & { readonly at: unknown })[]): unknown {
  const [first] = chains;
  if (!first) return phase;
  if (first.path.length === 1) return { [phase]: first.at };
  return { [phase]: Object.fromEntries(chains.map(({ path, at }) => [path[1] as string, at])) };
}
