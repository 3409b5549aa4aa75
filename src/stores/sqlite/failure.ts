import { StoreError } from '../../base/errors.ts';

interface SqliteError extends Error {
  readonly errcode: number;
  readonly errstr: string;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && typeof (error as Partial<SqliteError>).errcode === 'number';
}

/** By SQLite's primary result code (https://sqlite.org/rescode.html): our code, what to do, whether it may pass. */
const MEANING: Readonly<Record<number, readonly [code: string, next: string, retryable: boolean]>> = {
  5: ['SC_STORE_BUSY', 'Another process holds the file for longer than it should: look for one that was stopped in the middle of a write.', true],
  6: ['SC_STORE_BUSY', 'Another connection holds a table of the file.', true],
  8: ['SC_STORE_READONLY', 'Give this user the right to write the file and its directory, or choose another file.', true],
  10: ['SC_STORE_IO', 'Look at the disk and its file system.', true],
  11: ['SC_STORE_CORRUPT', 'Restore the file from a backup.', false],
  13: ['SC_STORE_FULL', 'Make room on the disk: work goes on by itself.', true],
  14: ['SC_STORE_OPEN', 'Create the directory, and give this user the right to write there.', false],
  26: ['SC_STORE_FOREIGN', 'Choose another file. This one was not touched.', false],
};
/** A write (778) or the growth of the shared memory file (4874) that the file system refused: no room, or a quota. */
const NO_ROOM = [778, 4_874];

/** What SQLite threw, as an error of ours that names the file. */
export function storeError(error: unknown, path: string, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  if (!isSqliteError(error))
    return new StoreError('SC_STORE_IO', `${path}: ${doing} failed: ${error instanceof Error ? error.message : error}`, { cause: error, details: { path } });
  const [code, next, retryable] = (NO_ROOM.includes(error.errcode) ? MEANING[13] : MEANING[error.errcode & 255]) ?? [
    'SC_STORE_IO',
    'This is a defect of Sagachart: please report it.',
    false,
  ];
  return new StoreError(code, `${path}: ${doing} failed: ${error.message} (SQLite ${error.errcode}, ${error.errstr})`, {
    next,
    retryable,
    cause: error,
    details: { path, errcode: error.errcode },
  });
}
