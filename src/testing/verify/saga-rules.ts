import type { Cause, Left, SagaContext } from '../../chart/context.ts';
import type { Decided } from '../../kernel/decide.ts';
import { type RunEvent, sameIdentity } from '../../kernel/event.ts';
import { itemsUnderWay } from '../../kernel/items.ts';
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
    const findings: Finding[] = [...chartFindings(decided, waitsForSomebody)];
    if (event.type === 'faulted') return findings;
    for (const { id, item } of effects.start) {
      const [name = '', what = 'run'] = id.split('.');
      const step = this.#byName.get(name);
      if (!step) continue;
      const isOn = step.map ? itemGoesOn(before, event, id, item?.index) : goesOn(before, event, id);
      // A map that collects its results begins nothing.
      if (step.map && !item && state.data.children[id]?.items) continue;
      if (item && what === 'undo') findings.push(...undoesRefused(step, item.index, state));
      findings.push(...(what === 'undo' ? this.#undo(step, before, isOn, state) : this.#run(step, id, isOn, state)));
    }
    findings.push(...causes(before, event, state));
    if (endOf(state)) findings.push(...this.#end(state));
    return findings;
  }

  #run({ name, number, after }: StepDefinition, id: string, isOn: boolean, { data }: RunState): readonly Finding[] {
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
    if (isOn)
      findings.push({ rule: 'undo waits for do', step: name, message: `${about} began while an attempt of it was running`, next: 'Look at the chart.' });
    return findings;
  }

  #undo(step: StepDefinition, before: RunState, isOn: boolean, { data }: RunState): readonly Finding[] {
    const { name, number, forward } = step;
    const context = data.context as SagaContext;
    const findings: Finding[] = [];
    const tell = (rule: Rule, message: string): void => {
      findings.push({ rule, step: name, message, next: 'Look at the guards of the chart.' });
    };
    // One that the run goes on without is undone while the others go forward, and goes on being so while they drain.
    const forwards = context.steps[number]?.status === 'undoing';
    const running = Object.keys(data.children).filter((id) => !id.endsWith('.undo') && (!forwards || id.split('.')[0] === name));
    if (running.length > 0) tell('undo waits for do', `the undo of ${name} began while ${running.map(named).join(', ')} was still running`);
    if (isOn) tell('undo waits for do', `the undo of ${name} began while one of it was running`);
    const { attempts = 0, status } = context.steps[number] ?? {};
    if (attempts === 0 && status !== 'resolved') tell('undoes only what may have happened', `the undo of ${name} began, which was never attempted`);
    if (context.cause === null && !forwards) tell('undoes only what may have happened', `the undo of ${name} began, though the run goes on with it`);
    if (status === 'refused' || status === 'open' || status === 'passed' || status === 'fellBack')
      tell('undoes only what may have happened', `the undo of ${name} began, which is ${status}`);
    const was = before.data.context as SagaContext;
    if (isUndone(was, number) && isUndone(context, number)) tell('everything is undone', `the undo of ${name} began again after it had ended`);
    const later = this.#definition.steps.find(
      (other) => other.compensate && this.#before[other.number]?.has(number) && mayHaveHappened(context, other.number) && !isUndone(context, other.number),
    );
    const { rounds = [], backTo, rewind } = context;
    // Rounds in front of the present one of the step are undone after it.
    const present = rounds.slice(rounds.findLastIndex(({ steps }) => steps.includes(number)) + 1);
    const round = present.find(({ steps, records }) => records.some(stands) && steps.some((one) => this.#before[one]?.has(number)));
    if (round) tell('undone in reverse order', `the undo of ${name} began before those of all rounds of ${this.#name(round.loop)}`);
    // One that was under way when a person took the run back goes on: what it may have undone is done again.
    const hasBegun = was.undos[number] || before.data.children[`${name}.undo`];
    if (rewind && !rewind.includes(number) && !hasBegun) tell('undoes only what may have happened', `the undo of ${name} began, which is not to be done again`);
    if (number <= (backTo ?? -1)) tell('undoes only what may have happened', `the undo of ${name} began, which came before the savepoint`);
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
        if (!this.#isOver(context, step)) tell(step, `${step.name} is ${context.steps[step.number]?.status ?? 'not begun'}`);
      const wrong = undone.find(({ number }) => !GONE_ON.has(context.steps[number]?.status ?? ''));
      if (wrong) tell(wrong, `the undo of ${wrong.name} was called`);
      return findings;
    }
    for (const step of this.#definition.steps)
      if (step.compensate && mayHaveHappened(context, step.number) && !isUndone(context, step.number) && !left.has(step.name))
        tell(step, `${step.name} is ${context.steps[step.number]?.status} and was not undone`);
    for (const { steps, records } of context.rounds ?? [])
      for (const [i, step] of steps.entries()) if (stands(records[i])) tell(this.#definition.steps[step], `a round of ${this.#name(step)} was not undone`);
    if (end === 'failed' && undone[0]) tell(undone[0], `the undo of ${undone[0].name} was called`);
    if (end === 'compensated' && undone.length === 0 && !context.compensated && context.cause?.kind !== 'parent') tell(undefined, 'nothing was undone');
    if ((end === 'canceled') !== (context.cause?.kind === 'cancel')) tell(undefined, `its cause is ${context.cause?.kind ?? 'none'}`);
    return findings;
  }

  /** Whether a step of a completed run has ended as it may: only what has a reason is passed over. */
  #isOver(context: SagaContext, { number, gate, optional, fallback, racing }: StepDefinition): boolean {
    const status = context.steps[number]?.status;
    if (status === 'fellBack') return fallback !== undefined;
    if (status !== 'passed') return isDone(context, number);
    if (context.steps[number]?.skipped) return true;
    const closed = gate !== undefined && context.steps[gate]?.result !== true;
    const beaten = racing !== undefined && context.steps[racing]?.result !== this.#name(number);
    return closed || optional === true || beaten;
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
    return returnsOrIsCanceled(before, after) || isRewound(was, event, cause)
      ? []
      : [{ rule: 'the first cause stays', message: `${was.kind} began the undoing, and ${cause?.kind ?? 'nothing'} took its place`, next }];
  const asked = event.type === 'sent' && event.event.type === 'cancel';
  return asked && cause === null ? [{ rule: 'a cancel is heeded', message: 'a cancel was taken, and the run goes on', next }] : [];
}

/** A person may take a run back that fails; on its way back it may be canceled or run out of time, and else goes forward again. */
function isRewound(was: Cause, event: RunEvent, cause: SagaContext['cause']): boolean {
  if (cause?.kind === 'rewind') return was.kind === 'failure' && event.type === 'sent' && event.event.type === 'rewind';
  return was.kind === 'rewind' && (cause === null || cause.kind === 'cancel' || (cause.kind === 'failure' && cause.failure.code === 'SC_RUN_DEADLINE'));
}

/** A failure is over where the run goes forward again from a savepoint, and a cancel on the way there takes its place. */
function returnsOrIsCanceled(before: RunState, after: RunState): boolean {
  const { cause, steps } = after.data.context as SagaContext;
  const was = before.data.context as SagaContext;
  if (cause?.kind === 'cancel') return typeof was.backTo === 'number';
  return cause === null && steps.some((step, i) => (step?.round ?? 1) > (was.steps[i]?.round ?? 1));
}

/** Whether an attempt was under way before the event, and is not what the event ended. */
function goesOn({ data }: RunState, event: RunEvent, id: string): boolean {
  return data.children[id] !== undefined && !('child' in event && event.child === id);
}

/** Whether an attempt of an item was under way before the event, and is not what the event ended. */
function itemGoesOn({ data }: RunState, event: RunEvent, id: string, index: number | undefined): boolean {
  const items = data.children[id]?.items;
  return items !== undefined && itemsUnderWay(items).some((item) => item.index === index && !('at' in event && sameIdentity(event.at, item.at)));
}

/** What was certainly not done is not undone, item by item. */
function undoesRefused({ name, number }: StepDefinition, index: number, { data }: RunState): readonly Finding[] {
  const { begun = 0, refused = [] } = (data.context as SagaContext).steps[number]?.items ?? {};
  if (index < begun && !refused.includes(index)) return [];
  const message = `the undo of ${name}[${index}] began, which did not happen`;
  return [{ rule: 'undoes only what may have happened', step: name, message, next: 'Look at what the kernel records of items.' }];
}

function isDone(context: unknown, step: number): boolean {
  const status = (context as SagaContext).steps[step]?.status;
  return status === 'succeeded' || status === 'resolved' || status === 'skipped' || GONE_ON.has(status ?? '');
}

/** How a step ends that the run goes on without, or with another result: what it did is undone by then. */
const GONE_ON: ReadonlySet<string> = new Set(['passed', 'fellBack']);

function stands(record: { readonly status: string; readonly left?: unknown } | null | undefined): boolean {
  // A child that has ended has undone what it could.
  return record?.status === 'succeeded' || (record?.status === 'unknown' && !record.left) || record?.status === 'resolved';
}

function mayHaveHappened({ steps, backTo, rewind }: SagaContext, step: number): boolean {
  return (rewind ? rewind.includes(step) : step > (backTo ?? -1)) && stands(steps[step]);
}

function isUndone({ undos }: SagaContext, step: number): boolean {
  const status = undos[step]?.status;
  return status !== undefined && status !== 'open';
}

/** While it drains nobody is waited for. */
function waitsForSomebody({ snapshot, data }: RunState): boolean {
  return snapshot?.hasTag('held') || (snapshot?.hasTag('awaiting') && (data.context as SagaContext).cause === null) || false;
}
