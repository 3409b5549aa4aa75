import type { ErrorEffect } from '../base/errors.ts';
import { type Failure, LOST } from '../base/failure.ts';
import { decodeEntry, rebuild } from '../kernel/entry.ts';
import type { RunEvent } from '../kernel/event.ts';
import { isDone, itemsUnderWay } from '../kernel/items.ts';
import { isKept, isUnderWay } from '../kernel/pending.ts';
import { restore } from '../kernel/snapshot.ts';
import type { RunState, StateData } from '../kernel/state.ts';
import type { Claim, Store, StoredRun } from '../stores/store.ts';
import { type Cell, newCell } from './cell.ts';
import type { Program } from './program.ts';

/** The data of a run and the number of its last commit, as stored. */
export function storedState({ base, entries }: StoredRun): { readonly seq: number; readonly data: StateData } {
  return {
    seq: entries.at(-1)?.seq ?? base?.seq ?? 0,
    data: rebuild(base, entries.map(decodeEntry)),
  };
}

/**
 * A run brought back into memory from its last full snapshot and what changed since: no user code runs.
 * @param known whether it is on the chart of the program: else it is not restored, and can only be brought onto that
 */
export async function loadCell(store: Store, { row, fence }: Claim, program: Program, known = true): Promise<Cell> {
  const stored = await store.load(row.number);
  const { seq, data } = storedState(stored);
  const state: RunState = { seq, data, snapshot: data.value === null || !known ? undefined : restore(program.chart.machine, data) };
  const { number, id, saga, version, fingerprint, incarnation, inputHash, createdAt, labels } = row;
  const { status, attention, paused, degraded, due, endedAt } = row;
  return newCell({
    number,
    identity: { id, saga, version, fingerprint, incarnation, inputHash, createdAt },
    program,
    fence,
    state,
    standing: { status, attention, paused, degraded, due, endedAt, labels },
    labels,
    baseSize: stored.base?.text.length ?? 0,
    sinceBase: stored.entries.reduce((sum, { text }) => sum + text.length, 0),
  });
}

/** Attempts that were under way in a process that is gone: each first gets this event. */
export function lostEvents({ data }: RunState, { transactional }: Pick<Program, 'transactional'>): readonly RunEvent[] {
  return Object.entries(data.children)
    .filter(([id]) => isUnderWay(data, id))
    .flatMap(([id, { at, items }]): readonly RunEvent[] => {
      if (!items || isDone(items)) return [{ type: 'lost', child: id, at, error: lost(id, id, transactional?.has(id) ? 'none' : 'maybe') }];
      return itemsUnderWay(items)
        .filter((item) => !isKept(data, item.at))
        .map((item) => ({ type: 'itemLost', child: id, at: item.at, item: item.index, error: lost(id, `${id}[${item.index}]`) }));
    });
}

/** What is one with the commit of its end has done nothing: that commit is not there. */
function lost(id: string, what: string, effect: ErrorEffect = 'maybe'): Failure {
  return {
    code: LOST,
    type: 'SagachartError',
    message: `the process that ran ${what} is gone`,
    class: 'transient',
    effect,
    step: id.split('.')[0] ?? id,
  };
}
