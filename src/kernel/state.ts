import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { Failure } from '../base/failure.ts';
import type { Identity, Parent, RunEvent, SentEvent } from './event.ts';
import type { Item, ItemRules, ItemsState } from './items.ts';
import type { Place } from './place.ts';

/** A machine as the kernel runs it. */
export interface Chart {
  readonly machine: AnyStateMachine;
  /** What the machine's context is made from. */
  startInput(start: { readonly run: string; readonly input: unknown; readonly holds: boolean }): unknown;
  /** Of an invocation that is a run of another chart, not an attempt: the id of that run. It outlives this process. */
  runOf?(src: string, context: unknown): string | undefined;
  /**
   * Whether the input of an invocation is stored with it. A saga's is built from the context when the attempt starts:
   * results in each pending input would be written again and again.
   */
  readonly storesInput: boolean;
  /**
   * Whether its context is frozen after each event: an assign that mutates would change the state before, which others
   * still hold. A compiled chart only copies, and what enters it is frozen already.
   */
  readonly freezesContext: boolean;
  /** What becomes of an invocation whose process died: the chart hears of it as an error, or it is begun again. */
  readonly onLoss: 'error' | 'restart';
  /**
   * How it is ended by an operator: a compiled chart has an end for it, which hears what is under way. Any other
   * machine is stopped, whatever it makes of an event of that name. Default: `stop`.
   */
  readonly terminates?: 'event' | 'stop';
  /** How the items of an invocation are worked through; undefined for one that is a single attempt. */
  readonly items?: (id: string) => ItemRules | undefined;
}

/** A run as it is held in memory: data, and XState's snapshot of it. Never changed, only replaced. */
export interface RunState {
  /** Of the last commit. */
  readonly seq: number;
  readonly data: StateData;
  /** Undefined while the run is queued, and of one that was ended while it was. */
  readonly snapshot: AnyMachineSnapshot | undefined;
}

/** Everything a run is rebuilt from. Plain data; the journal stores the differences between two of these. */
export interface StateData {
  readonly status: 'queued' | 'active' | 'done' | 'error' | 'stopped';
  readonly value: unknown;
  readonly context: unknown;
  /** The order in which the active states were entered, where it is not document order: competing transitions follow it. */
  readonly order?: string;
  /** Active state ids that history states recall. */
  readonly history?: Readonly<Record<string, readonly string[]>>;
  readonly output?: unknown;
  readonly error?: unknown;
  /** Invocations under way, in the order in which they began. XState's own child refs are mutable and shared between snapshots. */
  readonly children: Readonly<Record<string, Child>>;
  /** By identity, because one id can be armed twice. */
  readonly timers: Readonly<Record<string, Timer>>;
  /** How often each invocation id has begun, where the chart does not count itself. */
  readonly rounds?: Readonly<Record<string, number>>;
  /** Events that user code inside the chart threw at. */
  readonly faults?: readonly Fault[];
  /** Ids under which events have come, and the commits that took them: the last of them. */
  readonly seen?: Readonly<Record<string, number>>;
  /** Nothing new begins, and no timer is due. */
  readonly paused?: { readonly by?: string; readonly reason?: string };
  /** Of a queued run. */
  readonly input?: unknown;
  /** How it was asked to begin, if not at once; of what has begun, its queue and its sole name. */
  readonly place?: Place;
  /** What was sent to it before it has begun. */
  readonly early?: readonly Extract<RunEvent, { type: 'sent' }>[];
  /** Of a run that another one has begun: whom it answers to. */
  readonly parent?: Parent;
}

export interface Child {
  readonly src: string;
  /** Id of the run that it is, where it is no attempt: nothing of it goes on in this process. */
  readonly run?: string;
  readonly at: Identity;
  readonly round: number;
  readonly input?: unknown;
  /** Whether it was told to stop and is still to answer. */
  readonly stopping?: true;
  /** How often in a row it was lost with its process. */
  readonly losses?: number;
  /** Whether it is to begin once the run is resumed. */
  readonly held?: true;
  /** How far it says it has come. */
  readonly progress?: unknown;
  /** Of a map, once it is known how many there are. */
  readonly items?: ItemsState;
}

export interface Timer {
  /** The id by which the chart cancels it. */
  readonly id: string;
  readonly at: Identity;
  /** Absolute, ms since 1970. */
  readonly due: number;
  readonly event: SentEvent;
}

export interface Fault {
  readonly event: RunEvent;
  readonly error: Failure;
}

export const EMPTY: RunState = {
  seq: 0,
  data: { status: 'queued', value: null, context: null, children: {}, timers: {} },
  snapshot: undefined,
};

/** What is to be done once the commit is durable. */
export interface Effects {
  readonly start: readonly StartEffect[];
  /** Invocations that the chart has left: abort, and discard what they still say. */
  readonly stop: readonly StopEffect[];
  /** Invocations that are told to stop, and whose answer still counts. */
  readonly abort: readonly StopEffect[];
  readonly actions: readonly ActionEffect[];
}

export interface StartEffect {
  readonly id: string;
  readonly child: Child;
  /** Of a map, the item to be attempted; without one the map itself: it is planned, or its results are collected. */
  readonly item?: Item;
}

export interface StopEffect {
  readonly id: string;
  readonly at: Identity;
}

/** A custom action of the chart. */
export interface ActionEffect {
  readonly type: string;
  readonly params: unknown;
  readonly run: () => void;
}
