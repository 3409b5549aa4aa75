import { decide } from '../../kernel/decide.ts';
import type { RunEvent } from '../../kernel/event.ts';
import { restore } from '../../kernel/snapshot.ts';
import { endOf } from '../../kernel/standing.ts';
import { EMPTY, type RunState, type StateData } from '../../kernel/state.ts';
import { PARENT } from './children.ts';
import { type Move, movesAt, type Spot } from './moves.ts';
import { named } from './named.ts';
import { normalForm } from './normal.ts';
import { RUN_ID } from './perform.ts';
import type { Finding } from './rules.ts';
import { type Rows, withRows } from './running.ts';
import { ENTERED, type Subject } from './subject.ts';

/** A place that was found, and how it was reached first. */
export interface Found {
  readonly parent: number;
  readonly label: string;
  /** The fewest faults it is reached with. */
  readonly faults: number;
  readonly ends: boolean;
}

export interface Exploration {
  readonly found: readonly Found[];
  /** From where to where, as two numbers each. */
  readonly edges: readonly number[];
  /** Of how many moves something went wrong in. */
  readonly faultsTried: number;
  /** Everything with up to this many faults in one run was gone through; Infinity if that is all there is. */
  readonly depth: number;
  /** Ids of states. */
  readonly entered: ReadonlySet<string>;
  /** Ids of invocations. */
  readonly called: ReadonlySet<string>;
}

export interface ExploreOptions {
  readonly input: unknown;
  readonly mostStates: number;
  readonly mostFaults: number;
  readonly reduce: boolean;
  /** Judges what a move came to; true ends the exploration at once. */
  judge(step: Taken): boolean;
  /** Whether runs with one more fault are to be looked at. */
  goOn(): boolean;
  progress(states: number, faults: number): void;
}

/** A move that was taken, for whoever judges it. */
export interface Taken {
  /** Number of the place it was taken from, and of that it led to. */
  readonly from: number;
  readonly to: number;
  /** Whether nothing has led there with as few faults before. */
  readonly first: boolean;
  readonly move: Move;
  readonly after: Spot;
  readonly findings: readonly Finding[];
  /** On the way there. */
  readonly faults: number;
}

interface Waiting {
  readonly number: number;
  readonly seq: number;
  readonly data: StateData;
  readonly world: unknown;
  readonly rows: Rows;
}

/** Wall time of every decision: deadlines are of no account here. */
const NOW = 1_000_000;
/** States gone through between two reports. */
const BETWEEN_PROGRESS = 100;

/**
 * Goes through everything that can happen to a run, first with no fault, then with one, and so on, so that what is
 * found is found with as few as it takes. Each state is read back from its data before it goes on: as after a crash.
 */
export async function explore(subject: Subject, options: ExploreOptions): Promise<Exploration> {
  const numbers = new Map<string, number>();
  const found: Found[] = [];
  const edges: number[] = [];
  const entered = new Set<string>();
  const called = new Set<string>();
  const queues: Waiting[][] = [];
  let faultsTried = 0;
  let done = 0;

  const arrive = ({ state, world, rows }: Spot, how: Pick<Found, 'parent' | 'label' | 'faults'>): { readonly number: number; readonly first: boolean } => {
    const form = normalForm(subject, state.data, { world, rows });
    const known = numbers.get(form);
    if (known !== undefined && (found[known] as Found).faults <= how.faults) return { number: known, first: false };
    const number = known ?? found.length;
    found[number] = { ...how, ends: endOf(state) !== undefined };
    numbers.set(form, number);
    for (const id of Object.keys(state.data.children)) called.add(id);
    while (queues.length <= how.faults) queues.push([]);
    queues[how.faults]?.push({ number, seq: state.seq, data: state.data, world, rows });
    return { number, first: true };
  };

  /** Takes a move, and says whether to go on. */
  const take = (from: number, before: Spot, move: Move): boolean => {
    if (move.faults > 0) faultsTried++;
    const { spot, findings } = follow(subject, before, move, (id) => entered.add(id));
    if (!spot) return true;
    const faults = (found[from]?.faults ?? 0) + move.faults;
    const { number: to, first } = arrive(spot, { parent: from, label: move.label, faults });
    if (from >= 0) edges.push(from, to);
    return !options.judge({ from, to, first, move, after: spot, findings, faults });
  };

  const world = subject.world.make();
  if (!take(-1, { state: EMPTY, world, rows: {} }, startMove(subject, options.input, world))) return ended(-1);
  for (let faults = 0; faults < queues.length; faults++) {
    if (faults > options.mostFaults) return ended(options.mostFaults);
    if (!options.goOn()) return ended(faults - 1);
    // Grows while it is gone through.
    const queue = queues[faults] ?? [];
    for (let next = 0; next < queue.length; next++) {
      const { number, seq, data, world: at, rows } = queue[next] as Waiting;
      // What was gone through is not needed any more, and there is much of it.
      queue[next] = undefined as never;
      // It was reached with fewer since, and gone through then.
      if ((found[number] as Found).faults < faults) continue;
      if (found.length > options.mostStates) return ended(faults - 1);
      if (done++ % BETWEEN_PROGRESS === 0) options.progress(found.length, faults);
      const spot: Spot = { state: { seq, data, snapshot: restore(subject.program.chart.machine, data) }, world: at, rows };
      for (const move of await movesAt(subject, spot, options.reduce)) if (!take(number, spot, move)) return ended(faults - 1);
    }
    queues[faults] = [];
  }
  return ended(Number.POSITIVE_INFINITY);

  function ended(depth: number): Exploration {
    return { found, edges, faultsTried, depth, entered, called };
  }
}

