import type { Shape } from '../chart/fingerprint.ts';
import type { RunEvent } from '../kernel/event.ts';
import type { ForkedState } from '../kernel/fork.ts';
import type { RunState } from '../kernel/state.ts';
import type { Bounds, RunIdentity, RunStanding } from '../stores/store.ts';
import type { RemedyFor } from './alert.ts';
import type { Program } from './program.ts';

/** An event on its way to a run, and whoever waits for what becomes of it. */
export interface Delivery {
  readonly event: RunEvent;
  /** Of the first event of a fork. */
  readonly fork?: ForkedState;
  /** Number of the inbox row it came from. */
  readonly inbox?: number;
  /** Whoever posted it answers its inbox row where it is refused. */
  readonly answersItself?: true;
  /** Makes the event, on the store's connection, in one transaction with its commit. What it throws undoes that. */
  readonly transact?: (connection: unknown) => RunEvent;
  /** Of a beginning in a queue: how many may have a place. */
  readonly within?: Bounds;
  /** Of an input that replaces the one before. */
  readonly inputHash?: string;
  /** Id of the run that a start came to, where that is not the one it asked for. */
  readonly cameTo?: string;
  /** Told once the event is durable, or refused. */
  readonly settle?: (result: Settled) => void;
  /** The chart that it brings the run onto, and what is known of the one that it comes from. */
  readonly onto?: { readonly program: Program; readonly from: Shape };
  /** It starts a remedy: of this run, as this run, and what it is for. */
  readonly remedyFor?: { readonly of: RemedyFor; readonly saga: string; readonly run: string };
}

export type Settled = { readonly ok: true; readonly seq: number } | { readonly ok: false; readonly error: unknown };

/** Resolves with the commit that made a delivery durable. Throws what it was refused with. */
export async function acknowledged(post: (settle: NonNullable<Delivery['settle']>, fail: (error: unknown) => void) => void): Promise<number> {
  const result = await new Promise<Settled>(post);
  if (!result.ok) throw result.error;
  return result.seq;
}

/** A run held in memory: its mailbox, its state, and how far that state is durable. */
export interface Cell {
  readonly number: number;
  /** Both change with a migration. */
  identity: RunIdentity;
  program: Program;
  readonly fence: number;
  /** Waiting events, first in, first out. */
  readonly mailbox: Delivery[];
  /** The last state that is durable: what everybody else sees. */
  state: RunState;
  /** As the run's row says; undefined before its first commit. */
  standing: RunStanding | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Characters of the journal since the last full snapshot, and of that snapshot. */
  sinceBase: number;
  baseSize: number;
  /** Whether it is in the line of runs to be decided, or in the batch that is being committed. */
  queued: boolean;
  committing: boolean;
  /** Stops the alarm of the next timer. */
  disarm: () => void;
  /** Attempts of it that this process runs or is about to. */
  attempts: number;
  gone: boolean;
}

export function newCell(
  run: Pick<Cell, 'number' | 'identity' | 'program' | 'fence' | 'state' | 'standing' | 'labels'> & { readonly baseSize?: number; readonly sinceBase?: number },
): Cell {
  return {
    ...run,
    mailbox: [],
    sinceBase: run.sinceBase ?? 0,
    baseSize: run.baseSize ?? 0,
    queued: false,
    committing: false,
    disarm: () => {},
    attempts: 0,
    gone: false,
  };
}
