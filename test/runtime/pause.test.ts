import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { HardError, saga, sqlite, workflow } from '../../src/index.ts';
import { viewRun } from '../../src/runtime/history.ts';
import { Gate, World } from './harness.ts';

let w: World;
afterEach(async () => await w.close());

const input = z.any();
/** After a resume everything goes on within this. */
const LONGEST_MS = 60_000;
const noop = async (): Promise<void> => {};

/** A saga of one step, `a`, on a gate that the test opens. */
function calling(name: string, dependency?: string) {
  const gate = new Gate();
  const definition = saga(name, { version: 1, input }).step('a', gate.run, {
    compensate: noop,
    timeout: '7d',
    ...(dependency === undefined ? {} : { dependency }),
  });
  return { gate, definition };
}

async function paused(...sagas: ReturnType<typeof calling>[]): Promise<void> {
  w = new World();
  await w.open(sagas.map(({ definition }) => definition));
}

describe('while a dependency is paused', () => {
  it('none of its attempts begins, which spends none of them; those of others do; and starting works', async () => {
    const [airline, hotel] = [calling('trip', 'airline'), calling('stay', 'hotel')];
    await paused(airline, hotel);
    await w.engine.pause({ dependency: 'airline' }, { by: 'Ann', reason: 'it double-books' });
    const run = await w.engine.start(airline.definition, null, { id: 'r' });
    await w.engine.start(hotel.definition, null);
    await w.clock.advance(600_000);
    expect([airline.gate.calls.length, hotel.gate.calls.length]).toEqual([0, 1]);
    const { states, row, data } = await viewRun(w.store, 'r');
    expect([states, row.status]).toEqual([['running.a.backingOff'], 'sleeping']);
    expect(JSON.stringify(data.context)).toContain('attempt 1 of step a was not begun: dependency airline is paused by Ann because it double-books');
    expect(w.engine.load().runs).toBe(1);
    expect(w.engine.dependencies()).toMatchObject([
      { name: 'airline', state: 'paused', running: 0 },
      { name: 'hotel', state: 'closed', running: 1 },
    ]);
    await w.engine.resume({ dependency: 'airline' });
    await w.clock.advance(LONGEST_MS);
    expect(airline.gate.calls.map(({ attempt }) => attempt)).toEqual([1]);
    airline.gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect((await viewRun(w.store, 'r')).timeline).toMatchObject([{ attempt: 1, outcome: 'succeeded' }]);
  });

  it('what runs ends, its result is committed, and the run goes on to what is not paused', async () => {
    w = new World();
    const [first, second] = [new Gate(), new Gate()];
    const definition = saga('trip', { version: 1, input })
      .step('a', first.run, { compensate: noop, dependency: 'airline' })
      .step('b', second.run, { compensate: noop, dependency: 'hotel' });
    await w.open([definition]);
    await w.engine.start(definition, null);
    await w.clock.settle();
    await w.engine.pause({ dependency: 'airline' });
    first.last.resolve(1);
    await w.clock.settle();
    expect(second.calls).toHaveLength(1);
  });

  it('asking in vain costs ever less: an hour of it is few commits', async () => {
    const trip = calling('trip', 'airline');
    await paused(trip);
    await w.engine.pause({ dependency: 'airline' });
    await w.engine.start(trip.definition, null, { id: 'r' });
    await w.clock.advance(3_600_000);
    expect((await viewRun(w.store, 'r')).seq).toBeLessThan(250);
  });

  it.each([
    [2_000, 1_000],
    [100_000, 25_000],
    [3_600_000, 60_000],
  ])('for %i ms and resumed, its attempts begin within a quarter of that time, from a second to a minute: %i ms', async (lasted, within) => {
    const trip = calling('trip', 'airline');
    await paused(trip);
    await w.engine.pause({ dependency: 'airline' });
    for (let i = 0; i < 20; i++) await w.engine.start(trip.definition, null);
    await w.clock.advance(lasted);
    await w.engine.resume({ dependency: 'airline' });
    await w.clock.advance(within);
    expect(trip.gate.calls).toHaveLength(20);
  });

  it('an undo of it waits as well, and a cancel of a run that waits is taken', async () => {
    w = new World();
    const undo = new Gate<void>();
    const definition = saga('trip', { version: 1, input })
      .step('a', async () => 1, { compensate: undo.run, dependency: 'airline' })
      .read('b', async () => Promise.reject(new HardError('no')), { dependency: 'hotel' });
    await w.open([definition]);
    await w.engine.pause({ dependency: 'hotel' });
    const run = await w.engine.start(definition, null, { id: 'r' });
    await w.clock.settle();
    await w.engine.pause({ dependency: 'airline' });
    await run.cancel();
    await w.clock.advance(10_000);
    expect([undo.calls.length, (await viewRun(w.store, 'r')).states]).toEqual([0, ['compensating.a.backingOff']]);
    await w.engine.resume({ dependency: 'airline' });
    await w.clock.advance(LONGEST_MS);
    undo.last.resolve();
    expect(await run.outcome()).toMatchObject({ status: 'canceled' });
  });
});

