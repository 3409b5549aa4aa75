import { assign, fromPromise, raise, sendTo } from 'xstate';
import { SagachartError } from '../base/errors.ts';
import { asFailure, type Failure, LOST } from '../base/failure.ts';
import { classify } from '../saga/classify.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { Settled } from '../saga/verdict.ts';
import { backoffMs } from './backoff.ts';
import {
  afterAbandoned,
  afterCheck,
  afterFailure,
  afterUndoFailure,
  type CheckEnd,
  mustBeUndone,
  type SagaContext,
  type StepRecord,
  stepRecord,
  type UndoRecord,
  undoRecord,
  undoSettled,
  withStep,
  withUndo,
} from './context.ts';
import { type Judgment, judgeAbort, judgeCheck, judgeFailure, judgeUndoFailure } from './judgment.ts';

interface Scope {
  readonly context: SagaContext;
  readonly event: {
    readonly output?: unknown;
    readonly error?: unknown;
    readonly result?: unknown;
    readonly by?: string;
    readonly reason?: string;
    /** Of `terminate`: the invocations under way, as the kernel knows them. */
    readonly running?: readonly string[];
  };
}
interface About {
  readonly step: number;
}
type ChangeStep = (record: StepRecord, scope: Scope, step: StepDefinition) => StepRecord;
type ChangeUndo = (record: UndoRecord, scope: Scope, step: StepDefinition) => UndoRecord;

/** The functions behind the names in a saga's chart. */
export function implementations(definition: SagaDefinition) {
  const stepOf = ({ step }: About): StepDefinition => definition.steps[step] as StepDefinition;
  const failureOf = (step: StepDefinition, { error }: Scope['event']): Failure =>
    asFailure(error, (thrown) => classify(thrown, step.classify), { step: step.name });

  // Assigns are written by hand, not with immer: on records this small a draft costs a third more.
  const changeStep = (change: ChangeStep) =>
    assign((scope, params: About) => {
      const { context } = scope as unknown as Scope;
      const step = stepOf(params);
      return withStep(context, step.number, change(stepRecord(context, step.number), scope as unknown as Scope, step));
    });
  const changeUndo = (change: ChangeUndo) =>
    assign((scope, params: About) => {
      const { context } = scope as unknown as Scope;
      const step = stepOf(params);
      return withUndo(context, step.number, change(undoRecord(context, step.number), scope as unknown as Scope, step));
    });

  return {
    guards: {
      draining: ({ context }: Scope) => context.cause !== null,
      nothingFailed: ({ context }: Scope) => context.cause === null,
      canceledByRequest: ({ context }: Scope) => context.cause?.kind === 'cancel',
      somethingToUndo: ({ context }: Scope) => definition.steps.some((step) => step.compensate && mustBeUndone(context, step.number)),
      succeeded: ({ context }: Scope, { steps }: { readonly steps: readonly number[] }) => steps.every((step) => goneOn(context, step)),
      nothingToUndo: ({ context }: Scope, { step }: About) => !mustBeUndone(context, step),
      undoSettled: ({ context }: Scope, { steps }: { readonly steps: readonly number[] }) => steps.every((step) => undoSettled(context, step)),
      judgedFailure: ({ context, event }: Scope, params: About & { readonly to: Judgment }) =>
        judgeFailure(stepOf(params), context, failureOf(stepOf(params), event)) === params.to,
      judgedAbort: ({ context }: Scope, params: About & { readonly to: Judgment }) => judgeAbort(stepOf(params), context) === params.to,
      judgedUndo: ({ context, event }: Scope, params: About & { readonly to: Judgment }) =>
        judgeUndoFailure(stepOf(params), context, failureOf(stepOf(params), event)) === params.to,
      happened: ({ event }: Scope) => settled(event).verdict === 'happened',
      didNotHappen: ({ event }: Scope) => settled(event).verdict === 'didNotHappen',
      judgedNotHappened: ({ context, event }: Scope, params: About & { readonly to: Judgment }) =>
        settled(event).verdict === 'didNotHappen' && judgeCheck(stepOf(params), context, 'didNotHappen') === params.to,
      judgedOpen: ({ context, event }: Scope, params: About & { readonly to: Judgment }) =>
        judgeCheck(stepOf(params), context, unanswered(event)) === params.to,
    },

    actions: {
      abort: raise({ type: 'abort' }),
      tellToStop: sendTo((_: unknown, { child }: { readonly child: string }) => child, { type: 'abort' }),
      recordSuccess: changeStep((record, { event }) => succeeded({ ...record, attempts: record.attempts + 1 }, event.output)),
      recordHappened: changeStep((record, { event }) => succeeded(record, (settled(event) as Extract<Settled, { verdict: 'happened' }>).result)),
      recordFailure: changeStep((record, { context, event }, step) => {
        const failure = failureOf(step, event);
        return { ...afterFailure(step, record, failure), status: statusAfter(judgeFailure(step, context, failure)) };
      }),
      recordNotHappened: changeStep((record, { context }, step) => ({
        ...afterCheck(record, 'didNotHappen'),
        status: statusAfter(judgeCheck(step, context, 'didNotHappen')),
      })),
      recordRefused: changeStep((record) => ({ ...record, unknown: false, status: 'refused', skipped: true })),
      recordOpen: changeStep((record, { context, event }, step) => {
        const end = unanswered(event);
        return { ...afterCheck(record, end), status: statusAfter(judgeCheck(step, context, end)) };
      }),
      recordAbort: changeStep((record, _, step) => ({ ...record, status: step.kind !== 'read' && record.unknown ? 'unknown' : 'refused' })),
      recordSleep: changeStep((record) => ({ ...record, status: 'succeeded' })),
      recordRetry: changeStep((record) => ({ ...record, since: record.attempts, losses: 0, checkLosses: 0 })),
      recordSkipped: changeStep((record) => ({ ...record, status: 'skipped' })),
      recordResolved: changeStep((record, { event }) => ({ ...succeeded(record, event.result), status: 'resolved' })),
      recordUndone: changeUndo((record) => {
        const { failure: _, ...rest } = record;
        return { ...rest, status: 'undone', attempts: record.attempts + 1, losses: 0 };
      }),
      recordUndoFailure: changeUndo((record, { event }, step) => afterUndoFailure(record, failureOf(step, event))),
      recordUndoRetry: changeUndo((record) => ({ ...record, since: record.attempts, losses: 0 })),
      recordUndoSkipped: changeUndo((record) => ({ ...record, status: 'skipped' })),
      recordUndoResolved: changeUndo((record) => ({ ...record, status: 'resolved' })),
      fail: assign((scope, params: About) => {
        const { context } = scope as unknown as Scope;
        if (context.cause !== null) return {};
        return { cause: { kind: 'failure', step: stepOf(params).name, failure: stepRecord(context, params.step).failure as Failure } };
      }),
      recordCancel: assign((scope) => {
        const { context, event } = scope as unknown as Scope;
        return context.cause === null ? { cause: { kind: 'cancel', by: event.by ?? null, reason: event.reason ?? null } } : {};
      }),
      noteLateCancel: assign({}),
      recordAbandoned: assign((scope) => {
        const { context, event } = scope as unknown as Scope;
        const abandoned = definition.steps.filter(({ name }) => event.running?.includes(name));
        return abandoned.reduce((after, step) => withStep(after, step.number, afterAbandoned(step, stepRecord(after, step.number))), context);
      }),
    },

    delays: Object.fromEntries(definition.steps.flatMap((step) => delaysOf(step))),
    actors: Object.fromEntries(definition.steps.flatMap((step) => sourcesOf(step).map((source) => [source, unprovided(definition.name, source)]))),
  };
}

