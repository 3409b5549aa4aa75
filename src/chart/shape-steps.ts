import type { Shape, StateShape } from './fingerprint.ts';

/** A step as its chart tells of it. */
export interface StepOf {
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  /** Names of those that it comes after. */
  readonly after: readonly string[];
  /** The saga of which it is a run. */
  readonly child?: string;
  /** Whether it writes in the transaction of its commit. */
  readonly transact?: true;
  /** Whether it can be undone. */
  readonly undo: boolean;
  /** The path of its state while the run goes forward. */
  readonly path: string;
  /** The path of its state while it is undone; without one it has none. */
  readonly undoPath?: string;
}

/** The steps of a saga by their names, in their order; none of a workflow. */
export function stepsByName({ states, steps }: Shape): ReadonlyMap<string, StepOf> {
  const forward = pathsBelow(states, 'running');
  const back = pathsBelow(states, 'compensating');
  const named = (number: number): string => steps?.[number]?.[1] ?? String(number);
  return new Map(
    (steps ?? []).map(([number, name, kind, after, child, transact]) => {
      const undoPath = back.get(name);
      const step: StepOf = {
        number,
        name,
        kind,
        after: after.map(named),
        undo: undoPath !== undefined,
        path: forward.get(name) ?? `running.${name}`,
        ...(child ? { child } : {}),
        ...(transact ? { transact } : {}),
        ...(undoPath === undefined ? {} : { undoPath }),
      };
      return [name, step];
    }),
  );
}

/** Paths of the states of steps, by their names. */
function pathsBelow(root: StateShape, phase: string): ReadonlyMap<string, string> {
  const state = root.states.find(({ path }) => path === phase);
  const lanes = state?.type === 'parallel' ? state.states : state ? [state] : [];
  return new Map(lanes.flatMap((lane) => lane.states.map(({ path }) => [path.slice(path.lastIndexOf('.') + 1), path] as const)));
}

const LANE = /^(running|compensating)\.[^.]+Lane(?=\.|$)/;

/** A path without the lane that it lies in. */
export function plainPath(path: string): string {
  return path.replace(LANE, '$1');
}
