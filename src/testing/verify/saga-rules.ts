import type { Left, SagaContext } from '../../chart/context.ts';
import type { Decided } from '../../kernel/decide.ts';
import type { RunEvent } from '../../kernel/event.ts';
import { endOf } from '../../kernel/standing.ts';
import type { RunState } from '../../kernel/state.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { named } from './named.ts';
import { chartFindings, type Finding, type Rule, type Rules } from './rules.ts';

/** Judges by the saga as it was written, not by how the chart was made of it. */
export class SagaRules implements Rules {
  readonly #definition: SagaDefinition;
  readonly #byName: ReadonlyMap<string, StepDefinition>;
  readonly #before: readonly ReadonlySet<number>[];

  constructor(definition: SagaDefinition) {
    this.#definition = definition;
    this.#byName = new Map(definition.steps.map((step) => [step.name, step]));
    const before: Set<number>[] = [];
    for (const { after } of definition.steps) before.push(new Set(after.flatMap((step) => [step, ...(before[step] ?? [])])));
    this.#before = before;
  }

  /** What is wrong with how a commit came from the one before it. */
  transition(before: RunState, decided: Decided): readonly Finding[] {
    const { state, effects, event } = decided;
    // A cancel is always possible before the pivot, and no sign of life.
    const findings: Finding[] = [...chartFindings(decided, () => false)];
    if (event.type === 'faulted') return findings;
    for (const { id } of effects.start) {
      const [name = '', what = 'run'] = id.split('.');
      const step = this.#byName.get(name);
      if (!step) continue;
      findings.push(...(what === 'undo' ? this.#undo(step, before, event, state) : this.#run(step, id, before, event, state)));
    }
    findings.push(...causes(before, event, state));
    if (endOf(state)) findings.push(...this.#end(state));
    return findings;
  }

  #run({ name, number, after }: StepDefinition, id: string, before: RunState, event: RunEvent, { data }: RunState): readonly Finding[] {
    const { cause } = data.context as SagaContext;
    const findings: Finding[] = [];
    const about = named(id);
    const missing = after.find((step) => !isDone(data.context, step));
    if (missing !== undefined)
      findings.push({
        rule: 'in order',
        step: name,
        message: `${about} began before ${this.#name(missing)} had succeeded`,
        next: 'Look at the guards of the chart.',
      });
    if (cause !== null)
      findings.push({
        rule: 'nothing begins while it drains',
        step: name,
        message: `${about} began after the run had failed`,
        next: 'Look at the guards of the chart.',
      });
    if (id === name && isDone(data.context, number))
      findings.push({
        rule: 'everything is done, once',
        step: name,
        message: `${about} began again after it had succeeded`,
        next: 'Look at what the chart records.',
      });
    if (goesOn(before, event, id))
      findings.push({ rule: 'undo waits for do', step: name, message: `${about} began while an attempt of it was running`, next: 'Look at the chart.' });
    return findings;
  }

  #undo(step: StepDefinition, before: RunState, event: RunEvent, { data }: RunState): readonly Finding[] {
    const { name, number, forward } = step;
    const context = data.context as SagaContext;
    const findings: Finding[] = [];
    const tell = (rule: Rule, message: string): void => {
      findings.push({ rule, step: name, message, next: 'Look at the guards of the chart.' });
    };
    const running = Object.keys(data.children).filter((id) => !id.endsWith('.undo'));
    if (running.length > 0) tell('undo waits for do', `the undo of ${name} began while ${running.map(named).join(', ')} was still running`);
    if (goesOn(before, event, `${name}.undo`)) tell('undo waits for do', `the undo of ${name} began while one of it was running`);
    const { attempts = 0, status } = context.steps[number] ?? {};
    if (attempts === 0 && status !== 'resolved') tell('undoes only what may have happened', `the undo of ${name} began, which was never attempted`);
    if (status === 'refused' || status === 'open') tell('undoes only what may have happened', `the undo of ${name} began, which is ${status}`);
    const later = this.#definition.steps.find(
      (other) => other.compensate && this.#before[other.number]?.has(number) && mayHaveHappened(context, other.number) && !isUndone(context, other.number),
    );
    if (later) tell('undone in reverse order', `the undo of ${name} began before that of ${later.name}, which depends on it`);
    const pivot = this.#definition.steps.find(({ kind }) => kind === 'pivot');
    if (forward || (pivot && mayHaveHappened(context, pivot.number))) tell('nothing is undone past the pivot', `the undo of ${name} began past the pivot`);
    return findings;
  }

