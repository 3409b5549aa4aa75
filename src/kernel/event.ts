import type { Failure } from '../base/failure.ts';
import type { Place } from './place.ts';

/**
 * Which invocation or timer is meant: the commit that made it and its place among those of the same commit. An id
 * alone is used again (one event can stop and start the same invocation), so what comes from an older one would be
 * taken for the present one.
 */
export type Identity = readonly [seq: number, ordinal: number];

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** The invocation of another run that this one answers to: it is told how this one ends. */
export interface Parent {
  readonly run: string;
  /** Of that run: its incarnation, if it is not the first. */
  readonly life?: number;
  readonly child: string;
  readonly at: Identity;
  /** Whether, once it is done, it waits for its parent to say that it stays done. */
  readonly holds?: true;
}

/** What can happen to a run: the journal keeps it as it is. */
export type RunEvent =
  /** Stored beyond capacity, for later, or in a queue: it has an input, but no state yet. */
  | { readonly type: 'queued'; readonly input: unknown; readonly parent?: Parent; readonly place?: Place }
  /** Its input, unless it was queued with it. */
  | { readonly type: 'started'; readonly run: string; readonly input?: unknown; readonly parent?: Parent; readonly place?: Place }
  /** It began as what another run was at one of its commits. */
  | {
      readonly type: 'forked';
      readonly run: string;
      readonly from: string;
      readonly incarnation: number;
      readonly seq: number;
      readonly input: unknown;
      readonly by?: string;
      readonly reason?: string;
    }
  /** Its time has come: it stands in line in its queue. */
  | { readonly type: 'lined' }
  /** A later start has replaced the input of one that has not begun, and put it off; without a time it stays in line. */
  | { readonly type: 'putOff'; readonly input: unknown; readonly due?: number }
  | {
      readonly type: 'succeeded';
      readonly child: string;
      readonly at: Identity;
      readonly output: unknown /** What its undo needs besides. */;
      readonly undoData?: unknown /** What another run has left as it was. */;
      readonly left?: unknown;
      readonly ms?: number;
    }
  | { readonly type: 'failed'; readonly child: string; readonly at: Identity; readonly error: Failure; readonly left?: unknown; readonly ms?: number }
  /** The process died under the attempt. */
  | { readonly type: 'lost'; readonly child: string; readonly at: Identity; readonly error: Failure }
  | { readonly type: 'due'; readonly timer: string; readonly at: Identity }
  /** From outside: a signal, a cancel, an operator's command. */
  | {
      readonly type: 'sent';
      readonly event: SentEvent /** From the parent, which is told of the end. */;
      readonly parent?: Parent;
      readonly id?: string /** What has come under it before is not taken again. */;
      readonly once?: string;
    }
  /** An attempt says how far it has come: the next one can read it. */
  | { readonly type: 'progressed'; readonly child: string; readonly at: Identity; readonly progress: unknown /** Of which item. */; readonly item?: number }
  | ItemEvent
  /** Nothing new begins, and no timer is due, until it is resumed. */
  | { readonly type: 'paused'; readonly by?: string; readonly reason?: string; readonly id?: string }
  | { readonly type: 'resumed'; readonly by?: string; readonly reason?: string; readonly id?: string }
  /** An operator ends it: nothing more begins, nothing is undone. */
  | { readonly type: 'terminated'; readonly by?: string; readonly reason?: string; readonly id?: string }
  /** It goes on with another chart: of another version, or another of the same. */
  | {
      readonly type: 'migrated';
      readonly from: ChartRef;
      readonly to: ChartRef;
      readonly by?: string;
      readonly reason?: string;
      readonly id?: string;
    }
  /** User code inside the chart threw: the event is kept, and nothing of it was applied. */
  | { readonly type: 'faulted'; readonly event: RunEvent; readonly error: Failure }
  /** An operator has the faulted events applied again, a beginning that faulted too. */
  | { readonly type: 'refitted'; readonly by?: string; readonly reason?: string; readonly id?: string };

/** Which chart a run is on. */
export interface ChartRef {
  readonly version: number;
  readonly fingerprint: string;
}

/** What can happen to the items of a map: `at` is that of the item's attempt, and of `planned` that of the map itself. */
export type ItemEvent =
  /** There are this many, and their results may have so many bytes together; null: any. */
  | { readonly type: 'planned'; readonly child: string; readonly at: Identity; readonly total: number; readonly most: number | null }
  | {
      readonly type: 'itemSucceeded';
      readonly child: string;
      readonly at: Identity;
      readonly item: number;
      readonly output: unknown;
      readonly undoData?: unknown;
      readonly ms?: number;
    }
  | { readonly type: 'itemFailed'; readonly child: string; readonly at: Identity; readonly item: number; readonly error: Failure; readonly ms?: number }
  /** The process died under its attempt. */
  | { readonly type: 'itemLost'; readonly child: string; readonly at: Identity; readonly item: number; readonly error: Failure };

export interface SentEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** XState's own event names, which nobody may send from outside: `xstate.done.actor.x` would forge a result. */
export function isReserved(type: string): boolean {
  return type === '' || type === '*' || type.startsWith('xstate.');
}
