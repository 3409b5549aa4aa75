import { type Failure, LOST, wasNotBegun } from '../base/failure.ts';
import { leavesDoubt, type StepDefinition } from '../saga/definition.ts';
import { durationText } from '../saga/duration.ts';

/** What a saga's chart remembers. Records are kept in arrays by step number: growing objects cost 10–45 times as much. */
export interface SagaContext {
  /** Seeds the jitter of the waits between attempts. */
  readonly runId: string;
  readonly input: unknown;
  readonly steps: readonly (Stored<StepRecord> | null)[];
  readonly undos: readonly (Stored<UndoRecord> | null)[];
  /** What began the undoing; the first one stays. */
  readonly cause: Cause | null;
  /** Signals that no wait has taken yet, by name, in the order in which they came. */
  readonly signals?: Readonly<Record<string, readonly unknown[]>>;
  /** Rounds of loops that are over, in order: each is undone before the one in front of it. */
  readonly rounds?: readonly PastRound[];
  /** Number of the savepoint that the run returns to once what came after it is undone; null once it has. */
  readonly backTo?: number | null;
  /** Numbers of the steps that are undone, and done again, while a run goes back to where a person wants it; null once it has. */
  readonly rewind?: readonly number[] | null;
  /** How often it was. */
  readonly rewinds?: number;
  /** What stays open of rounds whose records are gone. */
  readonly left?: readonly Left[];
  /** A compensation was called, and the run went forward after it. */
  readonly compensated?: true;
  /** A step failed, and the run went on without it, or with another result than its own. */
  readonly degraded?: boolean;
  /** Attempts that were retries, where there is a budget for them. */
  readonly retries?: number;
  /** Steps that have ended, where they are undone in the order in which they did. */
  readonly ended?: number;
  /** Names under which there are keys, of steps that were called so in another version: the last round of each. */
  readonly names?: Readonly<Record<string, number>>;
  /** Started by a parent that may have it undone: once it is done it waits for that. */
  readonly nested?: true;
  /** While it does: what it comes to if it stays done. */
  readonly held?: { readonly output: unknown; readonly left: readonly Left[] };
  /** Its deadline passed when it could only go forward, or was being undone already. */
  readonly overdue?: true;
}

/** Something that a person, or `terminate`, left as it was. */
export interface Left {
  /** Of a child the step of the child, too: `payment/charge`. */
  readonly step: string;
  readonly what: LeftWhat;
  /** Of a map, which items, by their places from 0: the first hundred. */
  readonly items?: readonly number[];
  /** How many more there are. */
  readonly more?: number;
}

export type LeftWhat = 'run skipped' | 'run resolved by hand' | 'undo skipped' | 'undo resolved by hand' | 'not undone' | 'may have happened' | 'inherited';

/** What stays of the items of a map when they have ended: enough to undo them. */
export interface StepItems {
  readonly total: number;
  /** The first ones, in order. */
  readonly begun: number;
  /** Of those, which certainly did not happen. */
  readonly refused?: readonly number[];
  /** What persons have decided, and for which items. */
  readonly left?: readonly LeftItems[];
}

export interface LeftItems {
  readonly what: string;
  readonly count: number;
  /** The first hundred. */
  readonly items: readonly number[];
}

/** What is to be undone of one round of a loop. */
export interface PastRound {
  /** Number of the loop. */
  readonly loop: number;
  /** Steps of its body that can be undone, and their records. */
  readonly steps: readonly number[];
  readonly records: readonly Stored<StepRecord>[];
}

export type Cause =
  | { readonly kind: 'failure'; readonly step: string; readonly failure: Failure }
  | { readonly kind: 'cancel'; readonly by: string | null; readonly reason: string | null }
  /** Its parent has it undone. */
  | { readonly kind: 'parent' }
  /** A person has it go back to just before a step, and go on from there. */
  | { readonly kind: 'rewind'; readonly to: string };

