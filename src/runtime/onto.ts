import { SagachartError } from '../base/errors.ts';
import { NotCarried } from '../chart/carry/carried.ts';
import type { Decided } from '../kernel/decide.ts';
import { encodeEntry } from '../kernel/entry.ts';
import type { RunEvent } from '../kernel/event.ts';
import { migrated } from '../kernel/migrate.ts';
import type { RunState } from '../kernel/state.ts';
import type { Recast, RunIdentity, RunRow } from '../stores/store.ts';
import type { Delivery } from './cell.ts';
import type { Role } from './draft.ts';
import { runEnded } from './refusal.ts';

type Onto = NonNullable<Delivery['onto']>;

interface Moved {
  readonly as: Role;
  readonly decision: Decided;
  readonly text: string;
  readonly recast: Recast;
}

/** A run brought onto another chart, or why it is not. One that is there already stays as it is: then there is no reason. */
export function migratedOnto(
  { program, from }: Onto,
  { as, state }: { readonly as: Role; readonly state: RunState },
  event: RunEvent,
  now: number,
): Moved | { readonly nothing: SagachartError | undefined } {
  const { identity } = as;
  if (event.type !== 'migrated') return { nothing: undefined };
  if (state.data.status !== 'active' && state.data.status !== 'queued') return { nothing: runEnded(identity.id, state.data.status, 'migration') };
  const { version, fingerprint } = program;
  if (identity.version === version && identity.fingerprint === fingerprint) return { nothing: undefined };
  // What is known of the chart that it comes from is of another.
  if (identity.version !== event.from.version || identity.fingerprint !== event.from.fingerprint)
    return { nothing: notMigrated(identity, version, new NotCarried('it has been migrated meanwhile')) };
  try {
    const carrying = program.carry(state.data, { version: identity.version, shape: from });
    // What begins with it may run conditions of the author's.
    const decision = migrated(program.chart, state, event, carrying, now);
    const text = encodeEntry({ at: now, event, change: decision.change });
    return { as: { ...as, program, identity: { ...identity, version, fingerprint } }, decision, text, recast: { version, fingerprint, items: carrying.items } };
  } catch (cause) {
    return { nothing: notMigrated(identity, version, cause) };
  }
}

/** Says whether a stored run can be brought onto a program, by doing so and throwing it away. @throws SagachartError SC_RUN_NOT_MIGRATED */
export function checkMigration(onto: Onto, row: RunRow, state: RunState, now: number): void {
  const { program } = onto;
  const { version, fingerprint } = row;
  const event: RunEvent = { type: 'migrated', from: { version, fingerprint }, to: { version: program.version, fingerprint: program.fingerprint } };
  const moved = migratedOnto(onto, { as: { number: row.number, identity: row, program, labels: row.labels }, state }, event, now);
  if ('nothing' in moved && moved.nothing) throw moved.nothing;
}

/** Why a run stays on its chart. */
export function notMigrated({ id, saga, version }: Pick<RunIdentity, 'id' | 'saga' | 'version'>, to: number, cause: unknown): SagachartError {
  const why = cause instanceof NotCarried ? cause.message : `its migration threw: ${cause instanceof Error ? cause.message : cause}`;
  return new SagachartError('SC_RUN_NOT_MIGRATED', `run ${id} of ${saga} version ${version} cannot go on with version ${to}: ${why}`, {
    next: 'Say in the `migrations` of the new version what becomes of it, or let it end on its own version.',
    details: { run: id, saga, from: version, to, why },
  });
}