  #end(state: RunState): readonly Finding[] {
    const { data } = state;
    const context = data.context as SagaContext;
    const end = endOf(state);
    const findings: Finding[] = [];
    const left = new Set((data.output as { readonly left?: readonly Left[] } | undefined)?.left?.map(({ step }) => step));
    const tell = (step: StepDefinition | undefined, message: string): void => {
      findings.push({
        rule: 'ends as its steps did',
        ...(step ? { step: step.name } : {}),
        message: `the run ended as ${end}, but ${message}`,
        next: 'Look at the ends of the chart.',
      });
    };
    if (end === 'terminated') return findings;
    const undone = this.#definition.steps.filter(({ number }) => context.undos[number]);
    if (end === 'completed') {
      for (const step of this.#definition.steps)
        if (!isDone(context, step.number)) tell(step, `${step.name} is ${context.steps[step.number]?.status ?? 'not begun'}`);
      if (undone[0]) tell(undone[0], `the undo of ${undone[0].name} was called`);
      return findings;
    }
    for (const step of this.#definition.steps)
      if (step.compensate && mayHaveHappened(context, step.number) && !isUndone(context, step.number) && !left.has(step.name))
        tell(step, `${step.name} is ${context.steps[step.number]?.status} and was not undone`);
    if (end === 'failed' && undone[0]) tell(undone[0], `the undo of ${undone[0].name} was called`);
    if (end === 'compensated' && undone.length === 0) tell(undefined, 'nothing was undone');
    if ((end === 'canceled') !== (context.cause?.kind === 'cancel')) tell(undefined, `its cause is ${context.cause?.kind ?? 'none'}`);
    return findings;
  }

  #name(step: number): string {
    return this.#definition.steps[step]?.name ?? String(step);
  }
}

/** A run ends by what began its undoing, and a cancel that was taken is such a thing. */
function causes(before: RunState, event: RunEvent, after: RunState): readonly Finding[] {
  const was = (before.data.context as SagaContext | null)?.cause ?? null;
  const { cause } = after.data.context as SagaContext;
  const next = 'Look at the actions of the chart.';
  if (was !== null && cause !== was)
    return [{ rule: 'the first cause stays', message: `${was.kind} began the undoing, and ${cause?.kind ?? 'nothing'} took its place`, next }];
  const asked = event.type === 'sent' && event.event.type === 'cancel';
  return asked && cause === null ? [{ rule: 'a cancel is heeded', message: 'a cancel was taken, and the run goes on', next }] : [];
}

/** Whether an attempt was under way before the event, and is not what the event ended. */
function goesOn({ data }: RunState, event: RunEvent, id: string): boolean {
  return data.children[id] !== undefined && !('child' in event && event.child === id);
}

function isDone(context: unknown, step: number): boolean {
  const status = (context as SagaContext).steps[step]?.status;
  return status === 'succeeded' || status === 'resolved' || status === 'skipped';
}

function mayHaveHappened({ steps }: SagaContext, step: number): boolean {
  const status = steps[step]?.status;
  return status === 'succeeded' || status === 'unknown' || status === 'resolved';
}

function isUndone({ undos }: SagaContext, step: number): boolean {
  const status = undos[step]?.status;
  return status !== undefined && status !== 'open';
}