describe('while a saga is paused', () => {
  it('none of its attempts begins, those of others do, and its timers go on', async () => {
    w = new World();
    const gate = new Gate();
    const sleeper = saga('sleeper', { version: 1, input }).sleep('night', '1h').step('a', gate.run, { compensate: noop });
    const other = calling('other');
    await w.open([sleeper, other.definition]);
    await w.engine.pause({ saga: 'sleeper' });
    await w.engine.start(sleeper, null, { id: 'r' });
    await w.engine.start(other.definition, null);
    await w.clock.advance(3_700_000);
    expect([gate.calls.length, other.gate.calls.length]).toEqual([0, 1]);
    expect((await viewRun(w.store, 'r')).states).toEqual(['running.a.backingOff']);
    await w.engine.resume({ saga: 'sleeper' });
    await w.clock.advance(LONGEST_MS);
    expect(gate.calls).toHaveLength(1);
  });

  it('an attempt of a workflow waits in memory, because its chart knows no such failure', async () => {
    w = new World();
    const gate = new Gate();
    const machine = setup({ actors: { work: fromPromise(async ({ signal }) => await gate.run({ attempt: 1, signal })) } }).createMachine({
      id: 'by-hand',
      initial: 'working',
      states: { working: { invoke: { src: 'work', id: 'w', onDone: 'done', onError: 'broken' } }, done: { type: 'final' }, broken: { type: 'final' } },
    });
    const definition = workflow(machine, { version: 1 });
    await w.open([definition]);
    await w.engine.pause({ saga: 'by-hand' });
    const run = await w.engine.start(definition, {}, { id: 'r' });
    await w.clock.advance(600_000);
    expect([gate.calls.length, w.engine.load().waitingAttempts]).toEqual([0, 1]);
    await w.engine.resume({ saga: 'by-hand' });
    await w.clock.advance(5_000);
    gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });
});

describe('while everything is paused', () => {
  it('nothing begins, before and after a restart, until it is resumed', async () => {
    const trip = calling('trip');
    await paused(trip);
    await w.engine.start(trip.definition, null, { id: 'before' });
    await w.engine.pause('everything', { by: 'Ann' });
    await w.engine.start(trip.definition, null, { id: 'during' });
    await w.clock.advance(5_000);
    expect(trip.gate.calls).toHaveLength(1);
    await w.close();
    await w.open([trip.definition]);
    expect(w.engine.paused()).toEqual([{ what: 'everything', at: 1_000_000, by: 'Ann', reason: null }]);
    await w.clock.advance(600_000);
    expect(trip.gate.calls).toHaveLength(1);
    await w.engine.resume('everything');
    await w.clock.advance(LONGEST_MS);
    expect(trip.gate.calls.map(({ key, attempt }) => [key.split('/')[1], attempt])).toEqual([
      ['before', 1],
      ['before', 2],
      ['during', 1],
    ]);
    expect(w.engine.paused()).toEqual([]);
  });

  it('nothing begins, however long a store takes to say so at the opening', async () => {
    const trip = calling('trip');
    await paused(trip);
    await w.engine.pause('everything');
    await w.close();
    const controls = w.store.controls.bind(w.store);
    w.store.controls = async () => {
      await w.clock.settle();
      return await controls();
    };
    await w.open([trip.definition]);
    await w.engine.start(trip.definition, null);
    await w.clock.advance(60_000);
    expect(trip.gate.calls).toHaveLength(0);
  });

  it('and it is resumed, many runs do not all begin at once', async () => {
    const trip = calling('trip');
    await paused(trip);
    await w.engine.pause('everything');
    for (let i = 0; i < 200; i++) await w.engine.start(trip.definition, null);
    await w.clock.advance(60_000);
    await w.engine.resume('everything');
    let most = 0;
    for (let ms = 0; ms < 15_000; ms += 100) {
      const before = trip.gate.calls.length;
      await w.clock.advance(100);
      most = Math.max(most, trip.gate.calls.length - before);
    }
    expect([trip.gate.calls.length, most < 20]).toEqual([200, true]);
  });
});

