import type { AnyMachineSnapshot, EventObject } from 'xstate';
import { BusyError, HardError, SagachartError } from '../../base/errors.ts';
import { thrownFailure } from '../../base/failure.ts';
import { compileSaga } from '../../chart/chart.ts';
import { statePaths } from '../../chart/path.ts';
import type { AnySaga } from '../../saga/any-saga.ts';
import { classify } from '../../saga/classify.ts';
import { happened } from '../../saga/verdict.ts';
import { type Harness, harness } from '../harness/harness.ts';
import { later, runs, type ScriptedOutcome, succeeds, throws } from '../harness/script.ts';
import { withStandIns } from '../harness/stand-in.ts';
import { withEffects } from '../verify/effects.ts';
import { PlaceGraph } from '../verify/graph.ts';
import { named } from '../verify/named.ts';
import { sagaContextForm } from '../verify/normal.ts';
import { cut } from '../verify/subject-of.ts';
import { type Edge, edgesOf, shortestWays, simpleWays, type Traversal, type Way } from './chart-graph.ts';
import { MapPaths, withOneItem } from './map-paths.ts';
import type { PathOptions, PathOutcome } from './options.ts';
import { isTransactional } from './transactional.ts';

/** One attempt of a path. */
export interface PathMove {
  /** `hotel`, `hotel.check`, `hotel.undo`; `cancel`. */
  readonly attempt: string;
  readonly outcome: PathOutcome | 'is asked for';
}

export interface ChartPath {
  /** A readable name for a test: `reaches compensated: flight succeeds → hotel is refused → undo of flight succeeds` */
  readonly name: string;
  /** A final state, or `attention`. */
  readonly end: string;
  readonly moves: readonly PathMove[];
  /** States it comes through. */
  readonly states: readonly string[];
  /**
   * Runs it durably, on a harness, and throws unless it ends there, with the same attempts.
   * @param given services for attempts that succeed, or the results they succeed with
   */
  check(given?: { readonly services?: unknown; readonly results?: Readonly<Record<string, unknown>>; readonly input?: unknown }): Promise<void>;
}

export interface Coverage {
  readonly states: Covered;
  readonly transitions: Covered;
  readonly outcomes: Covered;
}

export interface Covered {
  readonly covered: number;
  readonly total: number;
  readonly missing: readonly string[];
}

const ALL: readonly PathOutcome[] = ['succeeds', 'is refused', 'gets no answer'];
const DEFAULTS = { outcomes: ALL, attempts: 1, cancel: false, limit: 10_000 };

/** A path as short as can be to each end of a saga's chart, in each of its outcomes, and to each place where a person is needed. */
export function shortestPaths(saga: AnySaga, options: PathOptions = {}): readonly ChartPath[] {
  const { machine, traversal } = chartOf(saga, options);
  return shortestWays(machine, traversal).map((way) => pathOf(saga, way));
}

/**
 * Every path to an end that comes to no place twice.
 * @throws SagachartError SC_PATHS, before anything takes long, if there are more than the limit
 */
export function simplePaths(saga: AnySaga, options: PathOptions = {}): readonly ChartPath[] {
  const { machine, traversal } = chartOf(saga, options);
  const { limit } = traversal;
  const edges = edgesOf(machine, traversal);
  if (!edges) throw tooMany(saga, `more than ${limit} places`, limit);
  const count = countOf(edges, traversal);
  if (count > limit) throw tooMany(saga, `${count} simple paths, more than the limit of ${limit}`, limit);
  return simpleWays(machine, traversal).map((way) => pathOf(saga, way));
}

function tooMany(saga: AnySaga, what: string, limit: number): SagachartError {
  return new SagachartError('SC_PATHS', `saga ${saga.name} has ${what}`, {
    next: 'Steps side by side multiply them: use shortestPaths, fewer outcomes, or raise the limit.',
    details: { saga: saga.name, limit },
  });
}

/** What of a chart some paths come through. */
export function coverage(saga: AnySaga, paths: readonly ChartPath[], options: PathOptions = {}): Coverage {
  const { machine, traversal } = chartOf(saga, options);
  const edges = edgesOf(machine, traversal);
  if (!edges) throw tooMany(saga, `more than ${traversal.limit} places`, traversal.limit);
  const all = { states: new Set<string>(), transitions: new Set<string>(), outcomes: new Set<string>() };
  for (const { from, event, to } of edges) {
    for (const state of [...pathsOf(from), ...pathsOf(to)]) all.states.add(state);
    const move = moveOf(event);
    if (!move) continue;
    all.transitions.add(`${pathsOf(from).join(' ')} → ${moveText(move)}`);
    all.outcomes.add(moveText(move));
  }
  const states = new Set(paths.flatMap((path) => path.states));
  const transitions = new Set(paths.flatMap((path) => (path as Path).transitions));
  const outcomes = new Set(paths.flatMap(({ moves }) => moves.map(moveText)));
  return { states: covered(all.states, states), transitions: covered(all.transitions, transitions), outcomes: covered(all.outcomes, outcomes) };
}

