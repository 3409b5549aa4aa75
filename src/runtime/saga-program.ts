import type { AnyStateMachine } from 'xstate';
import { SagachartError } from '../base/errors.ts';
import { thrownFailure } from '../base/failure.ts';
import { initialContext, type SagaContext, stepRecord, undoRecord } from '../chart/context.ts';
import { fingerprint } from '../chart/fingerprint.ts';
import { forkingOf } from '../chart/fork.ts';
import { statePaths, stuckSteps } from '../chart/path.ts';
import { previousOf, resultsOf } from '../chart/results.ts';
import { noWayBack } from '../chart/rewind.ts';
import type { RunState } from '../kernel/state.ts';
import type { Depends } from '../policies/gates.ts';
import { classify } from '../saga/classify.ts';
import type { AttemptContext, SagaDefinition, StepDefinition, StepOutcome } from '../saga/definition.ts';
import { parseWith } from '../saga/schema.ts';
import { carrying } from './carrying.ts';
import type { AttemptKind, AttemptRef } from './event.ts';
import { itemRulesOf } from './item-rules.ts';
import type { AttemptPlan, Program } from './program.ts';
import { runOf, sagaFamily } from './saga-family.ts';
import { type ItemAttempted, itemsProgramsOf } from './saga-items.ts';
import { sagaReads } from './saga-reads.ts';
import { parted, schemasOf } from './saga-schemas.ts';
import { masked, type Secrets } from './secrets.ts';
import { keyed, keyOf } from './step-key.ts';
import { checked, discarded, discardedNow, parsedNow, parsedResult, parseResult } from './step-result.ts';

export function sagaProgram(definition: SagaDefinition, machine: AnyStateMachine, secrets: Secrets): Program {
  const byName = new Map(definition.steps.map((step) => [step.name, step]));
  const contextOf = ({ data }: RunState): SagaContext => data.context as SagaContext;
  const read = (id: string): { step: StepDefinition; kind: AttemptKind } => {
    const { name, what } = parted(id);
    return { step: byName.get(name) as StepDefinition, kind: (what ?? 'run') as AttemptKind };
  };
  const describe = (state: RunState, id: string): AttemptRef => {
    const { step, kind } = read(id);
    const record = kind === 'undo' ? undoRecord(contextOf(state), step.number) : stepRecord(contextOf(state), step.number);
    return {
      step: step.name,
      kind,
      attempt: kind === 'check' ? record.attempts : kind === 'fallback' ? 1 : record.attempts + 1,
      ...(step.dependency === undefined ? {} : { dependency: step.dependency }),
    };
  };
  const rules = itemRulesOf(definition);
  const maps = itemsProgramsOf(definition, (context, attempted) => sagaAttempt(definition, context, { ...attempted, secrets }));
  return {
    kind: 'saga',
    name: definition.name,
    version: definition.version,
    fingerprint: fingerprint(machine, definition),
    ...carrying(definition, machine),
    chart: {
      machine,
      storesInput: false,
      freezesContext: false,
      onLoss: 'error',
      terminates: 'event',
      startInput: ({ run, input, holds }) => ({ runId: run, input, ...(holds ? { nested: true } : {}) }),
      ...(definition.steps.some(({ child }) => child) ? { runOf: (src, context) => runOf(definition, src, context as SagaContext) } : {}),
      items: (id) => rules.get(id),
    },
    items: (id) => maps.get(id),
    ...sagaReads(definition),
    family: sagaFamily(definition, (step, context) => stepInput(definition, step, context)),
    schemas: schemasOf(definition),
    signals: definition.signals,
    signalEvent: (name, payload) => ({ type: name, payload }),
    ...(definition.steps.some(({ approval }) => approval) ? { approval: approvalsOf(byName) } : {}),
    depends: dependsOf(definition),
    ...transactionalOf(definition),
    describe,
    plan: (state, id) => sagaAttempt(definition, contextOf(state), { ...read(id), ref: describe(state, id), secrets }),
    next: (state, step, kind) => {
      const { number } = byName.get(step) as StepDefinition;
      const { failure } = kind === 'undo' ? undoRecord(contextOf(state), number) : stepRecord(contextOf(state), number);
      return { ...describe(state, kind === 'undo' ? `${step}.undo` : step), ...(failure === undefined ? {} : { failure }) };
    },
    operate: (_, step, action) => (byName.has(step) ? `${step}.${action}` : undefined),
    resolved: (state, name, result) => {
      const step = byName.get(name);
      // What is stuck may be its undo, which has no result.
      return step?.resultSchema && isStuck(state, name) ? parseResult(definition, step, result) : result;
    },
    isDegraded: (state) => (state.data.context as SagaContext | null)?.degraded === true,
    isOverdue: (state) => (state.data.context as SagaContext | null)?.overdue === true,
    stuck: (state) => stuckSteps(state.data.value),
    fork: forkingOf(definition),
    noWayBack: (state, step) => noWayBack(definition, contextOf(state), step),
    isPastPivot: (state) => state.snapshot?.hasTag('pastPivot') ?? false,
    withoutSecrets: ({ data }, failure) => {
      const context = (data.context ?? { input: data.input, steps: [] }) as SagaContext;
      return masked(failure, secrets, textsOf(definition, context, { input: context.input, schema: definition.input, secrets }));
    },
  };
}