describe('a pause', () => {
  it('of another process is noticed when the store says that it has changed', async () => {
    w = new World();
    const trip = calling('trip', 'airline');
    await w.open([trip.definition], { pollEvery: '50ms' });
    await w.store.setControl('pause:dependency:airline', JSON.stringify({ at: w.clock.now(), by: null, reason: null }));
    await w.clock.advance(50);
    await w.engine.start(trip.definition, null);
    await w.clock.advance(1_000);
    expect([trip.gate.calls.length, w.engine.paused().length]).toEqual([0, 1]);
    await w.store.setControl('pause:dependency:airline', undefined);
    await w.clock.advance(1_000);
    expect(trip.gate.calls.length).toBe(1);
    expect(w.events.flatMap((event) => (event.type === 'dependency.changed' ? [event.state] : []))).toEqual(['paused', 'closed']);
  });

  it('in an SQLite file is noticed from a second connection', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sagachart-pause-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'runs.db');
    w = new World(() => sqlite(path));
    const trip = calling('trip', 'airline');
    await w.open([trip.definition], { pollEvery: '50ms' });
    const other = sqlite(path);
    await other.open();
    await other.setControl('pause:saga:trip', JSON.stringify({ at: w.clock.now(), by: 'Ann', reason: null }));
    await w.clock.advance(50);
    expect(w.engine.paused()).toMatchObject([{ what: { saga: 'trip' }, by: 'Ann' }]);
    await other.setControl('pause:saga:trip', undefined);
    await other.close();
    await w.clock.advance(50);
    expect(w.engine.paused()).toEqual([]);
  });

  it('is not undone by an older answer of the store that comes late', async () => {
    w = new World();
    const trip = calling('trip');
    await w.open([trip.definition], { pollEvery: '50ms' });
    const controls = w.store.controls.bind(w.store);
    const late = Promise.withResolvers<void>();
    w.store.controls = async () => {
      const answer = await controls();
      w.store.controls = controls;
      await late.promise;
      return answer;
    };
    await w.store.setControl('other', 'x');
    await w.clock.advance(50);
    const pausing = w.engine.pause('everything');
    await w.clock.settle();
    late.resolve();
    await pausing;
    await w.clock.settle();
    expect(w.engine.paused()).toHaveLength(1);
  });

  it('stays as it was when it is asked for again, and stands beside others', async () => {
    const trip = calling('trip', 'airline');
    await paused(trip);
    await w.engine.pause('everything', { by: 'Ann' });
    await w.clock.advance(1_000);
    await w.engine.pause('everything', { by: 'Bob', reason: 'again' });
    await w.engine.pause({ saga: 'trip' });
    await w.engine.resume({ dependency: 'airline' });
    expect(w.engine.paused()).toMatchObject([{ what: 'everything', at: 1_000_000, by: 'Ann', reason: null }, { what: { saga: 'trip' } }]);
    await w.engine.start(trip.definition, null);
    await w.engine.resume('everything');
    await w.clock.advance(10_000);
    expect(trip.gate.calls).toHaveLength(0);
  });

  it.each([
    [{ dependency: 'plane' }, 'SC_UNKNOWN_DEPENDENCY', 'no step depends on "plane"'],
    [{ saga: 'voyage' }, 'SC_UNKNOWN_SAGA', 'there is no saga "voyage"'],
    ['all', 'SC_OPTION', '"all" cannot be paused'],
    [{}, 'SC_OPTION', '{} cannot be paused'],
    [{ saga: '' }, 'SC_OPTION', 'cannot be paused'],
    [{ saga: 'trip', dependency: 'airline' }, 'SC_OPTION', 'cannot be paused'],
    [undefined, 'SC_OPTION', 'undefined cannot be paused'],
  ])('of %j is refused', async (what, code, message) => {
    await paused(calling('trip', 'airline'));
    await expect(w.engine.pause(what as never)).rejects.toMatchObject({ code, message: expect.stringContaining(message), next: expect.any(String) });
    if (code === 'SC_OPTION') await expect(w.engine.resume(what as never)).rejects.toMatchObject({ code });
    await expect(w.engine.pause('everything', { by: 5 as never })).rejects.toMatchObject({ code: 'SC_OPTION', message: expect.stringContaining('by is') });
    expect(await w.store.controls()).toEqual([]);
  });
});
