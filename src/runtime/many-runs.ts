import type { RunFilter, RunRow } from '../stores/store.ts';
import { type ActOnPage, type BulkAction, type BulkOptions, type BulkResult, bulk, each, operate } from './bulk.ts';
import type { Coordinator } from './coordinator.ts';
import type { Desk } from './desk.ts';
import { checkFilter, runsOf } from './filter.ts';
import { type MigrateAllOptions, type MigrationResult, migrateAll } from './migrate-all.ts';
import type { Migrations } from './migrations.ts';
import type { PurgeOptions, Purges } from './purge.ts';
import { type UnclassifiedOptions, type UnclassifiedReport, unclassifiedErrors } from './unclassified.ts';
import { who } from './who.ts';

/** What is asked of many runs at once. */
export class ManyRuns {
  readonly #coordinator: Coordinator;
  readonly #desk: Desk;
  readonly #purges: Purges;
  readonly #migrations: Migrations;

  constructor(coordinator: Coordinator, { desk, purges, migrations }: { readonly desk: Desk; readonly purges: Purges; readonly migrations: Migrations }) {
    this.#coordinator = coordinator;
    this.#desk = desk;
    this.#purges = purges;
    this.#migrations = migrations;
  }

  /** The runs that fit, newest first, 100 unless the filter has another limit. @throws SagachartError SC_OPTION */
  async list(filter: RunFilter = {}): Promise<readonly RunRow[]> {
    return await this.#coordinator.settings.store.list(checkFilter(filter));
  }

  /** All runs that fit, newest first, read page by page. */
  runs(filter: RunFilter = {}): AsyncIterable<RunRow> {
    return runsOf(this.#coordinator.settings.store, filter);
  }

  /**
   * Errors of attempts in the journals of the runs that fit, by default of all, that nobody has said the meaning of.
   * @throws SagachartError SC_OPTION
   */
  async unclassified(filter: RunFilter = {}, options: UnclassifiedOptions = {}): Promise<UnclassifiedReport> {
    return await unclassifiedErrors({ store: this.#coordinator.settings.store, programs: this.#coordinator.programs }, filter, options);
  }

  /**
   * Takes runs that have ended out of the store, all that fit or one by its id, each in one transaction with its tombstone.
   * @throws SagachartError SC_OPTION; of one by its id SC_RUN_ACTIVE, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_HELD
   */
  async purge(which: RunFilter | string, options: BulkOptions & PurgeOptions = {}): Promise<BulkResult> {
    this.#desk.checkOpen();
    if (typeof which !== 'string') return await this.bulk('purge', which, options);
    if (options.dryRun) return await this.bulk('purge', { ids: [which] }, options);
    await this.#desk.place(() => this.#purges.one(which, options));
    return { matched: 1, done: 1, failed: 0, failures: [] };
  }

  /**
   * Does one thing to all runs that fit and can take it; `retry` tries every stuck step again.
   * @throws SagachartError SC_OPTION
   */
  async bulk(action: BulkAction, filter: RunFilter, options: BulkOptions & PurgeOptions = {}): Promise<BulkResult> {
    this.#desk.checkOpen();
    const { store } = this.#coordinator.settings;
    const { archive, ...rest } = options;
    const act: ActOnPage =
      action === 'purge'
        ? (rows) => this.#desk.place(() => this.#purges.purge(rows, { archive }))
        : each((row) => operate(store, row, { action, by: options.by, reason: options.reason }, (command) => this.#desk.command(row.id, command)));
    return await bulk(store, action, filter, { ...rest, act });
  }

  /**
   * Brings the runs of a saga that have not ended onto one of its versions, each in one commit, blocked ones too. Whatever
   * an attempt under way says counts there. If any cannot be migrated none is, unless `skip` is given.
   * @throws SagachartError SC_UNKNOWN_SAGA, SC_OPTION, SC_MIGRATION_REFUSED
   */
  async migrate(saga: string, options: MigrateAllOptions = {}): Promise<MigrationResult> {
    this.#desk.checkOpen();
    const { programs, settings } = this.#coordinator;
    const { to: version, by, reason } = options;
    const asked = { ...who({ by, reason }), ...(version === undefined ? {} : { version }) };
    return await migrateAll({ store: settings.store, programs }, saga, options, (row) => this.#desk.place(() => this.#migrations.one(row.id, asked)));
  }
}
