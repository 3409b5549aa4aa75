import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { compileSaga } from '../../chart/chart.ts';
import type { Workflow } from '../../chart/workflow.ts';
import type { SentEvent } from '../../kernel/event.ts';
import type { Program } from '../../runtime/program.ts';
import { sagaProgram } from '../../runtime/saga-program.ts';
import { workflowProgram } from '../../runtime/workflow-program.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { AttemptPolicy } from '../../saga/policy.ts';
import type { Definition } from '../../sagachart.ts';
import { EFFECTS, withEffects } from './effects.ts';
import { sagaContextForm } from './normal.ts';
import type { Performed } from './perform.ts';
import type { Rules } from './rules.ts';
import { SagaRules } from './saga-rules.ts';
import { WorkflowRules } from './workflow-rules.ts';
import type { WorldModel } from './world.ts';

/** What is explored: a saga or a workflow as it runs, made small enough to be gone through. */
export interface Subject {
  readonly name: string;
  readonly program: Program;
  readonly rules: Rules;
  readonly world: WorldModel;
  /** Whether its own functions run, or one effect stands for each step of a saga. */
  readonly own: boolean;
  /** Steps that can be undone. */
  readonly undoable: readonly string[];
  /** What may be sent from outside at any time. */
  readonly signals: readonly SentEvent[];
  /** What of the context makes a difference. */
  contextForm(context: unknown): unknown;
  /** What attempts came to, as far as that is always the same. */
  readonly performed: Map<string, Performed>;
}

export interface SubjectOptions {
  readonly world?: WorldModel | undefined;
  /** Policies are cut to this many: giving up after two attempts is the same as after ten. */
  readonly attempts: number;
  /** What may be sent to a workflow, by the type of the event. */
  readonly signals?: Readonly<Record<string, readonly unknown[]>> | undefined;
  readonly distinguish?: ((context: never) => unknown) | undefined;
}

const NOTHING: WorldModel = { make: () => ({}), services: () => ({}) };
/** Nothing here is logged or stored. */
const SECRETS = { redact: () => null, sensitiveTexts: () => [], mask: <T>(value: T): T => value };

export function subjectOf(given: Definition, options: SubjectOptions): Subject {
  return 'kind' in given ? workflowSubject(given as Workflow, options) : sagaSubject(given.definition, options);
}

function sagaSubject(given: SagaDefinition, { world, attempts, distinguish }: SubjectOptions): Subject {
  const whole = world ? given : withEffects(given);
  const definition = { ...whole, steps: whole.steps.map((step) => cut(step, attempts)) };
  return {
    name: definition.name,
    program: sagaProgram(definition, telling(compileSaga(definition)), SECRETS),
    rules: new SagaRules(definition),
    world: world ?? EFFECTS,
    own: world !== undefined,
    undoable: definition.steps.filter(({ compensate }) => compensate).map(({ name }) => name),
    signals: [{ type: 'cancel' }],
    contextForm: (context) => (distinguish ? distinguish(context as never) : sagaContextForm(context, attempts)),
    performed: new Map(),
  };
}

function workflowSubject(workflow: Workflow, { world = NOTHING, signals = {}, distinguish }: SubjectOptions): Subject {
  const events = Object.entries(signals).flatMap(([type, payloads]) => payloads.map((payload): SentEvent => ({ ...(payload as object), type })));
  return {
    name: workflow.name,
    program: workflowProgram({ ...workflow, machine: telling(workflow.machine) }, SECRETS),
    rules: new WorkflowRules(events),
    world,
    own: true,
    undoable: [],
    signals: events,
    contextForm: (context) => (distinguish ? distinguish(context as never) : context),
    performed: new Map(),
  };
}

/** The action by which a state says that it is entered: what is passed through within one commit is seen nowhere else. */
export const ENTERED = 'verify.entered';

function telling(given: AnyStateMachine): AnyStateMachine {
  const machine = given.provide({ actions: { [ENTERED]: () => {} } as never });
  for (const [id, node] of nodesOf(machine)) node.entry = [...node.entry, { type: ENTERED, params: id as never }];
  return machine;
}

/** Every state of a machine by its id. */
export function nodesOf(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  return (machine as unknown as { readonly idMap: ReadonlyMap<string, AnyStateNode> }).idMap;
}

/** The step with its policies cut to this many attempts. */
export function cut(step: StepDefinition, attempts: number): StepDefinition {
  const short = (policy: AttemptPolicy): AttemptPolicy => {
    const { retry } = policy;
    return retry.attempts === 'forever' || retry.attempts <= attempts ? policy : { ...policy, retry: { ...retry, attempts } };
  };
  return { ...step, policy: short(step.policy), undoPolicy: short(step.undoPolicy) };
}
