import type { Left } from '../../chart/context.ts';
import { decodeEntry, replay } from '../../kernel/entry.ts';
import { sameIdentity } from '../../kernel/event.ts';
import type { StateData } from '../../kernel/state.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import type { RunRow, Store } from '../../stores/store.ts';
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
  | 'one key'
  | 'act after commit'
  | 'nothing stale lands'
  | 'timers keep their deadline'
  | 'one writer'
  | 'alerts with their commit'
  | 'inbox once'
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
  { earlyMs, lateMs }: { readonly earlyMs: number; readonly lateMs: number },
): Promise<readonly Wrong[]> {
  const entries = (await store.journal(row.number)).map(decodeEntry);
  let last: StateData | undefined;
  const wrong: Wrong[] = [];
  const tell = (rule: WrongRule, message: string): void => void wrong.push({ rule, run: row.id, message });
  const stuck = new Map<number, readonly string[]>();
  let seq = 0;
  for (const { entry, before, after } of replay(entries)) {
    seq++;
    const { event, at } = entry;
    if ('child' in event) {
      const child = before.children[event.child];
      if (!child || !sameIdentity(child.at, event.at))
        tell('nothing stale lands', `commit ${seq} took ${event.type} of ${event.child}, which was not under way`);
    }
    if (event.type === 'due') {
      const timer = before.timers[event.at.join('.')];
      if (!timer) tell('nothing stale lands', `commit ${seq} took the timer ${event.timer}, which was not armed`);
      else if (at < timer.due - earlyMs) tell('timers keep their deadline', `${event.timer} fired ${timer.due - at} ms too early`);
      else if (at > timer.due + lateMs) tell('timers keep their deadline', `${event.timer} fired ${at - timer.due} ms too late`);
    }
    for (const [key, timer] of Object.entries(after.timers))
      if (before.timers[key] && before.timers[key].due !== timer.due) tell('timers keep their deadline', `${timer.id} was put off`);
    const fresh = stuckIn(after).filter((step) => !stuckIn(before).includes(step));
    if (fresh.length > 0) stuck.set(seq, fresh);
    last = after;
  }
  const alerts = (await store.outbox(Number.MAX_SAFE_INTEGER)).filter((message) => message.run === row.number);
  for (const [at, steps] of stuck)
    if (alerts.filter((message) => message.seq === at).length < steps.length)
      tell('alerts with their commit', `commit ${at} left ${steps.join(', ')} stuck, and no alert came with it`);
  if (alerts.length > [...stuck.values()].flat().length)
    tell('alerts with their commit', `${alerts.length} alerts for ${[...stuck.values()].flat().length} stuck steps`);
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

function judgeEffects(definition: SagaDefinition, row: RunRow, data: StateData | undefined, ledger: readonly LedgerEntry[]): readonly Wrong[] {
  const wrong: Wrong[] = [];
  const tell = (rule: WrongRule, message: string): void => void wrong.push({ rule, run: row.id, message: `${message}; it ended as ${row.status}` });
  const left = new Set((data?.output as { readonly left?: readonly Left[] } | undefined)?.left?.map(({ step }) => step));
  const of = (step: string, kind: 'run' | 'undo'): readonly LedgerEntry[] => ledger.filter((entry) => entry.step === step && entry.kind === kind);
  const effect = (step: string, kind: 'run' | 'undo'): number => ledger.findLastIndex((entry) => entry.step === step && entry.kind === kind && entry.effect);
  for (const { name, kind, compensate, after, child } of definition.steps) {
    // What a child does is in the books under its own run.
    if (kind === 'sleep' || child) continue;
    for (const what of ['run', 'undo'] as const)
      if (new Set(of(name, what).map(({ key }) => key)).size > 1) tell('one key', `${what} of ${name} came under several keys`);
    const done = of(name, 'run').filter((entry) => entry.effect).length;
    if (done > 1) tell('doubled', `${name} happened ${done} times`);
    const stands = effect(name, 'run') > effect(name, 'undo');
    if (row.status === 'completed' && !stands && !left.has(name)) tell('lost', `${name} is not there`);
    const isUndone = row.status === 'compensated' || row.status === 'canceled' || row.status === 'failed';
    if (isUndone && stands && kind !== 'read' && !left.has(name)) tell('not undone', `${name} is still there`);
    if (row.status === 'terminated' && stands && compensate && !left.has(name)) tell('not undone', `${name} is still there, and not listed as left`);
    if (row.status === 'completed' && of(name, 'undo').length > 0) tell('not undone', `the undo of ${name} was called`);
    for (const number of after) {
      const earlier = definition.steps[number];
      if (!earlier || earlier.kind === 'sleep' || earlier.child) continue;
      const first = ledger.findIndex((entry) => entry.step === name && entry.kind === 'run');
      const before = ledger.findIndex((entry) => entry.step === earlier.name && entry.kind === 'run');
      if (first !== -1 && !left.has(earlier.name) && (before === -1 || before > first)) tell('out of order', `${name} came before ${earlier.name}`);
      const undone = ledger.findIndex((entry) => entry.step === earlier.name && entry.kind === 'undo');
      const undoing = effect(name, 'undo');
      // What a person has settled may still be on the wire.
      if (undone !== -1 && undoing !== -1 && undone < undoing && !left.has(name)) tell('out of order', `${earlier.name} was undone before ${name}`);
    }
  }
  return wrong;
}
