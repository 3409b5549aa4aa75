import { type Failure, LOST, wasNotBegun } from '../base/failure.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';

/** What a saga's chart remembers. Records are kept in arrays by step number: growing objects cost 10–45 times as much. */
export interface SagaContext {
  /** Seeds the jitter of the waits between attempts. */
  readonly runId: string;
  readonly input: unknown;
  readonly steps: readonly (Stored<StepRecord> | null)[];
  readonly undos: readonly (Stored<UndoRecord> | null)[];
  /** What began the undoing; the first one stays. */
  readonly cause: Cause | null;
}

export type Cause =
  | { readonly kind: 'failure'; readonly step: string; readonly failure: Failure }
  | { readonly kind: 'cancel'; readonly by: string | null; readonly reason: string | null };

/** What came of a step's `run`, written when an attempt ends. */
export interface StepRecord {
  /** `open` until the step has ended. */
  readonly status: 'open' | 'succeeded' | 'refused' | 'unknown' | 'skipped' | 'resolved';
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
  /** A person says that it did not happen: the status is theirs, and stays listed. */
  readonly skipped?: true;
  readonly result?: unknown;
  /** Of the last attempt that failed, while the step has not succeeded. */
  readonly failure?: Failure;
}

/** What came of a step's `compensate`. */
export interface UndoRecord {
  readonly status: 'open' | 'undone' | 'skipped' | 'resolved';
  readonly attempts: number;
  readonly since: number;
  readonly losses: number;
  readonly failure?: Failure;
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
    unknown: record.unknown || (step.kind !== 'read' && failure.effect === 'maybe'),
    failure,
  };
}

/** How a `check` ended that did not find that the attempt had happened. */
export type CheckEnd = 'didNotHappen' | 'open' | 'lost';

/** The record after such a check. */
export function afterCheck(record: StepRecord, end: CheckEnd): StepRecord {
  return { ...record, unknown: record.unknown && end !== 'didNotHappen', checkLosses: end === 'lost' ? record.checkLosses + 1 : 0 };
}

/** The record of a step whose attempt is under way when the run is ended: a read changes nothing, whatever becomes of it. */
export function afterAbandoned(step: StepDefinition, record: StepRecord): StepRecord {
  return { ...record, unknown: record.unknown || step.kind !== 'read' };
}

/** The record after an attempt of `compensate` that failed. */
export function afterUndoFailure(record: UndoRecord, failure: Failure): UndoRecord {
  const counted = wasNotBegun(failure) ? 0 : 1;
  return { ...record, attempts: record.attempts + counted, losses: failure.code === LOST ? record.losses + 1 : 0, failure };
}

/** What may have happened must be undone: a step that succeeded, or that nobody knows of. */
export function mustBeUndone(context: SagaContext, step: number): boolean {
  const status = context.steps[step]?.status;
  return status === 'succeeded' || status === 'unknown' || status === 'resolved';
}

/** Whether nothing is left to undo of a step. */
export function undoSettled(context: SagaContext, step: number): boolean {
  const undo = context.undos[step];
  return (undo !== undefined && undo !== null && undo.status !== 'open') || !mustBeUndone(context, step);
}

/** Something that a person, or `terminate`, left as it was. */
export interface Left {
  readonly step: string;
  readonly what: 'run skipped' | 'run resolved by hand' | 'undo skipped' | 'undo resolved by hand' | 'not undone' | 'may have happened';
}

/** What stays open after the end: listed with the run, because somebody chose it. */
export function leftBehind(definition: SagaDefinition, context: SagaContext, terminated: boolean): readonly Left[] {
  const left: Left[] = [];
  for (const { number, name, compensate } of definition.steps) {
    const status = context.steps[number]?.status;
    const undo = context.undos[number]?.status;
    if (status === 'skipped' || context.steps[number]?.skipped) left.push({ step: name, what: 'run skipped' });
    if (status === 'resolved') left.push({ step: name, what: 'run resolved by hand' });
    if (undo === 'skipped') left.push({ step: name, what: 'undo skipped' });
    if (undo === 'resolved') left.push({ step: name, what: 'undo resolved by hand' });
    if (!terminated || (undo ?? 'open') !== 'open') continue;
    if (status === 'unknown' || (status === 'open' && context.steps[number]?.unknown)) left.push({ step: name, what: 'may have happened' });
    else if (compensate && mustBeUndone(context, number)) left.push({ step: name, what: 'not undone' });
  }
  return left;
}

/** What `createActor(saga.machine, { input })` takes: the saga's own input is a field of it. */
export interface MachineInput {
  /** Seeds the jitter of the waits between attempts. Default: the saga's name. */
  readonly runId?: string;
  /** What `start` takes, as the saga's schema would parse it: the machine itself checks nothing. Default: undefined. */
  readonly input?: unknown;
}

export function initialContext({ runId, input }: { readonly runId: string; readonly input: unknown }): SagaContext {
  return { runId, input, steps: [], undos: [], cause: null };
}