/** All that is read of a run that has not begun. */
const NOT_BEGUN = initialContext({ runId: '', input: undefined });

function approvalsOf(byName: ReadonlyMap<string, StepDefinition>): NonNullable<Program['approval']> {
  return (name) => {
    const step = byName.get(name);
    return step?.approval && { schema: step.resultSchema, standing: ({ data }) => stepRecord((data.context as SagaContext | null) ?? NOT_BEGUN, step.number) };
  };
}

function transactionalOf({ steps }: SagaDefinition): Pick<Program, 'transactional'> {
  const ids = steps.flatMap(({ name, transact }) => (transact ? [name, `${name}.undo`] : []));
  return ids.length === 0 ? {} : { transactional: new Set(ids) };
}

function dependsOf({ name, version, steps }: SagaDefinition): readonly Depends[] {
  return steps.flatMap(({ dependency, protection }) => (dependency === undefined ? [] : [{ saga: `${name} version ${version}`, dependency, protection }]));
}

function isStuck({ data }: RunState, step: string): boolean {
  const paths = statePaths(data.value);
  return paths.includes(`running.${step}.attention`) || paths.includes(`running.${step}.attempting.attention`);
}

interface Attempted extends ItemAttempted {
  readonly secrets: Secrets;
}

/** What a step's functions are given, built when the attempt starts. */
function sagaAttempt(definition: SagaDefinition, context: SagaContext, { step, kind, ref, item, secrets }: Attempted): AttemptPlan {
  const record = stepRecord(context, step.number);
  const undo = undoRecord(context, step.number);
  const transactional = step.transact && kind !== 'fallback';
  // Until its own input is made, a step has that of the saga.
  let input: unknown = context.input;
  let schema = definition.input;
  let isMade = false;
  const made = (): unknown => {
    if (isMade) return input;
    input = stepInput(definition, step, context);
    schema = step.inputSchema ?? definition.input;
    isMade = true;
    return input;
  };
  return {
    ...ref,
    policy: kind === 'undo' ? step.undoPolicy : step.policy,
    losses: kind === 'undo' ? undo.losses : kind === 'check' ? record.checkLosses : record.losses,
    ...(step.protection ? { protection: step.protection } : {}),
    ...(transactional ? { transactional } : {}),
    // A check that was not made has no answer: the chart would take it for one that leaves the question open.
    waitsHere: kind === 'check',
    subject: (scope) => ({ key: keyOf(scope, step, { ...keyed(record), kind: kind === 'undo' ? 'undo' : 'run' }), input: made }),
    run: (scope, signal) => {
      const shared: AttemptContext = {
        input: made(),
        get results() {
          return resultsOf(definition, context, step.number);
        },
        services: scope.services,
        attempt: ref.attempt,
        round: record.round,
        get previous() {
          return previousOf(definition, context, step.number);
        },
        get signal() {
          return signal();
        },
        fence: scope.fence,
        heartbeat: scope.heartbeat,
        progress: kind === 'undo' ? undo.progress : record.progress,
        get log() {
          return scope.log;
        },
        run: scope.run,
      };
      if (item) Object.assign(shared, { item: item.value(), index: item.index });
      const place = { ...keyed(record), ...(item ? { item: item.index + 1 } : {}) };
      const runKey = keyOf(scope, step, { ...place, kind: 'run' });
      const undone = (): unknown =>
        step.compensate?.(Object.assign(shared, { runKey, undoKey: keyOf(scope, step, { ...place, kind: 'undo' }), outcome: outcomeOf(record) }));
      const run = (): unknown => step.run?.(Object.assign(shared, { key: runKey }));
      if (transactional) {
        return scope.transact((db) => {
          Object.assign(shared, { db });
          return kind === 'undo' ? discardedNow(undone()) : parsedNow(definition, step, run());
        }, signal);
      }
      // What asking comes to is of no account: its result is what is decided.
      if (kind === 'run' && step.approval) {
        Object.assign(shared, { token: scope.token({ step: step.name, round: record.round }) });
        return discarded(run());
      }
      if (kind === 'run') return parsedResult(definition, step, run());
      if (kind === 'fallback') return step.fallback?.(Object.assign(shared, { key: runKey }));
      if (kind === 'check') return checked(definition, step, step.check?.(Object.assign(shared, { runKey })));
      return discarded(undone());
    },
    failure: (error) => {
      const failure = thrownFailure(
        error,
        (thrown) => (thrown instanceof SagachartError ? OUR_ERRORS[thrown.code] : undefined) ?? classify(thrown, step.classify),
        {
          step: step.name,
          ...(step.dependency === undefined ? {} : { dependency: step.dependency }),
          // Of a map the place says which: its input is that of all items.
          ...(item ? {} : { input: secrets.redact(input, schema) }),
        },
      );
      // What it wrote was undone with its transaction, whatever the error says of itself.
      return masked(transactional ? { ...failure, effect: 'none' } : failure, secrets, textsOf(definition, context, { input, schema, secrets }));
    },
  };
}

