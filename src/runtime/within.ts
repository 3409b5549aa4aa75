import { SagachartError, StoreError } from '../base/errors.ts';
import type { InboxEntry, Store, StoreWithin } from '../stores/store.ts';
import { type Command, encodeCommand, isRefusal } from './command.ts';
import { signalEvent } from './operation.ts';
import { idTaken, runEnded, runPurged, unknownRun } from './refusal.ts';
import { prepareStart, type Sender } from './start-entry.ts';
import type { StartEntry } from './start-many.ts';

/** A command that stands in the inbox as soon as the caller's transaction has committed. */
export interface AskedWithin {
  readonly run: string;
  /** Id of its entry. */
  readonly inbox: string;
}

/**
 * Starts and signals inside of the caller's own transaction on the store's database: asked for if that commits, and never
 * if it is rolled back. Nothing here waits, so that nobody else writes between the caller's BEGIN and COMMIT.
 */
export class Within {
  readonly #store: StoreWithin;
  readonly #sender: Sender;

  /** @throws StoreError SC_WITHIN if it is no connection to that database, or has no open transaction */
  constructor(store: Store, connection: unknown, sender: Sender) {
    if (!store.within) {
      throw new StoreError('SC_WITHIN', `the store ${store.kind} is no database that a transaction of the caller could be on`, {
        next: 'Use sqlite(file).',
        details: { store: store.kind },
      });
    }
    this.#store = store.within(connection);
    this.#sender = sender;
  }

  /** @throws SagachartError SC_UNKNOWN_SAGA, SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_RUN_PURGED, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE, SC_OPTION; StoreError */
  start(start: StartEntry): AskedWithin {
    const { programs, complete } = this.#sender;
    if (complete) programs.find(start.saga, start.version);
    const { entry, saga, hash } = prepareStart(this.#sender, start, { open: true });
    const row = this.#store.find(entry.run);
    const purged = row ? undefined : this.#store.tombstone(entry.run);
    const last = row ?? purged;
    if (last && !(last.saga === saga && last.inputHash === hash)) throw idTaken(last, last.saga === saga);
    if (purged) throw runPurged(purged);
    return this.#ask(entry, true);
  }

  /**
   * @param options.id sends it once to this life of the run: with it again it adds nothing, unless it was refused
   * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_ENDED, SC_SIGNAL_UNKNOWN, SC_SIGNAL_INVALID; StoreError
   */
  signal(run: string, name: string, payload: unknown, { id: once }: { readonly id?: string | undefined } = {}): AskedWithin {
    const { programs, payloadBytes, ids, clock } = this.#sender;
    const command: Extract<Command, { type: 'signal' }> = { type: 'signal', name, payload, ...(once === undefined ? {} : { id: once }) };
    const row = this.#store.find(run);
    if (!row && !this.#store.isAwaited(run)) throw this.#missing(run);
    if (row && row.endedAt !== null) throw runEnded(run, row.status, 'signal');
    const program = row && programs.match(row);
    if (row && program && !(program instanceof SagachartError)) signalEvent({ identity: row, program }, command, payloadBytes);
    const id = once === undefined ? ids() : `signal:${run}/${row?.incarnation ?? 1}/${once}`;
    return this.#ask({ id, run, body: encodeCommand(command), at: clock.now() }, once !== undefined);
  }

  /** What was refused may be asked for again, by a new entry. */
  #ask(entry: InboxEntry, again: boolean): AskedWithin {
    const { duplicate } = this.#store.send(entry);
    const answer = duplicate && again ? this.#store.inbox(entry.id)?.answer : undefined;
    if (!answer || !isRefusal(answer)) return { run: entry.run, inbox: entry.id };
    const id = `${entry.id}:${this.#sender.ids()}`;
    this.#store.send({ ...entry, id });
    return { run: entry.run, inbox: id };
  }

  #missing(run: string): SagachartError {
    const purged = this.#store.tombstone(run);
    return purged ? runPurged(purged) : unknownRun(run);
  }
}
