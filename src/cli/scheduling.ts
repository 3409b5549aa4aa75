import { systemClock } from '../base/clock.ts';
import { queueSettings } from '../runtime/queue.ts';
import { type ScheduleSettings, scheduleSettings } from '../runtime/schedule.ts';
import { listSchedules, pauseSchedule, type ScheduleInfo, triggeredStart } from '../runtime/schedule-state.ts';
import { schedulesByName } from '../sagachart.ts';
import { answerOf, type CommonOptions, type Opened, withStore } from './actions.ts';
import { loadConfig } from './config.ts';
import { type Output, paint, print, table } from './output.ts';

/** The queues of the config, and those that runs stand in. */
export async function queues(output: Output, options: CommonOptions): Promise<void> {
  const known = queueSettings((await loadConfig(options.config)).queues ?? []);
  await withStore(options, async ({ store }) => {
    const counts = await store.queues();
    const names = [...new Set([...known.map(({ name }) => name), ...counts.map(({ queue }) => queue)])];
    const shown = names.map((name) => {
      const { waiting = 0, begun = 0 } = counts.find(({ queue }) => queue === name) ?? {};
      return { name, known: known.some((one) => one.name === name), waiting, begun };
    });
    print(output, { queues: shown }, () =>
      shown.length === 0
        ? ['no queues']
        : table(
            ['QUEUE', 'WAITING', 'BEGUN', 'FLAGS'],
            shown.map((one) => [one.name, String(one.waiting), String(one.begun), one.known ? '' : paint('red', 'not in the config')]),
          ),
    );
  });
}

export async function schedules(output: Output, options: CommonOptions): Promise<void> {
  await withSchedules(options, async (opened, all) => await printSchedules(output, opened, all));
}

/** What became of a command; `run` is the one that a trigger has started. */
interface Handled {
  readonly run: string | null;
  readonly seq: number | null;
  readonly executor: boolean;
}

interface ScheduleOptions extends CommonOptions {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly timeout: number;
}

export async function schedule(output: Output, action: 'pause' | 'resume' | 'trigger', name: string, options: ScheduleOptions): Promise<void> {
  const { by, reason } = options;
  const operator = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
  await withSchedules(options, async (opened, all) => {
    const at = systemClock.now();
    if (action !== 'trigger') {
      await pauseSchedule(opened.store, all, { name, paused: action === 'pause', operator, at });
      return await printSchedules(output, opened, all, { run: null, seq: null, executor: (await opened.store.owner()) !== undefined });
    }
    const sent = await opened.remote.start(triggeredStart(all, name, at));
    const { run: _, ...handled } = await answerOf(opened, sent, options.timeout);
    await printSchedules(output, opened, all, { run: sent.run, ...handled });
  });
}

async function withSchedules(options: CommonOptions, work: (opened: Opened, all: readonly ScheduleSettings[]) => Promise<void>): Promise<void> {
  const config = await loadConfig(options.config);
  await withStore(options, async (opened) => {
    const all = scheduleSettings(schedulesByName(config.schedules ?? []), { programs: opened.programs.all(), queues: queueSettings(config.queues ?? []) });
    await work(opened, all);
  });
}

async function printSchedules(output: Output, { store }: Opened, all: readonly ScheduleSettings[], more: Partial<Handled> = {}): Promise<void> {
  const shown = (await listSchedules(store, all, systemClock.now())).map(scheduleObject);
  print(output, { ...more, schedules: shown }, () => [
    ...(more.run ? [more.run] : []),
    ...(shown.length === 0
      ? ['no schedules']
      : table(
          ['SCHEDULE', 'SAGA', 'CRON', 'NEXT', 'LAST', 'LEFT OUT'],
          shown.map((one) => [one.name, one.saga, `${one.cron} ${one.timeZone}`, one.next ?? pausedText(one), one.last?.at ?? '', String(one.skipped)]),
        )),
  ]);
}

function scheduleObject({ next, paused, last, lastSkipped, ...schedule }: ScheduleInfo) {
  return {
    ...schedule,
    next: next === null ? null : time(next),
    paused: paused && { ...paused, at: time(paused.at) },
    last: last && { ...last, at: time(last.at) },
    lastSkipped: lastSkipped && { ...lastSkipped, at: time(lastSkipped.at) },
  };
}

function pausedText({ paused }: ReturnType<typeof scheduleObject>): string {
  if (!paused) return 'never';
  return ['paused', ...(paused.by === null ? [] : [`by ${paused.by}`]), ...(paused.reason === null ? [] : [`(${paused.reason})`])].join(' ');
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
