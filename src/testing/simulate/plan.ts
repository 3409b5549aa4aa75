import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { memory } from '../../stores/memory/memory.ts';
import type { Store } from '../../stores/store.ts';
import type { Wrong } from './oracle.ts';
import { Random } from './random.ts';

/** What goes wrong in a simulated world. Each can be left out, to find what it takes. */
export const DANGERS = ['services', 'crashes', 'freezes', 'doubts', 'full disk', 'clock jumps', 'operators'] as const;
export type Danger = (typeof DANGERS)[number];

/** How far a wall clock may be off, ms. */
export const MOST_SKEW_MS = 2_000;

export interface SimulationPlan {
  readonly seed: number;
  readonly runs: number;
  readonly workers: number;
  readonly dangers: readonly Danger[];
  /** Of every run. */
  readonly input: unknown;
  readonly store: MakeStore;
}

/** Makes the store of a world, on its clock and its ids; transactional steps write to the database, if the store takes it. */
export type MakeStore = (options: { readonly clock: Clock; readonly ids: Ids; readonly database: DatabaseSync }) => Store;

/** What came of a seed. */
export interface Simulated {
  readonly seed: number;
  readonly runs: number;
  readonly calls: number;
  readonly crashes: number;
  readonly freezes: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly wrong: readonly Wrong[];
  /** What happened, in order: time in ms, and what. */
  readonly trace: readonly string[];
}

export interface SimulateOptions {
  readonly seed: number;
  /** Default: by the seed, 1 to 12. */
  readonly runs?: number;
  /** Default: by the seed, 1 to 3. */
  readonly workers?: number;
  /** Default: by the seed, some of all. */
  readonly dangers?: SimulationPlan['dangers'];
  /** What every run is started with, as its schema takes it. Default: an empty record. */
  readonly input?: unknown;
  /** The store that all workers share: it must outlive `close`. Default: the memory store. */
  readonly store?: MakeStore;
}

/** The plan of a seed. */
export function planOf({ seed, runs, workers, dangers, input = {}, store = memory }: SimulateOptions): SimulationPlan {
  const random = new Random(seed ^ 0x5a6a);
  const drawn = { runs: random.between(1, 12), workers: random.between(1, 3), dangers: DANGERS.filter(() => random.chance(0.7)) };
  return { seed, runs: runs ?? drawn.runs, workers: workers ?? drawn.workers, dangers: dangers ?? drawn.dangers, input, store };
}
