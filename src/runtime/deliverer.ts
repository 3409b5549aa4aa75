import type { Clock } from '../base/clock.ts';
import type { Store, Tenure } from '../stores/store.ts';
import { Lane } from './lane.ts';
import type { Log } from './log.ts';
import type { Sink } from './sinks.ts';

/** How long it may take to write what came of the last ones, past the deadline of `close`. */
const LAST_MARKS_MS = 5_000;

export interface DelivererOptions {
  readonly store: Store;
  readonly tenure: Tenure;
  readonly clock: Clock;
  readonly log: Log;
}

/** Takes alerts out of the outbox to their sinks, beside the runs: each sink has a lane of its own, so that none holds up another. */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #sinks: readonly Sink[];
  readonly #lanes: readonly Lane[];

  constructor(sinks: readonly Sink[], options: DelivererOptions) {
    this.#options = options;
    this.#sinks = sinks;
    this.#lanes = sinks.map((sink) => new Lane(sink, options));
  }

  /** Begins with what waits; says so if some of it is for a sink that is not there. */
  start(): void {
    this.wake();
    const { store, log } = this.#options;
    store.outboxCount().then(
      (counts) => {
        for (const [sink, alerts] of Object.entries(counts)) {
          if (this.#sinks.some(({ name }) => name === sink)) continue;
          log.error('alerts wait for a sink that this engine does not have: give it one of that name, if no other engine does', { sink, alerts });
        }
      },
      (error: unknown) => log.error('the alerts that wait could not be counted', { error: String(error) }),
    );
  }

  /** There may be something to send. */
  wake(): void {
    for (const lane of this.#lanes) lane.wake();
  }

  /**
   * Sends what it has taken, and nothing more. What has not arrived by the deadline is given up, and stays in the store;
   * one that does not answer is not waited for.
   */
  async stop(deadline: Promise<void>): Promise<void> {
    let disarm = (): void => {};
    let done = false;
    const impatient = async (): Promise<void> => {
      await deadline;
      if (done) return;
      for (const lane of this.#lanes) lane.abort();
      await new Promise<void>((resolve) => {
        disarm = this.#options.clock.after(LAST_MARKS_MS, resolve);
      });
    };
    await Promise.race([Promise.all(this.#lanes.map((lane) => lane.stop())), impatient()]);
    done = true;
    disarm();
  }
}