/** What came of a step's `run`, written when an attempt ends. */
export interface StepRecord {
  /**
   * `open` until the step has ended. `undoing`: what it did, or may have done, is undone before the run goes on without it.
   * `passed`: the run has gone on without it. `fellBack`: its result is that of its fallback.
   */
  readonly status: 'open' | 'succeeded' | 'refused' | 'unknown' | 'skipped' | 'resolved' | 'undoing' | 'passed' | 'fellBack';
  /** Attempts that have ended, lost ones included. */
  readonly attempts: number;
  /** Attempts that had ended when the policy last began anew (an operator's retry). */
  readonly since: number;
  /** How many of the last attempts in a row were lost with their process. */
  readonly losses: number;
  /** How many of the last checks in a row were lost with their process. */
  readonly checkLosses: number;
  /** Whether some attempt under this key may have had its effect and nobody has found out. */
  readonly unknown: boolean;
  /** How many times the chart has come to this step, from 1. */
  readonly round: number;
  /** What the step was called when this round of it began, in another version: its keys are made from that. */
  readonly named?: string;
  /** The last round there was, where an earlier one is being undone: the next has a number of its own. */
  readonly lastRound?: number;
  /** It took longer than it may: nothing of it is tried again. */
  readonly late?: true;
  /** The dependency may have forgotten its key: what may have happened is not tried again blindly. */
  readonly keyExpired?: true;
  /** The run went on without it though it failed, or with another result than its own. */
  readonly degraded?: true;
  /** Its result in the round before, in a loop. */
  readonly previous?: unknown;
  /** How long it waits, where that is worked out, ms. */
  readonly waitMs?: number;
  /** Which step to end this was, from 1, where that is counted. */
  readonly order?: number;
  /** Of an approval, what was decided, and by whom: until the step has taken it, with what was said. */
  readonly decision?: Decision;
  /** It was done by the run that this one was forked from, and is that run's to undo. */
  readonly inherited?: true;
  /** A person says that it did not happen: the status is theirs, and stays listed. */
  readonly skipped?: true;
  readonly result?: unknown;
  /** Of a map. */
  readonly items?: StepItems;
  /** How far its attempts said they had come. */
  readonly progress?: unknown;
  /** What its undo needs besides. */
  readonly undoData?: unknown;
  /** What a child has left as it was: that has ended, so it can no longer be undone from here. */
  readonly left?: readonly Left[];
  /** Of the last attempt that failed, while the step has not succeeded. */
  readonly failure?: Failure;
}

export interface Decision {
  readonly approved: boolean;
  readonly payload?: unknown;
  readonly by?: string;
  readonly reason?: string;
}

/** What came of a step's `compensate`. */
export interface UndoRecord {
  /** How far its attempts said they had come. */
  readonly progress?: unknown;
  readonly status: 'open' | 'undone' | 'skipped' | 'resolved';
  readonly attempts: number;
  readonly since: number;
  readonly losses: number;
  /** What a child has left as it was when it was undone. */
  readonly left?: readonly Left[];
  readonly failure?: Failure;
  /** Of a map: what persons have decided, and for which items. */
  readonly leftItems?: readonly LeftItems[];
}

/** A record as it is kept: what has its usual value is left out, because it is written with each step of each run. */
export type Stored<R extends { readonly status: string; readonly attempts: number }> = Pick<R, 'status' | 'attempts'> & Partial<R>;

const NEW_STEP: StepRecord = { status: 'open', attempts: 0, since: 0, losses: 0, checkLosses: 0, unknown: false, round: 1 };
const NEW_UNDO: UndoRecord = { status: 'open', attempts: 0, since: 0, losses: 0 };

export function stepRecord(context: SagaContext, step: number): StepRecord {
  return { ...NEW_STEP, ...context.steps[step] };
}

export function undoRecord(context: SagaContext, step: number): UndoRecord {
  return { ...NEW_UNDO, ...context.undos[step] };
}

export function withStep(context: SagaContext, step: number, record: StepRecord): SagaContext {
  const { status, attempts, since, losses, checkLosses, unknown, round, ...rest } = record;
  const stored: Stored<StepRecord> = {
    status,
    attempts,
    ...(since === 0 ? {} : { since }),
    ...(losses === 0 ? {} : { losses }),
    ...(checkLosses === 0 ? {} : { checkLosses }),
    ...(unknown ? { unknown } : {}),
    ...(round === 1 ? {} : { round }),
    ...rest,
  };
  return { ...context, steps: withRecord(context.steps, step, stored) };
}

