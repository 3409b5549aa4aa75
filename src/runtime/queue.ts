import { DefinitionError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import { type Duration, durationMs } from '../saga/duration.ts';

/** A queue that runs can be started into. It lets them begin within its bounds; each that has begun takes up a place until it has ended. */
export interface QueueOptions {
  /** Unique in the engine, 1 to 200 characters. It stands with each run: a deploy must keep it. */
  readonly name: string;
  /** Runs that have begun and not ended, in all processes of the store, from 1. Default: any number. */
  readonly concurrency?: number;
  /** Runs of it that one process has in memory at a time, from 1: those that sleep are not. Default: any number. */
  readonly perWorker?: number;
  /** As `concurrency`, for each key by itself. Default: any number. */
  readonly perKey?: number;
  /** Runs begun in a time, in one process: `limit` from 1, up to that many at once after a quiet moment; `per` from 1 ms. Default: any. */
  readonly rate?: { readonly limit: number; readonly per: Duration };
}

export interface QueueSettings {
  readonly name: string;
  readonly concurrency: number | undefined;
  readonly perWorker: number | undefined;
  readonly perKey: number | undefined;
  readonly rate: { readonly limit: number; readonly perMs: number } | undefined;
}

const COUNTS = ['concurrency', 'perWorker', 'perKey'] as const;
const OPTIONS: readonly string[] = ['name', ...COUNTS, 'rate'];

/** @throws DefinitionError SC_OPTION, SC_DEFINITION_DURATION */
export function queueSettings(queues: readonly QueueOptions[]): readonly QueueSettings[] {
  if (!Array.isArray(queues)) throw wrong('queues', queues, "a list, such as [{ name: 'mail', concurrency: 5 }]");
  const all = (queues as readonly QueueOptions[]).map(queueOf);
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) throw wrong('queues', name, 'the name of one queue only');
    names.add(name);
  }
  return all;
}

function queueOf(queue: QueueOptions, i: number): QueueSettings {
  if (typeof queue !== 'object' || queue === null) throw wrong(`queues[${i}]`, queue, "an object, such as { name: 'mail', concurrency: 5 }");
  const { name, rate, ...counts } = queue;
  if (!isName(name)) throw wrong(`queues[${i}].name`, name, 'text of 1 to 200 characters');
  const of = `queue ${name}`;
  for (const option of Object.keys(queue)) if (!OPTIONS.includes(option)) throw wrong(`${of}: ${option}`, option, `one of ${OPTIONS.join(', ')}`);
  for (const option of COUNTS) {
    const value: unknown = counts[option];
    if (value !== undefined && !isCount(value)) throw wrong(`${of}: ${option}`, value, 'a whole number from 1');
  }
  const { concurrency, perWorker, perKey } = counts;
  return { name, concurrency, perWorker, perKey, rate: rate === undefined ? undefined : rateOf(of, rate) };
}

function rateOf(of: string, rate: NonNullable<QueueOptions['rate']>): NonNullable<QueueSettings['rate']> {
  const { limit, per } = rate ?? {};
  if (!isCount(limit)) throw wrong(`${of}: rate.limit`, limit, 'a whole number from 1');
  const perMs = durationMs(per, `${of}: rate.per`);
  if (perMs < 1) throw wrong(`${of}: rate.per`, per, '1 ms or more');
  return { limit, perMs };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Of queues, keys, singletons, schedules. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= 200;
}

function wrong(option: string, value: unknown, wanted: string): DefinitionError {
  return new DefinitionError('SC_OPTION', `${option} is ${quoted(value)}, but must be ${wanted}`, {
    next: `Correct ${option} where the engine is made.`,
    details: { option },
  });
}
