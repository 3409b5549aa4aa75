import { type Failure, NOT_BEGUN } from '../base/failure.ts';
import { statePaths } from '../chart/path.ts';
import { decodeEntry, type Entry, replay } from '../kernel/entry.ts';
import type { RunEvent } from '../kernel/event.ts';
import type { StateData } from '../kernel/state.ts';
import type { RunRow, Store } from '../stores/store.ts';
import type { AttemptKind } from './event.ts';
import { storedState } from './recovery.ts';
import { unknownRun } from './refusal.ts';

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
  /** Runs of other sagas that it waits for: they have a journal of their own, and may need a person. */
  readonly children: readonly { readonly step: string; readonly kind: 'run' | 'undo'; readonly run: string }[];
}

/** @throws SagachartError SC_UNKNOWN_RUN */
export async function viewRun(store: Store, id: string): Promise<RunView> {
  const row = await store.find(id);
  if (!row) throw unknownRun(id);
  const { data, seq } = storedState(await store.load(row.number));
  const entries = (await store.journal(row.number)).map(decodeEntry);
  return { row, seq, states: statePaths(data.value), data, input: inputOf(entries[0]), timeline: timelineOf(entries), children: childrenOf(data) };
}

function childrenOf({ children }: StateData): RunView['children'] {
  return Object.entries(children).flatMap(([id, { run }]) =>
    run === undefined ? [] : [{ step: stepOf(id).step, kind: id.endsWith('.undo') ? 'undo' : 'run', run }],
  );
}

/** It came with the first entry, which says that the run was queued or started. */
function inputOf(first: Entry | undefined): unknown {
  return first && 'input' in first.event ? first.event.input : undefined;
}

/** The journal of a run, decoded. @throws SagachartError SC_UNKNOWN_RUN */
export async function readJournal(
  store: Store,
  id: string,
  page: { readonly from?: number; readonly limit?: number } = {},
): Promise<readonly (Entry & { readonly seq: number })[]> {
  const row = await store.find(id);
  if (!row) throw unknownRun(id);
  return (await store.journal(row.number, page)).map((stored) => ({ seq: stored.seq, ...decodeEntry(stored) }));
}

export function timelineOf(entries: readonly Entry[]): readonly TimelineEntry[] {
  const open = new Map<string, TimelineEntry>();
  const done: TimelineEntry[] = [];
  const counts = new Map<string, number>();
  for (const { entry, before, after } of replay(entries)) {
    const { event, at } = entry;
    if ('child' in event && event.type !== 'progressed') {
      const key = keyOf(event.child, before);
      const begun = open.get(key);
      open.delete(key);
      // One that was stopped before it began is no attempt.
      if (begun && event.type === 'failed' && event.error.code === NOT_BEGUN) counts.set(event.child, begun.attempt - 1);
      else if (begun) done.push(ended(begun, event));
    }
    for (const id of Object.keys(after.children)) {
      const key = keyOf(id, after);
      if (open.has(key) || key === keyOf(id, before)) continue;
      const attempt = (counts.get(id) ?? 0) + 1;
      counts.set(id, attempt);
      open.set(key, { ...stepOf(id), attempt, startedAt: at, ms: null, outcome: 'running' });
    }
  }
  return [...done, ...open.values()].sort((a, b) => a.startedAt - b.startedAt);
}

function keyOf(id: string, { children }: StateData): string {
  return `${id} ${children[id]?.at.join('.')}`;
}

function stepOf(id: string): Pick<TimelineEntry, 'step' | 'kind'> {
  const dot = id.lastIndexOf('.');
  const kind = id.slice(dot + 1);
  return dot !== -1 && (kind === 'check' || kind === 'undo' || kind === 'fallback') ? { step: id.slice(0, dot), kind } : { step: id, kind: 'run' };
}

function ended(begun: TimelineEntry, event: Extract<RunEvent, { type: 'succeeded' | 'failed' | 'lost' }>): TimelineEntry {
  if (event.type === 'succeeded') return { ...begun, ms: event.ms ?? null, outcome: 'succeeded' };
  return { ...begun, ms: event.type === 'failed' ? (event.ms ?? null) : null, outcome: event.type, failure: event.error };
}
