import { SagachartError } from '../base/errors.ts';
import type { Store } from '../stores/store.ts';
import type { Operator } from './command.ts';
import { fireId, type ScheduleSettings } from './schedule.ts';
import type { StartEntry } from './start-many.ts';
import { who } from './who.ts';

/** How far a schedule has come: durable, so that a fire is neither lost nor made twice. */
export interface Cursor {
  /** Every fire up to this time is dealt with, ms since 1970. */
  readonly at: number;
  /** What it was when that was said: of another expression nothing was missed. */
  readonly cron: string;
  readonly timeZone: string;
  /** The fire that was started last. */
  readonly last: { readonly at: number; readonly run: string } | null;
  /** Fires that were left out, for whatever reason, and the last of them. */
  readonly skipped: number;
  readonly lastSkipped: { readonly at: number; readonly why: string } | null;
}

/** Whether people have paused it. What was resumed makes up for nothing that came before. */
export interface SchedulePause {
  readonly paused: boolean;
  readonly at: number;
  readonly by: string | null;
  readonly reason: string | null;
}

/** A schedule as people see it. Times are ms since 1970. */
export interface ScheduleInfo
  extends Pick<ScheduleSettings, 'name' | 'saga' | 'cron' | 'timeZone' | 'catchUp' | 'overlap'>,
    Pick<Cursor, 'last' | 'skipped' | 'lastSkipped'> {
  readonly queue: string | null;
  /** When it fires next; null while it is paused. */
  readonly next: number | null;
  readonly paused: Omit<SchedulePause, 'paused'> | null;
}

const CURSOR = 'schedule:';
const PAUSE = 'schedule-pause:';

export interface StoredSchedules {
  readonly cursors: ReadonlyMap<string, Cursor>;
  readonly pauses: ReadonlyMap<string, SchedulePause>;
}

/** What is stored of all schedules, by their names. */
export async function readSchedules(store: Pick<Store, 'controls'>): Promise<StoredSchedules> {
  const controls = await store.controls();
  const named = <T>(prefix: string): ReadonlyMap<string, T> =>
    new Map(controls.flatMap(({ name, body }) => (name.startsWith(prefix) ? [[name.slice(prefix.length), JSON.parse(body) as T] as const] : [])));
  return { cursors: named<Cursor>(CURSOR), pauses: named<SchedulePause>(PAUSE) };
}

export async function writeCursor(store: Pick<Store, 'setControl'>, name: string, cursor: Cursor): Promise<void> {
  await store.setControl(`${CURSOR}${name}`, JSON.stringify(cursor));
}

/** @throws SagachartError SC_UNKNOWN_SCHEDULE, SC_OPTION */
export async function pauseSchedule(
  store: Pick<Store, 'setControl' | 'controls'>,
  schedules: readonly ScheduleSettings[],
  { name, paused, operator, at }: { readonly name: string; readonly paused: boolean; readonly operator: Operator; readonly at: number },
): Promise<void> {
  scheduleNamed(schedules, name);
  const { by = null, reason = null } = who(operator);
  const stands = (await readSchedules(store)).pauses.get(name)?.paused ?? false;
  // What is so already keeps its time, and who asked for it.
  if (stands !== paused) await store.setControl(`${PAUSE}${name}`, JSON.stringify({ paused, at, by, reason } satisfies SchedulePause));
}

/** The start of a fire that a person asks for: now, whatever else is under way. @throws SagachartError SC_UNKNOWN_SCHEDULE, and what its input throws */
export function triggeredStart(schedules: readonly ScheduleSettings[], name: string, now: number): StartEntry & { readonly id: string } {
  const schedule = scheduleNamed(schedules, name);
  return { ...fireOf(schedule, now), input: schedule.inputAt(now) };
}

/** Everything of a fire's start but its input. */
export function fireOf({ name, saga, version, queue }: ScheduleSettings, at: number): Omit<StartEntry, 'input'> & { readonly id: string } {
  const given = { ...(version === undefined ? {} : { version }), ...(queue === undefined ? {} : { queue }) };
  return { saga, id: fireId(name, at), labels: { schedule: name }, ...given };
}

export async function listSchedules(store: Pick<Store, 'controls'>, schedules: readonly ScheduleSettings[], now: number): Promise<readonly ScheduleInfo[]> {
  const { cursors, pauses } = await readSchedules(store);
  return schedules.map(({ name, saga, cron, timeZone, catchUp, overlap, queue = null, timing }) => {
    const { paused: isPaused = false, ...pause } = pauses.get(name) ?? {};
    const { last = null, skipped = 0, lastSkipped = null } = cursors.get(name) ?? {};
    const next = isPaused ? null : (timing.next(now) ?? null);
    const paused = isPaused ? (pause as Omit<SchedulePause, 'paused'>) : null;
    return { name, saga, cron, timeZone, catchUp, overlap, queue, next, paused, last, skipped, lastSkipped };
  });
}

function scheduleNamed(schedules: readonly ScheduleSettings[], name: string): ScheduleSettings {
  const schedule = schedules.find((one) => one.name === name);
  if (schedule) return schedule;
  throw new SagachartError('SC_UNKNOWN_SCHEDULE', `there is no schedule ${JSON.stringify(name)}`, {
    next: `Known are: ${schedules.map((one) => one.name).join(', ') || 'none'}.`,
    details: { schedule: name },
  });
}