/** What is sensitive in all that a step was given: errors quote it. */
function textsOf(
  definition: SagaDefinition,
  context: SagaContext,
  { input, schema, secrets }: { readonly input: unknown; readonly schema: unknown; readonly secrets: Secrets },
): readonly string[] {
  const texts = (value: unknown, of: unknown): readonly string[] => sensitiveTexts(secrets, value, of);
  const results = definition.steps.flatMap(({ number, map, resultSchema }) => {
    const result = context.steps[number]?.result;
    return map && Array.isArray(result) ? result.flatMap((one) => texts(one, resultSchema)) : texts(result, resultSchema);
  });
  return [...texts(context.input, definition.input), ...(input === context.input ? [] : texts(input, schema)), ...results];
}

const known = new WeakMap<object, readonly string[]>();

/** What is sensitive in a large value is looked for once: each of ten thousand items may fail. */
function sensitiveTexts(secrets: Secrets, value: unknown, schema: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return secrets.sensitiveTexts(value, schema);
  const texts = known.get(value) ?? secrets.sensitiveTexts(value, schema);
  known.set(value, texts);
  return texts;
}

/** Errors of ours around a user's function: before it ran nothing has happened, after it everything may have. */
const OUR_ERRORS: Readonly<Record<string, { readonly class: 'hard' | 'transient'; readonly effect: 'none' | 'maybe' }>> = {
  SC_INTERCEPTOR: { class: 'transient', effect: 'maybe' },
  SC_INTERCEPTOR_SKIPPED: { class: 'hard', effect: 'none' },
  SC_STEP_INPUT: { class: 'hard', effect: 'none' },
  SC_TRANSACT_ASYNC: { class: 'hard', effect: 'none' },
  SC_TRANSACTION: { class: 'hard', effect: 'none' },
  SC_MAP_ITEMS: { class: 'hard', effect: 'none' },
  SC_RESULT_INVALID: { class: 'hard', effect: 'maybe' },
  SC_NOT_STORABLE: { class: 'hard', effect: 'maybe' },
  SC_PAYLOAD_TOO_LARGE: { class: 'hard', effect: 'maybe' },
};

function stepInput(definition: SagaDefinition, step: StepDefinition, context: SagaContext): unknown {
  if (!step.mapInput && !step.inputSchema) return context.input;
  try {
    const mapped = step.mapInput ? step.mapInput({ input: context.input, results: resultsOf(definition, context, step.number) }) : context.input;
    const parsed = parseWith(step.inputSchema, mapped);
    if ('value' in parsed) return parsed.value;
    throw badStepInput(definition, step, parsed.problem, parsed.cause);
  } catch (cause) {
    throw cause instanceof SagachartError ? cause : badStepInput(definition, step, messageOf(cause), cause);
  }
}

function badStepInput(definition: SagaDefinition, step: StepDefinition, problem: string, cause: unknown): SagachartError {
  return new SagachartError('SC_STEP_INPUT', `the input of step ${step.name} of ${definition.name} could not be made: ${problem}`, {
    next: 'Correct the function that computes it, or the schema of the reusable step.',
    details: { saga: definition.name, step: step.name },
    cause,
  });
}

function outcomeOf({ status, unknown, result, undoData, failure }: ReturnType<typeof stepRecord>): StepOutcome<unknown> {
  if (status === 'succeeded' || status === 'resolved' || (status === 'undoing' && !unknown))
    return { status: 'succeeded', result, ...(undoData === undefined ? {} : { undoData }) };
  return { status: 'unknown', ...(failure === undefined ? {} : { failure }) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
