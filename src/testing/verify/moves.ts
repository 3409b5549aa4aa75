import { type Failure, INTERRUPTED, NOT_BEGUN } from '../../base/failure.ts';
import { decisionEvent } from '../../chart/approval.ts';
import { type SagaContext, stepRecord } from '../../chart/context.ts';
import { statePaths } from '../../chart/path.ts';
import { canRewind, noWayBack } from '../../chart/rewind.ts';
import type { RunEvent, SentEvent } from '../../kernel/event.ts';
import { dueEvent, waitingTimers } from '../../kernel/pending.ts';
import { endOf } from '../../kernel/standing.ts';
import type { RunState } from '../../kernel/state.ts';
import { stuckItems } from '../../runtime/attention.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import { childMoves, parentMoves } from './children.ts';
import { effectAt, leftTo } from './effects.ts';
import { named } from './named.ts';
import { type Performed, Performer } from './perform.ts';
import { endEvent, nameOf, ownEvent, type Rows, type Running, runningIn } from './running.ts';
import type { Subject } from './subject.ts';

/** Something that can happen next: what a run is told of, in one go, and the world after it. */
export interface Move {
  /** As a path tells it: the same in every exploration. */
  readonly label: string;
  readonly events: readonly RunEvent[];
  readonly world: unknown;
  /** How many things went wrong in it, or came from outside. */
  readonly faults: number;
  /** The attempt ended with an error of its own, which the exploration did not make. */
  readonly thrown?: Failure;
}

/** A place in the exploration: a state that is durable, and the world as it is then. */
export interface Spot {
  readonly state: RunState;
  readonly world: unknown;
  /** Of the items of maps. */
  readonly rows: Rows;
}

/** Timers of a saga that say that something took too long. */
const EXPIRY = /^xstate\.after\.(deadline|[\w-]+\.(?:timeout|expiry))\.|^[\w-]+\.(late|keyExpired)$/;

/** More attempts at once than this die in two ways only: all before anything was done, or all after. */
const MOST_DYING = 2;

/**
 * Everything that can happen at a spot.
 * @param reduce once nothing new begins, what different steps do next means nothing to each other: one order stands for
 * all. A crash takes them together, but what it does to one it can do to it alone.
 */
export async function movesAt(subject: Subject, { state, world, rows }: Spot, reduce: boolean): Promise<readonly Move[]> {
  if (endOf(state)) return [];
  if (state.data.faults) return [{ label: 'a person has it tried again', events: [{ type: 'refitted' }], world, faults: 1 }];
  const performer = new Performer(subject, { state, rows });
  const all = runningIn(subject, state.data);
  const running = all.filter(({ child }) => child.run === undefined);
  const undoing = reduce && isUndoing(subject, state);
  const asked = [...parentMoves(state, world), ...requests(subject, state, world)];
  const moves: Move[] = [];
  for (const one of all) {
    if (one.child.run !== undefined) {
      moves.push(...(await childMoves(subject, performer, one, state, world)));
      if (undoing) return [...moves, ...asked];
      continue;
    }
    if (one.own) moves.push(...ownMoves(subject, one, { state, world, rows }));
    else moves.push(...answerMoves(one, await performer.answers(one, world)));
    if (undoing) return [...moves, ...(await crashMoves(performer, [one], world)), ...(await shutdownMoves(performer, [one], world)), ...asked];
  }
  for (const timer of waitingTimers(state.data)) {
    moves.push({ label: `${timer.id} is due`, events: [dueEvent(timer)], world, faults: subject.definition && EXPIRY.test(timer.id) ? 1 : 0 });
    if (undoing) return [...moves, ...asked];
  }
  for (const step of subject.program.stuck(state)) {
    moves.push(...operatorMoves(subject, state, step, world));
    if (undoing) return [...moves, ...asked];
  }
  return [...moves, ...(await crashMoves(performer, running, world)), ...(await shutdownMoves(performer, running, world)), ...asked];
}

