import { SagachartError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import type { Entry } from '../kernel/entry.ts';
import { begunPlace, type Place } from '../kernel/place.ts';
import { type Duration, durationMs } from '../saga/duration.ts';
import type { RunRow } from '../stores/store.ts';
import { isName, type QueueSettings } from './queue.ts';

/** When a run that is started begins, if not at once. */
export interface Scheduling {
  /** A queue of the engine: it lets the run begin when its turn has come. Default: none. */
  readonly queue?: string;
  /** Whose it is, 1 to 200 characters: keys of a queue take turns, however many runs each has. Default: nobody's, which is a key too. */
  readonly key?: string;
  /** The higher goes first, among those of its queue and key: a whole number. Default: 0. */
  readonly priority?: number;
  /** Not before this has passed, from 1 ms; then it stands in line in its queue, if it has one, or begins. */
  readonly delay?: Duration;
  /**
   * While a run of this saga that was started with the same text has not ended, a start gives that run, or is refused with
   * `SC_SINGLETON_TAKEN` if the input is another. 1 to 200 characters.
   */
  readonly singleton?: string;
  /** While a run of this saga with the same key has not begun, a start replaces its input, and puts it off again. Without `id`. */
  readonly debounce?: Debounce;
}

export interface Debounce {
  /** 1 to 200 characters. */
  readonly key: string;
  /** It begins this long after the last start, from 1 ms. */
  readonly for: Duration;
  /** But not later than this after the first. Default: any time. */
  readonly most?: Duration;
}

/** What of the options of a start says when it begins. */
export function schedulingOf({ queue, key, priority, delay, singleton, debounce }: Scheduling): Scheduling {
  const all = { queue, key, priority, delay, singleton, debounce };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Scheduling;
}

/** @throws SagachartError SC_OPTION, SC_DEFINITION_DURATION */
export function checkScheduling({ queue, key, priority, delay, singleton, debounce, id }: Scheduling & { readonly id?: string | undefined }): void {
  for (const [name, value] of Object.entries({ queue, key, singleton, ...(debounce === undefined ? {} : { 'debounce.key': debounce?.key ?? null }) }))
    if (value !== undefined && !isName(value)) throw wrong(name, value, 'text of 1 to 200 characters');
  if (priority !== undefined && !Number.isSafeInteger(priority)) throw wrong('priority', priority, 'a whole number');
  for (const [name, value] of Object.entries({ key, priority }))
    if (queue === undefined && value !== undefined) throw wrong(name, value, 'given with the queue that it is for');
  for (const [name, value] of Object.entries({ delay, 'debounce.for': debounce?.for, 'debounce.most': debounce?.most }))
    if (value !== undefined && durationMs(value, name, 'start') < 1) throw wrong(name, value, '1 ms or more');
  if (!debounce) return;
  if (debounce.for === undefined) throw wrong('debounce.for', undefined, 'a time to wait for a further start');
  for (const [name, value] of Object.entries({ delay, singleton, id }))
    if (value !== undefined) throw wrong(name, value, 'left out with debounce: what has not begun is one run, which the next start puts off');
}

/** @throws SagachartError SC_UNKNOWN_QUEUE */
export function checkQueue(queue: string | undefined, known: readonly Pick<QueueSettings, 'name'>[]): void {
  if (queue === undefined || known.some(({ name }) => name === queue)) return;
  throw new SagachartError('SC_UNKNOWN_QUEUE', `there is no queue ${JSON.stringify(queue)}`, {
    next: `Known are: ${known.map(({ name }) => name).join(', ') || 'none'}. List it in the queues of the engine.`,
    details: { queue },
  });
}

/** How the next life of a run is to begin, from the entry that began this one: a debounce is over, and so is a delay. */
export function restartedPlace({ event }: Pick<Entry, 'event'>): Place | undefined {
  return event.type === 'queued' || event.type === 'started' ? begunPlace(event.place) : undefined;
}

/** How a run is to begin; undefined: at once, like any. `now` is when it was asked for, ms since 1970. */
export function placeOf(saga: string, { queue, key, priority, delay, singleton, debounce }: Scheduling, now: number): Place | undefined {
  const dueIn = debounce?.for ?? delay;
  const place: Place = {
    ...(queue === undefined ? {} : { queue }),
    ...(key === undefined ? {} : { key }),
    ...(priority === undefined ? {} : { priority }),
    ...(dueIn === undefined ? {} : { due: now + durationMs(dueIn, 'delay', 'start') }),
    ...(singleton === undefined ? {} : { sole: `singleton/${saga}/${singleton}` }),
    ...(debounce === undefined ? {} : { sole: `debounce/${saga}/${debounce.key}`, until: untilOf(debounce, now) }),
  };
  if (Object.keys(place).length === 0) return undefined;
  return place.until === undefined ? place : { ...place, due: Math.min(place.due as number, place.until) };
}

function untilOf({ most }: Debounce, now: number): number {
  return most === undefined ? Number.MAX_SAFE_INTEGER : now + durationMs(most, 'debounce.most', 'start');
}

export function singletonTaken({ id, saga }: Pick<RunRow, 'id' | 'saga'>, more: object = {}): SagachartError {
  return new SagachartError('SC_SINGLETON_TAKEN', `run ${id} of ${saga} has that singleton, and was started with another input`, {
    retryable: true,
    next: 'Start it again when that run has ended, cancel that run first, or start with the same input to get it.',
    details: { run: id, ...more },
  });
}

function wrong(option: string, value: unknown, wanted: string): SagachartError {
  return new SagachartError('SC_OPTION', `${option} is ${quoted(value)}, but must be ${wanted}`, { next: `Correct ${option}.`, details: { option } });
}
