import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SagachartError } from '../base/errors.ts';
import { checkConfig, type SagachartConfig } from '../config.ts';

export const CONFIG_FILES = ['sagachart.config.ts', 'sagachart.config.js', 'sagachart.config.mjs'];

/** The config file: the given one, or the first that is found here or above. @throws SagachartError SC_CONFIG */
export async function loadConfig(given: string | undefined, from = process.cwd()): Promise<SagachartConfig> {
  const file = given === undefined ? find(from) : resolve(from, given);
  if (!file || !existsSync(file)) {
    throw new SagachartError('SC_CONFIG', given === undefined ? `there is no ${CONFIG_FILES[0]} in ${from} or above` : `there is no config file ${file}`, {
      next: 'Write one that exports `defineConfig({ store, sagas, services })`, or name it with --config.',
    });
  }
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (cause) {
    throw new SagachartError('SC_CONFIG', `${file} could not be loaded: ${cause instanceof Error ? cause.message : cause}`, {
      next: 'Correct the file.',
      cause,
    });
  }
  const config = checkConfig(loaded.default, file);
  // Found from a folder below, it must mean the same file.
  const { store, retention } = config;
  const beside = (path: string): string => resolve(dirname(file), path);
  return {
    ...config,
    ...(typeof store === 'string' ? { store: beside(store) } : {}),
    ...(typeof retention?.archive === 'string' ? { retention: { ...retention, archive: beside(retention.archive) } } : {}),
  };
}

function find(from: string): string | undefined {
  const file = CONFIG_FILES.map((name) => resolve(from, name)).find(existsSync);
  if (file) return file;
  const above = dirname(from);
  return above === from ? undefined : find(above);
}
