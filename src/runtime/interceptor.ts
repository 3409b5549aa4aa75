import { SagachartError } from '../base/errors.ts';
import type { AttemptRef, RunRef } from './event.ts';
import type { AttemptPlan, AttemptScope } from './program.ts';

/** What an interceptor is told of an attempt. */
export interface InterceptedAttempt extends Readonly<AttemptRef> {
  readonly run: RunRef & { readonly incarnation: number };
  /** What the dependency sees: of `check` that of the attempt it asks about, of `undo` the undo's own. */
  readonly key: string;
  /** Made when it is asked for; throws what keeps it from being made. */
  readonly input: unknown;
}

/**
 * Around each attempt: traces, context, authorization. It calls `next` once, which runs the attempt, or the interceptor
 * after it, and gives its result. What it returns makes no difference.
 *
 * What it throws before it has called `next` is the error of the attempt, and judged as one: a `HardError` refuses it.
 * After that it cannot hide what the attempt did: the attempt's own error stands, and one that succeeded counts as unknown.
 */
export type Interceptor = (attempt: InterceptedAttempt, next: () => Promise<unknown>) => unknown;

/** The plan with interceptors around it, the first outermost; the plan itself where there are none. */
export function intercepted(plan: AttemptPlan, interceptors: readonly Interceptor[]): AttemptPlan {
  if (interceptors.length === 0) return plan;
  return {
    ...plan,
    run: (scope, signal) => {
      const attempt = attemptOf(plan, scope);
      let run = async (): Promise<unknown> => await plan.run(scope, signal);
      for (const interceptor of interceptors.toReversed()) {
        const inner = run;
        run = () => around(attempt, interceptor, inner);
      }
      return run();
    },
  };
}

function attemptOf(plan: AttemptPlan, scope: AttemptScope): InterceptedAttempt {
  const { step, kind, attempt, dependency } = plan;
  const subject = plan.subject(scope);
  return Object.freeze({
    run: Object.freeze({ ...scope.run }),
    step,
    kind,
    attempt,
    ...(dependency === undefined ? {} : { dependency }),
    key: subject.key,
    get input() {
      return subject.input();
    },
  });
}

async function around(attempt: InterceptedAttempt, interceptor: Interceptor, inner: () => Promise<unknown>): Promise<unknown> {
  let called: Promise<unknown> | undefined;
  const next = (): Promise<unknown> => {
    if (called) throw interceptorError(attempt, 'called next() a second time');
    called = inner();
    // Whoever does not wait for it hears of its error below.
    called.catch(() => undefined);
    return called;
  };
  let thrown: { readonly error: unknown } | undefined;
  try {
    await interceptor(attempt, next);
  } catch (error) {
    thrown = { error };
  }
  if (!called && thrown) throw thrown.error;
  if (!called) throw notCalled(attempt);
  const result = await called;
  if (!thrown) return result;
  if (thrown.error instanceof SagachartError && thrown.error.code === 'SC_INTERCEPTOR') throw thrown.error;
  throw interceptorError(attempt, `threw: ${thrown.error instanceof Error ? thrown.error.message : thrown.error}`, thrown.error);
}

function interceptorError({ step, kind, run }: InterceptedAttempt, what: string, cause?: unknown): SagachartError {
  return new SagachartError('SC_INTERCEPTOR', `run ${run.id}: after ${kind} of step ${step} had begun an interceptor ${what}`, {
    next: 'Correct the interceptor: the effect may have happened.',
    details: { run: run.id, step },
    ...(cause === undefined ? {} : { cause }),
  });
}

function notCalled({ step, kind, run }: InterceptedAttempt): SagachartError {
  return new SagachartError('SC_INTERCEPTOR_SKIPPED', `run ${run.id}: an interceptor has not called next(), so ${kind} of step ${step} did not run`, {
    next: 'Call next() once, or throw what keeps the attempt from running.',
    details: { run: run.id, step },
  });
}
