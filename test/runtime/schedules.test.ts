import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { Timing } from '../../src/runtime/timing.ts';
import type { Schedule } from '../../src/sagachart.ts';
import { Gate, World } from './harness.ts';

let w: World;
afterEach(async () => await w.close());

const HOUR = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const input = z.object({ at: z.string() });
const at = ({ at: time }: { readonly at: Date }) => ({ at: time.toISOString() });
const quick = saga('quick', { version: 1, input }).read('a', () => 1);
const gate = new Gate();
const held = saga('held', { version: 1, input: z.any() }).step('a', gate.run, { compensate: () => {}, timeout: '30d', grace: 0 });

/** The world begins at 00:16:40 of the first day of 1970. */
async function world(schedule: Partial<Schedule> = {}) {
  w = new World();
  gate.calls.length = 0;
  const open = async (more: Partial<Schedule> = {}) =>
    await w.open([quick, held], { schedules: [{ name: 's', saga: quick, cron: '0 * * * *', input: at, ...schedule, ...more }], queues: [{ name: 'q' }] });
  await open();
  const ids = async (): Promise<string[]> => (await w.store.list({})).map(({ id }) => id.slice(id.indexOf('T') + 1, id.indexOf('T') + 6)).reverse();
  return { open, ids, info: async () => (await w.engine.schedules.list())[0] };
}

describe('a schedule', () => {
  it('starts a run at each of its times, under an id of its own, with an input made from the time', async () => {
    const { ids, info } = await world({ queue: 'q' });
    await w.clock.advance(HOUR);
    const run = w.engine.run('s@1970-01-01T01:00:00.000Z');
    expect((await run.view()).input).toEqual({ at: '1970-01-01T01:00:00.000Z' });
    expect(await w.store.find(run.id)).toMatchObject({ status: 'completed', labels: { schedule: 's' } });
    await w.clock.advance(2 * HOUR);
    expect(await ids()).toEqual(['01:00', '02:00', '03:00']);
    expect(await info()).toEqual({
      name: 's',
      saga: 'quick',
      cron: '0 * * * *',
      timeZone: 'UTC',
      catchUp: 'last',
      overlap: 'skip',
      queue: 'q',
      next: 4 * HOUR,
      paused: null,
      last: { at: 3 * HOUR, run: 's@1970-01-01T03:00:00.000Z' },
      skipped: 0,
      lastSkipped: null,
    });
  });

  it('is armed for a time that is further off than a timer of Node can be: the clock cuts it into pieces', async () => {
    const { open } = await world({ cron: '0 0 1 3 *' });
    await w.engine.close();
    const after = w.clock.after.bind(w.clock);
    const armed: number[] = [];
    w.clock.after = (ms, fn) => {
      armed.push(ms);
      return after(ms, fn);
    };
    await open();
    await w.clock.settle();
    expect(armed).toContain(59 * 24 * HOUR - 1_000_000);
  });

  it('is refused where it makes no sense', async () => {
    await world();
    const wrong: readonly (readonly [Partial<Schedule>, string])[] = [
      [{ cron: '61 * * * *' }, 'schedule s: cron "61 * * * *" in the time zone "UTC" cannot be read'],
      [{ cron: '0 0 31 2 *' }, 'it never fires'],
      [{ cron: '2026-01-01T00:00:00' }, 'it is a date, not a cron expression'],
      [{ timeZone: 'Nowhere/Else' }, 'Nowhere/Else'],
      [{ saga: 'other' }, 'schedule s: saga is "other", but must be one of the sagas of this engine: quick'],
      [{ queue: 'mail' }, 'schedule s: queue is "mail", but must be one of the queues of this engine'],
      [{ overlap: 'buffer' as never }, 'schedule s: overlap is "buffer", but must be skip, wait, allow, cancel'],
      [{ catchUp: 3 as never }, 'schedule s: catchUp is 3, but must be none, last, all'],
      [{ name: '' }, 'schedules[0].name is "", but must be text of 1 to 100 characters'],
    ];
    for (const [schedule, message] of wrong)
      await expect(new World().open([quick], { schedules: [{ name: 's', saga: quick, cron: '* * * * *', ...schedule }] })).rejects.toMatchObject({
        code: 'SC_OPTION',
        message: expect.stringContaining(message),
      });
  });

  it('goes on after a fire whose run could not be started, and says why', async () => {
    const { ids, info } = await world({ input: ({ at: time }: { readonly at: Date }) => (time.getUTCHours() === 1 ? { at: 7 } : at({ at: time })) });
    await w.clock.advance(2 * HOUR);
    expect(await ids()).toEqual(['02:00']);
    expect(await info()).toMatchObject({
      skipped: 1,
      lastSkipped: { at: HOUR, why: expect.stringContaining('it could not be started: the input does not fit') },
    });
  });
});

