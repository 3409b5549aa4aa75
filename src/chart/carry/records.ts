import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { Migration } from '../../saga/migration.ts';
import type { PastRound, SagaContext, StepRecord, Stored as StoredRecord, UndoRecord } from '../context.ts';
import { keepLeft } from '../left.ts';
import { resultsOf } from '../results.ts';
import { mayStand } from '../settlement.ts';
import { NotCarried } from './carried.ts';
import type { Names, Pair } from './names.ts';

type Kept = StoredRecord<StepRecord>;
type Undo = StoredRecord<UndoRecord> | null | undefined;

/** The context of a run under the numbers and names of another definition. @throws NotCarried */
export function carriedContext(
  given: SagaContext,
  names: Names,
  { definition, migration }: { readonly definition: SagaDefinition; readonly migration: Migration | undefined },
): SagaContext {
  if (given.cause?.kind === 'rewind') throw new NotCarried(`it is on its way back to ${given.cause.to}: wait until it goes forward again`);
  const pastPivot = isPastPivot(definition, given, names);
  for (const pair of names.pairs) checkRecord(pair, given, { definition, pastPivot });
  const context = withLeft(given, names);
  const { rounds, backTo, cause } = context;
  const named = usedNames(context, names);
  const steps: (Kept | null)[] = [];
  const undos: (StoredRecord<UndoRecord> | null)[] = [];
  for (const { old, step } of names.pairs) {
    const record = context.steps[old.number];
    if (step && record) steps[step.number] = renamed(record, old.name, step);
    const undo = context.undos[old.number];
    if (step && undo) undos[step.number] = undo;
  }
  for (const step of definition.steps) {
    const last = named[step.name];
    if (last !== undefined && !steps[step.number]) steps[step.number] = { status: 'open', attempts: 0, round: last + 1 };
  }
  return {
    ...context,
    input: migration?.input ? migration.input(context.input) : context.input,
    steps: dense(steps),
    undos: dense(undos),
    ...(Object.keys(named).length === 0 ? {} : { names: named }),
    ...(rounds === undefined ? {} : { rounds: rounds.map((round) => carriedRound(round, names)) }),
    ...(backTo === undefined || backTo === null ? {} : { backTo: numberOf(names, backTo, 'the savepoint that it returns to') }),
    ...(cause?.kind === 'failure' ? { cause: { ...cause, step: names.byOldName.get(cause.step)?.step?.name ?? cause.step } } : {}),
  };
}

function dense<R>(records: readonly (R | null)[]): readonly (R | null)[] {
  return Array.from(records, (record) => record ?? null);
}

/** Keys are made from names: what has been asked for under one is asked for, and undone, under the same. */
function renamed(record: Kept, oldName: string, { name }: StepDefinition): Kept {
  const { named = oldName, ...rest } = record;
  return named === name ? rest : { ...rest, named };
}

/** Names under which there are keys, of steps that are called otherwise now or are gone: the last round of each. */
function usedNames(context: SagaContext, names: Names): Readonly<Record<string, number>> {
  const used: Record<string, number> = { ...context.names };
  for (const { old, step } of names.pairs) {
    const record = context.steps[old.number];
    if (record && step?.name !== old.name) used[old.name] = Math.max(used[old.name] ?? 0, record.lastRound ?? 0, record.round ?? 1);
  }
  return used;
}

function numberOf({ byNumber }: Names, number: number, what: string): number {
  const step = byNumber.get(number)?.step;
  if (step) return step.number;
  throw new NotCarried(`${what}, ${byNumber.get(number)?.old.name ?? number}, is gone`);
}

function carriedRound({ loop, steps, records }: PastRound, names: Names): PastRound {
  const loopNow = numberOf(names, loop, 'a loop that it has gone around');
  const numbers = steps.map((step) => numberOf(names, step, 'a step of a round that is over'));
  return {
    loop: loopNow,
    steps: numbers,
    records: records.map((record, i) => {
      const { old, step } = names.byNumber.get(steps[i] as number) as Pair;
      return record && renamed(record, old.name, step as StepDefinition);
    }),
  };
}

/** What persons have left as it was stays listed when its step is gone. */
function withLeft(context: SagaContext, { pairs }: Names): SagaContext {
  const steps = pairs.map(({ old }) => ({ name: old.name }));
  return keepLeft(
    { steps } as never,
    context,
    pairs.flatMap(({ old, step }) => (step ? [] : [old.number])),
  );
}

/** @throws NotCarried where an effect would lose its undo, or a step what it is about */
function checkRecord(
  { old, step }: Pair,
  context: SagaContext,
  { definition, pastPivot }: { readonly definition: SagaDefinition; readonly pastPivot: boolean },
): void {
  const record = context.steps[old.number];
  if (!record) return;
  const { name } = old;
  const stands = old.undo && hasEffect(record, context.undos[old.number]);
  if (!step) {
    if (stands) throw new NotCarried(`step ${name} is gone, and what it has done could not be undone any more`);
    if (old.kind === 'pivot') throw new NotCarried(`the pivot ${name} is gone, and the run has come to it`);
    return;
  }
  if (stands && !step.compensate && !pastPivot) throw new NotCarried(`step ${name} has no undo any more, and what it has done could not be undone`);
  if (isControlKind(old.kind) || isControlKind(step.kind)) {
    if (old.kind !== step.kind) throw new NotCarried(`step ${name} was a ${old.kind}, and is a ${step.kind}`);
  } else if (old.kind === 'pivot' && step.kind !== 'pivot' && record.status !== 'refused')
    throw new NotCarried(`the run is past the pivot ${name}, which is none any more`);
  if (old.child !== step.child?.name) throw new NotCarried(`step ${name} is a run of another saga now`);
  if (record.items !== undefined && !step.map) throw new NotCarried(`step ${name} has items, and is no map any more`);
  if (definition.compensation === 'serial' && step.compensate && mayStand(record) && record.order === undefined)
    throw new NotCarried(`what it did is to be undone in the order in which its steps ended, which is not known of ${name}`);
}

/** Kinds whose records mean something of their own. */
function isControlKind(kind: string): boolean {
  return kind === 'loop' || kind === 'choice' || kind === 'race' || kind === 'savepoint' || kind === 'sleep' || kind === 'wait';
}

/** Whether there may be something to undo. */
function hasEffect(record: Kept, undo: Undo): boolean {
  if (undo && undo.status !== 'open') return false;
  return mayStand(record) || record.unknown === true || record.status === 'undoing';
}

/** Past a pivot that has happened nothing is undone. */
function isPastPivot({ steps }: SagaDefinition, context: SagaContext, { byNewName }: Names): boolean {
  const pivot = steps.find(({ kind }) => kind === 'pivot');
  const old = pivot && byNewName.get(pivot.name)?.old;
  return context.cause === null && old !== undefined && context.steps[old.number]?.status === 'succeeded';
}

/** The record of a new step that counts as passed, with what it has come to. */
export function passedRecord(
  step: StepDefinition,
  context: SagaContext,
  { definition, migration }: { readonly definition: SagaDefinition; readonly migration: Migration },
): Kept {
  const give = migration.passed?.[step.name];
  const result = give?.({ input: context.input, results: resultsOf(definition, context, step.number) });
  const { round = 1 } = context.steps[step.number] ?? {};
  const at = round === 1 ? {} : { round };
  if (step.kind === 'choice') return { status: 'succeeded', attempts: 0, ...at, result: result === true };
  return result === undefined ? { status: 'passed', attempts: 0, ...at } : { status: 'fellBack', attempts: 0, ...at, result };
}
