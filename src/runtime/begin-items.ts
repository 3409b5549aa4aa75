import { decode } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import type { RunEvent } from '../kernel/event.ts';
import { sameIdentity } from '../kernel/event.ts';
import { type Item, type ItemState, type ItemsState, isDone, isWell, itemAt } from '../kernel/items.ts';
import type { StartEffect } from '../kernel/state.ts';
import type { ItemRow } from '../stores/store.ts';
import type { Launched } from './begin.ts';
import type { Cell } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import { ItemRows } from './item-rows.ts';
import type { ItemsProgram } from './program.ts';

interface Begin {
  readonly coordinator: Coordinator;
  readonly cell: Cell;
  readonly items: ItemsProgram;
  launch(launched: Launched): void;
}

/** How long is waited before the store is asked again for items that it could not read. */
const AGAIN_MS = 1_000;
/** Rows read at a time when the results are collected. */
const PAGE = 500;

/** Begins what a map demands: an attempt of one item, or without one its planning, or the collecting of its results. */
export function beginItems(begin: Begin, { id, item: demanded }: StartEffect): void {
  const { cell } = begin;
  const child = cell.state.data.children[id];
  if (!demanded) {
    if (!child?.items) plan(begin, id);
    else if (isDone(child.items)) void whileItStands(begin, id, () => collect(begin, id, child.items as ItemsState));
    return;
  }
  if (begin.items.first === 'run') attempt(begin, id, demanded);
  else void whileItStands(begin, id, () => undo(begin, id, demanded));
}

/** It is not committed how many there are until they have been listed: a process that dies meanwhile does it again. */
function plan({ coordinator, cell, items }: Begin, id: string): void {
  const { at } = cell.state.data.children[id] as { at: Launched['at'] };
  let event: RunEvent;
  try {
    const total = items.total(cell.state, () => listOf(cell, id, items));
    event = { type: 'planned', child: id, at, total, most: coordinator.settings.limits.payloadBytes };
  } catch (error) {
    event = { type: 'failed', child: id, at, error: items.failure(error) };
  }
  coordinator.committer.post(cell, { event });
}

function attempt(begin: Begin, id: string, demanded: Item, row?: ItemRow): void {
  const { cell, items, launch } = begin;
  // The state is that of the last event of the batch: the item may have been stopped since.
  const item = itemAt(cell.state.data.children[id]?.items, demanded.at)?.item;
  if (!item) return;
  const plan = items.plan(cell.state, item, { list: () => listOf(cell, id, items), ...(row ? { row } : {}) });
  const about = { child: id, at: item.at, item: item.index };
  launch({
    id,
    at: item.at,
    plan,
    item: item.index,
    event: (end) => ('error' in end ? { type: 'itemFailed', ...about, ...end } : { type: 'itemSucceeded', ...about, ...end }),
  });
}

/** What came of the item is read first: its undo is given it. */
async function undo(begin: Begin, id: string, demanded: Item): Promise<void> {
  const { cell, items, coordinator } = begin;
  const { round } = cell.state.data.children[id]?.items ?? {};
  if (round === undefined) return;
  const rows = rowsOf(cell, coordinator, { step: items.step, round });
  const row = await rows.at(demanded.index);
  if (!cell.gone) attempt(begin, id, demanded, row);
}

async function collect({ coordinator, cell, items }: Begin, id: string, { total, round }: ItemsState): Promise<void> {
  const { store } = coordinator.settings;
  const results: unknown[] = [];
  while (results.length < total) {
    const page = await store.items(cell.number, { step: items.step, round, from: results.length, limit: Math.min(PAGE, total - results.length) });
    const missing = page.findIndex(({ index, state }, i) => index !== results.length + i || !isWell(state as ItemState));
    if (page.length === 0 || missing !== -1) throw lostRows(id, results.length + Math.max(0, missing));
    for (const { result } of page) results.push(result === null ? undefined : frozen((decode(result) as readonly unknown[])[0]));
  }
  const child = cell.state.data.children[id];
  if (cell.gone || !child?.items || !isDone(child.items)) return;
  coordinator.committer.post(cell, { event: { type: 'succeeded', child: id, at: child.at, output: Object.freeze(results) } });
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const key of Object.keys(value)) frozen((value as Record<string, unknown>)[key]);
  return Object.freeze(value);
}

function lostRows(id: string, index: number): SagachartError {
  return new SagachartError('SC_STORE_CORRUPT', `the result of ${id}[${index}], which was done, is not in the store`, {
    next: 'Restore the store from a backup.',
    details: { item: index },
  });
}

/** A store that cannot be read now is asked again, as long as the run is here and the map demands it. */
async function whileItStands({ coordinator, cell }: Begin, id: string, read: () => Promise<void>): Promise<void> {
  const { clock, log } = coordinator.settings;
  const at = cell.state.data.children[id]?.at;
  try {
    await read();
  } catch (error) {
    if (coordinator.closing || cell.gone) return;
    log.error('the items of a map could not be read', { run: cell.identity.id, step: id, error: String(error) });
    clock.after(AGAIN_MS, () => {
      const child = cell.state.data.children[id];
      if (!coordinator.closing && !cell.gone && child && at && sameIdentity(child.at, at)) void whileItStands({ coordinator, cell } as Begin, id, read);
    });
  }
}

const lists = new WeakMap<Cell, Map<string, readonly unknown[]>>();

/** Listed once for each invocation while the run is in memory: not once an item. */
function listOf(cell: Cell, id: string, items: ItemsProgram): readonly unknown[] {
  const { at } = cell.state.data.children[id] as { at: Launched['at'] };
  return kept(lists, cell, `${id}/${at.join('.')}`, () => items.list(cell.state));
}

const rows = new WeakMap<Cell, Map<string, ItemRows>>();

function rowsOf(cell: Cell, { settings: { store } }: Coordinator, of: { readonly step: number; readonly round: number }): ItemRows {
  return kept(rows, cell, `${of.step}/${of.round}`, () => new ItemRows(store, cell.number, of));
}

/** Only the last of each cell is kept: a run is in few maps at a time, and what is not at hand is made again. */
function kept<T>(all: WeakMap<Cell, Map<string, T>>, cell: Cell, key: string, make: () => T): T {
  const known = all.get(cell) ?? new Map<string, T>();
  all.set(cell, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  for (const first of known.keys()) if (known.size > MOST_KEPT) known.delete(first);
  return made;
}

const MOST_KEPT = 8;
