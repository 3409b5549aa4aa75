import type { StoredEntry } from '../store.ts';
import type { JournalKeys } from './key.ts';
import type { RunBook } from './run-book.ts';
import type { Statements } from './statements.ts';

interface EntryRecord {
  readonly key: number;
  readonly format: number;
  readonly codec: number;
  readonly body: string;
}

/** Entries of a run from `from` on, under all the numbers it has had, in order. */
export function readJournal(
  { sql, keys, book }: { readonly sql: Statements; readonly keys: JournalKeys; readonly book: RunBook },
  run: number,
  { from, limit }: { readonly from: number; readonly limit: number },
): readonly StoredEntry[] {
  const numbers = book.numbers(run);
  const { span } = keys;
  const entries: StoredEntry[] = [];
  for (let n = Math.floor(from / span); n < numbers.length && entries.length < limit; n++) {
    const first = (numbers[n] as number) * span;
    const start = n === Math.floor(from / span) ? first + (from % span) : first;
    const rows = sql.entries.all(start, first + span, limit - entries.length) as unknown as EntryRecord[];
    for (const { key, format, codec, body } of rows) entries.push({ seq: keys.seq(key, n), format, codec, text: body });
  }
  return entries;
}
