import { DatabaseSync } from 'node:sqlite';
import { storeError } from './failure.ts';
import { checkFile } from './schema.ts';

/**
 * Writes a copy of a store to a new file, as it is at one moment, while it is used: what has been acknowledged by then is
 * in it, and nobody waits for it. It is one read transaction, and the copy holds nothing of what was deleted.
 * @param target must not be there; it is not synced
 * @throws StoreError
 */
export function copyStore(path: string, target: string, { busyMs = 5_000 }: { readonly busyMs?: number } = {}): void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: busyMs, readOnly: true });
    checkFile(db, path);
    db.prepare('VACUUM INTO ?').run(target);
  } catch (error) {
    throw storeError(error, path, 'copying');
  } finally {
    db?.close();
  }
}
