import { SagachartError, StoreError } from '../base/errors.ts';
import type { RunRow } from '../stores/store.ts';
import type { Operator } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import type { ScheduleSettings } from './schedule.ts';
import { type Cursor, fireOf, listSchedules, pauseSchedule, readSchedules, type ScheduleInfo, triggeredStart, writeCursor } from './schedule-state.ts';
import type { StartEntry } from './start-many.ts';
import type { Starts } from './starts.ts';

/** Fires that can be owed at a time: of more the oldest are left out. */
const MOST_OWED = 1_000;
/** A fire that is dealt with later than this was missed: the process was frozen, or the store could not be used. */
const LATE_MS = 60_000;
/** After which the store is asked again that has failed, or whether a run has ended that another process has. */
const AGAIN_MS = 1_000;

/** A schedule as this process works on it. */
interface Ticking {
  readonly schedule: ScheduleSettings;
  cursor: Cursor;
  paused: boolean;
  /** Since when it has not been paused, ms since 1970. */
  resumedAt: number;
  /** What was due up to then, and is not dealt with, was missed. */
  missedUpTo: number;
  /** The run it has canceled, and waits for. */
  canceled: number | undefined;
  waits: boolean;
  turning: Promise<void> | undefined;
  again: boolean;
  disarm: () => void;
}

/** What became of a fire. */
type Fired = { readonly run: string } | { readonly skipped: string } | 'waits' | 'again';

/** Starts what schedules say, each fire once: first the run is durable, then that it is dealt with. */
export class Schedules {
  readonly #coordinator: Coordinator;
  readonly #starts: Starts;
  readonly #start: (entry: StartEntry) => Promise<string>;
  readonly #all: Ticking[] = [];

  /** @param start starts a run that a person has asked for, and gives its id */
  constructor(coordinator: Coordinator, starts: Starts, start: (entry: StartEntry) => Promise<string>) {
    this.#coordinator = coordinator;
    this.#starts = starts;
    this.#start = start;
    const { onRoom } = coordinator;
    coordinator.onRoom = (due) => {
      onRoom(due);
      for (const ticking of this.#all) if (ticking.waits) this.#turn(ticking);
    };
  }

  /** Goes on where the last engine was. */
  async open(): Promise<void> {
    const { schedules, store, clock } = this.#coordinator.settings;
    if (schedules.length === 0) return;
    const { cursors, pauses } = await readSchedules(store);
    const now = clock.now();
    for (const schedule of schedules) {
      const { name, cron, timeZone } = schedule;
      const known = cursors.get(name);
      const isSame = known?.cron === cron && known.timeZone === timeZone;
      const cursor = known && isSame ? known : { last: null, skipped: 0, lastSkipped: null, ...known, cron, timeZone, at: now };
      if (!isSame) await writeCursor(store, name, cursor);
      const pause = pauses.get(name);
      this.#all.push({
        schedule,
        cursor,
        paused: pause?.paused ?? false,
        resumedAt: pause?.paused === false ? pause.at : 0,
        missedUpTo: now,
        canceled: undefined,
        waits: false,
        turning: undefined,
        again: false,
        disarm: () => {},
      });
    }
    for (const ticking of this.#all) this.#turn(ticking);
  }

  /** Resolves when none is being started any more. */
  async stop(): Promise<void> {
    for (const { disarm } of this.#all) disarm();
    await Promise.all(this.#all.map(({ turning }) => turning));
    for (const { disarm } of this.#all) disarm();
  }

  /** Follows what people have paused and resumed, also in other processes. */
  async read(): Promise<void> {
    if (this.#all.length === 0) return;
    const { pauses } = await readSchedules(this.#coordinator.settings.store);
    for (const ticking of this.#all) {
      const { paused = false, at = 0 } = pauses.get(ticking.schedule.name) ?? {};
      if (paused === ticking.paused) continue;
      ticking.paused = paused;
      if (!paused) ticking.resumedAt = at;
      this.#turn(ticking);
    }
  }

  /** All that the engine has, as they stand. */
  async list(): Promise<readonly ScheduleInfo[]> {
    const { store, schedules, clock } = this.#coordinator.settings;
    return await listSchedules(store, schedules, clock.now());
  }

  /** Leaves out its fires, durably, until it is resumed; its runs go on. @throws SagachartError SC_UNKNOWN_SCHEDULE, SC_OPTION */
  async pause(name: string, operator: Operator = {}): Promise<void> {
    await this.#set(name, true, operator);
  }

  /** Lets it fire again, from now on. @throws SagachartError SC_UNKNOWN_SCHEDULE, SC_OPTION */
  async resume(name: string, operator: Operator = {}): Promise<void> {
    await this.#set(name, false, operator);
  }

  /** Starts a run of it now, paused or not, beside any other; gives its id. @throws SagachartError SC_UNKNOWN_SCHEDULE, and what a start throws */
  async trigger(name: string): Promise<string> {
    const { schedules, clock } = this.#coordinator.settings;
    return await this.#start(triggeredStart(schedules, name, clock.now()));
  }

  async #set(name: string, paused: boolean, operator: Operator): Promise<void> {
    const { store, schedules, clock } = this.#coordinator.settings;
    await pauseSchedule(store, schedules, { name, paused, operator, at: clock.now() });
    await this.read();
  }

  #turn(ticking: Ticking): void {
    if (this.#coordinator.closing) return;
    ticking.again = true;
    ticking.turning ??= this.#turns(ticking).finally(() => {
      ticking.turning = undefined;
    });
  }

  async #turns(ticking: Ticking): Promise<void> {
    while (ticking.again && !this.#coordinator.closing) {
      ticking.again = false;
      ticking.disarm();
      try {
        await this.#catchUp(ticking);
      } catch (error) {
        this.#coordinator.settings.log.error('a schedule could not go on: it is tried again', { schedule: ticking.schedule.name, error: String(error) });
        this.#arm(ticking, AGAIN_MS);
      }
    }
  }

  /** Deals with the fires that are due, in order, until one has to wait. */
  async #catchUp(ticking: Ticking): Promise<void> {
    const { clock } = this.#coordinator.settings;
    const { schedule } = ticking;
    while (!this.#coordinator.closing) {
      const now = clock.now();
      const after = Math.max(ticking.cursor.at, ticking.resumedAt);
      const next = schedule.timing.next(after);
      if (next === undefined) return;
      if (next > now) return this.#arm(ticking, next - now);
      if (now - next > LATE_MS && !ticking.waits) ticking.missedUpTo = Math.max(ticking.missedUpTo, now);
      const due = schedule.timing.between(after, now, MOST_OWED);
      const { at, left, why } = owed(due, ticking);
      if (left > 0 || at === undefined) {
        await this.#skip(ticking, due[left - 1] as number, { count: left, why });
        continue;
      }
      const fired = await this.#fire(ticking, at);
      ticking.waits = fired === 'waits';
      if (fired === 'waits') return this.#arm(ticking, AGAIN_MS);
      if (fired === 'again') continue;
      if ('run' in fired) await this.#move(ticking, { at, last: { at, run: fired.run } });
      else await this.#skip(ticking, at, { count: 1, why: fired.skipped });
    }
  }

