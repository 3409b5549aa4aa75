import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SagachartError } from '../base/errors.ts';
import { copyStore } from '../stores/sqlite/backup.ts';
import type { CommonOptions } from './actions.ts';
import { loadConfig } from './config.ts';
import { type Output, print } from './output.ts';

/** Writes a copy of the store to a file, while it is used. @throws SagachartError SC_USAGE; StoreError */
export async function backup(output: Output, file: string, options: CommonOptions): Promise<void> {
  const from = options.store ?? (await loadConfig(options.config)).store;
  const target = resolve(file);
  if (typeof from !== 'string' || from === ':memory:')
    throw usage('the store is no SQLite file', 'Name the file with --store, or back the store up by its own means.');
  if (!existsSync(from)) throw usage(`there is no store ${from}`, 'Correct the path of the store.');
  if (existsSync(target)) throw usage(`${file} is there already`, 'Choose another file: no backup is overwritten.');
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    copyStore(from, partial);
    synced(partial);
    // Under its own name only once it is whole, and never in place of another.
    linkSync(partial, target);
    synced(dirname(target));
  } finally {
    rmSync(partial, { force: true });
  }
  const { size: bytes } = statSync(target);
  print(output, { store: from, file: target, bytes }, () => [`${bytes} bytes written to ${file}`]);
}

function synced(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function usage(what: string, next: string): SagachartError {
  return new SagachartError('SC_USAGE', what, { next });
}
