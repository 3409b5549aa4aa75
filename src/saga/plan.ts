import { DefinitionError } from '../base/errors.ts';
import type { StepDefinition } from './definition.ts';

/** A saga under construction: immutable, so that one beginning can be continued twice. */
export interface Plan {
  readonly saga: string;
  readonly steps: readonly StepDefinition[];
  /** Numbers of the steps that the next one depends on. */
  readonly frontier: readonly number[];
}

/** What the states of a chart are called, where steps stand beside them, and what JavaScript has taken. */
const RESERVED = new Set([
  ...['running', 'compensating', 'completed', 'compensated', 'canceled', 'failed', 'terminated', 'ended', 'abort', 'cancel', 'terminate'],
  ...[
    'waiting',
    'attempting',
    'working',
    'stopping',
    'checking',
    'backingOff',
    'succeeded',
    'refused',
    'unknown',
    'notStarted',
    'attention',
    'skipped',
    'sleeping',
    'undone',
    'nothingToUndo',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'then'],
]);

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED, SC_DEFINITION_DUPLICATE, SC_DEFINITION_PIVOT, SC_DEFINITION_COMPENSATE */
export function withStep(plan: Plan, step: Omit<StepDefinition, 'number' | 'after' | 'forward'>, after: readonly number[] = plan.frontier): Plan {
  checkName(plan.saga, step.name);
  if (plan.steps.some(({ name }) => name === step.name)) {
    throw definitionError(
      'SC_DEFINITION_DUPLICATE',
      plan.saga,
      step.name,
      `a step named ${JSON.stringify(step.name)} exists already`,
      'Give one of the two another name.',
    );
  }
  const number = plan.steps.length;
  const direct = withoutRedundant(plan.steps, after);
  const ancestors = ancestorsOf(plan.steps, direct);
  const pivot = plan.steps.find(({ kind }) => kind === 'pivot');
  const forward = step.kind === 'pivot' || (pivot !== undefined && ancestors.has(pivot.number));
  checkPivot(plan, step.name, step.kind, ancestors, pivot, forward);
  if (step.kind === 'step' && !forward && !step.compensate) {
    throw definitionError(
      'SC_DEFINITION_COMPENSATE',
      plan.saga,
      step.name,
      'it has no compensate',
      'Say how it is undone, or use .read for a step that has nothing to undo.',
    );
  }
  if ((forward || step.kind === 'read') && step.compensate) {
    const why = step.kind === 'read' ? 'a .read has nothing to undo' : 'from the pivot on a run only goes forward';
    throw definitionError(
      'SC_DEFINITION_COMPENSATE',
      plan.saga,
      step.name,
      `it has a compensate, but ${why}`,
      step.kind === 'read' ? 'Use .step.' : 'Move the step before the pivot, or drop its compensate.',
    );
  }
  return { ...plan, steps: [...plan.steps, { ...step, number, after: direct, forward }], frontier: [number] };
}

function checkPivot(plan: Plan, name: string, kind: string, ancestors: ReadonlySet<number>, pivot: StepDefinition | undefined, forward: boolean): void {
  if (kind === 'pivot' && pivot) {
    throw definitionError(
      'SC_DEFINITION_PIVOT',
      plan.saga,
      name,
      `it is a second pivot: ${pivot.name} is the first`,
      'A saga has one point of no return; make one of the two an ordinary step.',
    );
  }
  const beside = kind === 'pivot' ? plan.steps.find((other) => !ancestors.has(other.number))?.name : pivot && !forward ? name : undefined;
  if (beside !== undefined) {
    const pivotName = pivot?.name ?? name;
    throw definitionError(
      'SC_DEFINITION_PIVOT',
      plan.saga,
      beside,
      `it may run beside the pivot ${pivotName}, so nobody could say whether it must be undone`,
      `Let ${pivotName} come after it, or it after ${pivotName}.`,
    );
  }
}

/** @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkName(saga: string, name: unknown): asserts name is string {
  if (typeof name === 'string' && (RESERVED.has(name) || name.endsWith('Lane'))) {
    throw definitionError('SC_DEFINITION_RESERVED', saga, name, `the name ${JSON.stringify(name)} is reserved for the chart`, 'Choose another name.');
  }
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    throw definitionError(
      'SC_DEFINITION_NAME',
      saga,
      String(name),
      `${JSON.stringify(name)} is not a name`,
      'Use a letter, then up to 63 letters, digits, - or _.',
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

export function definitionError(code: string, saga: string, step: string, what: string, next: string): DefinitionError {
  return new DefinitionError(code, `saga ${saga}, step ${step}: ${what}`, { next, details: { saga, step } });
}
