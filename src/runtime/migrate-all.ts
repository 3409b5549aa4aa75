import { SagachartError } from '../base/errors.ts';
import type { Shape } from '../chart/fingerprint.ts';
import type { RunFilter, RunRow, Store } from '../stores/store.ts';
import { badOption } from './bad-option.ts';
import { chartOf } from './blocked.ts';
import { asError } from './bulk.ts';
import type { Operator } from './command.ts';
import { pagesOf } from './filter.ts';
import { chartUnknown } from './migrations.ts';
import { checkMigration } from './onto.ts';
import type { Program, Programs } from './program.ts';
import { storedState } from './recovery.ts';

export interface MigrateAllOptions extends Operator {
  /** The version that runs come from. Default: any. */
  readonly from?: number;
  /** The version that they go on with. Default: the newest. */
  readonly to?: number;
  /** Which of its runs. Default: all that have not ended. */
  readonly filter?: Omit<RunFilter, 'saga' | 'version' | 'status' | 'order'>;
  /** Only says what would become of them. Default: false. */
  readonly dryRun?: boolean;
  /** Migrates what can be, and leaves the rest on its version. Default: false, nothing is migrated then. */
  readonly skip?: boolean;
  /** Told after each page of runs. */
  readonly progress?: (counts: MigrationCounts) => void;
}

export interface MigrationCounts {
  /** Runs that have not ended, fit, and are not on that chart already. */
  readonly matched: number;
  /** Those that were migrated; in a dry run those that would be. */
  readonly migrated: number;
  /** Those that stay where they are. */
  readonly refused: number;
}

export interface MigrationResult extends MigrationCounts {
  readonly saga: string;
  readonly to: number;
  readonly dryRun: boolean;
  /** Why runs stay where they are, the commonest reason first. */
  readonly reasons: readonly MigrationReason[];
}

export interface MigrationReason {
  readonly why: string;
  readonly count: number;
  /** The first ten of them. */
  readonly runs: readonly string[];
}

interface Place {
  readonly store: Store;
  readonly programs: Programs;
}

const OPTIONS: ReadonlySet<string> = new Set(['from', 'to', 'filter', 'dryRun', 'skip', 'progress', 'by', 'reason']);
const PAGE = 20;
const MOST_RUNS = 10;
const GOING_ON = ['queued', 'running', 'sleeping', 'compensating'] as const;

/**
 * Brings all runs of a saga that fit onto one of its versions, each in one commit, page by page. First all are looked
 * at, and if any cannot be migrated none is, unless that is asked for.
 * @param act brings one onto it
 * @throws SagachartError SC_UNKNOWN_SAGA, SC_OPTION, SC_MIGRATION_REFUSED with the reasons
 */
export async function migrateAll(place: Place, saga: string, options: MigrateAllOptions, act: (row: RunRow) => Promise<unknown>): Promise<MigrationResult> {
  for (const name of Object.keys(options))
    if (!OPTIONS.has(name)) throw badOption(`migrate.${name}`, options[name as never], `options are ${[...OPTIONS].join(', ')}`);
  const { dryRun = false, skip = false } = options;
  const program = place.programs.find(saga, options.to);
  const shapes = new Map<string, Shape | undefined>();
  const look = async (row: RunRow): Promise<unknown> => await check(place, { row, program, shapes });
  if (dryRun || !skip) {
    const planned = await pass(place.store, program, options, look);
    if (dryRun) return planned;
    if (planned.refused > 0) throw refused(planned);
  }
  return await pass(place.store, program, options, act);
}

async function pass(store: Store, program: Program, options: MigrateAllOptions, act: (row: RunRow) => Promise<unknown>): Promise<MigrationResult> {
  const { from, filter = {}, dryRun = false, progress } = options;
  const { name: saga, version: to, fingerprint } = program;
  const counts = { matched: 0, migrated: 0, refused: 0 };
  const reasons = new Map<string, { count: number; readonly runs: string[] }>();
  for await (const page of pagesOf(store, { ...filter, saga, ...(from === undefined ? {} : { version: from }), status: GOING_ON }, PAGE)) {
    const rows = page.filter((row) => row.version !== to || row.fingerprint !== fingerprint);
    counts.matched += rows.length;
    await Promise.all(
      rows.map(async (row) => {
        try {
          await act(row);
          counts.migrated++;
        } catch (error) {
          counts.refused++;
          const why = whyOf(asError(error));
          const known = reasons.get(why) ?? { count: 0, runs: [] };
          known.count++;
          if (known.runs.length < MOST_RUNS) known.runs.push(row.id);
          reasons.set(why, known);
        }
      }),
    );
    progress?.({ ...counts });
  }
  const sorted = [...reasons].map(([why, known]) => ({ why, ...known })).sort((a, b) => b.count - a.count);
  return { saga, to, dryRun, ...counts, reasons: sorted };
}

/** Without what differs from run to run. */
function whyOf({ details, message }: SagachartError): string {
  return typeof details?.why === 'string' ? details.why : message;
}

/** Throws why a stored run cannot be migrated; changes nothing. */
async function check(
  { store, programs }: Place,
  { row, program, shapes }: { readonly row: RunRow; readonly program: Program; readonly shapes: Map<string, Shape | undefined> },
): Promise<void> {
  const key = `${row.version}/${row.fingerprint}`;
  if (!shapes.has(key)) {
    const known = programs.match(row);
    shapes.set(key, known instanceof SagachartError ? await chartOf(store, row) : known.shape());
  }
  const from = shapes.get(key);
  if (!from) throw chartUnknown(row, program.version);
  const stored = storedState(await store.load(row.number));
  checkMigration({ program, from }, row, { ...stored, snapshot: undefined }, row.updatedAt);
}

function refused(result: MigrationResult): SagachartError {
  const { saga, to, matched, reasons } = result;
  const why = reasons.map(({ why, count, runs }) => `${count} (${runs.slice(0, 3).join(', ')}${count > 3 ? ', …' : ''}): ${why}`).join('; ');
  return new SagachartError(
    'SC_MIGRATION_REFUSED',
    `${result.refused} of ${matched} runs of ${saga} cannot go on with version ${to}, so none was migrated: ${why}`,
    {
      next: 'Say in the `migrations` of the new version what becomes of them, or migrate the others with --skip: these end on their own version.',
      details: { saga, to, matched, refused: result.refused, reasons },
    },
  );
}
