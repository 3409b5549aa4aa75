import { controlName, type Pausable, type Pause, pausableText } from '../policies/pause.ts';
import type { Operator } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import { liftPause, readPauses, setPause } from './pause-setting.ts';

/** The settings of a store, as this process follows them: pauses, and how versions are rolled out. */
export class Controls {
  readonly #coordinator: Coordinator;
  /** One at a time: an older answer must not come after a newer one. */
  #reading: Promise<void> = Promise.resolve();

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /** What is paused now. */
  get paused(): readonly Pause[] {
    return this.#coordinator.gates.paused;
  }

  /** Follows what the store says now. */
  async read(): Promise<void> {
    const reading = this.#reading.then(() => this.#follow());
    this.#reading = reading.catch(() => {});
    await reading;
  }

  /** @throws SagachartError SC_UNKNOWN_SAGA, SC_UNKNOWN_DEPENDENCY, SC_OPTION; StoreError */
  async pause(what: Pausable, by: Operator): Promise<void> {
    const { settings, programs } = this.#coordinator;
    await setPause(settings.store, { programs, what, by, at: settings.clock.now() });
    await this.read();
  }

  /** @throws SagachartError SC_OPTION; StoreError */
  async resume(what: Pausable): Promise<void> {
    await liftPause(this.#coordinator.settings.store, what);
    await this.read();
  }

  async #follow(): Promise<void> {
    const { settings, gates, rollouts } = this.#coordinator;
    await rollouts.read();
    const { store, log } = settings;
    const ended = new Map(gates.paused.map(({ what }) => [controlName(what), what]));
    const pauses = await readPauses(store);
    gates.pause(pauses);
    for (const { what, by, reason } of pauses) if (!ended.delete(controlName(what))) log.warn('paused', { what: pausableText(what), by, reason });
    for (const what of ended.values()) log.warn('resumed', { what: pausableText(what) });
  }
}
