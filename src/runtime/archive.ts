import { encode, WRAPPED_LEVELS } from '../base/encoding.ts';
import type { RunRow, Store } from '../stores/store.ts';
import { inputOf } from './history.ts';

/** Where runs are written before they are purged. */
export interface Archive {
  write(text: string): Promise<void>;
  /** Resolves when everything that was written survives a power cut. */
  sync(): Promise<void>;
  /** It can be written to again. */
  close(): Promise<void>;
}

/** Layout of a line of an archive. */
const ARCHIVE_FORMAT = 1;
/** Journal entries held in memory: a run may have a million. */
const PAGE = 500;

/**
 * Writes each run as one line of JSON, as it is stored: its row, its input, its journal. It is durable when this resolves.
 * @param at when it is archived, ms since 1970
 */
export async function archiveRuns(store: Pick<Store, 'journal'>, rows: readonly RunRow[], archive: Archive, at: number): Promise<void> {
  for (const row of rows) {
    let page = await store.journal(row.number, { limit: PAGE });
    const { number, ...run } = row;
    const input = encode(await inputOf(store, number), 'input', WRAPPED_LEVELS);
    await archive.write(`{"format":${ARCHIVE_FORMAT},"archivedAt":${at},"run":${JSON.stringify(run)},"input":${input},"journal":[`);
    for (let first = true; page.length > 0; first = false) {
      await archive.write(`${first ? '' : ','}${page.map((entry) => JSON.stringify(entry)).join(',')}`);
      const last = page.at(-1)?.seq ?? 0;
      page = page.length < PAGE ? [] : await store.journal(number, { from: last + 1, limit: PAGE });
    }
    await archive.write(']}\n');
  }
  await archive.sync();
}
