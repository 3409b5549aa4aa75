import type { SagachartError } from '../base/errors.ts';
import type { Failure } from '../base/failure.ts';
import type { DependencyChange } from '../policies/gates.ts';
import type { RunStatus } from '../stores/store.ts';

/** What observers are told, always after it is durable. Observers change nothing. */
export type RuntimeEvent = RunHappening | StoreHappening | DependencyHappening;

export interface RunRef {
  readonly id: string;
  readonly saga: string;
  readonly version: number;
}

export type AttemptKind = 'run' | 'check' | 'undo' | 'fallback';

export interface AttemptRef {
  readonly step: string;
  readonly kind: AttemptKind;
  /** From 1. */
  readonly attempt: number;
  readonly dependency?: string;
  /** Of a map, which item: its place among all, from 0. */
  readonly item?: number;
}

export type RunHappening = { readonly at: number; readonly run: RunRef; readonly seq: number } & (
  | { readonly type: 'run.queued' }
  | { readonly type: 'run.started' }
  /** Taken over from a process that is gone; its attempts under way count as lost. */
  | { readonly type: 'run.recovered'; readonly lost: number }
  | { readonly type: 'run.blocked'; readonly error: SagachartError }
  /** It goes on with another chart: that of the version it is told with. */
  | { readonly type: 'run.migrated'; readonly from: number }
  /** After each commit: the active states, lanes left out. */
  | { readonly type: 'run.changed'; readonly status: RunStatus; readonly states: readonly string[]; readonly attention: boolean }
  /** Steps that need a person since this commit, by name, and faults of the chart. */
  | { readonly type: 'run.attention'; readonly needs: readonly string[] }
  | { readonly type: 'run.ended'; readonly status: RunStatus; readonly output: unknown }
  | ({ readonly type: 'attempt.started' } & AttemptRef)
  | ({ readonly type: 'attempt.succeeded'; readonly ms: number } & AttemptRef)
  | ({ readonly type: 'attempt.failed'; readonly ms: number; readonly failure: Failure } & AttemptRef)
  | ({ readonly type: 'attempt.lost' } & AttemptRef)
  /** The attempt to come, and why there has to be one. */
  | ({ readonly type: 'retry.scheduled'; readonly delayMs: number; readonly failure?: Failure } & AttemptRef)
  /** From an older invocation, or a second delivery: nothing changed. */
  | { readonly type: 'discarded'; readonly what: string }
  | { readonly type: 'sent'; readonly event: string }
);

export type StoreHappening = { readonly at: number } & (
  | { readonly type: 'store.failed'; readonly error: SagachartError; readonly retryInMs: number }
  | { readonly type: 'store.recovered' }
);

/** A breaker opened, lets one attempt through, or closed; or a person has paused or resumed the dependency. */
export type DependencyHappening = { readonly at: number; readonly type: 'dependency.changed' } & DependencyChange;

export type Observer = (event: RuntimeEvent) => void;
export type RuntimeEventType = RuntimeEvent['type'];
