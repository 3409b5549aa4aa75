import { decode } from '../base/encoding.ts';
import { SagachartError, StoreError } from '../base/errors.ts';
import type { InboxRow } from '../stores/store.ts';
import type { Command } from './command.ts';
import type { InboxSource } from './inbox-source.ts';
import type { Message } from './message.ts';
import type { Settings } from './options.ts';

const PAGE = 100;
/** How long an entry waits that could not be handled yet: the store failed, or another worker has the run. */
const AGAIN_MS = 500;

/** Asks for something by the inbox: a person, or a run. */
export type Letter = Command | Message;

/** Takes what other processes and other runs have written to the inbox, once each, in order. */
export class InboxReader implements InboxSource {
  readonly #settings: Settings;
  readonly #handle: (row: InboxRow, letter: Letter) => Promise<void>;
  readonly #refuse: (row: InboxRow, error: SagachartError) => void;
  readonly #changed: () => Promise<void>;
  /** Handled, and not yet answered in the store. */
  readonly #underWay = new Set<number>();
  #last = 0;
  #revision: number | undefined;
  #again = false;
  #woken = false;
  /** The store failed when it was to be read: it is read when it is next looked at. */
  #missed = false;
  #reading = false;
  #disarm: () => void = () => {};
  #polling: Promise<void> | undefined;
  #stopped = false;

  constructor(
    settings: Settings,
    options: {
      readonly handle: (row: InboxRow, letter: Letter) => Promise<void>;
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
    this.#begin();
  }

  /** What is between runs of this process: written, and not yet read. */
  get behind(): boolean {
    return this.#woken || this.#reading;
  }

  /** A store does not say that this process itself has written. */
  arrived(): void {
    if (this.#woken || this.#stopped) return;
    this.#woken = true;
    // One that is being read already is read once more after that.
    queueMicrotask(() => {
      if (this.#reading || this.#stopped || this.#polling === undefined) return;
      this.#disarm();
      this.#begin();
    });
  }

  #begin(): void {
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

  /** What could not be handled stays in the inbox if it may succeed later; else it is answered. */
  failed(row: InboxRow, thrown: unknown): void {
    if (thrown instanceof StoreError || (thrown instanceof SagachartError && thrown.code === 'SC_RUN_HELD')) this.again(row.number);
    else this.#refuse(row, thrown instanceof SagachartError ? thrown : notACommand(row, thrown));
  }

  #arm(): void {
    this.#disarm();
    if (this.#stopped) return;
    this.#disarm = this.#settings.clock.after(this.#again ? AGAIN_MS : this.#settings.pollMs, () => this.#begin());
  }

  async #poll(): Promise<void> {
    const { store, log } = this.#settings;
    let woken = false;
    this.#reading = true;
    try {
      do {
        const revision = store.revision();
        if (!this.#again && !this.#woken && !this.#missed && revision === this.#revision) break;
        this.#again = false;
        woken = this.#woken;
        this.#woken = false;
        this.#missed = false;
        if (revision !== this.#revision) await this.#changed();
        await this.#read();
        this.#revision = revision;
      } while (this.#woken && !this.#stopped);
    } catch (error) {
      log.error('the inbox could not be read', { error: String(error) });
      this.#missed = true;
      // What a run has told another is not left until the next look.
      this.#again ||= woken;
    }
    this.#reading = false;
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
          await this.#handle(row, decode(row.body) as Letter);
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
