import { SagachartError } from '../base/errors.ts';
import { NotCarried } from '../chart/carry/carried.ts';
import { inShort } from '../chart/difference.ts';
import type { Shape } from '../chart/fingerprint.ts';
import type { ChartRef, RunEvent } from '../kernel/event.ts';
import { isPutOff } from '../kernel/place.ts';
import type { Claim, RunIdentity } from '../stores/store.ts';
import { changesOf, chartOf } from './blocked.ts';
import { acknowledged, type Cell, type Delivery } from './cell.ts';
import type { Operator } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import { checkMigration, notMigrated } from './onto.ts';

import type { Program } from './program.ts';
import { loadCell, lostEvents } from './recovery.ts';
import { missingRun, runEnded, runHeld } from './refusal.ts';
import { who } from './who.ts';

/** Which version, and who asks. */
export interface MigrateOptions extends Operator {
  /** Default: the newest. */
  readonly version?: number;
}

/** Brings runs onto other charts of their sagas, each in one commit. */
export class Migrations {
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /**
   * One run, whether it is in memory, stored, or blocked. What is under way goes on; one that is there already stays as it is.
   * @param from the inbox row that asks for it: then it is answered with the commit, and the call does not wait
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED, SC_UNKNOWN_SAGA, SC_RUN_NOT_MIGRATED, SC_RUN_HELD
   */
  async one(id: string, options: MigrateOptions, from: { readonly inbox?: number; readonly id?: string } = {}): Promise<{ readonly seq: number }> {
    const about = { ...who(options), ...(from.id === undefined ? {} : { id: from.id }) };
    const to = (saga: string): Program => this.#coordinator.programs.find(saga, options.version);
    if (from.inbox !== undefined) {
      await this.#post(id, { to, about, more: { inbox: from.inbox } });
      return { seq: 0 };
    }
    const seq = await acknowledged((settle, fail) => {
      this.#post(id, { to, about, more: { settle } }).catch(fail);
    });
    return { seq };
  }

  async #post(id: string, { to, about, more }: Asked): Promise<void> {
    const coordinator = this.#coordinator;
    const { store, clock } = coordinator.settings;
    if (!coordinator.cells.has(id)) {
      const row = await store.find(id);
      if (!row) throw await missingRun(store, id);
      if (row.endedAt !== null) throw runEnded(id, row.status, 'migration');
      if (coordinator.programs.match(row) instanceof SagachartError && !coordinator.cells.has(id)) {
        const program = to(row.saga);
        const claim = await store.claimRun(coordinator.tenure, id, clock.now());
        if (!claim) throw runHeld(id);
        try {
          await this.#unknown(claim, program, { about, more });
        } catch (error) {
          // One that is blocked stays held: nobody else could do more for it.
          if (!coordinator.blocked.has(id)) await store.release(coordinator.tenure, [row.number]);
          throw error;
        }
        return;
      }
    }
    await coordinator.deliver(id, ({ identity, program }) => {
      const target = to(identity.saga);
      return { ...more, event: migratedEvent(identity, target, about), onto: { program: target, from: program.shape() } };
    });
  }

  /**
   * In development mode: brings a run whose chart was edited onto the edited one, as far as that is clear, and says in
   * the log what it has done with it. Undefined: it is left as it is, blocked.
   */
  async develop(claim: Claim): Promise<Cell | undefined> {
    const { programs, settings } = this.#coordinator;
    const { id: run, saga, version } = claim.row;
    const program = programs.version(saga, version);
    if (!program) {
      settings.log.warn('development: a run stays blocked: its version is not there', { run, saga, version });
      return undefined;
    }
    const changed = inShort((await changesOf(settings.store, programs, claim.row)) ?? ['not known']);
    try {
      const cell = await this.#unknown(claim, program, { about: { by: 'development mode' }, more: {} });
      settings.log.warn('development: the chart was edited, and a run of it goes on with the new one', { run, saga, version, changed });
      return cell;
    } catch (error) {
      if (!(error instanceof SagachartError) || error.code !== 'SC_RUN_NOT_MIGRATED') throw error;
      settings.log.warn('development: the chart was edited, and a run of it stays blocked', { run, saga, version, changed, why: error.details?.why });
      return undefined;
    }
  }

  /** Brings a run whose chart is not known onto one that is. @throws SagachartError SC_RUN_NOT_MIGRATED */
  async #unknown(claim: Claim, program: Program, { about, more }: { readonly about: About; readonly more: Pick<Delivery, 'inbox' | 'settle'> }): Promise<Cell> {
    const coordinator = this.#coordinator;
    const { row } = claim;
    const { cell: made, from } = await this.#planned(claim, program);
    const was = coordinator.blocked.get(row.id);
    const settle: NonNullable<Delivery['settle']> = (result) => {
      if (!result.ok) this.#drop(made, was, result.error);
      more.settle?.(result);
    };
    coordinator.cells.set(row.id, made);
    coordinator.blocked.delete(row.id);
    const { state } = made;
    const events: readonly RunEvent[] =
      state.data.value === null && !state.data.faults && !isPutOff(state) ? [{ type: 'started', run: row.id }] : lostEvents(state, program);
    coordinator.committer.post(made, { ...more, event: migratedEvent(row, program, about), onto: { program, from }, settle });
    for (const event of events) coordinator.committer.post(made, { event });
    return made;
  }

  /** What has not become of it must not be told what was to come after. */
  #drop(cell: Cell, reason: SagachartError | undefined, error: unknown): void {
    const { id } = cell.identity;
    cell.gone = true;
    for (const { settle } of cell.mailbox.splice(0)) settle?.({ ok: false, error });
    if (this.#coordinator.cells.get(id) === cell) this.#coordinator.cells.delete(id);
    if (reason) this.#coordinator.blocked.set(id, reason);
  }

  async #planned(claim: Claim, program: Program): Promise<{ readonly cell: Cell; readonly from: Shape }> {
    const { store, clock } = this.#coordinator.settings;
    const from = await chartOf(store, claim.row);
    if (!from) throw chartUnknown(claim.row, program.version);
    const cell = await loadCell(store, claim, program, false);
    checkMigration({ program, from }, claim.row, cell.state, clock.now());
    return { cell, from };
  }
}

type About = Operator & { readonly id?: string };

interface Asked {
  readonly to: (saga: string) => Program;
  readonly about: About;
  readonly more: Pick<Delivery, 'inbox' | 'settle'>;
}

function migratedEvent({ version, fingerprint }: ChartRef, to: Program, about: About): RunEvent {
  return { type: 'migrated', from: { version, fingerprint }, to: { version: to.version, fingerprint: to.fingerprint }, ...about };
}

/** Of a run that is older than the charts that are kept. */
export function chartUnknown(row: Pick<RunIdentity, 'id' | 'saga' | 'version'>, to: number): SagachartError {
  return notMigrated(row, to, new NotCarried('its chart is not known: it is older than the charts that are kept'));
}
