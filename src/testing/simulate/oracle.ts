import type { Left, SagaContext } from '../../chart/context.ts';
import { decodeEntry, replay } from '../../kernel/entry.ts';
import { sameIdentity } from '../../kernel/event.ts';
import { itemAt } from '../../kernel/items.ts';
import { waitingTimers } from '../../kernel/pending.ts';
import type { StateData } from '../../kernel/state.ts';
import type { Alert } from '../../runtime/alert.ts';
import { isControl, type SagaDefinition, type StepDefinition } from '../../saga/definition.ts';
import type { RunRow, Store } from '../../stores/store.ts';
import { Answers } from './answers.ts';
import { Books } from './books.ts';
import type { LedgerEntry } from './sim-services.ts';

/** Something that must not be. */
export interface Wrong {
  readonly rule: WrongRule;
  readonly run: string;
  readonly message: string;
}

export type WrongRule =
  | 'lost'
  | 'doubled'
  | 'not undone'
  | 'out of order'
  | 'unfinished'
  | 'acknowledged is durable'
  | 'act after commit'
  | 'nothing stale lands'
  | 'timers keep their deadline'
  | 'one writer'
  | 'alerts with their commit'
  | 'inbox once'
  | 'answered once'
  | 'places of a queue'
  | 'told what is durable'
  | 'undo waits for do'
  | 'undone as a unit'
  | 'engine failed';

/** Judges one run by the books of the services and by its journal. */
export async function judgeRun(
  store: Store,
  definition: SagaDefinition,
  row: RunRow,
  ledger: readonly LedgerEntry[],
  { earlyMs, lateMs, alerts }: { readonly earlyMs: number; readonly lateMs: number; readonly alerts: readonly Alert[] },
): Promise<readonly Wrong[]> {
  const entries = (await store.journal(row.number)).map(decodeEntry);
  let last: StateData | undefined;
  const wrong: Wrong[] = [];
  const tell = (rule: WrongRule, message: string): void => void wrong.push({ rule, run: row.id, message });
  const stuck = new Map<number, readonly string[]>();
  const answers = new Answers(definition);
  let seq = 0;
  let wasPaused = false;
  for (const { entry, before, after } of replay(entries)) {
    seq++;
    const { event, at } = entry;
    wasPaused ||= event.type === 'paused';
    if ('child' in event) {
      const child = before.children[event.child];
      if (!child || !(sameIdentity(child.at, event.at) || itemAt(child.items, event.at)))
        tell('nothing stale lands', `commit ${seq} took ${event.type} of ${event.child}, which was not under way`);
    }
    if (event.type === 'due') {
      const timer = before.timers[event.at.join('.')] ?? waitingTimers(before).find((wait) => sameIdentity(wait.at, event.at));
      if (!timer) tell('nothing stale lands', `commit ${seq} took the timer ${event.timer}, which was not armed`);
      else if (at < timer.due - earlyMs) tell('timers keep their deadline', `${event.timer} fired ${timer.due - at} ms too early`);
      else if (!wasPaused && at > timer.due + lateMs) tell('timers keep their deadline', `${event.timer} fired ${at - timer.due} ms too late`);
    }
    for (const [key, timer] of Object.entries(after.timers))
      if (before.timers[key] && before.timers[key].due !== timer.due) tell('timers keep their deadline', `${timer.id} was put off`);
    const fresh = stuckIn(after).filter((step) => !stuckIn(before).includes(step));
    if (fresh.length > 0) stuck.set(seq, fresh);
    answers.heard(event, before, after);
    last = after;
  }
  for (const message of answers.wrong()) tell('answered once', message);
  const own = alerts.filter(({ run }) => run.id === row.id);
  const about = own.filter(({ kind }) => kind === 'attention');
  for (const [at, steps] of stuck)
    if (about.filter(({ key }) => key.split('/').at(-2) === String(at)).length < steps.length)
      tell('alerts with their commit', `commit ${at} left ${steps.join(', ')} stuck, and no alert of it arrived`);
  if (about.length > [...stuck.values()].flat().length)
    tell('alerts with their commit', `${about.length} alerts for ${[...stuck.values()].flat().length} stuck steps`);
  const count = (kind: Alert['kind']): number => own.filter((alert) => alert.kind === kind).length;
  const overdue = (last?.context as SagaContext | undefined)?.overdue ? 1 : 0;
  if (count('deadline') !== overdue) tell('alerts with their commit', `${count('deadline')} alerts of a deadline arrived instead of ${overdue}`);
  const failures = count('failure');
  // What its parent had undone has not failed.
  const ownFailure = (last?.output as { readonly failure?: unknown } | undefined)?.failure ?? null;
  if (failures !== ((row.status === 'failed' || row.status === 'compensated') && ownFailure !== null ? 1 : 0))
    tell('alerts with their commit', `it ended as ${row.status}, and ${failures} alerts of a failure arrived`);
  return [
    ...wrong,
    ...judgeEffects(
      definition,
      row,
      last,
      ledger.filter(({ run }) => run === row.id),
    ),
  ];
}