/** A map lists its items, or collects their results: nobody is called, and only the list can go wrong. */
function ownMoves(subject: Subject, running: Running, { state, world, rows }: Spot): readonly Move[] {
  const { id, child, own } = running;
  const name = named(id);
  if (own === 'collecting') return [{ label: `the results of ${name} are collected`, events: [ownEvent(subject, state, rows, running)], world, faults: 0 }];
  const planned: Move = { label: `the items of ${name} are listed`, events: [ownEvent(subject, state, rows, running)], world, faults: 0 };
  if (subject.own || subject.program.items?.(id)?.first === 'undo') return [planned];
  const error: Failure = { code: 'SC_MAP_ITEMS', type: 'SagachartError', message: 'they could not be listed', class: 'hard', effect: 'none' };
  return [planned, { label: `the items of ${name} cannot be listed`, events: [{ type: 'failed', child: id, at: child.at, error }], world, faults: 1 }];
}

function answerMoves(running: Running, answers: readonly Performed[]): readonly Move[] {
  return answers.flatMap(({ end, fault, calls, world }): readonly Move[] => {
    if (!end) return [];
    const label = `${nameOf(running)} ${fault ? faultText(fault.kind, callName(calls, fault.call)) : 'output' in end ? 'succeeds' : `fails: ${end.error.message}`}`;
    const faults = fault ? 1 : 0;
    if ('output' in end) return [{ label, events: [endEvent(running, end)], world, faults }];
    return [{ label, events: [endEvent(running, end)], world, faults, ...(end.injected ? {} : { thrown: end.error }) }];
  });
}

/** The process is shut down, and its successor goes on: attempts had no place yet among those that run, or were aborted before or after they did anything. */
async function shutdownMoves(performer: Performer, all: readonly Running[], world: unknown): Promise<readonly Move[]> {
  const running = all.filter(({ own }) => !own);
  if (running.length === 0) return [];
  const move = (how: string, code: string, after: unknown): Move => ({
    label: `a shutdown ${how} ${running.map(nameOf).join(', ')}`,
    events: running.map((one) =>
      endEvent(one, {
        error: {
          code,
          type: 'SagachartError',
          message: how,
          class: 'transient',
          effect: code === NOT_BEGUN || performer.isTransactional(one) ? 'none' : 'maybe',
        },
      }),
    ),
    world: after,
    faults: 1,
  });
  let after = world;
  for (const one of running) after = (await performer.crashes(one, after)).at(-1)?.world;
  return [
    move('begins nothing of', NOT_BEGUN, world),
    move('aborts before it did anything', INTERRUPTED, world),
    move('aborts after it did everything', INTERRUPTED, after),
  ];
}

/** A call by its name, and its number if there is another of that name. */
function callName(calls: Performed['calls'], number: number): string | undefined {
  const name = calls[number - 1]?.name;
  return name !== undefined && calls.findIndex((call) => call.name === name) !== number - 1 ? `${name} (call ${number})` : name;
}

function faultText(kind: NonNullable<Performed['fault']>['kind'], call: string | undefined): string {
  if (kind === 'refused') return call ? `is refused by ${call}` : 'is refused';
  if (kind === 'busy') return `finds ${call} busy`;
  if (!call) return 'does not answer';
  return `hears nothing from ${call}, which ${kind === 'unheard' ? 'did nothing' : 'did it'}`;
}

/** The process dies under all attempts at once; each had come as far as it had. */
async function crashMoves(performer: Performer, running: readonly Running[], world: unknown): Promise<readonly Move[]> {
  if (running.length === 0) return [];
  let dead: readonly Pick<Move, 'label' | 'events' | 'world'>[] = [{ label: '', events: [], world }];
  for (const one of running) {
    const next: (typeof dead)[number][] = [];
    for (const before of dead) {
      const all = await performer.crashes(one, before.world);
      for (const performed of running.length > MOST_DYING ? [all[0], all.at(-1)] : all)
        if (performed) next.push(died(performer.lost(one), before, one, performed));
    }
    dead = next;
  }
  return dead.map((one) => ({ ...one, label: `the process dies: ${one.label}`, faults: 1 }));
}

function died(
  event: RunEvent,
  before: Pick<Move, 'label' | 'events'>,
  running: Running,
  { world, fault, calls }: Performed,
): Pick<Move, 'label' | 'events' | 'world'> {
  const call = callName(calls, fault?.call ?? 0);
  const label = `${nameOf(running)} ${call ? `after ${call}` : 'before it did anything'}`;
  return {
    label: before.label ? `${before.label}, ${label}` : label,
    events: [...before.events, event],
    world,
  };
}