/** The coverage as a table, a line each. */
export function coverageTable(of: Coverage): string {
  const line = (name: string, { covered: some, total, missing }: Covered): string =>
    `${name.padEnd(12)} ${String(some).padStart(5)} of ${String(total).padStart(5)}  ${percent(some, total)}${missing.length > 0 ? `  missing: ${missing.slice(0, 5).join('; ')}${missing.length > 5 ? '; …' : ''}` : ''}`;
  return [line('states', of.states), line('transitions', of.transitions), line('outcomes', of.outcomes)].join('\n');
}

/** @throws SagachartError SC_COVERAGE if less than this part, 0 to 1, of states, transitions or outcomes is covered */
export function demandCoverage(of: Coverage, least: number): void {
  for (const [name, { covered: some, total, missing }] of Object.entries(of) as [string, Covered][])
    if (some < total * least)
      throw new SagachartError('SC_COVERAGE', `only ${percent(some, total)} of the ${name} are covered, less than ${percent(least, 1)}`, {
        next: `Add paths that come through: ${missing.slice(0, 5).join('; ')}.`,
        details: { of: name, covered: some, total, missing },
      });
}

function percent(part: number, of: number): string {
  return `${Math.floor((of === 0 ? 1 : part / of) * 100)} %`.padStart(5);
}

function covered(all: ReadonlySet<string>, some: ReadonlySet<string>): Covered {
  const missing = [...all].filter((one) => !some.has(one)).sort();
  return { covered: all.size - missing.length, total: all.size, missing };
}

/** With one effect in place of its functions, and policies that are cut: what it comes to by its chart alone. */
function chartOf(saga: AnySaga, options: PathOptions) {
  const { outcomes, attempts, cancel, limit } = { ...DEFAULTS, ...options };
  // A child, too, either succeeds or is refused.
  const whole = withEffects(withStandIns(saga.definition, () => true));
  const machine = compileSaga({ ...whole, steps: whole.steps.map((step) => cut(step, attempts)) });
  const maps = new MapPaths(whole);
  const traversal: Traversal = {
    input: { runId: 'path', input: undefined },
    events: (snapshot) => [
      ...attemptEvents(snapshot, outcomes, maps),
      ...timerEvents(snapshot),
      ...(cancel && snapshot.can({ type: 'cancel' }) && !invokedIn(snapshot).some((id) => isTransactional(saga, id)) ? [{ type: 'cancel' }] : []),
    ],
    serialize: ({ status, value, context }) => JSON.stringify([status, value, sagaContextForm(context, attempts)]),
    limit,
  };
  return { machine, traversal };
}

interface AttemptEvent extends EventObject {
  readonly attempt: string;
  readonly outcome: PathOutcome;
}

function attemptEvents(snapshot: AnyMachineSnapshot, outcomes: readonly PathOutcome[], maps: MapPaths): readonly AttemptEvent[] {
  const invoked = invokedIn(snapshot).filter((id) => !maps.isStuckIn(snapshot, id));
  return invoked.flatMap((id) => outcomes.map((outcome) => attemptEvent(id, outcome, maps)));
}

function invokedIn({ _nodes: nodes }: AnyMachineSnapshot): readonly string[] {
  return (nodes as readonly { readonly invoke: readonly { readonly id: string }[] }[]).flatMap(({ invoke }) => invoke.map(({ id }) => id));
}

function attemptEvent(id: string, outcome: PathOutcome, maps: MapPaths): AttemptEvent {
  // The type tells them apart where paths are kept; XState takes the part before the slash for nothing else.
  const about = { attempt: id, outcome };
  if (outcome === 'succeeds')
    return {
      type: `xstate.done.actor.${id}`,
      ...about,
      output: id.endsWith('.check') ? { verdict: 'happened', result: undefined } : undefined,
    } as AttemptEvent;
  const type = maps.isStuckBy(id) ? `${id}.stuck` : `xstate.error.actor.${id}`;
  return { type, ...about, error: thrownFailure(errorOf(outcome), (error) => classify(error)) } as AttemptEvent;
}

function errorOf(outcome: PathOutcome): Error {
  if (outcome === 'is refused') return new HardError('refused');
  return outcome === 'is busy' ? new BusyError('busy') : new Error('no answer');
}

function timerEvents(snapshot: AnyMachineSnapshot): readonly EventObject[] {
  const nodes = snapshot._nodes as readonly { readonly transitions: ReadonlyMap<string, unknown> }[];
  return nodes.flatMap(({ transitions }) => [...transitions.keys()].filter((type) => type.startsWith('xstate.after.')).map((type) => ({ type })));
}

