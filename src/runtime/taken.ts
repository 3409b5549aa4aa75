import { SagachartError } from '../base/errors.ts';
import { own } from '../base/own.ts';
import type { Store } from '../stores/store.ts';
import type { RunCommand } from './command.ts';
import { storedState } from './recovery.ts';

/**
 * The answer to a signal that is sent again, because nobody heard the first one, when the run has ended since.
 * @param refused why it was not taken now
 * @throws what it was refused with, unless it had been taken before
 */
export async function takenBefore(store: Store, run: string, command: RunCommand, refused: unknown): Promise<{ readonly seq: number }> {
  if (!(refused instanceof SagachartError && refused.code === 'SC_RUN_ENDED') || command.type !== 'signal' || command.id === undefined) throw refused;
  const row = await store.find(run);
  const seen = row && storedState(await store.load(row.number)).data.seen;
  const seq = seen && own(seen, command.id);
  if (seq === undefined) throw refused;
  return { seq };
}
