import { LOST } from '../../base/failure.ts';
import type { RunEvent } from '../../kernel/event.ts';
import { type Item, type ItemChange, isDone, itemsUnderWay } from '../../kernel/items.ts';
import type { Child, RunState, StateData } from '../../kernel/state.ts';
import type { ItemsProgram } from '../../runtime/program.ts';
import { named } from './named.ts';
import type { Subject } from './subject.ts';

/** Rows of the items of maps, as a store would have them: by step, round and place. */
export type Rows = Readonly<Record<string, ItemChange>>;

export function withRows(rows: Rows, changes: readonly ItemChange[] = []): Rows {
  return changes.length === 0 ? rows : { ...rows, ...Object.fromEntries(changes.map((row) => [rowKey(row), row])) };
}

export function rowKey({ step, round, index }: Pick<ItemChange, 'step' | 'round' | 'index'>): string {
  return `${step}/${round}/${index}`;
}

/** Something that is under way: an attempt, of a map one of an item, or its planning, or the collecting of its results. */
export interface Running {
  readonly id: string;
  readonly child: Child;
  readonly item?: Item;
  /** What a map does that calls nobody. */
  readonly own?: 'planning' | 'collecting';
}

/** Everything that is under way in a state. */
export function runningIn({ program }: Subject, { children }: StateData): readonly Running[] {
  return Object.entries(children).flatMap(([id, child]): readonly Running[] => {
    if (!program.items?.(id)) return [{ id, child }];
    if (!child.items) return [{ id, child, own: 'planning' }];
    if (isDone(child.items)) return [{ id, child, own: 'collecting' }];
    return itemsUnderWay(child.items).map((item) => ({ id, child, item }));
  });
}

/** `undo of bags[0]` */
export function nameOf({ id, item }: Pick<Running, 'id' | 'item'>): string {
  return `${named(id)}${item ? `[${item.index}]` : ''}`;
}

/** What a run hears of the end of an attempt. */
export function endEvent(running: Running, end: { readonly output: unknown } | { readonly error: Extract<RunEvent, { type: 'failed' }>['error'] }): RunEvent {
  const { id, child, item } = running;
  if (item) {
    const about = { child: id, at: item.at, item: item.index };
    return 'output' in end ? { type: 'itemSucceeded', ...about, output: end.output } : { type: 'itemFailed', ...about, error: end.error };
  }
  const about = { child: id, at: child.at };
  return 'output' in end ? { type: 'succeeded', ...about, output: end.output } : { type: 'failed', ...about, error: end.error };
}

/** What a run hears of an attempt whose process died. */
export function lostEvent({ program }: Subject, running: Running): RunEvent {
  const { id, child, item } = running;
  const effect = program.transactional?.has(id) ? 'none' : 'maybe';
  const error = { code: LOST, type: 'SagachartError', message: `the process that ran ${id} is gone`, class: 'transient', effect } as const;
  return item ? { type: 'itemLost', child: id, at: item.at, item: item.index, error } : { type: 'lost', child: id, at: child.at, error };
}

/** What comes of what a map does by itself. */
export function ownEvent({ program }: Subject, state: RunState, rows: Rows, { id, child, own }: Running): RunEvent {
  const items = program.items?.(id) as ItemsProgram;
  const about = { child: id, at: child.at };
  if (own === 'collecting' && child.items) {
    const { total, round } = child.items;
    const output = Array.from({ length: total }, (_, index) => {
      const { result } = rows[rowKey({ step: items.step, round, index })] ?? {};
      return result ? (JSON.parse(result) as readonly unknown[])[0] : undefined;
    });
    return { type: 'succeeded', ...about, output };
  }
  try {
    return { type: 'planned', ...about, total: items.total(state, () => items.list(state)), most: null };
  } catch (error) {
    return { type: 'failed', ...about, error: items.failure(error) };
  }
}
