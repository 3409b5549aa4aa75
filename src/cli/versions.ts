import { InvalidArgumentError } from '@commander-js/extra-typings';
import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { type MigrationResult, migrateAll } from '../runtime/migrate-all.ts';
import { clearRollout, type Rollout, setRollout } from '../runtime/rollout.ts';
import type { RolloutCounts } from '../runtime/rollouts.ts';
import { rolloutsOf, type VersionRow, versionsOf } from '../runtime/versions.ts';
import { answerOf, type CommonOptions, withStore } from './actions.ts';
import { type FilterOptions, filterOf } from './filter.ts';
import { EXIT, type Output, paint, print, table } from './output.ts';

/** Lists the versions of sagas, and how many runs each has. */
export async function versions(output: Output, saga: string | undefined, options: CommonOptions): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const rows = await versionsOf(store, programs, saga);
    print(output, { versions: rows }, () => versionsPage(rows));
  });
}

function versionsPage(rows: readonly VersionRow[]): readonly string[] {
  if (rows.length === 0) return ['no versions'];
  return table(
    ['SAGA', 'CHART', 'LIVE', 'ENDED', 'NEW RUNS', ''],
    rows.map(({ saga, version, fingerprint, live, ended, share, registered }) => [
      `${saga}@${version}`,
      fingerprint.slice(0, 8),
      String(live),
      String(ended),
      percent(share),
      registered ? '' : paint('red', live > 0 ? 'not registered: its runs are blocked' : 'not registered'),
    ]),
  );
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}

export interface MigrateOptions extends CommonOptions, Omit<FilterOptions, 'saga' | 'sagaVersion' | 'status'> {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly dryRun?: true | undefined;
  readonly skip?: true | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly timeout: number;
}

/** Brings runs onto another version, through the inbox. */
export async function migrate(output: Output, saga: string, options: MigrateOptions): Promise<number> {
  return await withStore(options, async (opened) => {
    const { store, programs, remote } = opened;
    const { version } = programs.find(saga, options.to);
    const executor = (await store.owner()) !== undefined;
    const { from, by, reason, dryRun = false, skip = false } = options;
    const who = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
    const filter = filterOf(options);
    const asked = { to: version, dryRun, skip, filter, ...(from === undefined ? {} : { from }) };
    const result = await migrateAll({ store, programs }, saga, asked, async (row) => {
      const sent = await remote.send(row.id, { type: 'migrate', version, ...who });
      await answerOf(opened, sent, options.timeout);
    });
    print(output, { executor, ...result }, () => migrationPage(result, executor));
    return result.refused > 0 ? EXIT.refused : EXIT.done;
  });
}

function migrationPage({ saga, to, dryRun, matched, migrated, refused, reasons }: MigrationResult, executor: boolean): readonly string[] {
  const what = dryRun ? 'would go on' : executor ? 'go on' : 'will go on, once an executor is running,';
  return [
    `${migrated} of ${matched} runs ${what} with ${saga}@${to}`,
    ...(refused > 0 ? [`${refused} cannot:`] : []),
    ...reasons.map(({ why, count, runs }) => `  ${count}  ${why}  (${runs.join(', ')}${count > runs.length ? ', …' : ''})`),
  ];
}

export interface RolloutCliOptions extends CommonOptions {
  readonly sagaVersion?: number | undefined;
  readonly share?: number | undefined;
  readonly rest?: number | undefined;
  readonly rollbackAbove?: number | undefined;
  readonly rollbackAfter?: number | undefined;
  readonly clear?: true | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Shows how new runs are shared out, or says how they are to be. */
export async function rollout(output: Output, saga: string | undefined, options: RolloutCliOptions): Promise<void> {
  const { sagaVersion: version, share, rest, rollbackAbove: failureRate, rollbackAfter: after, clear, by, reason } = options;
  const sets = version !== undefined;
  const wrong =
    (sets || clear) && saga === undefined
      ? 'of which saga is not said'
      : sets && clear
        ? 'it cannot be set and cleared at once'
        : !sets && (share ?? rest ?? failureRate ?? after) !== undefined
          ? 'of which version is not said (--saga-version)'
          : after !== undefined && failureRate === undefined
            ? '--rollback-after needs --rollback-above'
            : undefined;
  if (wrong !== undefined) throw new SagachartError('SC_USAGE', `rollout: ${wrong}`, { next: 'Write `sagachart rollout trip --saga-version 2 --share 10%`.' });
  await withStore(options, async ({ programs, store }) => {
    if (clear && saga !== undefined) await clearRollout(store, saga);
    if (sets && saga !== undefined)
      await setRollout(store, {
        programs,
        saga,
        at: systemClock.now(),
        version,
        ...(share === undefined ? {} : { share }),
        ...(rest === undefined ? {} : { rest }),
        ...(failureRate === undefined ? {} : { rollback: { failureRate, ...(after === undefined ? {} : { after }) } }),
        ...(by === undefined ? {} : { by }),
        ...(reason === undefined ? {} : { reason }),
      });
    const all = (await rolloutsOf(store, saga)).map(rolloutObject);
    print(output, { rollouts: all }, () => (all.length === 0 ? ['no rollout: new runs begin on the newest version'] : all.map(rolloutLine)));
  });
}

function rolloutObject({ since, rolledBack, ...rollout }: Rollout & RolloutCounts) {
  const time = (ms: number): string => new Date(ms).toISOString();
  return { ...rollout, since: time(since), rolledBack: rolledBack && { ...rolledBack, at: time(rolledBack.at) } };
}

function rolloutLine({ saga, version, share, rest, since, ended, failed, rollback, rolledBack, by, reason }: ReturnType<typeof rolloutObject>): string {
  return [
    `${percent(share)} of new runs of ${saga} begin on version ${version}, the others on version ${rest}, since ${since}`,
    ...(by === null ? [] : [` by ${by}`]),
    ...(reason === null ? [] : [`: ${reason}`]),
    `; ${ended} ended, ${failed} of them failed`,
    ...(rollback === null ? [] : [`; taken back above ${percent(rollback.failureRate)} of ${rollback.after} or more`]),
    ...(rolledBack === null ? [] : [`; taken back at ${rolledBack.at}: ${rolledBack.failed} of ${rolledBack.ended} had failed`]),
  ].join('');
}

/** `10%`, `0.1` */
export function parseShare(text: string): number {
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (text.trim() === '' || !(share >= 0 && share <= 1)) throw new InvalidArgumentError('It is neither a percentage nor a number from 0 to 1.');
  return share;
}
