import { SagachartError } from '../../base/errors.ts';
import { statePaths } from '../../chart/path.ts';
import type { Definition } from '../../definitions.ts';
import { type Identity, sameIdentity } from '../../kernel/event.ts';
import { endOf } from '../../kernel/standing.ts';
import { type Child, EMPTY } from '../../kernel/state.ts';
import { explore, follow, startMove } from './explore.ts';
import { type Invariants, Judge, type Violation } from './judge.ts';
import { movesAt, type Spot } from './moves.ts';
import type { VerifyOptions } from './options.ts';
import type { Subject } from './subject.ts';
import { subjectOf } from './subject-of.ts';
import type { WorldModel } from './world.ts';

export interface ReplayOptions<World = unknown> {
  readonly path: readonly string[];
  readonly input?: unknown;
  readonly world?: WorldModel<World>;
  readonly invariants?: Invariants<World>;
  readonly signals?: VerifyOptions['signals'];
  readonly distinguish?: VerifyOptions['distinguish'];
  /** As they were when the path was found. Default: 2 attempts. */
  readonly limits?: { readonly attempts?: number };
}

/** One move of a path, and what it came to. */
export interface ReplayStep {
  readonly label: string;
  /** The attempt that ended with it: `hotel`, `hotel.undo`. */
  readonly child?: string;
  /** Attempts that began with it. */
  readonly began: readonly string[];
  readonly states: readonly string[];
  readonly world: unknown;
}

export interface Replay {
  readonly steps: readonly ReplayStep[];
  /** How the run ended; undefined if the path does not lead to its end. */
  readonly status: string | undefined;
  readonly violations: readonly Violation[];
}

/**
 * Goes one way through a saga that `verify` has found, move by move: for a test of what was wrong.
 * @throws SagachartError SC_VERIFY_PATH if the path leads nowhere: it is of another version of the saga
 */
export async function replay<World>(saga: Definition, options: ReplayOptions<World>): Promise<Replay> {
  const attempts = options.limits?.attempts ?? 2;
  const subject = subjectOf(saga, { ...options, world: options.world as WorldModel | undefined, attempts, rewinds: Number.POSITIVE_INFINITY });
  const violations: Violation[] = [];
  const judge = new Judge(subject, options.input, (options.invariants ?? {}) as Invariants, violations);
  await explore(subject, {
    input: options.input,
    mostStates: Number.POSITIVE_INFINITY,
    mostFaults: 0,
    reduce: false,
    judge: (taken) => judge.learn(taken),
    goOn: () => true,
    progress: () => {},
  });
  return { ...(await walk(subject, judge, options.path, options.input)), violations };
}

/** @param judge is told of each move */
export async function walk(subject: Subject, judge: Judge | undefined, path: readonly string[], input: unknown): Promise<Omit<Replay, 'violations'>> {
  const steps: ReplayStep[] = [];
  let spot: Spot = { state: EMPTY, world: subject.world.make(), rows: {} };
  let faults = 0;
  for (const [i, label] of path.entries()) {
    // What happens to one of several attempts alone is a move only where one order stands for all.
    const moves = i === 0 ? [startMove(subject, input, spot.world)] : [...(await movesAt(subject, spot, false)), ...(await movesAt(subject, spot, true))];
    const move = moves.find((one) => one.label === label);
    const { spot: after, findings } = move ? follow(subject, spot, move) : { spot: undefined, findings: [] };
    if (!move || !after) throw noSuchMove(subject.name, { label, place: i + 1, possible: moves.map((one) => one.label) });
    faults += move.faults;
    judge?.judge({ from: i - 1, to: i, first: true, move, after, findings, faults });
    const told = move.events.find((event) => 'child' in event);
    const began = Object.entries(after.state.data.children).filter(([id, { at }]) => !isAt(spot.state.data.children[id], at));
    steps.push({
      label,
      ...(told && 'child' in told ? { child: told.child } : {}),
      began: began.map(([id]) => id),
      states: statePaths(after.state.data.value),
      world: after.world,
    });
    spot = after;
  }
  return { steps, status: endOf(spot.state) };
}

function isAt(child: Child | undefined, at: Identity): boolean {
  return child !== undefined && sameIdentity(child.at, at);
}

function noSuchMove(
  saga: string,
  { label, place, possible }: { readonly label: string; readonly place: number; readonly possible: readonly string[] },
): SagachartError {
  return new SagachartError('SC_VERIFY_PATH', `saga ${saga}: move ${place} of the path cannot happen there: ${JSON.stringify(label)}`, {
    next: `The path is of another version of the saga, or of other limits: verify it again. What can happen there: ${possible.join('; ') || 'nothing'}.`,
    details: { saga, move: place, label },
  });
}
