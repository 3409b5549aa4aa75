import { SagachartError } from './base/errors.ts';
import { quoted } from './base/quoted.ts';
import { type Definition, wrongDefinitions } from './definitions.ts';
import type { SagachartOptions } from './sagachart.ts';
import { sqlite } from './stores/sqlite/sqlite.ts';
import type { Store } from './stores/store.ts';
import type { VerifyOptions } from './testing/verify/options.ts';

/** What the command line works with: the default export of `sagachart.config.ts`. */
export interface SagachartConfig {
  /** A SQLite file, relative to the config file, or what makes the store. */
  readonly store: string | (() => Store);
  readonly sagas: readonly Definition[];
  /** Made when an executor needs them, so that commands beside it open nothing. */
  readonly services?: () => unknown;
  readonly limits?: SagachartOptions['limits'];
  /** Where the alerts of `sagachart run` go. Default: its log. */
  readonly alerts?: SagachartOptions['alerts'];
  /** What `sagachart run` starts when runs fail or need a person. Default: nothing. */
  readonly remedies?: SagachartOptions['remedies'];
  /** An archive is a file relative to the config file, or what else to write to. */
  readonly retention?: SagachartOptions['retention'];
  readonly interceptors?: SagachartOptions['interceptors'];
  /** Whether `sagachart run` carries runs over to charts that are edited under them. Default: false. */
  readonly development?: SagachartOptions['development'];
  /** Queues that runs can be started into. Default: none. */
  readonly queues?: SagachartOptions['queues'];
  /** What `sagachart run` starts again and again. Default: nothing. */
  readonly schedules?: SagachartOptions['schedules'];
  /** What `sagachart drill` works with: services that are simulated, and what to start. */
  readonly drill?: {
    readonly services: () => unknown;
    /** The n-th run, from 0. */
    readonly workload: (n: number) => { readonly saga: string; readonly input: unknown };
  };
  /** How `sagachart verify` goes through a saga or a workflow, by its name. */
  // biome-ignore lint/suspicious/noExplicitAny: a world of any shape
  readonly verify?: Readonly<Record<string, VerifyOptions<any>>>;
}

/** Gives the config its types. */
export function defineConfig(config: SagachartConfig): SagachartConfig {
  return config;
}

/** @throws SagachartError SC_CONFIG */
export function checkConfig(value: unknown, file: string): SagachartConfig {
  const { store, sagas } = (value ?? {}) as Partial<SagachartConfig>;
  const wrong =
    typeof store === 'string' || typeof store === 'function'
      ? wrongDefinitions(sagas)
      : `store is ${store === undefined ? 'missing' : quoted(store)}, but must be the path of a SQLite file, or a function that makes a store`;
  if (wrong === undefined) return value as SagachartConfig;
  throw new SagachartError('SC_CONFIG', `${file} does not export a config by default: ${wrong}`, {
    next: "Write `export default defineConfig({ store: 'runs.db', sagas: [...] })`.",
    details: { file },
  });
}

export function storeOf({ store }: SagachartConfig): Store {
  return typeof store === 'string' ? sqlite(store) : store();
}
