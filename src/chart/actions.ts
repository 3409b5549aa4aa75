import { raise, sendTo } from 'xstate';
import { type Failure, LOST, wasNotBegun } from '../base/failure.ts';
import { leavesDoubt, type StepDefinition } from '../saga/definition.ts';
import { durationText } from '../saga/duration.ts';
import type { Settled } from '../saga/verdict.ts';
import { approvalActionsOf } from './approval-actions.ts';
import { completion } from './completion.ts';
import {
  afterAbandoned,
  afterCheck,
  afterFailure,
  afterUndoFailure,
  type Left,
  lateFailure,
  ruledOut,
  type SagaContext,
  type StepRecord,
  stepRecord,
  withStep,
} from './context.ts';
import { decided, measured } from './decision.ts';
import { isGraceful, type Judgment, judgeCheck, judgeFailure, judgeStop } from './judgment.ts';
import { mapActionsOf } from './map-actions.ts';
import { afterRewind, isMeantToGoOn, rewinding, withoutRewind } from './rewind.ts';
import { afterReturn, afterRound, backToRound, savepointOf } from './rounds.ts';
import { type Scope, type Steps, settled, unanswered } from './scope.ts';
import { isReturning } from './settlement.ts';
import { succeeded, withoutAnswer } from './step-end.ts';

/** The actions of a saga's chart, by their names in it. */
export function actionsOf(steps: Steps) {
  return {
    ...telling,
    ...ofAttempts(steps),
    ...approvalActionsOf(steps),
    ...ofChecks(steps),
    ...ofPeople(steps),
    ...ofControl(steps),
    ...mapActionsOf(steps),
    ...ofUndo(steps),
    ...ofRuns(steps),
  };
}

/** What the parts of a chart tell each other. */
const telling = {
  abort: raise({ type: 'abort' }),
  tellToStop: sendTo((_: unknown, { child }: { readonly child: string }) => child, { type: 'abort' }),
  tellRunners: raise((_: unknown, { race }: { readonly race: string }) => ({ type: `${race}.won` })),
};

function ofAttempts(steps: Steps) {
  return {
    recordSuccess: steps.step((record, { event }) =>
      succeeded({ ...record, ...undoDataOf(event), ...leftOf(event), attempts: record.attempts + 1 }, event.output),
    ),
    recordLoser: steps.step((record, { event }, step) =>
      loser(step, succeeded({ ...record, ...undoDataOf(event), ...leftOf(event), attempts: record.attempts + 1 }, event.output)),
    ),
    recordFailure: steps.context(({ context, event }, about) => {
      const step = steps.of(about);
      const failure = steps.failure(about, event);
      const judgment = judgeFailure({ definition: steps.definition, step, context }, failure);
      const record = {
        ...afterFailure(step, stepRecord(context, step.number), failure),
        ...progressOf(event),
        ...leftOf(event),
        status: statusAfter(judgment),
      };
      const after = steps.with(context, step, record);
      const counts = steps.definition.retryBudget !== undefined && judgment === 'backingOff' && !wasNotBegun(failure);
      return counts ? { ...after, retries: (context.retries ?? 0) + 1 } : after;
    }),
    recordStop: steps.step((record, { context }, step) => ({ ...record, status: statusAfter(judgeStop({ definition: steps.definition, step, context })) })),
    recordLate: steps.step((record) => ({ ...record, late: true })),
    recordLateStop: steps.step((record, { context }, step) => ({
      ...record,
      late: true,
      failure: lateFailure(step, record.failure as Failure),
      status: statusAfter(judgeStop({ definition: steps.definition, step, context }, 'late')),
    })),
    recordKeyExpired: steps.step((record) => ({ ...record, keyExpired: true })),
    recordForgotten: steps.step((record, { context }, step) => ({
      ...record,
      keyExpired: true,
      status: statusAfter(judgeStop({ definition: steps.definition, step, context }, 'forgotten')),
    })),
    recordPassed: steps.step((record) => ({ ...record, status: 'passed', ...(record.status === 'undoing' ? { unknown: false } : {}) })),
    recordSkippedOver: steps.step((record) => ({ ...record, status: 'passed', skipped: true })),
    recordUndoneFirst: steps.step((record) => ({ ...record, status: 'open', unknown: false })),
    recordFellBack: steps.step((record, { event }) => ({ ...record, status: 'fellBack', losses: 0, result: event.output })),
    recordFallbackLoss: steps.step((record, { event }) => ({ ...record, losses: (event.error as Failure).code === LOST ? record.losses + 1 : 0 })),
    recordFallbackFailure: steps.context(({ context, event }, about) => {
      const step = steps.of(about);
      const record = stepRecord(context, step.number);
      const failure = steps.failure(about, event);
      const status = context.cause === null && step.optional ? 'passed' : step.forward ? 'open' : 'refused';
      return steps.with(context, step, { ...record, status, losses: 0, failure: { ...failure, causes: [...(failure.causes ?? []), ...causeOf(record)] } });
    }),
    degrade: steps.context(({ context }, { step }) => ({
      ...withStep(context, step, { ...stepRecord(context, step), degraded: true }),
      degraded: true,
    })),
    winRace: steps.context(({ context }, about) => {
      const { racing = 0, name } = steps.of(about);
      return withStep(context, racing, { ...stepRecord(context, racing), result: name });
    }),
  };
}