describe('the clocks of a time zone', () => {
  it('spring forward: a time that is left out comes an hour later', () => {
    const timing = new Timing('30 2 * * *', 'Europe/Berlin');
    expect(timing.between(Date.parse('2026-03-28T00:00:00Z'), Date.parse('2026-03-30T12:00:00Z'), 9).map(iso)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('fall back: a time that comes twice fires once, and every hour is an hour', () => {
    const daily = new Timing('30 2 * * *', 'Europe/Berlin');
    expect(daily.between(Date.parse('2026-10-24T12:00:00Z'), Date.parse('2026-10-26T12:00:00Z'), 9).map(iso)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    const hourly = new Timing('0 * * * *', 'Europe/Berlin');
    expect(hourly.between(Date.parse('2026-10-24T23:30:00Z'), Date.parse('2026-10-25T02:30:00Z'), 9).map(iso)).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ]);
  });

  it('of very many fires only the last are looked for', () => {
    const timing = new Timing('* * * * * *', 'UTC');
    const fires = timing.between(0, 7 * 24 * HOUR, 50);
    expect([fires.length, fires[0], fires.at(-1)]).toEqual([50, 7 * 24 * HOUR - 49_000, 7 * 24 * HOUR]);
  });
});

describe('what was missed while no engine was there', () => {
  const away = async (schedule: Partial<Schedule>) => {
    const setting = await world(schedule);
    await w.clock.advance(HOUR);
    await w.engine.close();
    await w.clock.advance(3 * HOUR);
    await setting.open();
    await w.clock.settle();
    return setting;
  };

  it('is made up for once by default', async () => {
    const { ids, info } = await away({});
    expect(await ids()).toEqual(['01:00', '04:00']);
    expect(await info()).toMatchObject({ skipped: 2, lastSkipped: { at: 3 * HOUR, why: 'they were missed' } });
  });

  it('is made up for all, or not at all', async () => {
    const all = await away({ catchUp: 'all', overlap: 'wait' });
    await w.clock.advance(10);
    expect(await all.ids()).toEqual(['01:00', '02:00', '03:00', '04:00']);
    await w.close();
    const none = await away({ catchUp: 'none' });
    expect(await none.ids()).toEqual(['01:00']);
    await w.clock.advance(HOUR);
    expect(await none.ids()).toEqual(['01:00', '05:00']);
  });

  it('is nothing where the expression is another', async () => {
    const { open, ids } = await world();
    await w.clock.advance(HOUR);
    await w.engine.close();
    await w.clock.advance(3 * HOUR);
    await open({ cron: '30 * * * *' });
    await w.clock.advance(HOUR);
    expect(await ids()).toEqual(['01:00', '04:30']);
  });

  it('counts what a process that was frozen comes too late for', async () => {
    const { ids } = await world({ catchUp: 'last', overlap: 'allow' });
    const now = w.clock.now.bind(w.clock);
    let frozen = 0;
    w.clock.now = () => now() + frozen;
    frozen = 5 * HOUR;
    await w.clock.advance(HOUR);
    expect(await ids()).toEqual(['05:00', '06:00']);
  });
});

describe('a fire while the last run goes on', () => {
  it('is left out by default', async () => {
    const { info } = await world({ saga: held });
    await w.clock.advance(3 * HOUR);
    expect(gate.calls.length).toBe(1);
    expect(await info()).toMatchObject({ skipped: 2, lastSkipped: { at: 3 * HOUR, why: 'the run s@1970-01-01T01:00:00.000Z has not ended' } });
    gate.last.resolve(1);
    await w.clock.advance(HOUR);
    expect(gate.calls.length).toBe(2);
    gate.last.resolve(1);
    await w.clock.settle();
  });

  it('waits for its end, and all that wait come in order', async () => {
    const { ids } = await world({ saga: held, overlap: 'wait' });
    await w.clock.advance(3 * HOUR);
    expect(await ids()).toEqual(['01:00']);
    for (const seen of [
      ['01:00', '02:00'],
      ['01:00', '02:00', '03:00'],
    ]) {
      gate.last.resolve(1);
      await w.clock.settle();
      expect(await ids()).toEqual(seen);
    }
    gate.last.resolve(1);
    await w.clock.settle();
  });

  it('starts beside it', async () => {
    const { ids } = await world({ saga: held, overlap: 'allow' });
    await w.clock.advance(2 * HOUR);
    expect(await ids()).toEqual(['01:00', '02:00']);
    for (const call of gate.calls) call.resolve(1);
    await w.clock.settle();
  });

  it('cancels it, and starts once it is undone', async () => {
    const { ids, info } = await world({ saga: held, overlap: 'cancel' });
    await w.clock.advance(2 * HOUR + 5_000);
    expect(await ids()).toEqual(['01:00', '02:00']);
    expect(await w.engine.run('s@1970-01-01T01:00:00.000Z').outcome()).toMatchObject({
      status: 'canceled',
      by: 'schedule s',
      reason: 'the next one is due',
    });
    expect(await info()).toMatchObject({ skipped: 0 });
    gate.last.resolve(1);
    await w.clock.settle();
  });
});

describe('a person', () => {
  it('pauses a schedule and resumes it: what was due in between is left out, over a restart too', async () => {
    const { open, ids, info } = await world({ catchUp: 'all' });
    await w.engine.schedules.pause('s', { by: 'Ann', reason: 'holiday' });
    await w.clock.advance(2 * HOUR);
    expect(await ids()).toEqual([]);
    expect(await info()).toMatchObject({ next: null, paused: { at: 1_000_000, by: 'Ann', reason: 'holiday' }, skipped: 2 });
    await w.engine.close();
    await w.clock.advance(2 * HOUR);
    await open();
    await w.clock.settle();
    expect(await ids()).toEqual([]);
    await w.engine.schedules.resume('s');
    await w.clock.advance(HOUR);
    expect(await ids()).toEqual(['05:00']);
    await expect(w.engine.schedules.pause('t')).rejects.toMatchObject({ code: 'SC_UNKNOWN_SCHEDULE' });
  });

  it('triggers a run now, also of a schedule that is paused', async () => {
    await world();
    await w.engine.schedules.pause('s');
    expect(await w.engine.schedules.trigger('s')).toBe('s@1970-01-01T00:16:40.000Z');
    await w.clock.settle();
    expect((await w.engine.run('s@1970-01-01T00:16:40.000Z').view()).input).toEqual({ at: '1970-01-01T00:16:40.000Z' });
  });
});