function goneOn(context: SagaContext, step: number): boolean {
  const status = context.steps[step]?.status;
  return status === 'succeeded' || status === 'resolved' || status === 'skipped';
}

function succeeded(record: StepRecord, result: unknown): StepRecord {
  const { failure: _, ...rest } = record;
  return { ...rest, status: 'succeeded', losses: 0, checkLosses: 0, unknown: false, result };
}

function statusAfter(judgment: Judgment): StepRecord['status'] {
  return judgment === 'refused' || judgment === 'unknown' ? judgment : 'open';
}

function settled(event: Scope['event']): Settled {
  return (event.output ?? { verdict: 'open' }) as Settled;
}

/** How a check ended that did not say that it happened. */
function unanswered({ error }: Scope['event']): CheckEnd {
  return (error as Failure | undefined)?.code === LOST ? 'lost' : 'open';
}

function delaysOf(step: StepDefinition): [string, (scope: Scope) => number][] {
  const { name, number, policy, undoPolicy, sleepMs = 0 } = step;
  if (step.kind === 'sleep') return [[`${name}.sleep`, () => sleepMs]];
  const wait = (retry: typeof policy.retry, kind: string, runId: string, { attempts, since, failure }: StepRecord | UndoRecord): number =>
    backoffMs(retry, attempts - since, `${runId}/${name}/${kind}/${attempts}`, failure?.retryAfterMs);
  return [
    [`${name}.backoff`, ({ context }) => wait(policy.retry, 'run', context.runId, stepRecord(context, number))],
    ...(step.compensate
      ? [
          [`${name}.undoBackoff`, ({ context }: Scope) => wait(undoPolicy.retry, 'undo', context.runId, undoRecord(context, number))] as [
            string,
            (scope: Scope) => number,
          ],
        ]
      : []),
  ];
}

/** The actors a step invokes, by source name. */
export function sourcesOf({ name, kind, check, compensate }: StepDefinition): readonly string[] {
  if (kind === 'sleep') return [];
  return [name, ...(check ? [`${name}.check`] : []), ...(compensate ? [`${name}.undo`] : [])];
}

function unprovided(saga: string, source: string) {
  return fromPromise(() =>
    Promise.reject(
      new SagachartError('SC_ACTOR_MISSING', `the machine of saga ${saga} was started without the actor '${source}'`, {
        next: `Give it one: machine.provide({ actors: { '${source}': fromPromise(…) } }), or run the saga on an engine.`,
        details: { saga, source },
      }),
    ),
  );
}