  async #fire(ticking: Ticking, at: number): Promise<Fired> {
    const { schedule } = ticking;
    const { store } = this.#coordinator.settings;
    const { id } = fireOf(schedule, at);
    // It was started before a crash, and nobody has said that it is dealt with.
    if ((await store.find(id)) ?? (await store.tombstone(id))) return { run: id };
    const sole = schedule.overlap === 'allow' ? undefined : `schedule/${schedule.name}`;
    const other = sole === undefined ? undefined : await store.holder(sole);
    return other ? await this.#overlap(ticking, other) : await this.#begin(schedule, at, sole);
  }

  async #overlap(ticking: Ticking, other: RunRow): Promise<Fired> {
    const { name, overlap } = ticking.schedule;
    if (overlap === 'skip') return { skipped: `the run ${other.id} has not ended` };
    if (overlap === 'cancel' && ticking.canceled !== other.number) {
      ticking.canceled = other.number;
      const event = { type: 'sent', event: { type: 'cancel', by: `schedule ${name}`, reason: 'the next one is due' } } as const;
      // Past its pivot it completes, and is waited for all the same.
      await this.#coordinator.deliver(other.id, () => ({ event })).catch((error: unknown) => this.#notCanceled(ticking, error));
    }
    return 'waits';
  }

  #notCanceled(ticking: Ticking, error: unknown): void {
    if (error instanceof SagachartError && error.retryable) ticking.canceled = undefined;
  }

  async #begin(schedule: ScheduleSettings, at: number, sole: string | undefined): Promise<Fired> {
    const { programs, settings } = this.#coordinator;
    const { saga, version, ...options } = fireOf(schedule, at);
    try {
      const program = programs.find(saga, version);
      await this.#starts.start(program, schedule.inputAt(at), options, sole === undefined ? {} : { sole });
      return { run: options.id };
    } catch (error) {
      // Another process has started it, or another run of the schedule: it is looked at once more.
      if (error instanceof SagachartError && (error.code === 'SC_RUN_EXISTS' || error.code === 'SC_SINGLETON_TAKEN')) return 'again';
      if (error instanceof StoreError || (error instanceof SagachartError && error.retryable)) throw error;
      settings.log.error('a schedule could not start its run', { schedule: schedule.name, run: options.id, error: String(error) });
      return { skipped: `it could not be started: ${error instanceof Error ? error.message : error}` };
    }
  }

  async #skip(ticking: Ticking, at: number, { count, why }: { readonly count: number; readonly why: string }): Promise<void> {
    const { log } = this.#coordinator.settings;
    log.warn('fires of a schedule were left out', { schedule: ticking.schedule.name, count, last: new Date(at).toISOString(), why });
    await this.#move(ticking, { at, skipped: ticking.cursor.skipped + count, lastSkipped: { at, why } });
  }

  async #move(ticking: Ticking, moved: Partial<Cursor>): Promise<void> {
    const cursor = { ...ticking.cursor, ...moved };
    await writeCursor(this.#coordinator.settings.store, ticking.schedule.name, cursor);
    ticking.cursor = cursor;
  }

  #arm(ticking: Ticking, ms: number): void {
    ticking.disarm();
    if (!this.#coordinator.closing) ticking.disarm = this.#coordinator.settings.clock.after(ms, () => this.#turn(ticking));
  }
}

/** Which of the fires that are due is the first to be dealt with, how many before it are left out, and why. */
function owed(
  due: readonly number[],
  { schedule, paused, missedUpTo }: Ticking,
): { readonly at: number | undefined; readonly left: number; readonly why: string } {
  if (paused) return { at: undefined, left: due.length, why: 'it is paused' };
  const missed = due.filter((at) => at < missedUpTo);
  const kept = { none: [], last: missed.slice(-1), all: missed }[schedule.catchUp];
  const wanted = [...kept, ...due.slice(missed.length)];
  // Each would cancel the one before it.
  const at = schedule.overlap === 'cancel' ? wanted.at(-1) : wanted[0];
  const left = at === undefined ? due.length : due.indexOf(at);
  return { at, left, why: left > missed.length ? 'a later one is due' : 'they were missed' };
}