function operatorMoves(subject: Subject, state: RunState, step: string, world: unknown): readonly Move[] {
  // What a person did by hand is known only where one effect stands for a step.
  const actions = subject.own ? (['retry', 'skip'] as const) : (['retry', 'skip', 'resolve'] as const);
  return actions.flatMap((action) => {
    const type = subject.program.operate(state, step, action);
    if (type === undefined) return [];
    const isTheirs = subject.definition && !subject.own && action !== 'retry';
    const after = isTheirs ? leftTo(world, stuckEffects(subject.definition, state, step)) : world;
    return [{ label: `a person chooses ${action} for ${step}`, events: [{ type: 'sent', event: { type, reason: 'verify' } }], world: after, faults: 1 }];
  });
}

/** What a person decides about: of a map the items that are stuck. */
function stuckEffects(definition: SagaDefinition, state: RunState, step: string): readonly string[] {
  const context = state.data.context as SagaContext;
  const { items } = stuckItems(state, step);
  return items?.map((item) => effectAt(definition, context, step, item)) ?? [effectAt(definition, context, step)];
}

/** Whether nothing new begins any more. */
function isUndoing({ program }: Subject, { data }: RunState): boolean {
  return program.kind === 'saga' && (data.context as SagaContext).cause !== null;
}

function placesToGoBackTo({ definition, rewinds: most }: Subject, given: unknown): readonly string[] {
  const context = given as SagaContext;
  if (!definition || most === 0 || (context.rewinds ?? 0) >= most || !canRewind(definition)) return [];
  return definition.steps.flatMap(({ name }) => (noWayBack(definition, context, name) ? [] : [name]));
}

/** What may be asked for from outside at any time. */
function requests(subject: Subject, { data }: RunState, world: unknown): readonly Move[] {
  const { program, requests: asked, signals, definition } = subject;
  const decided = (label: string, event: SentEvent, faults: number): Move => ({ label, events: [{ type: 'sent', event }], world, faults });
  const kept = program.kind === 'saga' ? ((data.context as SagaContext | null)?.signals ?? {}) : {};
  // One that nobody has taken yet stands for any number of them.
  const fresh = signals.filter(({ type }) => !Object.hasOwn(kept, type));
  const rewinds = placesToGoBackTo(subject, data.context).map(
    (to): Move => ({ label: `a person takes it back to ${to}`, events: [{ type: 'sent', event: { type: 'rewind', to, reason: 'verify' } }], world, faults: 1 }),
  );
  return [
    ...asked.map((event): Move => ({ label: 'the run is canceled', events: [{ type: 'sent', event }], world, faults: 1 })),
    ...fresh.map((event): Move => {
      const { type, ...payload } = event;
      return { label: `signal ${type} ${JSON.stringify(payload)}`, events: [{ type: 'sent', event }], world, faults: 0 };
    }),
    ...decisions(definition, data, decided),
    ...rewinds,
    { label: 'a person terminates the run', events: [{ type: 'terminated' }], world, faults: 1 },
  ];
}

/** Whoever was asked decides, as soon as the question may be out. */
function decisions(
  definition: SagaDefinition | undefined,
  { value, context }: RunState['data'],
  move: (label: string, event: SentEvent, faults: number) => Move,
): readonly Move[] {
  const asked = (definition?.steps ?? []).filter(({ approval }) => approval);
  if (asked.length === 0) return [];
  const states = statePaths(value);
  return asked.flatMap(({ name, number }): readonly Move[] => {
    const { decision, round } = stepRecord(context as SagaContext, number);
    const isOut = /\.(attempting|backingOff|awaiting)(\.|$)/;
    if (decision || (context as SagaContext).cause !== null || !states.some((path) => path.startsWith(`running.${name}.`) && isOut.test(path))) return [];
    const type = decisionEvent(name);
    return [move(`${name} is approved`, { type, approved: true, round }, 0), move(`${name} is denied`, { type, approved: false, round }, 1)];
  });
}
