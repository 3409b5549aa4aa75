import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';
import { wasNotBegun } from '../base/failure.ts';
import type { RuntimeEvent, RuntimeEventType } from '../runtime/event.ts';
import type { Log } from '../runtime/log.ts';
import { logFields } from './log-fields.ts';

export interface LogOptions {
  /** Default: `warn`. */
  readonly level?: LevelWithSilent;
  /** Where lines go. Default: standard output. */
  readonly to?: DestinationStream;
}

/** Lines of JSON by pino; fields are redacted before they are written. */
export function pinoLog({ level = 'warn', to }: LogOptions = {}): Log {
  // Pino's own serializer would fold the causes into the message.
  const options = { level, base: null, serializers: { err: (error: unknown) => error } };
  return wrap(to ? pino(options, to) : pino(options));
}

/** Any pino logger, with redaction before it. */
export function wrap(logger: Logger): Log {
  // Children are made when the first line is written: an attempt that logs nothing pays nothing.
  const lazy = (make: () => Logger): Log => {
    let made: Logger | undefined;
    const write = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>): void => {
      if (!logger.isLevelEnabled(level)) return;
      made ??= make();
      if (fields) made[level](logFields(fields), message);
      else made[level](message);
    };
    return {
      debug: (message, fields) => write('debug', message, fields),
      info: (message, fields) => write('info', message, fields),
      warn: (message, fields) => write('warn', message, fields),
      error: (message, fields) => write('error', message, fields),
      enabled: (level) => logger.isLevelEnabled(level),
      child: (bindings) => lazy(() => (made ?? make()).child(bindings)),
    };
  };
  return lazy(() => logger);
}

const TYPES = {
  debug: ['attempt.started', 'run.changed'],
  info: ['attempt.succeeded', 'run.ended', 'run.started', 'run.queued', 'run.recovered', 'run.migrated', 'sent'],
  warn: ['attempt.failed', 'attempt.lost', 'retry.scheduled', 'discarded', 'dependency.changed'],
  error: ['run.attention', 'run.blocked'],
} as const satisfies Record<string, readonly RuntimeEventType[]>;

/** What of a run's life is logged at a logger's level. */
export function loggedTypes(log: Log): readonly RuntimeEventType[] {
  return (['debug', 'info', 'warn', 'error'] as const).flatMap((level) => (log.enabled(level) ? TYPES[level] : []));
}

const TOLD = { closed: 'used again', open: 'left alone: it keeps failing', halfOpen: 'tried with one attempt', paused: 'paused' } as const;

/** Writes what happens to runs: each line with run, step, attempt and a correlation id. */
export function logEvents(log: Log): (event: RuntimeEvent) => void {
  return (event) => {
    if (event.type === 'store.failed' || event.type === 'store.recovered') return;
    if (event.type === 'dependency.changed')
      return log.warn(`dependency is ${TOLD[event.state]}`, { dependency: event.dependency, state: event.state, before: event.before });
    const { run } = event;
    const on = { run: run.id, saga: run.saga, version: run.version };
    switch (event.type) {
      case 'attempt.started':
        return log.debug('attempt started', { ...on, ...attempt(event), correlation: correlation(event) });
      case 'attempt.succeeded':
        return log.info('attempt succeeded', { ...on, ...attempt(event), ms: event.ms, correlation: correlation(event) });
      case 'attempt.failed': {
        const { code, message, class: errorClass, effect } = event.failure;
        if (wasNotBegun(event.failure))
          return log.info('attempt not begun', { ...on, ...attempt(event), code, error: message, correlation: correlation(event) });
        return log.warn('attempt failed', {
          ...on,
          ...attempt(event),
          ms: event.ms,
          code,
          error: message,
          class: errorClass,
          effect,
          correlation: correlation(event),
        });
      }
      case 'attempt.lost':
        return log.warn('attempt lost with its process', { ...on, ...attempt(event), correlation: correlation(event) });
      case 'retry.scheduled':
        return log[wasNotBegun(event.failure) ? 'info' : 'warn']('retry scheduled', {
          ...on,
          ...attempt(event),
          delayMs: event.delayMs,
          reason: event.failure?.message,
          correlation: correlation(event),
        });
      case 'run.ended':
        return log.info('run ended', { ...on, status: event.status, correlation: run.id });
      case 'run.attention':
        return log.error('run needs a person', { ...on, needs: event.needs, correlation: run.id });
      case 'run.blocked':
        return log.error('run is blocked', { ...on, code: event.error.code, error: event.error.message, correlation: run.id });
      case 'discarded':
        return log.warn('a late result was discarded', { ...on, what: event.what, correlation: run.id });
      case 'run.changed':
        return log.debug('state', { ...on, status: event.status, states: event.states, correlation: run.id });
      default:
        return log.info(event.type, { ...on, correlation: run.id });
    }
  };
}

function attempt({
  step,
  kind,
  attempt: number,
  dependency,
  item,
}: {
  readonly step: string;
  readonly kind: string;
  readonly attempt: number;
  readonly dependency?: string;
  readonly item?: number;
}): Record<string, unknown> {
  return { step, kind, attempt: number, ...(item === undefined ? {} : { item }), ...(dependency === undefined ? {} : { dependency }) };
}

function correlation(event: { readonly run: { readonly id: string }; readonly step: string; readonly attempt: number; readonly item?: number }): string {
  const { run, step, attempt: number, item } = event;
  return `${run.id}/${step}${item === undefined ? '' : `[${item}]`}/${number}`;
}
