import { cancel, fromPromise, raise } from 'xstate';
import { SagachartError } from '../base/errors.ts';
import { isControl, type SagaDefinition, type StepDefinition } from '../saga/definition.ts';
import { actionsOf } from './actions.ts';
import { backoffMs } from './backoff.ts';
import { type StepRecord, stepRecord, type UndoRecord, undoRecord } from './context.ts';
import { guardsOf } from './guards.ts';
import { type Scope, Steps } from './scope.ts';

type ByName = Readonly<Record<string, unknown>>;

/** The functions behind the names in a saga's chart. */
export function implementations(definition: SagaDefinition): Readonly<Record<'guards' | 'actions' | 'delays' | 'actors', ByName>> {
  const steps = new Steps(definition);
  return {
    guards: guardsOf(steps),
    actions: { ...actionsOf(steps), ...Object.fromEntries(definition.steps.flatMap(clocksOf)) },
    delays: {
      ...(definition.deadlineMs === undefined ? {} : { deadline: () => definition.deadlineMs }),
      ...Object.fromEntries(definition.steps.flatMap(delaysOf)),
    },
    actors: Object.fromEntries(definition.steps.flatMap((step) => sourcesOf(step).map((source) => [source, unprovided(definition.name, source)]))),
  };
}

/** XState takes the id of a raised event as written, so each clock has actions of its own. */
function clocksOf({ name, withinMs, keyTtlMs }: StepDefinition): readonly [string, unknown][] {
  return [
    ...(withinMs === undefined ? [] : clock(name, 'Clock', 'late', withinMs)),
    ...(keyTtlMs === undefined ? [] : clock(name, 'KeyClock', 'keyExpired', keyTtlMs)),
  ];
}

function clock(step: string, name: string, event: string, delay: number): readonly [string, unknown][] {
  const type = `${step}.${event}`;
  return [
    [`${step}.start${name}`, raise({ type }, { id: type, delay })],
    [`${step}.stop${name}`, cancel(type)],
  ];
}

function delaysOf(step: StepDefinition): readonly [string, (scope: Scope) => number][] {
  const { name, number, policy, undoPolicy, sleepMs, wait } = step;
  const length = sleepMs ?? wait?.timeoutMs;
  if (length !== undefined)
    return [
      [
        `${name}.${step.kind === 'sleep' ? 'sleep' : 'timeout'}`,
        ({ context }) => (typeof length === 'number' ? length : (context.steps[number]?.waitMs as number)),
      ],
    ];
  const expiresMs = step.approval?.expiresMs;
  const expiry: readonly [string, () => number][] = expiresMs === undefined ? [] : [[`${name}.expiry`, () => expiresMs]];
  if (isControl(step) || step.child) return [];
  const pause = (retry: typeof policy.retry, kind: string, runId: string, { attempts, since, failure }: StepRecord | UndoRecord): number =>
    backoffMs(retry, attempts - since, `${runId}/${name}/${kind}`, failure?.retryAfterMs);
  const undo: readonly [string, (scope: Scope) => number][] = [
    [`${name}.undoBackoff`, ({ context }) => pause(undoPolicy.retry, 'undo', context.runId, undoRecord(context, number))],
  ];
  return [
    ...expiry,
    [`${name}.backoff`, ({ context }) => pause(policy.retry, 'run', context.runId, stepRecord(context, number))],
    ...(step.compensate ? undo : []),
  ];
}

/** The actors a step invokes, by source name. */
export function sourcesOf(step: StepDefinition): readonly string[] {
  const { name, check, compensate, fallback } = step;
  if (isControl(step)) return [];
  return [name, ...(check ? [`${name}.check`] : []), ...(fallback ? [`${name}.fallback`] : []), ...(compensate ? [`${name}.undo`] : [])];
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
