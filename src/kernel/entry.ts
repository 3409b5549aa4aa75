import { decode, encode, isPlain, WRAPPED_LEVELS } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { applyChanges, type Change } from './change.ts';
import { carriedBy } from './decide.ts';
import type { RunEvent } from './event.ts';
import { EMPTY, type StateData } from './state.ts';

/**
 * Layout of a journal entry: `[at, event, [kind, ...path, value], …]`, flat because it is written with each commit. A
 * newer layout gets the next number, and both can be read.
 */
export const ENTRY_FORMAT = 1;
/** Layout of a full snapshot: the state's data as it is. */
export const BASE_FORMAT = 1;

/** What one commit records: what happened, and what it changed. */
export interface Entry {
  /** ms since 1970. */
  readonly at: number;
  readonly event: RunEvent;
  readonly change: readonly Change[];
}

/** @throws SagachartError SC_NOT_STORABLE with the path of what text cannot hold */
export function encodeEntry({ at, event, change }: Entry): string {
  // What is made here, paths and kinds, needs no look: only the event and the values it set.
  if (isPlain(event) && change.every((one) => one.length === 2 || isPlain(one[2]))) return JSON.stringify([at, event, ...change.map(flat)]);
  const { event: packed, change: changes } = packedEntry({ event, change });
  return JSON.stringify([at, packed, ...changes.map(flat)]);
}

/** With the values that JSON alone would lose; a failure names the field they stand in. */
function packedEntry(entry: Omit<Entry, 'at'>): Omit<Entry, 'at'> {
  return JSON.parse(encode(entry, 'run', WRAPPED_LEVELS)) as Omit<Entry, 'at'>;
}

function flat(change: Change): readonly unknown[] {
  const [kind, path] = change;
  return kind === '-' ? [kind, ...path] : [kind, ...path, change[2]];
}

function deep([kind, ...rest]: readonly [Change[0], ...unknown[]]): Change {
  return (kind === '-' ? [kind, rest] : [kind, rest.slice(0, -1), rest.at(-1)]) as unknown as Change;
}

/** @throws SagachartError SC_FORMAT if a newer version of Sagachart wrote it */
export function decodeEntry({ format, text }: { readonly format: number; readonly text: string }): Entry {
  if (format !== ENTRY_FORMAT) throw unknownFormat('journal entry', format);
  const [at, event, ...change] = decode(text) as [number, RunEvent, ...(readonly [Change[0], ...unknown[]])[]];
  return { at, event, change: change.map(deep) };
}

export function encodeBase(data: StateData): string {
  return encode(data, 'run', WRAPPED_LEVELS);
}

/** The state's data from its last full snapshot and the entries after it: data only, no user code runs. */
export function rebuild(base: { readonly format: number; readonly text: string } | undefined, entries: readonly Pick<Entry, 'event' | 'change'>[]): StateData {
  if (base && base.format !== BASE_FORMAT) throw unknownFormat('snapshot', base.format);
  let data: unknown = base ? decode(base.text) : structuredClone(EMPTY.data);
  for (const { event, change } of entries) data = applyChanges(data, change, carriedBy(event));
  return data as StateData;
}

/** The states a run went through, one for each entry: for timelines and audits. */
export function* replay(entries: readonly Entry[]): Generator<{ readonly entry: Entry; readonly before: StateData; readonly after: StateData }> {
  let before = EMPTY.data;
  for (const entry of entries) {
    const after = rebuild({ format: BASE_FORMAT, text: encodeBase(before) }, [entry]);
    yield { entry, before, after };
    before = after;
  }
}

function unknownFormat(what: string, format: number): SagachartError {
  return new SagachartError('SC_FORMAT', `a stored ${what} has the layout ${format}, which this version does not know`, {
    next: 'It was written by a newer version of Sagachart: update this one.',
    details: { format },
  });
}
