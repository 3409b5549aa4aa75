import { DefinitionError } from '../base/errors.ts';
import { checkRunId } from '../base/ids.ts';
import { quoted } from '../base/quoted.ts';
import type { Program } from './program.ts';
import { isName, type QueueSettings } from './queue.ts';
import { Timing } from './timing.ts';

/** What is started again and again. Each fire is a start under the id `name@time`, so it happens once, whatever crashes. */
export interface ScheduleOptions {
  /** Unique in the engine, 1 to 100 characters. What is stored of it is kept under this name. */
  readonly name: string;
  /** Name of the saga or workflow that is started. */
  readonly saga: string;
  /** Default: the newest one. */
  readonly version?: number;
  /** Of each run: a value, or what makes it, quick and without effects, because it may be asked more than once about one fire. */
  readonly input?: unknown;
  /** When, as cron says it: `0 9 * * 1-5`; with a sixth field in front it counts seconds. */
  readonly cron: string;
  /** An IANA time zone. Default: `UTC`. */
  readonly timeZone?: string;
  /**
   * Which of the fires are made up for that were missed while no engine was there: none, the last one, or all, up to the last
   * 1,000. Default: `last`.
   */
  readonly catchUp?: CatchUp;
  /**
   * What a fire does while the run of an earlier one has not ended: it is left out, waits for its end, starts beside it, or
   * cancels it and waits. Default: `skip`.
   */
  readonly overlap?: Overlap;
  /** A queue of the engine that its runs wait in. Default: none. */
  readonly queue?: string;
}

export type CatchUp = (typeof CATCH_UP)[number];
export type Overlap = (typeof OVERLAP)[number];

const CATCH_UP = ['none', 'last', 'all'] as const;
const OVERLAP = ['skip', 'wait', 'allow', 'cancel'] as const;
const OPTIONS: readonly string[] = ['name', 'saga', 'version', 'input', 'cron', 'timeZone', 'catchUp', 'overlap', 'queue'];
const LONGEST_NAME = 100;

export interface ScheduleSettings {
  readonly name: string;
  readonly saga: string;
  readonly version: number | undefined;
  readonly cron: string;
  readonly timeZone: string;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  readonly queue: string | undefined;
  readonly timing: Timing;
  /** What a run is started with that is due at a time, ms since 1970. */
  inputAt(at: number): unknown;
}

interface Known {
  readonly programs: readonly Pick<Program, 'name' | 'version'>[];
  readonly queues: readonly Pick<QueueSettings, 'name'>[];
}

/** @throws DefinitionError SC_OPTION with the offending value */
export function scheduleSettings(schedules: readonly ScheduleOptions[], known: Known): readonly ScheduleSettings[] {
  if (!Array.isArray(schedules)) throw wrong('schedules', schedules, "a list, such as [{ name: 'report', saga: 'report', cron: '0 9 * * *' }]");
  const all = (schedules as readonly ScheduleOptions[]).map((schedule, i) => settingsOf(schedule, i, known));
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) throw wrong('schedules', name, 'the name of one schedule only');
    names.add(name);
  }
  return all;
}

function settingsOf(schedule: ScheduleOptions, i: number, { programs, queues }: Known): ScheduleSettings {
  if (typeof schedule !== 'object' || schedule === null) throw wrong(`schedules[${i}]`, schedule, 'an object with name, saga and cron');
  const { name, saga, version, input, cron, timeZone = 'UTC', catchUp = 'last', overlap = 'skip', queue } = schedule;
  if (!isName(name) || name.length > LONGEST_NAME) throw wrong(`schedules[${i}].name`, name, 'text of 1 to 100 characters');
  const of = `schedule ${name}`;
  checkRunId(fireId(name, 0));
  for (const option of Object.keys(schedule)) if (!OPTIONS.includes(option)) throw wrong(`${of}: ${option}`, option, `one of ${OPTIONS.join(', ')}`);
  const known = [...new Set(programs.map((program) => program.name))];
  if (!known.includes(saga)) throw wrong(`${of}: saga`, saga, `one of the sagas of this engine: ${known.join(', ') || 'none'}`);
  if (version !== undefined && !programs.some((program) => program.name === saga && program.version === version))
    throw wrong(`${of}: version`, version, `a version of ${saga} that this engine has`);
  if (!CATCH_UP.includes(catchUp)) throw wrong(`${of}: catchUp`, catchUp, CATCH_UP.join(', '));
  if (!OVERLAP.includes(overlap)) throw wrong(`${of}: overlap`, overlap, OVERLAP.join(', '));
  if (queue !== undefined && !queues.some((one) => one.name === queue)) throw wrong(`${of}: queue`, queue, 'one of the queues of this engine');
  const inputAt = typeof input === 'function' ? (at: number): unknown => input({ at: new Date(at) }) : (): unknown => input;
  return { name, saga, version, cron, timeZone, catchUp, overlap, queue, timing: timingOf(of, cron, timeZone), inputAt };
}

function timingOf(of: string, cron: unknown, timeZone: unknown): Timing {
  if (typeof cron !== 'string') throw wrong(`${of}: cron`, cron, "a cron expression, such as '0 9 * * 1-5'");
  if (typeof timeZone !== 'string') throw wrong(`${of}: timeZone`, timeZone, "an IANA time zone, such as 'Europe/Berlin'");
  try {
    return new Timing(cron, timeZone);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DefinitionError('SC_OPTION', `${of}: cron ${quoted(cron)} in the time zone ${quoted(timeZone)} cannot be read: ${why}`, {
      next: "Give an expression such as '0 9 * * 1-5', and an IANA time zone such as 'Europe/Berlin'.",
      details: { option: 'cron', cron, timeZone },
      cause,
    });
  }
}

/** Id of the run that a fire starts. */
export function fireId(schedule: string, at: number): string {
  return `${schedule}@${new Date(at).toISOString()}`;
}

function wrong(option: string, value: unknown, wanted: string): DefinitionError {
  return new DefinitionError('SC_OPTION', `${option} is ${quoted(value)}, but must be ${wanted}`, {
    next: `Correct ${option} where the engine is made.`,
    details: { option },
  });
}