/** Where a person is needed, as paths. */
export function stuckIn({ value }: StateData): readonly string[] {
  const found: string[] = [];
  const visit = (node: unknown, path: readonly string[]): void => {
    if (node === 'attention') found.push(path.join('.'));
    if (typeof node === 'object' && node !== null) for (const [key, child] of Object.entries(node)) visit(child, [...path, key]);
  };
  visit(value, []);
  return found;
}

/** The step that a path in `stuckIn` is about: of a map, and of one that is undone on the way, it is a state deeper. */
export function stepIn(path: string): string {
  const parts = path.split('.');
  const last = parts.at(-1) ?? '';
  return (last === 'undoing' || last === 'attempting' ? stepIn(parts.slice(0, -1).join('.')) : last) ?? '';
}

/** The names under which a step has effects: of a map one for each item. */
function namesOf({ name, map }: StepDefinition): readonly string[] {
  if (!map) return [name];
  return (map.items({ input: {}, results: {} }) as readonly unknown[]).map((_, index) => `${name}[${index}]`);
}

function leftNames(steps: SagaDefinition['steps'], { step, items }: Left): readonly string[] {
  if (items) return items.map((index) => `${step}[${index}]`);
  return steps.filter(({ name }) => name === step).flatMap(namesOf);
}

function judgeEffects(definition: SagaDefinition, row: RunRow, data: StateData | undefined, ledger: readonly LedgerEntry[]): readonly Wrong[] {
  const wrong: Wrong[] = [];
  const tell = (rule: WrongRule, message: string): void => void wrong.push({ rule, run: row.id, message: `${message}; it ended as ${row.status}` });
  const left = new Set((data?.output as { readonly left?: readonly Left[] } | undefined)?.left?.flatMap((one) => leftNames(definition.steps, one)));
  const context = data?.context as SagaContext | undefined;
  const books = new Books(ledger);
  const isUndone = row.status === 'compensated' || row.status === 'canceled' || row.status === 'failed';
  for (const [name, step] of definition.steps.flatMap((one) => namesOf(one).map((each) => [each, one] as const))) {
    const { kind, compensate } = step;
    // What a child does is in the books under its own run; who is asked may decide before the question is in any book.
    if (isControl(step) || step.child || step.approval) continue;
    const wanted = context ? roundsWanted(step, context) : new Set<number>();
    for (const round of books.rounds(name)) {
      const what = `${name} in round ${round}`;
      const done = books.times(name, round);
      const stands = books.stands(name, round);
      if (done > 1) tell('doubled', `${what} happened ${done} times`);
      if (left.has(name)) continue;
      if (row.status === 'completed' && compensate && stands && !wanted.has(round))
        tell('not undone', `${what} is still there, and the run went on without it`);
      if (isUndone && stands && kind !== 'read') tell('not undone', `${what} is still there`);
      if (row.status === 'terminated' && stands && compensate) tell('not undone', `${what} is still there, and not listed as left`);
    }
    if (row.status !== 'completed' || left.has(name)) continue;
    for (const round of wanted) if (!books.stands(name, round)) tell('lost', `${name} in round ${round} is not there`);
  }
  for (const message of books.disorder(definition, { left, namesOf })) tell('out of order', message);
  return wrong;
}

/** Rounds of a step whose effect belongs to what a completed run came to. */
function roundsWanted({ number }: StepDefinition, { steps, rounds = [] }: SagaContext): ReadonlySet<number> {
  const record = steps[number];
  // Of what can only be done, or changes nothing, the rounds before are not kept.
  const wanted = new Set<number>(record?.status === 'succeeded' ? [record.round ?? 1] : []);
  for (const past of rounds) {
    const kept = past.records[past.steps.indexOf(number)];
    if (past.steps.includes(number) && kept?.status === 'succeeded') wanted.add(kept.round ?? 1);
  }
  return wanted;
}
