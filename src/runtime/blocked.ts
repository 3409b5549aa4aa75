import { decode, encode } from '../base/encoding.ts';
import { SagachartError, StoreError } from '../base/errors.ts';
import { differences, inShort } from '../chart/difference.ts';
import type { Shape } from '../chart/fingerprint.ts';
import type { RunRow, Store, StoredChart } from '../stores/store.ts';
import type { Settings } from './options.ts';
import type { Program, Programs } from './program.ts';

type On = Pick<RunRow, 'id' | 'saga' | 'version' | 'fingerprint'>;
type Charts = Pick<Store, 'charts'>;

/** Charts that an engine knows, so that later ones can say what became of them. */
async function keepCharts(store: Pick<Store, 'charts' | 'keepCharts'>, programs: readonly Program[]): Promise<void> {
  const added: StoredChart[] = [];
  for (const program of programs) {
    const { name: saga, version, fingerprint } = program;
    const isKept = (await store.charts(saga)).some((chart) => chart.version === version && chart.fingerprint === fingerprint);
    if (!isKept) added.push({ saga, version, fingerprint, body: encode(program.shape()) });
  }
  if (added.length > 0) await store.keepCharts(added);
}

/**
 * Keeps them whenever it is asked to, until it has: without room for them an engine goes on, and only what is told of later
 * changes is the poorer.
 * @throws StoreError one that does not pass
 */
export function chartKeeper({ store, programs, log }: Pick<Settings, 'store' | 'programs' | 'log'>): () => Promise<void> {
  let isDone = false;
  return async () => {
    if (isDone) return;
    try {
      await keepCharts(store, programs);
      isDone = true;
    } catch (error) {
      if (!(error instanceof StoreError && error.retryable)) throw error;
      log.warn('the charts of its sagas could not be kept yet', { error: error.message });
    }
  };
}

/** A chart that is kept; undefined of runs from before charts were. */
export async function chartOf(store: Charts, { saga, version, fingerprint }: Omit<On, 'id'>): Promise<Shape | undefined> {
  const kept = (await store.charts(saga)).find((chart) => chart.version === version && chart.fingerprint === fingerprint);
  return kept && (decode(kept.body) as Shape);
}

/** What became of the chart of a run: undefined where it is not known, or its version is not there at all. */
export async function changesOf(store: Charts, programs: Programs, row: On): Promise<readonly string[] | undefined> {
  const program = programs.version(row.saga, row.version);
  const before = program && (await chartOf(store, row));
  return before && differences(before, program.shape());
}

/** Why a run waits untouched, with what became of its chart. */
export async function blockedBy(store: Charts, programs: Programs, row: On): Promise<SagachartError | undefined> {
  const error = programs.match(row);
  if (!(error instanceof SagachartError)) return undefined;
  if (!programs.version(row.saga, row.version)) return error;
  const changes = await changesOf(store, programs, row);
  const what = changes === undefined ? 'what changed is not known: the run is older than the charts that are kept' : inShort(changes);
  return new SagachartError(error.code, `${error.message}: ${what}`, {
    ...(error.next === undefined ? {} : { next: error.next }),
    details: { ...error.details, changes: changes ?? null },
  });
}
