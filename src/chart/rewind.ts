import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { type SagaContext, stepRecord, withStep } from './context.ts';
import { keepLeft } from './left.ts';
import { goneOn, isPastPivot } from './progress.ts';
import { begunAgain } from './rounds.ts';
import { somethingToUndo } from './settlement.ts';

/** Whether runs of a saga can be taken back at all: what comes after a pivot only goes forward. */
export function canRewind({ steps, onFailure }: Pick<SagaDefinition, 'steps' | 'onFailure'>): boolean {
  return onFailure !== 'forward' && steps[0]?.forward === false;
}

/** Whether nothing has made it stop, or a person only wants it to go on from somewhere else. */
export function isMeantToGoOn({ cause }: SagaContext): boolean {
  return cause === null || cause.kind === 'rewind';
}

/** Why a run cannot go back to a step, and what to do instead. */
export interface NoWayBack {
  readonly why: string;
  readonly next: string;
}

/** Undefined where it can. */
export function noWayBack(definition: SagaDefinition, context: SagaContext, name: string): NoWayBack | undefined {
  const { steps, onFailure } = definition;
  const step = steps.find((one) => one.name === name);
  if (!step) return { why: `there is no step ${JSON.stringify(name)}`, next: `Its steps are: ${steps.map((one) => one.name).join(', ')}.` };
  return ofRun(definition, context) ?? ofStep(definition, context, step);

  function ofRun(...[, { cause, held }]: [SagaDefinition, SagaContext]): NoWayBack | undefined {
    if (held) return { why: 'it is done, and waits for its parent', next: 'Rewind the parent, to the step that has begun it or one before.' };
    if (onFailure === 'forward') return { why: 'nothing of its saga is ever undone', next: 'Retry, skip or resolve the step that is stuck.' };
    if (cause?.kind === 'cancel') return { why: 'it was canceled', next: 'Let it be undone, and restart or fork it.' };
    if (cause?.kind === 'parent') return { why: 'its parent has it undone', next: 'Look at the parent.' };
    if (cause?.kind === 'rewind') return { why: `it is on its way back to ${cause.to}`, next: 'Wait until it goes forward again.' };
    if (isPastPivot(definition, context))
      return { why: 'it is past its pivot, which is not undone', next: 'Let it complete, and undo the business effect with a run of its own.' };
    return undefined;
  }
}

function ofStep({ steps }: SagaDefinition, context: SagaContext, step: StepDefinition): NoWayBack | undefined {
  const { name, number, gate, racing } = step;
  const loop = steps.find((one) => one.loop?.body.includes(number));
  if (loop) return { why: `${name} goes around in the loop ${loop.name}`, next: `Rewind to ${loop.name}: it begins again with its first round.` };
  const race = racing === undefined ? undefined : steps[racing];
  if (race) return { why: `${name} takes part in the race ${race.name}`, next: `Rewind to ${race.name}: it is run again by all.` };
  const choice = gate === undefined ? undefined : steps[gate];
  if (choice && goneOn(context, choice.number) && context.steps[choice.number]?.result !== true)
    return { why: `${name} was passed over`, next: `Rewind to ${choice.name}, which decides whether it is done.` };
  const [first = number] = blockOf(step);
  const isReached = (context.steps[first] ?? null) !== null || (steps[first] as StepDefinition).after.every((before) => goneOn(context, before));
  return isReached ? undefined : { why: `it has not come to ${name} yet`, next: 'Name a step that it has come to: `sagachart show` lists them.' };
}

/** What a step is made of: a loop and a race stand at the end of their steps. */
function blockOf({ number, loop, runners = [] }: StepDefinition): readonly number[] {
  return [...(loop?.body ?? []), ...runners, number];
}

/**
 * The steps that are to be done again when a run goes back: what it goes back to, what depends on that, and all that has
 * not come to its end, or has begun to be undone. All others stay as they are.
 */
export function goneBackOver({ steps }: SagaDefinition, context: SagaContext): readonly number[] {
  const { cause, rewind } = context;
  const over = new Set(rewind ?? []);
  for (const step of steps) {
    const { number, name } = step;
    const isTarget = cause?.kind === 'rewind' && cause.to === name;
    if (isTarget) for (const one of blockOf(step)) over.add(one);
    if (!goneOn(context, number) || isBeingUndone(context, number)) over.add(number);
  }
  for (let size = -1; size !== over.size; ) {
    size = over.size;
    for (const step of steps) {
      if (step.after.some((before) => over.has(before))) over.add(step.number);
      const block = blockOf(step);
      if (block.length > 1 && block.some((one) => over.has(one))) for (const one of block) over.add(one);
    }
  }
  return [...over].sort((a, b) => a - b);
}

/** What the run has gone on without was undone at the time, and stays so. */
function isBeingUndone({ steps, undos }: SagaContext, number: number): boolean {
  const record = steps[number];
  if (record?.status === 'passed' || record?.status === 'fellBack') return false;
  return (undos[number] ?? null) !== null || record?.lastRound !== undefined;
}

/** The context of a run that goes back: what is to be done again is written down. */
export function rewinding(definition: SagaDefinition, context: SagaContext): SagaContext {
  return context.cause?.kind === 'rewind' ? { ...context, rewind: goneBackOver(definition, context) } : context;
}

/** Whether all is undone that is to be done again, what has begun to be undone in the meantime too. */
export function isRewound(definition: SagaDefinition, context: SagaContext): boolean {
  return context.cause?.kind === 'rewind' && !somethingToUndo(definition, rewinding(definition, context));
}

/** The context of a run that somebody does not want to go forward again. */
export function withoutRewind(context: SagaContext): SagaContext {
  return context.rewind ? { ...context, rewind: null } : context;
}

/** The context in which a run goes forward again: each step has a round, and so a key, of its own. */
export function afterRewind(definition: SagaDefinition, given: SagaContext): SagaContext {
  const over = goneBackOver(definition, given);
  const isUndone = given.compensated || over.some((number) => (given.undos[number] ?? null) !== null);
  const kept = { ...withoutRewind(keepLeft(definition, given, over)), ...(isUndone ? { compensated: true as const } : {}) };
  let again = begunAgain({ ...kept, cause: null }, over);
  // How often a run may return to a savepoint by itself is not for a person to use up.
  for (const { kind, number } of definition.steps)
    if (kind === 'savepoint' && over.includes(number) && given.steps[number])
      again = withStep(again, number, { ...stepRecord(again, number), round: stepRecord(given, number).round });
  return given.degraded ? { ...again, degraded: again.steps.some((record) => record?.degraded) } : again;
}
