import type { Failure } from '../base/failure.ts';
import type { Identity } from './event.ts';
import type { StateData } from './state.ts';

/** How far the items of a map have come. Only those in flight are kept: what has ended is a row of the store. */
export interface ItemsState {
  readonly total: number;
  /** Of the step, as its rows are kept. */
  readonly round: number;
  /** Bytes that the results may have together; null: any. */
  readonly most: number | null;
  /** How many have been begun, in order. */
  readonly next: number;
  /** How many have ended well. */
  readonly done: number;
  /** Bytes of the results so far. */
  readonly bytes: number;
  /** A place for each that is in flight, null for one that is free: as many as may be under way at a time. */
  readonly open: readonly (Item | null)[];
  /** Those that need a person. */
  readonly stuck?: readonly Item[];
  /** Those that a person has tried again, until they have a place. */
  readonly again?: readonly Item[];
  /** Those that were begun, and certainly did not happen. */
  readonly refused?: readonly number[];
  /** Attempts that were retries. */
  readonly retries?: number;
  /** What persons have decided, and for which. */
  readonly left?: readonly LeftItems[];
  /** Why the map fails: it begins no more, and waits for those under way. */
  readonly failure?: Failure;
}

/** One item in flight: an attempt of it is under way, or the next one waits. */
export interface Item {
  /** Its place among all, from 0. */
  readonly index: number;
  /** Of the attempt, or of the wait for it. */
  readonly at: Identity;
  readonly what: ItemAttempt;
  readonly record: ItemRecord;
  /** When the next attempt begins, ms since 1970. */
  readonly due?: number;
  /** Whether it is to begin once the run is resumed. */
  readonly held?: true;
}

export type ItemAttempt = 'run' | 'check' | 'undo';

/** What came of the attempts of an item so far. */
export interface ItemRecord {
  readonly attempts: number;
  /** Attempts that had ended when its policy last began anew. */
  readonly since?: number;
  readonly losses?: number;
  readonly checkLosses?: number;
  /** Some attempt of it may have had its effect. */
  readonly unknown?: true;
  readonly failure?: Failure;
  readonly progress?: unknown;
}

/** Items about which persons have decided the same. */
export interface LeftItems {
  readonly what: string;
  readonly count: number;
  /** The first of them: the rest is in the rows. */
  readonly items: readonly number[];
}

export type ItemState = 'open' | 'stuck' | 'succeeded' | 'refused' | 'unknown' | 'skipped' | 'resolved' | 'undone' | 'undoSkipped' | 'undoResolved';

/** A row of the store that changes with a commit. */
export interface ItemChange {
  readonly step: number;
  readonly round: number;
  readonly index: number;
  readonly state: ItemState;
  readonly attempts: number;
  /** Encoded: `[result]` or `[result, undoData]` of one that happened, the failure of one that is unknown. */
  readonly result: string | null;
}

/** How an attempt of an item ended, or what was decided about one that has none. */
export type ItemEnd =
  | { readonly kind: 'succeeded'; readonly output: unknown; readonly undoData?: unknown }
  | { readonly kind: 'failed'; readonly error: Failure }
  /** Nobody wants it any more, and no attempt of it is under way. */
  | { readonly kind: 'stopped' }
  /** By a person. */
  | { readonly kind: 'retry' | 'skip' }
  | { readonly kind: 'resolve'; readonly result: unknown };

/** What becomes of an item. */
export type ItemJudgment =
  | { readonly to: 'attempt'; readonly what: ItemAttempt; readonly record: ItemRecord; readonly waitMs?: number; readonly isRetry?: boolean }
  | { readonly to: 'person'; readonly record: ItemRecord }
  | {
      readonly to: 'end';
      readonly state: ItemState;
      readonly record: ItemRecord;
      /** What its row keeps. */
      readonly kept?: unknown;
      /** Its part of the results. */
      readonly result?: unknown;
      /** Why the map fails by it; without one it has ended well, or nobody wanted it any more. */
      readonly fails?: Failure;
      /** What a person has decided. */
      readonly left?: string;
    };

/** How the items of one invocation are worked through: pure, and given by whoever knows the policies. */
export interface ItemRules {
  /** Number of the step, as its rows are kept. */
  readonly step: number;
  /** How many are in flight at a time. */
  readonly concurrency: number;
  /** What is attempted first; for `undo` the last item begins. */
  readonly first: 'run' | 'undo';
  /** Whether the results are read back when all are done. */
  readonly collects: boolean;
  round(data: StateData): number;
  /** Items of which there is nothing to do. */
  passedOver(data: StateData): readonly number[];
  /** @param wanted whether the map still goes on */
  judge(data: StateData, item: Item, end: ItemEnd, wanted: boolean): ItemJudgment;
}

/** The states in which an item has ended as it should. */
const WELL: ReadonlySet<ItemState> = new Set(['succeeded', 'skipped', 'resolved', 'undone', 'undoSkipped', 'undoResolved']);

export function isWell(state: ItemState): boolean {
  return WELL.has(state);
}

/** Items with an attempt under way, here or in a process that is gone. */
export function itemsUnderWay({ open }: ItemsState): readonly Item[] {
  return open.filter((item): item is Item => item !== null && item.due === undefined && !item.held);
}

/** Whether all have ended well, so that only the results are to be collected. */
export function isDone({ done, total }: ItemsState): boolean {
  return done === total;
}

/** The item in flight that an event is about, and its place, unless it is of an older attempt. */
export function itemAt(items: ItemsState | undefined, at: Identity): { readonly item: Item; readonly place: number } | undefined {
  const place = items?.open.findIndex((item) => item?.at[0] === at[0] && item.at[1] === at[1]) ?? -1;
  const item = items?.open[place];
  return item ? { item, place } : undefined;
}

/** What the chart is told of the items when they have ended: enough to undo them. */
export interface ItemsEnd {
  readonly total: number;
  readonly begun: number;
  readonly refused?: readonly number[];
  readonly retries?: number;
  readonly left?: readonly LeftItems[];
}

export function itemsEnd({ total, next, refused, retries, left }: ItemsState): ItemsEnd {
  return {
    total,
    begun: next,
    ...(refused === undefined ? {} : { refused }),
    ...(retries === undefined ? {} : { retries }),
    ...(left === undefined ? {} : { left }),
  };
}
