import { quoted } from '../base/quoted.ts';
import type { OnFailure, StepDefinition } from './definition.ts';
import { definitionError, type Where } from './error.ts';
import type { Part, StepBody } from './parts.ts';
import { checkPlace } from './place.ts';
import { attemptPolicy } from './policy.ts';

/** A saga under construction: immutable, so that one beginning can be continued twice. */
export interface Plan {
  readonly saga: string;
  readonly steps: readonly StepDefinition[];
  /** Numbers of the steps that the next one depends on. */
  readonly frontier: readonly number[];
  readonly onFailure: OnFailure;
  /** Number of the choice that what is added now belongs to. */
  readonly gate?: number;
  /** What it is added to, the innermost last: not everything may stand everywhere. */
  readonly blocks: readonly Block[];
}

export type Block = 'when' | 'loop' | 'race';

/** @throws DefinitionError SC_DEFINITION_DUPLICATE, SC_DEFINITION_PIVOT, SC_DEFINITION_COMPENSATE, SC_DEFINITION_BLOCK */
export function withStep(plan: Plan, part: Part, after: readonly number[] = plan.frontier): Plan {
  const { name, kind } = part.body;
  const where = { saga: plan.saga, step: name };
  if (plan.steps.some((other) => other.name === name)) {
    throw definitionError('SC_DEFINITION_DUPLICATE', where, { what: `a step named ${quoted(name)} exists already`, next: 'Give one of the two another name.' });
  }
  const number = plan.steps.length;
  const direct = withoutRedundant(plan.steps, after);
  const ancestors = ancestorsOf(plan.steps, direct);
  const pivot = plan.steps.find((other) => other.kind === 'pivot');
  const forward = plan.onFailure === 'forward' || kind === 'pivot' || (pivot !== undefined && ancestors.has(pivot.number));
  checkPivot(plan, name, kind, ancestors, pivot);
  checkPlace(plan, part.body, { ancestors, forward });
  const body = part.reusable && forward ? withoutUndo(where, part.body) : part.body;
  if (!part.reusable || !forward) checkUndo(where, part, forward);
  const gate = plan.gate === undefined ? {} : { gate: plan.gate };
  return { ...plan, steps: [...plan.steps, { ...body, ...gate, number, after: direct, forward }], frontier: [number] };
}

/** A name that no step has: `sleep`, `sleep2`, … */
export function freeName({ steps }: Plan, name: string): string {
  const taken = new Set(steps.map((step) => step.name));
  if (!taken.has(name)) return name;
  let n = 2;
  while (taken.has(`${name}${n}`)) n++;
  return `${name}${n}`;
}

function withoutUndo(where: Where, { compensate: _, ...body }: StepBody): StepBody {
  return { ...body, undoPolicy: attemptPolicy(where, {}, 'undo') };
}

function checkUndo(where: Where, { body: { kind }, undoing: { compensate, undo } }: Part, forward: boolean): void {
  if (kind === 'step' && !forward) {
    if (compensate !== undefined) return;
    throw definitionError('SC_DEFINITION_COMPENSATE', where, {
      what: 'it has no compensate',
      next: 'Say how it is undone, or use .read for a step that has nothing to undo.',
    });
  }
  const [option, value] = compensate === undefined ? ['undo', undo] : ['compensate', compensate];
  if (value === undefined) return;
  const why = kind === 'read' ? 'a .read has nothing to undo' : "from the pivot on, and where onFailure is 'forward', a run only goes forward";
  throw definitionError('SC_DEFINITION_COMPENSATE', where, {
    what: `${option} is ${quoted(value)}, but ${why}`,
    next: kind === 'read' ? 'Use .step.' : `Move the step before the pivot, or drop its ${option}.`,
    option: option as string,
    value,
  });
}

function checkPivot(plan: Plan, name: string, kind: string, ancestors: ReadonlySet<number>, pivot: StepDefinition | undefined): void {
  const past = pivot !== undefined && ancestors.has(pivot.number);
  if (kind === 'pivot' && plan.onFailure === 'forward') {
    throw definitionError(
      'SC_DEFINITION_PIVOT',
      { saga: plan.saga, step: name },
      { what: "it is a pivot, but onFailure is 'forward': nothing is ever undone", next: 'Make it an ordinary step.' },
    );
  }
  if (kind === 'pivot' && pivot) {
    throw definitionError(
      'SC_DEFINITION_PIVOT',
      { saga: plan.saga, step: name },
      {
        what: `it is a second pivot: ${pivot.name} is the first`,
        next: 'A saga has one point of no return; make one of the two an ordinary step.',
      },
    );
  }
  const beside = kind === 'pivot' ? plan.steps.find((other) => !ancestors.has(other.number))?.name : pivot && !past ? name : undefined;
  if (beside !== undefined) {
    const pivotName = pivot?.name ?? name;
    throw definitionError(
      'SC_DEFINITION_PIVOT',
      { saga: plan.saga, step: beside },
      {
        what: `it may run beside the pivot ${pivotName}, so nobody could say whether it must be undone`,
        next: `Let ${pivotName} come after it, or it after ${pivotName}.`,
      },
    );
  }
}

/** Direct dependencies only: one that another depends on says nothing new. */
function withoutRedundant(steps: readonly StepDefinition[], after: readonly number[]): readonly number[] {
  const unique = [...new Set(after)].sort((a, b) => a - b);
  if (unique.length < 2) return unique;
  return unique.filter((before) => !unique.some((other) => other !== before && ancestorsOf(steps, [other]).has(before)));
}

function ancestorsOf(steps: readonly StepDefinition[], after: readonly number[]): ReadonlySet<number> {
  const ancestors = new Set(after);
  for (let number = steps.length - 1; number >= 0; number--) if (ancestors.has(number)) for (const before of steps[number]?.after ?? []) ancestors.add(before);
  return ancestors;
}
