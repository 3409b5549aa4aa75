import { encode } from '../base/encoding.ts';
import type { Failure } from '../base/failure.ts';
import type { Left } from '../chart/context.ts';
import type { Duration } from '../saga/duration.ts';
import type { RunStatus } from '../stores/store.ts';
import type { Log } from './log.ts';

/** What an alert is about. Further kinds may come: pass on the ones you do not know. */
export type AlertKind =
  /** A step, or the chart itself, needs a person. */
  | 'attention'
  /** A run ended `failed` or `compensated`. */
  | 'failure'
  /** A run takes longer than its saga's deadline, and can only go on. */
  | 'deadline'
  /** The remedy of a run could not be started. */
  | 'remedy'
  /** A version that was being rolled out was taken back: too many of its runs failed. The run is the last that began on it. */
  | 'rollback';

/** What is told to those who watch over runs, written in the commit that it is about. Plain JSON, without what is sensitive. */
export interface Alert {
  /**
   * The same whenever this alert is delivered, and no other's: namespace, run, incarnation, commit and place in it, each
   * percent-encoded, joined by `/`.
   */
  readonly key: string;
  readonly kind: AlertKind;
  /** When it was written, ms since 1970. */
  readonly at: number;
  readonly run: AlertedRun;
  /** Of the run, as of that commit. */
  readonly status: RunStatus;
  /** The step that needs a person or that failed; a fault of the chart as `fault 1 (CODE)`; empty where a workflow does not say. */
  readonly step: string;
  /** With a map: the places of the items that need a person, from 0. */
  readonly items?: readonly number[];
  /** Why: redacted like all records of failures, and without the stack. */
  readonly failure: AlertFailure | null;
  /** What stays as it is, because somebody chose it. */
  readonly left: readonly Left[];
  /** With the kind `remedy`: what was not started. */
  readonly remedy?: { readonly saga: string; readonly run: string };
  /** With the kind `rollback`: what was taken back, in favor of what, how many of its runs had ended and failed, and how many might have. */
  readonly rollout?: { readonly version: number; readonly rest: number; readonly ended: number; readonly failed: number; readonly failureRate: number };
}

export interface AlertedRun {
  readonly id: string;
  readonly saga: string;
  readonly version: number;
  readonly incarnation: number;
  readonly labels: Readonly<Record<string, string>>;
}

export type AlertFailure = Omit<Failure, 'stack'>;

/** Where alerts go. Each sink is sent every alert at least once, by itself: one that fails or is slow does not hold up others. */
export interface AlertSink {
  /** Stands in the store beside what waits for it: unique, and the same in every deploy. 1 to 100 characters. */
  readonly name: string;
  /** Resolves, or returns, once the alert has arrived. Whatever it throws, it is tried again: after 1 s, 2 s, 4 s … 5 min, for ever. */
  send(alert: Alert, context: SendContext): unknown;
  /** How long one try may take before it is given up. More than 0, up to 10 min. Default: 30 s. */
  readonly timeout?: Duration;
}

export interface SendContext {
  /** That of the alert: pass it on, so that a second delivery is known as one. */
  readonly key: string;
  /** Aborted when the try has taken too long, or the engine closes. */
  readonly signal: AbortSignal;
  /** The engine's. */
  readonly log: Log;
}

/** What a remedy is for: it goes with the command that starts it. */
export type RemedyFor = Pick<Alert, 'run' | 'status' | 'step'>;

/** @param within of the alert in its run: the commit and its place there */
export function alertKey(namespace: string, run: Pick<AlertedRun, 'id' | 'incarnation'>, within: readonly [seq: number | string, n: number]): string {
  return [namespace, run.id, run.incarnation, ...within].map((part) => encodeURIComponent(String(part).toWellFormed())).join('/');
}

/** As it stands in the store. */
export function encodeAlert(alert: Alert): string {
  return JSON.stringify(alert);
}

export function decodeAlert(body: string): Alert {
  return JSON.parse(body) as Alert;
}

/** A failure as alerts show it: of what a hand-written machine ended with, whatever looks like one. */
export function alertFailure(failure: Failure | null | undefined): AlertFailure | null {
  if (typeof failure !== 'object' || failure === null) return null;
  const { stack: _, ...shown } = failure;
  // What JSON does not hold, such as a bigint, is shown as it is stored.
  return JSON.parse(encode(Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)))) as AlertFailure;
}

/** For what was caught where an alert was being made. */
export function failureOf(error: unknown): AlertFailure {
  const { code, name, message } = (error instanceof Error ? error : new Error(String(error))) as Error & { readonly code?: unknown };
  return { code: typeof code === 'string' ? code : name, type: name, message, class: 'hard', effect: 'none' };
}