/** What can be undone as a unit is begun by a parent: that it also runs without one leaves out what it comes to at its end. */
export function startMove({ definition }: Subject, input: unknown, world: unknown): Move {
  const parent = definition?.nested ? { parent: { ...PARENT, holds: true as const } } : {};
  return { label: 'the run starts', events: [{ type: 'started', run: RUN_ID, input, ...parent }], world, faults: 0 };
}

/** What a move comes to: each of its events is one commit. No spot if nothing of it is accepted. */
export function follow(
  subject: Subject,
  before: Spot,
  { events, world }: Move,
  entered: (state: string) => void = () => {},
): { readonly spot: Spot | undefined; readonly findings: readonly Finding[] } {
  let state: RunState = before.state;
  let { rows } = before;
  const findings: Finding[] = [];
  for (const event of events) {
    const decision = decide(subject.program.chart, state, event, NOW);
    if (decision.kind !== 'decided') continue;
    for (const { type, params } of decision.effects.actions) if (type === ENTERED) entered(String(params));
    findings.push(
      ...subject.rules.transition(state, decision),
      ...secondDelivery(subject, decision.state, event),
      ...whilePaused(subject, state, { event, after: decision.state, around: { world, rows: withRows(rows, decision.items) } }),
    );
    state = decision.state;
    rows = withRows(rows, decision.items);
  }
  return { spot: state === before.state ? undefined : { state, world, rows }, findings };
}

/**
 * Pausing a run puts off what begins, and changes nothing else: what happens while it is paused comes to the same once it
 * is resumed. A timer waits, so it is told of first.
 */
function whilePaused(
  subject: Subject,
  before: RunState,
  { event, after, around }: { readonly event: RunEvent; readonly after: RunState; readonly around: Parameters<typeof normalForm>[2] },
): readonly Finding[] {
  const { chart } = subject.program;
  if (event.type === 'due' || event.type === 'terminated' || before.data.status !== 'active' || after.data.faults) return [];
  const states = [{ type: 'paused' } as const, event, { type: 'resumed' } as const].reduce<RunState | undefined>((state, one) => {
    const decision = state && decide(chart, state, one, NOW);
    return decision?.kind === 'decided' ? decision.state : one.type === 'resumed' ? state : undefined;
  }, before);
  const same = states && normalForm(subject, states.data, around) === normalForm(subject, after.data, around);
  if (same) return [];
  return [
    {
      rule: 'a pause puts off what begins, and changes nothing else',
      message: `${event.type} of a paused run came to something else`,
      next: 'Look at how the kernel holds back what begins.',
    },
  ];
}

/** What has been taken once, and what comes from an older attempt or timer, changes nothing. */
function secondDelivery({ program: { chart } }: Subject, state: RunState, event: RunEvent): readonly Finding[] {
  if (!('at' in event)) return [];
  // No commit has the number 0.
  const stale: RunEvent[] = [event];
  for (const [id, { at }] of Object.entries(state.data.children)) stale.push({ type: 'succeeded', child: id, at: [0, at[1]], output: undefined });
  for (const { id, at } of Object.values(state.data.timers)) stale.push({ type: 'due', timer: id, at: [0, at[1]] });
  return stale.flatMap((one) => {
    if (decide(chart, state, one, NOW).kind !== 'decided') return [];
    const what = 'child' in one ? named(one.child) : 'timer' in one ? one.timer : one.type;
    return [
      {
        rule: 'nothing stale lands' as const,
        message: `${one.type} of ${what} was taken a second time, or from an older one`,
        next: 'Look at how the kernel tells invocations apart.',
      },
    ];
  });
}
