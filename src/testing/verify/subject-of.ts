import type { AnyStateMachine } from 'xstate';
import { SagachartError } from '../../base/errors.ts';
import { own } from '../../base/own.ts';
import { compileSaga } from '../../chart/chart.ts';
import type { Workflow } from '../../chart/workflow.ts';
import type { Definition } from '../../definitions.ts';
import type { SentEvent } from '../../kernel/event.ts';
import { sagaProgram } from '../../runtime/saga-program.ts';
import { workflowProgram } from '../../runtime/workflow-program.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { AttemptPolicy } from '../../saga/policy.ts';
import { EFFECTS, withEffects } from './effects.ts';
import { sagaContextForm } from './normal.ts';
import { SagaRules } from './saga-rules.ts';
import { ENTERED, nodesOf, type Subject } from './subject.ts';
import { WorkflowRules } from './workflow-rules.ts';
import type { WorldModel } from './world.ts';

export interface SubjectOptions {
  readonly world?: WorldModel | undefined;
  /** Policies are cut to this many: giving up after two attempts is the same as after ten. */
  readonly attempts: number;
  /** How often a person takes a run back. Default: never. */
  readonly rewinds?: number | undefined;
  /** What may be sent to it, by the name of the signal or the type of the event. */
  readonly signals?: Readonly<Record<string, readonly unknown[]>> | undefined;
  readonly distinguish?: ((context: never) => unknown) | undefined;
}

const NOTHING: WorldModel = { make: () => ({}), services: () => ({}) };
/** Nothing here is logged or stored. */
const SECRETS = { redact: () => null, sensitiveTexts: () => [], mask: <T>(value: T): T => value };

export function subjectOf(given: Definition, options: SubjectOptions): Subject {
  return 'kind' in given ? workflowSubject(given as Workflow, options) : sagaSubject(given.definition, options);
}

function sagaSubject(given: SagaDefinition, { world, attempts, rewinds = 0, signals = {}, distinguish }: SubjectOptions): Subject {
  checkDatabase(given, world);
  const whole = world ? given : withEffects(given);
  const definition = { ...whole, steps: whole.steps.map((step) => cut(step, attempts)) };
  return {
    name: definition.name,
    program: sagaProgram(definition, telling(compileSaga(definition)), SECRETS),
    rules: new SagaRules(definition),
    world: world ?? EFFECTS,
    own: world !== undefined,
    undoable: definition.steps.filter(({ compensate }) => compensate).map(({ name }) => name),
    definition,
    requests: [{ type: 'cancel' }],
    rewinds,
    signals: Object.keys(definition.signals).flatMap((type) => (own(signals, type) ?? [null]).map((payload): SentEvent => ({ type, payload }))),
    attempts,
    contextForm: (context) => (distinguish ? distinguish(context as never) : sagaContextForm(context, attempts)),
  };
}

/** @throws SagachartError SC_VERIFY */
function checkDatabase({ name, steps }: SagaDefinition, world: WorldModel | undefined): void {
  const step = steps.find(({ transact }) => transact);
  if (!step || !world || world.database) return;
  throw new SagachartError('SC_VERIFY', `step ${step.name} of ${name} is transactional, and the world it is verified in has no database`, {
    next: 'Give the world a `database`: what the step is to be given for `db`, acting on that world. Without a world no function of the saga runs.',
    details: { saga: name, step: step.name },
  });
}

function workflowSubject(workflow: Workflow, { world = NOTHING, attempts, signals = {}, distinguish }: SubjectOptions): Subject {
  const events = Object.entries(signals).flatMap(([type, payloads]) => payloads.map((payload): SentEvent => ({ ...(payload as object), type })));
  return {
    name: workflow.name,
    program: workflowProgram({ ...workflow, machine: telling(workflow.machine) }, SECRETS),
    rules: new WorkflowRules(events),
    world,
    own: true,
    undoable: [],
    requests: [],
    rewinds: 0,
    signals: events,
    attempts,
    contextForm: (context) => (distinguish ? distinguish(context as never) : context),
  };
}

function telling(given: AnyStateMachine): AnyStateMachine {
  const machine = given.provide({ actions: { [ENTERED]: () => {} } as never });
  for (const [id, node] of nodesOf(machine)) node.entry = [...node.entry, { type: ENTERED, params: id as never }];
  return machine;
}

/** The step with its policies cut to this many attempts. */
export function cut(step: StepDefinition, attempts: number): StepDefinition {
  const short = (policy: AttemptPolicy): AttemptPolicy => {
    const { retry } = policy;
    return retry.attempts === 'forever' || retry.attempts <= attempts ? policy : { ...policy, retry: { ...retry, attempts } };
  };
  return { ...step, policy: short(step.policy), undoPolicy: short(step.undoPolicy) };
}
