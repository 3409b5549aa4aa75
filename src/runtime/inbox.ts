import { SagachartError, StoreError } from '../base/errors.ts';
import type { InboxRow } from '../stores/store.ts';
import { type Command, decodeCommand } from './command.ts';
import type { InboxSource } from './coordinator.ts';
import type { Settings } from './options.ts';

const PAGE = 100;
/** How long an entry waits that could not be handled yet: the store failed, or another worker has the run. */
const AGAIN_MS = 500;

/** Takes what other processes have written to the inbox, once each, in order. */
export class InboxReader implements InboxSource {
  readonly #settings: Settings;
  readonly #handle: (row: InboxRow, command: Command) => Promise<void>;
  readonly #refuse: (row: InboxRow, error: SagachartError) => void;
  readonly #changed: () => Promise<void>;
  /** Handled, and not yet answered in the store. */
  readonly #underWay = new Set<number>();
  #last = 0;
  #revision: number | undefined;
  #again = false;
  /** A commit of this process has added to it. */
  #fresh = false;
  #isPolling = false;
  #disarm: () => void = () => {};
  #polling: Promise<void> | undefined;
  #stopped = false;

  constructor(
    settings: Settings,
    options: {
      readonly handle: (row: InboxRow, command: Command) => Promise<void>;
      readonly refuse: (row: InboxRow, error: SagachartError) => void;
      /** Asked to look at what else another process may have written. */
      readonly changed: () => Promise<void>;
    },
  ) {
    this.#settings = settings;
    this.#handle = options.handle;
    this.#refuse = options.refuse;
    this.#changed = options.changed;
  }

  start(): void {
    this.#polling = this.#poll();
  }

  /** Resolves when no entry is being handled any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#disarm();
    await this.#polling;
  }

  done(number: number): void {
    this.#underWay.delete(number);
  }

  again(number: number): void {
    this.#underWay.delete(number);
    this.#last = Math.min(this.#last, number - 1);
    this.#again = true;
    this.#arm();
  }

  /** Its own connection's writes are none that a store tells of. */
  arrived(): void {
    this.#fresh = true;
    if (!this.#isPolling) this.#arm();
  }

  /** What could not be handled stays in the inbox if it may succeed later; else it is answered. */
  failed(row: InboxRow, thrown: unknown): void {
    if (thrown instanceof StoreError || (thrown instanceof SagachartError && thrown.code === 'SC_RUN_HELD')) this.again(row.number);
    else this.#refuse(row, thrown instanceof SagachartError ? thrown : notACommand(row, thrown));
  }

  #arm(): void {
    this.#disarm();
    if (this.#stopped) return;
    const poll = (): void => {
      this.#polling = this.#poll();
    };
    if (this.#fresh) poll();
    else this.#disarm = this.#settings.clock.after(this.#again ? AGAIN_MS : this.#settings.pollMs, poll);
  }

  async #poll(): Promise<void> {
    const { store, log } = this.#settings;
    const fresh = this.#fresh;
    this.#fresh = false;
    this.#isPolling = true;
    try {
      const revision = store.revision();
      if (this.#again || fresh || revision !== this.#revision) {
        this.#again = false;
        if (revision !== this.#revision) await this.#changed();
        await this.#read();
        this.#revision = revision;
      }
    } catch (error) {
      log.error('the inbox could not be read', { error: String(error) });
      this.#again ||= fresh;
    }
    this.#isPolling = false;
    this.#arm();
  }

  async #read(): Promise<void> {
    for (;;) {
      const rows = await this.#settings.store.pending(this.#last, PAGE);
      for (const row of rows) {
        // Something before it has to be handled again first: the order stays.
        if (this.#again || this.#stopped) return;
        this.#last = row.number;
        if (this.#underWay.has(row.number)) continue;
        this.#underWay.add(row.number);
        try {
          await this.#handle(row, decodeCommand(row.body));
        } catch (error) {
          this.failed(row, error);
        }
      }
      if (rows.length < PAGE) return;
    }
  }
}

function notACommand({ id, run }: InboxRow, thrown: unknown): SagachartError {
  return new SagachartError('SC_INBOX', `the inbox entry ${id} for run ${run} could not be read: ${thrown instanceof Error ? thrown.message : thrown}`, {
    next: 'Write to the inbox through `sagachart` or the API only.',
    details: { inbox: id, run },
    cause: thrown,
  });
}
