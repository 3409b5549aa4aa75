import type { Invariants } from './judge.ts';
import type { WorldModel } from './world.ts';

export interface VerifyOptions<World = unknown> {
  /** What runs are started with: each is gone through by itself. Default: none, where the saga's own functions do not run. */
  readonly inputs?: readonly unknown[];
  /**
   * Where effects happen. With one, the saga's own functions run against it; without one, one effect stands for each
   * step, and only chart, policies and order are looked at.
   */
  readonly world?: WorldModel<World>;
  /** What must hold at every end: true, or what is wrong. */
  readonly invariants?: Invariants<World>;
  /** What may be sent to it at any time, by the name of the signal: payloads, one of each kind. Default: of a saga null, of a workflow none. */
  readonly signals?: Readonly<Record<string, readonly unknown[]>>;
  /**
   * What of the context makes a difference: two states with the same are one. A counter that grows without end must be
   * left out. Default: for a saga what its chart decides on, for a workflow all of it.
   */
  readonly distinguish?: (context: never) => unknown;
  readonly limits?: VerifyLimits;
  /** Whether one order stands for all where the order cannot matter. Default: true. */
  readonly reduce?: boolean;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly saga: string;
  /** Found so far, of at most `most`. */
  readonly states: number;
  readonly most: number;
  /** In each of the runs that are being gone through. */
  readonly faults: number;
}

export interface VerifyLimits {
  /** Attempts of a step that policies are cut to. 1 or more. Default: 2. */
  readonly attempts?: number;
  /** States to look at, for each input. Default: 50,000. */
  readonly states?: number;
  /** Faults in one run. Default: any number. */
  readonly faults?: number;
  /**
   * How often a person takes a run back to a step of its own, whichever, whenever that can be: each makes many more states.
   * Default: 0, never.
   */
  readonly rewinds?: number;
}
