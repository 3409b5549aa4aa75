import { decode } from '../base/encoding.ts';
import type { Parent } from '../kernel/event.ts';
import type { InboxRow } from '../stores/store.ts';
import type { Delivery } from './cell.ts';
import type { Command } from './command.ts';

/** The inbox entry that a start came with, and what it is to remedy, or the run that has begun it and is told what it is refused with. */
export type StartedFrom = Pick<Delivery, 'inbox' | 'remedyFor'> & {
  readonly parent?: Parent;
  /** Id of the run, if there comes to be one of its own. */
  readonly id?: string;
  /** A name that it alone is to have, and is refused without. */
  readonly sole?: string;
  /** When it was asked for, ms since 1970. Default: now. */
  readonly at?: number;
};

/** What the command of an entry is to remedy, if it is. */
export function remedyOf({ run }: Pick<InboxRow, 'run'>, command: Command): Pick<Delivery, 'remedyFor'> {
  // An entry may hold anything: whoever can write to the store can write to the inbox.
  if (command?.type !== 'start' || typeof command.remedyFor?.run?.id !== 'string') return {};
  return { remedyFor: { of: command.remedyFor, saga: command.saga, run } };
}

/** An entry that came to nothing before it reached a run. */
export function refusedEntry(row: InboxRow): Delivery {
  const command = read(row);
  return { event: { type: 'queued', input: null }, inbox: row.number, ...(command ? remedyOf(row, command) : {}) };
}

function read({ body }: InboxRow): Command | undefined {
  try {
    return decode(body) as Command;
  } catch {
    return undefined;
  }
}
