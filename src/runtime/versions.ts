import type { Store } from '../stores/store.ts';
import type { Programs } from './program.ts';
import { type Rollout, readRollouts } from './rollout.ts';
import { countsOf, type RolloutCounts } from './rollouts.ts';

/** One chart of a version of a saga or workflow: as it is registered, or as runs of it were started on. */
export interface VersionRow {
  readonly saga: string;
  readonly version: number;
  readonly fingerprint: string;
  /** Whether this code has it: runs of all others are blocked. */
  readonly registered: boolean;
  /** Runs of it that have not ended, and those that have. */
  readonly live: number;
  readonly ended: number;
  /** Which part of new runs begins on it, 0 to 1. */
  readonly share: number;
}

/** The charts that this code registers, or that there are runs of, newest version first. @throws SagachartError SC_UNKNOWN_SAGA */
export async function versionsOf(store: Pick<Store, 'census' | 'controls'>, programs: Programs, saga?: string): Promise<readonly VersionRow[]> {
  const census = await store.census(saga === undefined ? {} : { saga });
  if (saga !== undefined && census.length === 0) programs.find(saga);
  const rollouts = await readRollouts(store);
  const rows = new Map<string, VersionRow>();
  const at = (about: Pick<VersionRow, 'saga' | 'version' | 'fingerprint'>): readonly [string, VersionRow] => {
    const key = JSON.stringify([about.saga, about.version, about.fingerprint]);
    const registered = programs.version(about.saga, about.version)?.fingerprint === about.fingerprint;
    const share = registered ? shareOf(programs, rollouts.get(about.saga), about) : 0;
    const { saga: name, version, fingerprint } = about;
    return [key, rows.get(key) ?? { saga: name, version, fingerprint, registered, live: 0, ended: 0, share }];
  };
  for (const { name, version, fingerprint } of programs.all()) if (saga === undefined || name === saga) rows.set(...at({ saga: name, version, fingerprint }));
  for (const { status, count, ...about } of census) {
    const [key, row] = at(about);
    const hasEnded = !['queued', 'running', 'sleeping', 'compensating'].includes(status);
    rows.set(key, { ...row, live: row.live + (hasEnded ? 0 : count), ended: row.ended + (hasEnded ? count : 0) });
  }
  return [...rows.values()].sort((a, b) => (a.saga === b.saga ? b.version - a.version : a.saga < b.saga ? -1 : 1));
}

function shareOf(programs: Programs, rollout: Rollout | undefined, { saga, version }: Pick<VersionRow, 'saga' | 'version'>): number {
  if (!rollout) return programs.find(saga).version === version ? 1 : 0;
  if (rollout.rest === rollout.version) return rollout.version === version ? 1 : 0;
  return version === rollout.version ? rollout.share : version === rollout.rest ? 1 - rollout.share : 0;
}

/** The rollouts there are, with what has become of their runs. */
export async function rolloutsOf(store: Store, saga?: string): Promise<readonly (Rollout & RolloutCounts)[]> {
  const all = [...(await readRollouts(store)).values()].filter((rollout) => saga === undefined || rollout.saga === saga);
  return await Promise.all(all.map(async (rollout) => ({ ...rollout, ...(await countsOf(store, rollout)) })));
}