function ofChecks(steps: Steps) {
  const happened = (event: Scope['event']): unknown => (settled(event) as Extract<Settled, { verdict: 'happened' }>).result;
  return {
    recordHappened: steps.step((record, { event }) => succeeded(record, happened(event))),
    recordHappenedLoser: steps.step((record, { event }, step) => loser(step, succeeded(record, happened(event)))),
    recordNotHappened: steps.step((record, { context }, step) => ({
      ...afterCheck(record, 'didNotHappen'),
      status: statusAfter(judgeCheck({ definition: steps.definition, step, context }, 'didNotHappen')),
    })),
    recordOpen: steps.step((record, { context, event }, step) => {
      const end = unanswered(event);
      return { ...afterCheck(record, end), status: statusAfter(judgeCheck({ definition: steps.definition, step, context }, end)) };
    }),
  };
}

function ofPeople(steps: Steps) {
  return {
    recordRefused: steps.step((record) => ({ ...record, unknown: false, status: 'refused', skipped: true })),
    recordGivenUp: steps.step((record, _, step) => ({ ...record, status: givenUp(step, record), skipped: true })),
    recordRetry: steps.step(({ late: _, decision: __, ...record }) => ({ ...record, since: record.attempts, losses: 0, checkLosses: 0 })),
    recordSkipped: steps.step((record) => ({ ...record, status: 'skipped' })),
    recordResolved: steps.step((record, { event }) => ({ ...succeeded(record, event.result), status: 'resolved' })),
  };
}

function ofControl(steps: Steps) {
  return {
    recordSleep: steps.step((record) => ({ ...record, status: 'succeeded' })),
    keepSignal: steps.context(({ context, event }) => {
      const kept = context.signals?.[event.type] ?? [];
      return { ...context, signals: { ...context.signals, [event.type]: [...kept, event.payload] } };
    }),
    takeSignal: steps.context(({ context }, about) => {
      const step = steps.of(about);
      const { signal } = step.wait as NonNullable<StepDefinition['wait']>;
      const { [signal]: kept = [], ...others } = context.signals as NonNullable<SagaContext['signals']>;
      // Another wait for it may have taken the last one at this very moment: each was asked before either acted.
      if (kept.length === 0) return context;
      const [payload, ...rest] = kept;
      const signals = rest.length > 0 ? { ...context.signals, [signal]: rest } : others;
      return { ...steps.with(context, step, succeeded(stepRecord(context, step.number), payload)), signals };
    }),
    recordTimeout: steps.step((record, _, step) => {
      const { name, wait } = step;
      const message = `the signal ${wait?.signal} did not come within ${durationText(record.waitMs ?? (wait?.timeoutMs as number))}`;
      return { ...record, status: withoutAnswer(step), failure: ruledOut('SC_WAIT_TIMEOUT', name, message) };
    }),
    recordLength: steps.step((record, { context }, step) => measured(steps.definition, context, step, record)),
    recordOtherwise: steps.step((record, _, { wait }) => succeeded(record, wait?.otherwise)),
    recordChoice: steps.step((record, { context }, step) => decided(steps.definition, context, step, record)),
    recordRound: steps.step((record, { context }, step) => decided(steps.definition, context, step, record)),
    recordRace: steps.step((record, { context }, { name, runners = [] }) => {
      if (record.result !== undefined) return { ...record, status: 'succeeded' };
      const why = runners.map((runner) => `${steps.of({ step: runner }).name}: ${context.steps[runner]?.failure?.message}`);
      return { ...record, status: 'refused', failure: ruledOut('SC_RACE_LOST', name, `nobody won the race ${name}: ${why.join('; ')}`) };
    }),
    beginRound: steps.context(({ context }, about) => afterRound(steps.definition, context, steps.of(about))),
  };
}