function countOf(edges: readonly Edge[], { serialize }: Traversal): number {
  const numbers = new Map<string, number>();
  const numberOf = (snapshot: AnyMachineSnapshot): number => {
    const text = serialize(snapshot);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  };
  const pairs = edges.flatMap(({ from, to }) => [numberOf(from), numberOf(to)]);
  return new PlaceGraph(numbers.size, pairs).paths();
}

interface Path extends ChartPath {
  readonly transitions: readonly string[];
}

function pathOf(saga: AnySaga, { snapshots, events }: Way): Path {
  const last = snapshots.at(-1) as AnyMachineSnapshot;
  const end = last.status === 'active' ? 'attention' : String(last.value);
  const moves = events.flatMap((event) => moveOf(event) ?? []);
  const transitions = events.flatMap((event, i) => {
    const move = moveOf(event);
    return move ? [`${pathsOf(snapshots[i] as AnyMachineSnapshot).join(' ')} → ${moveText(move)}`] : [];
  });
  return {
    name: `reaches ${end}: ${moves.map(moveText).join(' → ')}`,
    end,
    moves,
    transitions,
    states: [...new Set(snapshots.flatMap(pathsOf))],
    check: async (given = {}) => await checkPath(saga, { end, moves }, given),
  };
}

function pathsOf({ value }: AnyMachineSnapshot): readonly string[] {
  return statePaths(value);
}

function moveOf(event: EventObject): PathMove | undefined {
  if (event.type === 'cancel') return { attempt: 'cancel', outcome: 'is asked for' };
  const { attempt, outcome } = event as Partial<AttemptEvent>;
  return attempt !== undefined && outcome !== undefined ? { attempt, outcome } : undefined;
}

function moveText({ attempt, outcome }: PathMove): string {
  return `${named(attempt)} ${outcome}`;
}

/** When a path's cancel is asked for, and how long what comes after it takes; retries are over sooner. */
const BEFORE_CANCEL_MS = 5_000;
const AFTER_CANCEL_MS = 8_000;

type Given = NonNullable<Parameters<ChartPath['check']>[0]>;

async function checkPath(saga: AnySaga, { end, moves }: Pick<ChartPath, 'end' | 'moves'>, { services, results = {}, input }: Given): Promise<void> {
  const script: Record<string, ScriptedOutcome[]> = {};
  const maps = new MapPaths(saga.definition);
  const cancel = moves.findIndex(({ attempt }) => attempt === 'cancel');
  for (const [i, { attempt, outcome }] of moves.entries()) {
    if (outcome === 'is asked for') continue;
    const id = maps.ranAs(attempt);
    const goes = outcome === 'succeeds' ? success(attempt, results) : throws(errorOf(outcome));
    // What the path has after the cancel must not be over before it.
    const waits = cancel !== -1 && i > cancel && !isTransactional(saga, attempt);
    script[id] = [...(script[id] ?? []), waits ? later(AFTER_CANCEL_MS, goes) : goes];
  }
  const h = (await harness(withOneItem(saga), { services, script: script as never, attempts: mostAttempts(moves) })) as Harness;
  try {
    const run = await h.start(input as never);
    if (cancel !== -1) {
      await h.advance(BEFORE_CANCEL_MS);
      await h.does(run.cancel());
    }
    const status = await endOf(h, run, end);
    if (status !== end) throw differs(saga, `it ended as ${status} instead of ${end}`);
    const wanted = moves.filter(({ attempt }) => attempt !== 'cancel').map(({ attempt }) => maps.ranAs(attempt));
    if ([...h.order].sort().join() !== [...wanted].sort().join()) throw differs(saga, `attempts were ${h.order.join(', ')} instead of ${wanted.join(', ')}`);
  } finally {
    await h.close();
  }
}

async function endOf(h: Harness, run: Awaited<ReturnType<Harness['start']>>, end: string): Promise<string> {
  if (end !== 'attention') return (await h.outcome(run)).status;
  await h.attention(run);
  return end;
}

/** A check succeeds by finding the result. */
function success(attempt: string, results: Readonly<Record<string, unknown>>): ScriptedOutcome {
  const [step = '', what] = attempt.split('.');
  if (what === 'check') return succeeds(happened(results[step]));
  return Object.hasOwn(results, attempt) ? succeeds(results[attempt]) : runs();
}

function mostAttempts(moves: readonly PathMove[]): number {
  const counts = new Map<string, number>();
  for (const { attempt } of moves) counts.set(attempt, (counts.get(attempt) ?? 0) + 1);
  return Math.max(1, ...counts.values());
}

function differs(saga: AnySaga, how: string): SagachartError {
  return new SagachartError('SC_PATH_DIFFERS', `saga ${saga.name}: run durably, the path came out otherwise: ${how}`, {
    next: 'A step whose own function runs may fail by itself: give services, or the results that attempts succeed with.',
    details: { saga: saga.name },
  });
}
