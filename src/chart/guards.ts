import { type SagaContext, stepRecord } from './context.ts';
import { isRaceWon, judgeCheck, judgeFailure, judgeFallback, judgeStop, judgeUndoFailure } from './judgment.ts';
import { goneOn, isPastPivot } from './progress.ts';
import { isMeantToGoOn, isRewound, noWayBack, rewinding } from './rewind.ts';
import { hasEarlierRound, savepointOf } from './rounds.ts';
import { type About, type Scope, type Steps, settled, unanswered } from './scope.ts';
import { isLastStanding, isSettled, mustBeUndone, somethingToUndo, undoSettled } from './settlement.ts';

export interface To extends About {
  readonly to: string;
}
export interface Several {
  readonly steps: readonly number[];
}

/** The guards of a saga's chart, by their names in it. */
export function guardsOf(steps: Steps) {
  const { definition } = steps;
  return {
    draining: ({ context }: Scope) => context.cause !== null,
    isHeld: ({ context }: Scope) => context.held !== undefined,
    heldForParent: ({ context }: Scope) => context.cause === null && context.nested === true,
    nothingFailed: ({ context }: Scope) => context.cause === null,
    canceledByRequest: ({ context }: Scope) => context.cause?.kind === 'cancel',
    mayStillFail: ({ context }: Scope) => isMeantToGoOn(context) && !isPastPivot(definition, context),
    somethingUndone: ({ context }: Scope) => context.compensated === true,
    somethingToUndo: ({ context }: Scope) => somethingToUndo(definition, rewinding(definition, context)),
    succeeded: ({ context }: Scope, { steps }: Several) => steps.every((step) => goneOn(context, step)),
    passesOver: ({ context }: Scope, { gate, steps }: Several & { readonly gate: number }) =>
      [gate, ...steps].every((step) => goneOn(context, step)) && context.steps[gate]?.result !== true,
    goesForward: (scope: Scope, params: About) => scope.context.cause === null && !isRaceWon(steps.of(params), scope.context),
    raceWon: ({ context }: Scope, { race }: { readonly race: number }) => context.steps[race]?.result !== undefined,
    signalArrived: ({ context }: Scope, { signal }: { readonly signal: string }) => context.cause === null && (context.signals?.[signal]?.length ?? 0) > 0,
    signalTaken: ({ context }: Scope, { step }: About) => context.steps[step]?.status === 'succeeded',
    undecided: ({ context, event }: Scope, { step }: About) => isUndecided(context, step, event.round),
    decidedAs: ({ context }: Scope, { step, approved }: About & { readonly approved: boolean }) => context.steps[step]?.decision?.approved === approved,
    isDecided: ({ context }: Scope, { step }: About) => context.cause === null && context.steps[step]?.decision !== undefined,
    decided: ({ context }: Scope, { step, to }: To) => decision(context, step) === to,
    measured: ({ context }: Scope, { step }: About) => context.steps[step]?.failure === undefined,
    goesAround: ({ context }: Scope, { step }: About) => context.steps[step]?.status === 'open',
    resolvedAsTrue: ({ event }: Scope) => event.result === true,

    judgedFailure: (scope: Scope, params: To) => judgeFailure(steps.case(scope, params), steps.failure(params, scope.event)) === params.to,
    judgedStop: (scope: Scope, params: To) => judgeStop(steps.case(scope, params)) === params.to,
    judgedLate: (scope: Scope, params: To) => judgeStop(steps.case(scope, params), 'late') === params.to,
    judgedForgotten: (scope: Scope, params: To) => judgeStop(steps.case(scope, params), 'forgotten') === params.to,
    doubtful: ({ context }: Scope, { step }: About) => stepRecord(context, step).unknown,
    judgedFallback: (scope: Scope, params: To) => judgeFallback(steps.case(scope, params), steps.failure(params, scope.event)) === params.to,
    happened: ({ event }: Scope) => settled(event).verdict === 'happened',
    happenedTooLate: (scope: Scope, params: About) => settled(scope.event).verdict === 'happened' && isRaceWon(steps.of(params), scope.context),
    didNotHappen: ({ event }: Scope) => settled(event).verdict === 'didNotHappen',
    judgedNotHappened: (scope: Scope, params: To) =>
      settled(scope.event).verdict === 'didNotHappen' && judgeCheck(steps.case(scope, params), 'didNotHappen') === params.to,
    judgedOpen: (scope: Scope, params: To) => judgeCheck(steps.case(scope, params), unanswered(scope.event)) === params.to,

    nothingToUndo: ({ context }: Scope, { step }: About) => !mustBeUndone(context, step) || isSettled(context.undos[step]),
    undoSettled: ({ context }: Scope, { steps, step }: Several & About) => steps.every((later) => undoSettled(context, later, step)),
    lastStanding: ({ context }: Scope, { step }: About) => isLastStanding(context, step),
    judgedUndo: (scope: Scope, params: To) => judgeUndoFailure(steps.case(scope, params), steps.failure(params, scope.event)) === params.to,
    earlierRound: ({ context }: Scope, params: About) => hasEarlierRound(definition, context, steps.of(params)),
    mayReturn: ({ context }: Scope) => savepointOf(definition, context) !== undefined,
    mayReturnTo: ({ context }: Scope, { step }: About) => savepointOf(definition, context)?.number === step,
    mayRewind: ({ context, event }: Scope) => noWayBack(definition, context, event.to as string) === undefined,
    rewinding: ({ context }: Scope) => context.cause?.kind === 'rewind',
    rewound: ({ context }: Scope) => isRewound(definition, context),
    toBeDone: ({ context }: Scope, { step }: About) => !goneOn(context, step),
    returnsTo: ({ context }: Scope, { step }: About) => context.backTo === step,
  };
}

/** What a step that decides has decided, by the name of its final state. */
function decision({ steps }: SagaContext, step: number): string | undefined {
  const record = steps[step];
  if (record?.status === 'open') return 'goingAround';
  if (record?.status !== 'succeeded') return undefined;
  if (record.result === true) return 'taken';
  return record.result === false ? 'notTaken' : 'succeeded';
}

/** Whether a decision can still be taken: one that is about this very question. */
function isUndecided(context: SagaContext, step: number, round: number | undefined): boolean {
  const { status, decision, round: now } = stepRecord(context, step);
  return context.cause === null && status === 'open' && decision === undefined && round === now;
}
