import { type FileHandle, open } from 'node:fs/promises';
import { SagachartError } from '../base/errors.ts';
import type { Archive } from '../runtime/archive.ts';

/** What was archived may hold what only the store's owner may read. */
const OWNER_ONLY = 0o600;
const NEWLINE = 10;

/**
 * A file of one run a line, which is made when it is needed and only ever grows.
 * @throws SagachartError SC_ARCHIVE from its methods, if the file cannot be written
 */
export function archiveFile(path: string): Archive {
  let file: Promise<FileHandle> | undefined;
  const doing = async <T>(work: (file: FileHandle) => Promise<T>): Promise<T> => {
    try {
      file ??= opened(path);
      return await work(await file);
    } catch (cause) {
      file?.then((open) => open.close()).catch(() => undefined);
      file = undefined;
      throw new SagachartError('SC_ARCHIVE', `the archive ${path} could not be written: ${cause instanceof Error ? cause.message : cause}`, {
        retryable: true,
        next: 'Make room, or give this user the right to write there. What is not archived is not purged.',
        details: { path },
        cause,
      });
    }
  };
  return {
    write: async (text) => {
      await doing((open) => open.appendFile(text));
    },
    sync: async () => await doing((open) => open.sync()),
    close: async () => {
      const open = await file?.catch(() => undefined);
      file = undefined;
      await open?.close();
    },
  };
}

/** What a crash left behind stays a line of its own, that is no JSON; the run is archived once more. */
async function opened(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+', OWNER_ONLY);
  try {
    const { size } = await file.stat();
    if (size > 0) {
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
      if (buffer[0] !== NEWLINE) await file.appendFile('\n');
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
