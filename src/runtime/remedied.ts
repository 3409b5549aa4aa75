import type { InboxRow } from '../stores/store.ts';
import type { Delivery } from './cell.ts';
import { type Command, decodeCommand } from './command.ts';

/** The inbox entry that a start came with, and what it is to remedy. */
export type StartedFrom = Pick<Delivery, 'inbox' | 'remedyFor'>;

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
    return decodeCommand(body);
  } catch {
    return undefined;
  }
}
