import type { Gates } from '../policies/gates.ts';
import { controlName, type Pausable, type Pause, pausableText } from '../policies/pause.ts';
import type { Operator } from './command.ts';
import type { Settings } from './options.ts';
import { liftPause, readPauses, setPause } from './pause-setting.ts';
import type { Programs } from './program.ts';

/** The pauses of a store, as this process follows them. */
export class Controls {
  readonly #settings: Settings;
  readonly #programs: Programs;
  readonly #gates: Gates;
  /** One at a time: an older answer must not come after a newer one. */
  #reading: Promise<void> = Promise.resolve();

  constructor(settings: Settings, { programs, gates }: { readonly programs: Programs; readonly gates: Gates }) {
    this.#settings = settings;
    this.#programs = programs;
    this.#gates = gates;
  }

  /** What is paused now. */
  get paused(): readonly Pause[] {
    return this.#gates.paused;
  }

  /** Follows what the store says now. */
  async read(): Promise<void> {
    const reading = this.#reading.then(() => this.#follow());
    this.#reading = reading.catch(() => {});
    await reading;
  }

  /** @throws SagachartError SC_UNKNOWN_SAGA, SC_UNKNOWN_DEPENDENCY, SC_OPTION; StoreError */
  async pause(what: Pausable, by: Operator): Promise<void> {
    await setPause(this.#settings.store, { programs: this.#programs, what, by, at: this.#settings.clock.now() });
    await this.read();
  }

  /** @throws SagachartError SC_OPTION; StoreError */
  async resume(what: Pausable): Promise<void> {
    await liftPause(this.#settings.store, what);
    await this.read();
  }

  async #follow(): Promise<void> {
    const { store, log } = this.#settings;
    const before = new Set(this.#gates.paused.map(({ what }) => controlName(what)));
    const ended = new Map(this.#gates.paused.map(({ what }) => [controlName(what), what]));
    const pauses = await readPauses(store);
    this.#gates.pause(pauses);
    for (const { what, by, reason } of pauses) {
      ended.delete(controlName(what));
      if (!before.has(controlName(what))) log.warn('paused', { what: pausableText(what), by, reason });
    }
    for (const what of ended.values()) log.warn('resumed', { what: pausableText(what) });
  }
}
