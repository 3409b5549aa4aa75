import { type Failure, wasNotBegun } from '../base/failure.ts';
import { statePaths } from '../chart/path.ts';
import { applyChanges } from '../kernel/change.ts';
import { carriedBy } from '../kernel/decide.ts';
import { decodeEntry, type Entry } from '../kernel/entry.ts';
import type { RunEvent } from '../kernel/event.ts';
import { EMPTY, type StateData } from '../kernel/state.ts';
import type { RunRow, Store, StoredEntry } from '../stores/store.ts';
import type { AttemptKind } from './event.ts';
import { storedState } from './recovery.ts';
import { missingRun } from './refusal.ts';

/** One attempt as the journal tells it. */
export interface TimelineEntry {
  readonly step: string;
  readonly kind: AttemptKind;
  /** Of this step and kind, from 1. */
  readonly attempt: number;
  /** When the commit that demanded it was made, ms since 1970. */
  readonly startedAt: number;
  /** How long it ran; null while it is under way or if it was lost. */
  readonly ms: number | null;
  readonly outcome: 'succeeded' | 'failed' | 'lost' | 'running';
  readonly failure?: Failure;
  /** Of a map: how many items it has, how many of them are done, and how many need a person. */
  readonly items?: { readonly total: number; readonly done: number; readonly stuck: number };
}

/** A run as it stands in the store. */
export interface RunView {
  readonly row: RunRow;
  readonly seq: number;
  readonly states: readonly string[];
  readonly data: StateData;
  /** What it was started with. */
  readonly input: unknown;
  readonly timeline: readonly TimelineEntry[];
  /** What it was forked from: a run, its incarnation, and a commit of that; undefined if it was not. */
  readonly forked: Omit<Extract<RunEvent, { type: 'forked' }>, 'type' | 'run' | 'input'> | undefined;
  /** Runs of other sagas that it waits for: they have a journal of their own, and may need a person. */
  readonly children: readonly { readonly step: string; readonly kind: 'run' | 'undo'; readonly run: string }[];
}

/** @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED */
export async function viewRun(store: Store, id: string): Promise<RunView> {
  const row = await store.find(id);
  if (!row) throw await missingRun(store, id);
  const { data, seq } = storedState(await store.load(row.number));
  const stored = await store.journal(row.number);
  const entries = stored.map(decodeEntry);
  const timeline = timelineOf(entries);
  return { row, seq, states: statePaths(data.value), data, input: inputIn(entries), timeline, forked: forkedFrom(stored), children: runsOf(data) };
}

function forkedFrom(stored: readonly StoredEntry[]): RunView['forked'] {
  const event = forkOf(stored);
  if (!event) return undefined;
  const { type: _, run: __, input: ___, ...from } = event;
  return from;
}

function runsOf({ children }: StateData): RunView['children'] {
  return Object.entries(children).flatMap(([id, { run }]) =>
    run === undefined ? [] : [{ step: stepOf(id).step, kind: id.endsWith('.undo') ? 'undo' : 'run', run }],
  );
}

/** What it was forked from, if it was: its first entry says so. */
export function forkOf([first]: readonly StoredEntry[]): Extract<RunEvent, { type: 'forked' }> | undefined {
  const event = first && decodeEntry(first).event;
  return event?.type === 'forked' ? event : undefined;
}

/** The entry that a run begins with: it was queued, or started. */
export async function firstOf(store: Pick<Store, 'journal'>, run: number): Promise<Entry> {
  return decodeEntry((await store.journal(run, { limit: 1 }))[0] as StoredEntry);
}

const PAGE = 100;

/** What a run was started with: it came with the first entry, unless a later start has replaced it before the run began. */
export async function inputOf(store: Pick<Store, 'journal'>, run: number): Promise<unknown> {
  const first = await firstOf(store, run);
  let input = inputIn([first]);
  if (first.event.type !== 'queued' || first.event.place?.until === undefined) return input;
  for (let from = 2; ; from += PAGE) {
    const entries = (await store.journal(run, { from, limit: PAGE })).map(decodeEntry);
    input = inputIn(entries) ?? input;
    if (entries.length < PAGE || entries.some(({ event }) => event.type === 'started')) return input;
  }
}

