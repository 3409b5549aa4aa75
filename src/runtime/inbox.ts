import { SagachartError } from '../base/errors.ts';
import type { InboxRow } from '../stores/store.ts';
import type { Command } from './command.ts';
import { decodeCommand } from './command.ts';
import type { Settings } from './options.ts';

const PAGE = 100;

/** Takes what other processes have written to the inbox, once each, in order. */
export class InboxReader {
  readonly #settings: Settings;
  readonly #handle: (row: InboxRow, command: Command) => Promise<void>;
  readonly #refuse: (row: InboxRow, error: Error) => void;
  #last = 0;
  #revision: number | undefined;
  #disarm: () => void = () => {};
  #stopped = false;

  constructor(
    settings: Settings,
    options: { readonly handle: (row: InboxRow, command: Command) => Promise<void>; readonly refuse: (row: InboxRow, error: Error) => void },
  ) {
    this.#settings = settings;
    this.#handle = options.handle;
    this.#refuse = options.refuse;
  }

  start(): void {
    void this.#poll();
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  async #poll(): Promise<void> {
    const { store, clock, pollMs, log } = this.#settings;
    try {
      const revision = store.revision();
      if (revision !== this.#revision) {
        await this.#read();
        this.#revision = revision;
      }
    } catch (error) {
      log.error('the inbox could not be read', { error: String(error) });
    }
    if (!this.#stopped) {
      this.#disarm = clock.after(pollMs, () => {
        void this.#poll();
      });
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      const rows = await this.#settings.store.pending(this.#last, PAGE);
      for (const row of rows) {
        this.#last = row.number;
        try {
          await this.#handle(row, decodeCommand(row.body));
        } catch (error) {
          this.#refuse(row, error instanceof Error ? error : new SagachartError('SC_INBOX', String(error)));
        }
      }
      if (rows.length < PAGE || this.#stopped) return;
    }
  }
}
