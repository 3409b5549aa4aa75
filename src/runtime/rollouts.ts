import type { RunRow, RunStanding } from '../stores/store.ts';
import { type Alert, alertKey, encodeAlert } from './alert.ts';
import type { Coordinator } from './coordinator.ts';
import type { Program } from './program.ts';
import { clearRollout, encodeRollout, type Rollout, type RolloutOptions, readRollouts, rolloutName, setRollout, versionFor } from './rollout.ts';

/** Counting looks at every run of a version: however many end, it is done once in this time, ms. */
const JUDGE_MS = 1_000;

/** How many runs of a version have ended since it is rolled out. */
export interface RolloutCounts {
  /** Or need a person; a run that was canceled counts neither way. */
  readonly ended: number;
  /** Failed, compensated, terminated, or in need of a person. */
  readonly failed: number;
}

/** Shares out the new runs of sagas between their versions, and takes one back whose runs fail too often. */
export class Rollouts {
  readonly #coordinator: Coordinator;
  #all: ReadonlyMap<string, Rollout> = new Map();
  /** Sagas of which something has ended since they were judged. */
  readonly #doubtful = new Set<string>();
  #disarm: (() => void) | undefined;
  #judging: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  get all(): readonly Rollout[] {
    return [...this.#all.values()];
  }

  /** The version on which a new run begins that nobody has named one for. @throws SagachartError SC_UNKNOWN_SAGA */
  program(saga: string, run: string): Program {
    const { programs } = this.#coordinator;
    const rollout = this.#all.get(saga);
    if (!rollout) return programs.find(saga);
    const { version, rest } = rollout;
    const [first, second] = versionFor(rollout, run) === version ? [version, rest] : [rest, version];
    // A process that does not know one of them starts what it knows.
    return programs.version(saga, first) ?? programs.version(saga, second) ?? programs.find(saga);
  }

  /** Follows what the store says now. */
  async read(): Promise<void> {
    const { settings } = this.#coordinator;
    const before = this.#all;
    this.#all = await readRollouts(settings.store);
    for (const rollout of this.#all.values()) {
      const { saga, version, share, rest, by, reason } = rollout;
      const known = before.get(saga);
      if (known && encodeRollout(known) === encodeRollout(rollout)) continue;
      settings.log.warn('rollout', { saga, version, share, rest, by, reason });
      this.#doubt(rollout);
    }
    for (const { saga } of before.values()) if (!this.#all.has(saga)) settings.log.warn('rollout over: new runs begin on the newest version', { saga });
  }

  async set(saga: string, options: RolloutOptions | undefined): Promise<Rollout | undefined> {
    const { settings, programs } = this.#coordinator;
    if (options === undefined) await clearRollout(settings.store, saga);
    const rollout = options && (await setRollout(settings.store, { ...options, programs, saga, at: settings.clock.now() }));
    await this.read();
    return rollout;
  }

  /** A run has come to stand otherwise: if it is of a version that is being rolled out, that is judged. */
  noted({ saga, version }: Pick<RunRow, 'saga' | 'version'>, { attention, endedAt }: Pick<RunStanding, 'attention' | 'endedAt'>): void {
    if (this.#all.size === 0 || (!attention && endedAt === null)) return;
    const rollout = this.#all.get(saga);
    if (rollout?.version === version) this.#doubt(rollout);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#disarm?.();
    await this.#judging;
  }

  #doubt({ saga, rollback, share }: Rollout): void {
    if (rollback === null || share === 0 || this.#stopped) return;
    this.#doubtful.add(saga);
    this.#disarm ??= this.#coordinator.settings.clock.after(JUDGE_MS, () => {
      this.#disarm = undefined;
      this.#judging = this.#judgeAll();
    });
  }

  async #judgeAll(): Promise<void> {
    const sagas = [...this.#doubtful];
    this.#doubtful.clear();
    for (const saga of sagas) {
      const rollout = this.#all.get(saga);
      if (!rollout) continue;
      try {
        await this.#judge(rollout);
      } catch (error) {
        this.#coordinator.settings.log.error('a rollout could not be judged', { saga, error: String(error) });
        this.#doubt(rollout);
      }
    }
  }

  async #judge(rollout: Rollout): Promise<void> {
    const { settings, tenure } = this.#coordinator;
    const { store, clock } = settings;
    const { saga, rollback, share, version } = rollout;
    const counts = await countsOf(store, rollout);
    if (rollback === null || share === 0 || counts.ended < rollback.after || counts.failed <= counts.ended * rollback.failureRate) return;
    const at = clock.now();
    const next: Rollout = { ...rollout, share: 0, rolledBack: { at, ...counts } };
    const number = await store.reserve(1);
    const [row] = await store.list({ saga, version, createdAfter: rollout.since - 1, limit: 1 });
    const outbox =
      row && settings.sinks.length > 0 ? [{ topic: 'rollback', body: encodeAlert(this.#alert(row, next)), sinks: settings.sinks.map(({ name }) => name) }] : [];
    // If somebody has changed it meanwhile it is theirs to say.
    const change = { name: rolloutName(saga), was: encodeRollout(rollout), body: encodeRollout(next), at, number, outbox };
    await store.commit({ fence: tenure.fence, commits: [], settings: [change] });
    this.#coordinator.deliverer.wake();
    await this.read();
  }

  #alert({ id, version, incarnation, labels, status }: RunRow, { saga, rest, rolledBack, rollback, since }: Rollout): Alert {
    const { ended = 0, failed = 0, at = 0 } = rolledBack ?? {};
    const run = { id, saga, version, incarnation, labels };
    const key = alertKey(this.#coordinator.namespace, run, [`rollback-${since}`, 0]);
    return {
      key,
      kind: 'rollback',
      at,
      run,
      status,
      step: '',
      failure: null,
      left: [],
      rollout: { version, rest, ended, failed, failureRate: rollback?.failureRate ?? 0 },
    };
  }
}

/** Counted from the rows: it is the same after a restart. */
export async function countsOf(
  store: Coordinator['settings']['store'],
  { saga, version, since }: Pick<Rollout, 'saga' | 'version' | 'since'>,
): Promise<RolloutCounts> {
  let ended = 0;
  let failed = 0;
  for (const { status, attention, count } of await store.census({ saga, version, createdAfter: since - 1 })) {
    const fails = attention || status === 'failed' || status === 'compensated' || status === 'terminated';
    if (fails) failed += count;
    if (fails || status === 'completed') ended += count;
  }
  return { ended, failed };
}