/** The last of those that came before it began. */
function inputIn(entries: readonly Entry[]): unknown {
  const given = entries.findLast(
    ({ event }) => (event.type === 'queued' || event.type === 'started' || event.type === 'forked' || event.type === 'putOff') && event.input !== undefined,
  );
  return given && 'input' in given.event ? given.event.input : undefined;
}

/** The journal of a run, decoded. @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED */
export async function readJournal(
  store: Store,
  id: string,
  page: { readonly from?: number; readonly limit?: number } = {},
): Promise<readonly (Entry & { readonly seq: number })[]> {
  const row = await store.find(id);
  if (!row) throw await missingRun(store, id);
  return (await store.journal(row.number, page)).map((stored) => ({ seq: stored.seq, ...decodeEntry(stored) }));
}

export function timelineOf(entries: readonly Entry[]): readonly TimelineEntry[] {
  const open = new Map<string, TimelineEntry>();
  const done: TimelineEntry[] = [];
  const counts = new Map<string, number>();
  let before: Children = new Map();
  let data: StateData = structuredClone(EMPTY.data);
  for (const { event, change, at } of entries) {
    // The same data is changed with each entry: copies of a run with many items would cost the square of its length.
    data = applyChanges(data, structuredClone(change), carriedBy(event)) as StateData;
    const after = childrenOf(data);
    for (const [id, { key, items: last }] of before) {
      if (after.get(id)?.key === key) continue;
      const begun = open.get(key);
      open.delete(key);
      if (!begun) continue;
      // One that was stopped before it began is no attempt.
      if (event.type === 'failed' && event.child === id && wasNotBegun(event.error)) counts.set(id, begun.attempt - 1);
      else if (isAbout(event, id)) done.push(ended(begun, event, { at, items: last }));
      else open.set(key, begun);
    }
    for (const [id, { key, items }] of after) {
      const begun = open.get(key);
      if (begun && items) open.set(key, { ...begun, items });
      if (begun || before.get(id)?.key === key) continue;
      const attempt = (counts.get(id) ?? 0) + 1;
      counts.set(id, attempt);
      open.set(key, { ...stepOf(id), attempt, startedAt: at, ms: null, outcome: 'running', ...(items ? { items } : {}) });
    }
    before = after;
  }
  return [...done, ...open.values()].sort((a, b) => a.startedAt - b.startedAt);
}

/** The invocations of a state: which each is, and how far its items have come. */
type Children = ReadonlyMap<string, { readonly key: string; readonly items: TimelineEntry['items'] }>;

function childrenOf({ children }: StateData): Children {
  return new Map(
    Object.entries(children).map(([id, { at, items }]) => [
      id,
      { key: `${id} ${at.join('.')}`, items: items && { total: items.total, done: items.done, stuck: items.stuck?.length ?? 0 } },
    ]),
  );
}

type AttemptEvent = Extract<RunEvent, { child: string }>;

function isAbout(event: RunEvent, id: string): event is AttemptEvent {
  return 'child' in event && event.child === id && event.type !== 'progressed';
}

/** `flight.undo` is the undo of `flight`. */
export function stepOf(id: string): Pick<TimelineEntry, 'step' | 'kind'> {
  const dot = id.lastIndexOf('.');
  const kind = id.slice(dot + 1);
  return dot !== -1 && (kind === 'check' || kind === 'undo' || kind === 'fallback') ? { step: id.slice(0, dot), kind } : { step: id, kind: 'run' };
}

function ended(begun: TimelineEntry, event: AttemptEvent, { at, items }: { readonly at: number; readonly items: TimelineEntry['items'] }): TimelineEntry {
  // A map ends with an event of its last item, and took as long as all of them.
  if (items) {
    const isLast = event.type === 'itemSucceeded' || event.type === 'succeeded';
    const done = items.done + (event.type === 'itemSucceeded' ? 1 : 0);
    const outcome = isLast && done === items.total ? 'succeeded' : event.type === 'lost' ? 'lost' : 'failed';
    return { ...begun, items: { ...items, done }, ms: at - begun.startedAt, outcome, ...('error' in event ? { failure: event.error } : {}) };
  }
  if (event.type === 'succeeded') return { ...begun, ms: event.ms ?? null, outcome: 'succeeded' };
  if (event.type === 'failed') return { ...begun, ms: event.ms ?? null, outcome: 'failed', failure: event.error };
  return event.type === 'lost' ? { ...begun, ms: null, outcome: 'lost', failure: event.error } : begun;
}