function ofUndo(steps: Steps) {
  return {
    recordUndone: steps.context(({ context, event }, about) =>
      steps.withUndo(context, about, ({ failure: _, progress: __, ...record }) => ({
        ...record,
        ...leftOf(event),
        status: 'undone',
        attempts: record.attempts + 1,
        losses: 0,
      })),
    ),
    recordUndoFailure: steps.context(({ context, event }, about) =>
      steps.withUndo(context, about, (record) => ({ ...afterUndoFailure(record, steps.failure(about, event)), ...progressOf(event) })),
    ),
    recordUndoRetry: steps.undo((record) => ({ ...record, since: record.attempts, losses: 0 })),
    recordUndoSkipped: steps.undo((record) => ({ ...record, status: 'skipped' })),
    recordUndoResolved: steps.undo((record) => ({ ...record, status: 'resolved' })),
    backToRound: steps.context(({ context }, about) => backToRound(steps.definition, context, steps.of(about))),
  };
}

function ofRuns(steps: Steps) {
  const { definition } = steps;
  return {
    fail: steps.context(({ context }, about) => {
      if (context.cause !== null) return context;
      return { ...context, cause: { kind: 'failure', step: steps.of(about).name, failure: stepRecord(context, about.step).failure as Failure } };
    }),
    recordCancel: steps.context(({ context, event }) => (isMeantToGoOn(context) ? { ...context, cause: cancel(event) } : context)),
    // Once a run is on its way back it would go forward again: who cancels it does not want that.
    noteLateCancel: steps.context(({ context, event }) => (isReturning(context) ? { ...withoutRewind(context), backTo: null, cause: cancel(event) } : context)),
    recordDeadline: steps.context(({ context }) => {
      const message = `the run took longer than ${durationText(definition.deadlineMs as number)}`;
      return { ...withoutRewind(context), cause: { kind: 'failure', step: definition.name, failure: ruledOut('SC_RUN_DEADLINE', definition.name, message) } };
    }),
    recordHeld: steps.context(({ context }) => ({ ...context, held: completion(definition, context) })),
    recordUndoByParent: steps.context(({ context: { held: _, ...context } }) => ({ ...context, cause: { kind: 'parent' } })),
    recordOverdue: steps.context(({ context }) => ({ ...context, overdue: true })),
    noteCompensation: steps.context(({ context }) => ({ ...context, compensated: true })),
    beginReturn: steps.context(({ context }) => {
      const savepoint = savepointOf(definition, context) as StepDefinition;
      const record = stepRecord(context, savepoint.number);
      return { ...withStep(context, savepoint.number, { ...record, round: record.round + 1 }), backTo: savepoint.number };
    }),
    recordRewind: steps.context(({ context, event }) => ({
      ...context,
      ...(isReturning(context) ? { backTo: null } : {}),
      cause: { kind: 'rewind', to: event.to as string },
      rewinds: (context.rewinds ?? 0) + 1,
    })),
    beginRewind: steps.context(({ context }) => rewinding(definition, context)),
    goForwardAgain: steps.context(({ context }) => (context.cause?.kind === 'rewind' ? afterRewind : afterReturn)(definition, context)),
    recordAbandoned: steps.context(({ context, event }) => {
      const abandoned = definition.steps.filter(({ name }) => event.running?.includes(name));
      return abandoned.reduce((after, step) => withStep(after, step.number, afterAbandoned(step, stepRecord(after, step.number))), context);
    }),
  };
}

function undoDataOf({ undoData }: Scope['event']): Pick<StepRecord, 'undoData'> {
  return undoData === undefined ? {} : { undoData };
}

function progressOf({ progress }: Scope['event']): Pick<StepRecord, 'progress'> {
  return progress === undefined ? {} : { progress };
}

function leftOf({ left }: Scope['event']): { readonly left?: readonly Left[] } {
  return left === undefined ? {} : { left };
}

function cancel({ by, reason }: Scope['event']): SagaContext['cause'] {
  return { kind: 'cancel', by: by ?? null, reason: reason ?? null };
}

/** One that succeeded after another had won: it is undone, if it can be. */
function loser({ compensate }: StepDefinition, record: StepRecord): StepRecord {
  return { ...record, status: compensate ? 'undoing' : 'passed' };
}

function givenUp(step: StepDefinition, { unknown }: StepRecord): StepRecord['status'] {
  if (isGraceful(step) && step.compensate) return 'undoing';
  return leavesDoubt(step) && unknown ? 'unknown' : 'refused';
}

function statusAfter(judgment: Judgment | undefined): StepRecord['status'] {
  return judgment === 'refused' || judgment === 'unknown' || judgment === 'undoing' || judgment === 'passed' ? judgment : 'open';
}

function causeOf({ failure }: StepRecord): readonly string[] {
  return [`the step itself: ${failure?.message}`];
}
