import { InvalidArgumentError } from '@commander-js/extra-typings';
import { systemClock } from '../base/clock.ts';
import { type Duration, durationMs } from '../saga/duration.ts';
import { RUN_STATUSES, type RunFilter, type RunStatus } from '../stores/store.ts';

/** Which runs, as the options of a command say it. */
export interface FilterOptions {
  readonly saga?: string | undefined;
  readonly sagaVersion?: number | undefined;
  readonly status?: readonly RunStatus[] | undefined;
  readonly attention?: true | undefined;
  readonly queue?: string | undefined;
  readonly label?: Readonly<Record<string, string>> | undefined;
  readonly createdBefore?: number | undefined;
  readonly createdAfter?: number | undefined;
  readonly endedBefore?: number | undefined;
}

export function filterOf({
  saga,
  sagaVersion: version,
  status,
  attention,
  queue,
  label: labels,
  createdBefore,
  createdAfter,
  endedBefore,
}: FilterOptions): RunFilter {
  const all = { saga, version, status, attention, queue, labels, createdBefore, createdAfter, endedBefore };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** `2026-01-31`, `2026-01-31T12:00Z`, or how long ago: `30d`. */
export function parseTime(text: string): number {
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(time)) return time;
  try {
    return systemClock.now() - durationMs(text as Duration, 'time');
  } catch {
    throw new InvalidArgumentError('Write a time (2026-01-31, or 2026-01-31T12:00:00Z), or how long ago (30d, 12h).');
  }
}

export function parseStatus(text: string, before: readonly RunStatus[] = []): readonly RunStatus[] {
  if (!RUN_STATUSES.includes(text as RunStatus)) throw new InvalidArgumentError(`Allowed choices are ${RUN_STATUSES.join(', ')}.`);
  return [...before, text as RunStatus];
}
