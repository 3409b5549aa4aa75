import { DefinitionError } from '../base/errors.ts';
import { type Duration, durationMs } from '../saga/duration.ts';
import type { RunStatus } from '../stores/store.ts';
import type { Archive } from './archive.ts';
import { ENDED } from './bulk.ts';
import type { Coordinator } from './coordinator.ts';
import type { Purges } from './purge.ts';

export type EndStatus = (typeof ENDED)[number];

/** How long runs are kept after their end, by how they ended; without a time, for good. */
export interface Retention extends Readonly<Partial<Record<EndStatus, Duration>>> {
  /** Written, and synced, before they are purged. Default: they are not archived. */
  readonly archive?: Archive;
  /** How often it is looked for runs whose time is over, 1 s or more. Default: 1 min. */
  readonly every?: Duration;
}

export interface RetentionSettings {
  readonly keep: ReadonlyMap<EndStatus, number>;
  readonly archive: Archive | undefined;
  readonly everyMs: number;
}

const SHORTEST_MS = 1_000;

/** @throws DefinitionError SC_OPTION */
export function retentionSettings({ archive, every = '1m', ...times }: Retention): RetentionSettings {
  for (const name of Object.keys(times)) {
    if (ENDED.includes(name as EndStatus)) continue;
    throw new DefinitionError('SC_OPTION', `there is no option retention.${name}`, {
      next: `Give a time by how runs end: ${ENDED.join(', ')}; or archive, or every.`,
      details: { option: `retention.${name}` },
    });
  }
  const keep = new Map<EndStatus, number>();
  for (const status of ENDED) if (times[status] !== undefined) keep.set(status, durationMs(times[status], `retention.${status}`));
  const everyMs = durationMs(every, 'retention.every');
  if (everyMs >= SHORTEST_MS) return { keep, archive, everyMs };
  throw new DefinitionError('SC_OPTION', `retention.every is ${JSON.stringify(every)}, but must be 1 s or more`, {
    next: 'Give a longer time: what is to go has waited long enough.',
    details: { option: 'retention.every' },
  });
}

/** Runs of one transaction: more would hold up the runs that go on. */
const BATCH = 20;

/** Purges runs whose time is over, a few at a time, and lets the runs that go on go first. */
export class RetentionSweep {
  readonly #coordinator: Coordinator;
  readonly #purges: Purges;
  readonly #settings: RetentionSettings;
  #disarm: () => void = () => {};
  #sweeping: Promise<void> | undefined;

  constructor(coordinator: Coordinator, purges: Purges, settings: RetentionSettings) {
    this.#coordinator = coordinator;
    this.#purges = purges;
    this.#settings = settings;
  }

  start(): void {
    if (this.#settings.keep.size === 0) return;
    this.#disarm = this.#coordinator.settings.clock.after(this.#settings.everyMs, () => {
      this.#sweeping = this.#sweep().finally(() => {
        this.#sweeping = undefined;
        if (!this.#coordinator.closing) this.start();
      });
    });
  }

  /** Resolves when nothing is being purged any more. */
  async stop(): Promise<void> {
    this.#disarm();
    await this.#sweeping;
    await this.#settings.archive?.close();
  }

  async #sweep(): Promise<void> {
    const { log } = this.#coordinator.settings;
    try {
      for (const [status, keepMs] of this.#settings.keep) {
        const purged = await this.#purgeAll(status, keepMs);
        if (purged > 0) log.info('runs were purged: their time was over', { status, purged });
      }
    } catch (error) {
      log.error('runs whose time is over could not be purged: it is tried again', { error: error instanceof Error ? error.message : String(error) });
    }
  }

  async #purgeAll(status: RunStatus, keepMs: number): Promise<number> {
    const { store, clock } = this.#coordinator.settings;
    let purged = 0;
    while (!this.#coordinator.closing && !this.#coordinator.committer.failure) {
      const rows = await store.list({ status: [status], endedBefore: clock.now() - keepMs, order: 'ended', limit: BATCH });
      if (rows.length === 0) break;
      const gone = (await this.#purges.purge(rows, { archive: this.#settings.archive })).filter((error) => error === undefined).length;
      purged += gone;
      // Another worker has the others; the next sweep finds them again.
      if (gone < rows.length) break;
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    return purged;
  }
}
