import { type Clock, systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { type Ids, timeOrderedIds } from '../base/ids.ts';
import { type Duration, durationMs } from '../saga/duration.ts';
import type { Store } from '../stores/store.ts';
import { badOption } from './bad-option.ts';
import type { Observer, RuntimeEventType } from './event.ts';
import type { Interceptor } from './interceptor.ts';
import { type Log, silent } from './log.ts';
import type { Program } from './program.ts';
import { type QueueOptions, type QueueSettings, queueSettings } from './queue.ts';
import { checkRemedies, type RemedyOptions } from './remedy.ts';
import { type Retention, type RetentionSettings, retentionSettings } from './retention.ts';
import { type ScheduleOptions, type ScheduleSettings, scheduleSettings } from './schedule.ts';
import { type AlertTarget, checkSinks, type Sink } from './sinks.ts';
import { checkTransactional } from './transactional.ts';

/** Bounds of an engine. */
export interface Limits {
  /** Attempts that run at the same time. Default: 256. */
  readonly attempts?: number;
  /** Runs held in memory; further ones are stored as queued. Default: 1,000. */
  readonly runs?: number;
  /** Commits in one transaction. Default: 100. */
  readonly batch?: number;
  /** Bytes of one input, result or signal. Default: 1 MiB. */
  readonly payloadBytes?: number;
  /** Starts and signals whose commit is waited for; further ones wait for a place. Default: 1,000. */
  readonly pending?: number;
}

export interface EngineOptions {
  readonly programs: readonly Program[];
  readonly store: Store;
  /** Given to every step. */
  readonly services?: unknown;
  /** Distinguishes the idempotency keys of this store from those of others. Default: the store's random id. */
  readonly namespace?: string;
  readonly limits?: Limits;
  /** A run that waits longer than this, with nothing else to do, leaves memory. Default: 5 s. */
  readonly sleepAfter?: Duration;
  /** How often the inbox is looked at for what other processes have written. Default: 50 ms. */
  readonly pollEvery?: Duration;
  readonly log?: Log;
  /** Where alerts go: each of these is sent every one, at least once. Default: none are written. */
  readonly alerts?: readonly AlertTarget[];
  /** What is started when runs fail or need a person. Default: nothing. */
  readonly remedies?: readonly RemedyOptions[];
  /** Told of everything from the opening on, the runs that are taken over included. */
  readonly observers?: readonly ObserverOptions[];
  /** Around each attempt, the first outermost. Default: none. */
  readonly interceptors?: readonly Interceptor[];
  /** How long runs are kept after their end. Default: for good. */
  readonly retention?: Retention;
  /**
   * A live run whose chart was edited under the same version goes on with the edited one, where that is clear; the log
   * says what is done with each. For a machine that somebody develops on: never where runs matter. Default: false.
   */
  readonly development?: boolean;
  /** Queues that runs can be started into. Default: none. */
  readonly queues?: readonly QueueOptions[];
  /** What is started again and again. Default: nothing. */
  readonly schedules?: readonly ScheduleOptions[];
  readonly clock?: Clock;
  readonly ids?: Ids;
}

export interface ObserverOptions {
  readonly observe: Observer;
  /** The types it wants. Default: all. */
  readonly only?: readonly RuntimeEventType[];
}

export interface Settings {
  readonly programs: readonly Program[];
  readonly store: Store;
  readonly services: unknown;
  readonly namespace: string | undefined;
  readonly limits: Required<Limits>;
  readonly sleepMs: number;
  readonly pollMs: number;
  readonly log: Log;
  readonly sinks: readonly Sink[];
  readonly remedies: readonly RemedyOptions[];
  readonly observers: readonly ObserverOptions[];
  readonly interceptors: readonly Interceptor[];
  readonly retention: RetentionSettings;
  readonly development: boolean;
  readonly queues: readonly QueueSettings[];
  readonly schedules: readonly ScheduleSettings[];
  readonly clock: Clock;
  readonly ids: Ids;
}

const DEFAULT_LIMITS: Required<Limits> = { attempts: 256, runs: 1_000, batch: 100, payloadBytes: 1_048_576, pending: 1_000 };

/** The limits as given, and the defaults for the rest. */
export function limitsOf(limits: Limits | undefined): Required<Limits> {
  return { ...DEFAULT_LIMITS, ...limits };
}

/** @throws DefinitionError SC_OPTION with the offending value */
export function settings({
  programs,
  store,
  services,
  namespace,
  limits,
  sleepAfter = '5s',
  pollEvery = '50ms',
  log = silent,
  alerts,
  remedies = [],
  observers = [],
  interceptors = [],
  retention = {},
  development = false,
  queues = [],
  schedules = [],
  clock = systemClock,
  ids,
  ...unknown
}: EngineOptions): Settings {
  for (const name of Object.keys(unknown)) if (name !== 'worker') throw badOption(name, unknown[name as never], `there is no option ${name}`);
  for (const name of Object.keys(limits ?? {}))
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw badOption(`limits.${name}`, limits?.[name as never], `limits are ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
  if (typeof (store as Partial<Store> | undefined)?.commit !== 'function') throw badOption('store', store, 'it must be a store, such as sqlite(file)');
  checkTransactional(programs, store);
  if (namespace !== undefined && (typeof namespace !== 'string' || namespace === '')) throw badOption('namespace', namespace, 'it must be text');
  if (!Array.isArray(interceptors) || interceptors.some((one) => typeof one !== 'function'))
    throw badOption('interceptors', interceptors, 'it must be a list of functions');
  if (typeof development !== 'boolean') throw badOption('development', development, 'it must be true or false');
  const all = limitsOf(limits);
  for (const [name, value] of Object.entries(all)) {
    if (!Number.isSafeInteger(value) || value < 1) throw badOption(`limits.${name}`, value, 'it must be a whole number from 1');
  }
  const lines = queueSettings(queues);
  return {
    programs,
    store,
    services,
    namespace,
    limits: all,
    sleepMs: durationMs(sleepAfter, 'sleepAfter'),
    pollMs: Math.max(1, durationMs(pollEvery, 'pollEvery')),
    log,
    sinks: checkSinks(alerts),
    remedies: checkRemedies(remedies, programs),
    observers,
    interceptors,
    retention: retentionSettings(retention),
    development,
    queues: lines,
    schedules: scheduleSettings(schedules, { programs, queues: lines }),
    clock,
    ids: ids ?? timeOrderedIds(clock),
  };
}

/** @throws SagachartError SC_OPTION: labels are text by name */
export function checkLabels(labels: unknown): void {
  const wrong = typeof labels === 'object' && labels !== null ? Object.entries(labels).find(([, value]) => typeof value !== 'string') : undefined;
  if (labels === undefined || (typeof labels === 'object' && labels !== null && !wrong)) return;
  throw new SagachartError(
    'SC_OPTION',
    wrong ? `label ${wrong[0]} is ${String(wrong[1])}, but must be text` : `labels are ${String(labels)}, but must be an object`,
    {
      next: 'Give labels as text by name.',
      details: { label: wrong?.[0] },
    },
  );
}