export function withUndo(context: SagaContext, step: number, record: UndoRecord): SagaContext {
  const { status, attempts, since, losses, ...rest } = record;
  const stored: Stored<UndoRecord> = { status, attempts, ...(since === 0 ? {} : { since }), ...(losses === 0 ? {} : { losses }), ...rest };
  return { ...context, undos: withRecord(context.undos, step, stored) };
}

/** A copy with one place set; places before it that are still empty hold null, because JSON has no holes. */
function withRecord<R>(records: readonly (R | null)[], place: number, record: R): readonly (R | null)[] {
  const copy = records.slice();
  while (copy.length < place) copy.push(null);
  copy[place] = record;
  return copy;
}

/** The record after an attempt of `run` that failed. */
export function afterFailure(step: StepDefinition, record: StepRecord, failure: Failure): StepRecord {
  const counted = wasNotBegun(failure) ? 0 : 1;
  return {
    ...record,
    attempts: record.attempts + counted,
    losses: failure.code === LOST ? record.losses + 1 : 0,
    unknown: isSettledBy(step, failure) ? false : record.unknown || (leavesDoubt(step) && failure.effect === 'maybe'),
    failure: record.late ? lateFailure(step, failure) : failure,
  };
}

function isSettledBy({ refusalSettles }: StepDefinition, failure: Failure): boolean {
  return refusalSettles === true && failure.class === 'hard' && failure.effect === 'none';
}

/** Why a step ended that took too long: with what came of its last attempt. */
export function lateFailure({ name, withinMs }: StepDefinition, last: Failure): Failure {
  return { ...ruledOut('SC_STEP_LATE', name, `step ${name} was not done within ${durationText(withinMs as number)}: ${last.message}`), effect: last.effect };
}

/** A failure that no attempt had: the chart itself says so, and trying again would change nothing. */
export function ruledOut(code: string, step: string, message: string): Failure {
  return { code, type: 'SagachartError', message, class: 'hard', effect: 'none', step };
}

/** The record of the next time the chart comes to a step. */
export function nextRound(record: StepRecord): StepRecord {
  return { ...NEW_STEP, round: Math.max(record.round, record.lastRound ?? 0) + 1 };
}

/** How a `check` ended that did not find that the attempt had happened. */
export type CheckEnd = 'didNotHappen' | 'open' | 'lost';

/** The record after such a check. */
export function afterCheck(record: StepRecord, end: CheckEnd): StepRecord {
  return { ...record, unknown: record.unknown && end !== 'didNotHappen', checkLosses: end === 'lost' ? record.checkLosses + 1 : 0 };
}

/** The record of a step whose attempt is under way when the run is ended: a read changes nothing, whatever becomes of it, and what is one with its commit did nothing without it. */
export function afterAbandoned(step: StepDefinition, record: StepRecord): StepRecord {
  return { ...record, unknown: record.unknown || leavesDoubt(step) };
}

/** The record after an attempt of `compensate` that failed. */
export function afterUndoFailure(record: UndoRecord, failure: Failure): UndoRecord {
  const counted = wasNotBegun(failure) ? 0 : 1;
  return { ...record, attempts: record.attempts + counted, losses: failure.code === LOST ? record.losses + 1 : 0, failure };
}

/** What `createActor(saga.machine, { input })` takes: the saga's own input is a field of it. */
export interface MachineInput {
  /** Seeds the jitter of the waits between attempts. Default: the saga's name. */
  readonly runId?: string;
  /** What `start` takes, as the saga's schema would parse it: the machine itself checks nothing. Default: undefined. */
  readonly input?: unknown;
  /** Runs it as the child of a parent that may have it undone. Only where the saga is `nested`. Default: false. */
  readonly nested?: boolean;
}

/** Where a run begins. */
export function initialContext({ runId, input, nested = false }: { readonly runId: string; readonly input: unknown; readonly nested?: boolean }): SagaContext {
  return { runId, input, steps: [], undos: [], cause: null, ...(nested ? { nested } : {}) };
}
