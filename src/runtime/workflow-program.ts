import type { StateValue } from 'xstate';
import { thrownFailure } from '../base/failure.ts';
import { idempotencyKey } from '../base/key.ts';
import { own } from '../base/own.ts';
import { fingerprint } from '../chart/fingerprint.ts';
import { statePaths } from '../chart/path.ts';
import type { Workflow } from '../chart/workflow.ts';
import { classify } from '../saga/classify.ts';
import { type AttemptPolicy, attemptPolicy } from '../saga/policy.ts';
import { carryingWorkflow } from './carrying.ts';
import type { AttemptScope, Program, RunNow } from './program.ts';
import { NotBegun } from './query.ts';
import { masked, type Secrets } from './secrets.ts';

/** What an actor of a hand-written machine may use besides its input: XState's promise actors get it as they always do. */
type PromiseCreator = (scope: {
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly key: string;
  readonly services: unknown;
  readonly heartbeat: (progress?: unknown) => void;
  readonly progress: unknown;
  readonly emit: () => void;
}) => unknown;

export function workflowProgram(workflow: Workflow, secrets: Secrets): Program {
  const { machine, name, version } = workflow;
  const fallback: AttemptPolicy = attemptPolicy(`workflow ${name}`);
  return {
    kind: 'workflow',
    name,
    version,
    fingerprint: fingerprint(machine),
    ...carryingWorkflow(workflow),
    chart: { machine, storesInput: true, freezesContext: true, onLoss: 'restart', startInput: ({ input }) => input },
    schemas: {
      input: workflow.input,
      answer: () => undefined,
      event: (type, path) => (path.length === 0 ? own(workflow.events, type) : undefined),
      // Its context is its author's: what is sensitive is known from the input and the names.
      context: () => undefined,
    },
    signals: workflow.events,
    signalEvent: (type, payload) => ({ ...(payload as object), type }),
    depends: [],
    describe: (_, id, child) => ({ step: id, kind: 'run', attempt: child.round }),
    plan: (_, id, { src, round, input, losses = 0, progress }) => ({
      step: id,
      kind: 'run',
      attempt: round,
      policy: workflow.policies.get(src) ?? fallback,
      losses,
      waitsHere: true,
      subject: (scope) => ({ key: keyOf(scope, id, round), input: () => input }),
      run: (scope, signal) => {
        const { config } = machine.implementations.actors[src] as unknown as { readonly config: PromiseCreator };
        const { services, heartbeat } = scope;
        return config({ input, signal: signal(), key: keyOf(scope, id, round), services, heartbeat, progress, emit: () => {} });
      },
      failure: (error) => masked(thrownFailure(error, classify, { step: id, dependency: src }), secrets, secrets.sensitiveTexts(input)),
    }),
    next: () => undefined,
    operate: () => undefined,
    resolved: (_state, _step, result) => result,
    isDegraded: (state) => state.snapshot?.hasTag('degraded') ?? false,
    isOverdue: () => false,
    stuck: (state) => (state.snapshot?.hasTag('attention') ? statePaths(state.data.value, 'workflow') : []),
    fork: {
      problem: () => ({
        why: 'it is a workflow: only its author knows what it would undo of the other run',
        next: 'Start a new run with the input that it needs.',
      }),
      context: ({ context }) => context,
    },
    noWayBack: () => ({ why: 'it is a workflow: only its author knows what its states undo', next: 'Send an event for which its machine has a transition.' }),
    isPastPivot: () => false,
    queries: queriesOf(workflow),
    progress: () => ({}),
    withoutSecrets: ({ data }, failure) =>
      masked(failure, secrets, [...secrets.sensitiveTexts(data.input, workflow.input), ...secrets.sensitiveTexts(data.context)]),
  };
}

/** @throws SagachartError SC_QUERY_FAILED: a machine that has not begun has no context */
function queriesOf({ queries }: Workflow): Program['queries'] {
  return Object.fromEntries(
    Object.entries(queries).map(([name, query]) => [
      name,
      ({ data: { context, value }, ...now }: RunNow) => {
        if (value === null) throw new NotBegun('the run is queued: its machine has no context yet');
        return query({ context, value: value as StateValue, ...now });
      },
    ]),
  );
}

function keyOf({ namespace, run }: AttemptScope, step: string, round: number): string {
  return idempotencyKey({ namespace, run: run.id, incarnation: run.incarnation, step, round, kind: 'run' });
}
