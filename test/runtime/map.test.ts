import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusyError, HardError, saga } from '../../src/index.ts';
import { viewRun } from '../../src/runtime/history.ts';
import { setting } from '../promises/setting.ts';
import { Gate } from './harness.ts';

const worlds = setting();

const input = z.object({ bags: z.array(z.string()) });
const begin = saga('check-in', { version: 1, input });
const bags = (count: number): { bags: string[] } => ({ bags: Array.from({ length: count }, (_, i) => `bag ${i}`) });
const quick = { retry: { attempts: 3, from: '1s', to: '1s', jitter: 'none' } } as const;

describe('a map', () => {
  it('does its step for each item, so many at a time, and has their results in order', async () => {
    const world = worlds.memory();
    const gate = new Gate<string>();
    const indexes: [number, string][] = [];
    const checkIn = begin
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        (context) => {
          indexes.push([context.index, context.item]);
          return gate.run(context);
        },
        { compensate: () => {}, concurrency: 2 },
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(3), { id: 'r' });
    await world.clock.settle();
    expect(indexes).toEqual([
      [0, 'bag 0'],
      [1, 'bag 1'],
    ]);
    gate.calls[1]?.resolve('tag 1');
    await world.clock.settle();
    expect(gate.calls.map(({ key }) => key)).toEqual(['sc1:ns/r/1/bags/1/1/run', 'sc1:ns/r/1/bags/2/1/run', 'sc1:ns/r/1/bags/3/1/run']);
    gate.calls[2]?.resolve('tag 2');
    gate.calls[0]?.resolve('tag 0');
    await expect(run.outcome()).resolves.toEqual({ status: 'completed', output: ['tag 0', 'tag 1', 'tag 2'], left: [] });
  });

  it('undoes what happened when an item fails for good, the last one first, each with its outcome', async () => {
    const world = worlds.memory();
    const undone: unknown[] = [];
    const checkIn = begin.map(
      'bags',
      ({ input: { bags: list } }) => list,
      ({ index }) => {
        if (index === 2) throw new HardError('too heavy');
        if (index === 1) throw new Error('reset');
        return { tag: index };
      },
      {
        compensate: ({ item, index, outcome, runKey, undoKey }) =>
          undone.push({ item, index, status: outcome.status, result: outcome.result, runKey, undoKey }),
        concurrency: 1,
        retry: 1,
      },
    );
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(5), { id: 'r' });
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', step: 'bags', failure: { message: 'bags[1]: reset' }, left: [] });
    expect(undone).toEqual([
      { item: 'bag 1', index: 1, status: 'unknown', result: undefined, runKey: 'sc1:ns/r/1/bags/2/1/run', undoKey: 'sc1:ns/r/1/bags/2/1/undo' },
      { item: 'bag 0', index: 0, status: 'succeeded', result: { tag: 0 }, runKey: 'sc1:ns/r/1/bags/1/1/run', undoKey: 'sc1:ns/r/1/bags/1/1/undo' },
    ]);
  });

  it('tries each item again by its own policy', async () => {
    const world = worlds.memory();
    const attempts: string[] = [];
    const checkIn = begin
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        ({ index, attempt }) => {
          attempts.push(`${index}/${attempt}`);
          if (index === 1 && attempt < 3) throw new BusyError('later');
          return index;
        },
        { ...quick, compensate: () => {} },
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(3), { id: 'r' });
    await world.clock.advance(5_000);
    await expect(run.outcome()).resolves.toMatchObject({ output: [0, 1, 2] });
    expect(attempts).toEqual(['0/1', '1/1', '2/1', '1/2', '1/3']);
  });

  it('asks the dependency about an item whose outcome is unknown, with the key of that item', async () => {
    const world = worlds.memory();
    const asked: string[] = [];
    const checkIn = begin
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        ({ index }): string => {
          if (index === 1) throw new Error('reset');
          return `tag ${index}`;
        },
        {
          compensate: () => {},
          check: ({ index, runKey }) => {
            asked.push(runKey);
            return `found ${index}`;
          },
        },
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(2), { id: 'r' });
    await expect(run.outcome()).resolves.toMatchObject({ output: ['tag 0', 'found 1'] });
    expect(asked).toEqual(['sc1:ns/r/1/bags/2/1/run']);
  });

  it('of nothing is done at once', async () => {
    const world = worlds.memory();
    const checkIn = begin
      .mapRead(
        'bags',
        ({ input: { bags: list } }) => list,
        () => 1,
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn]);
    await expect((await engine.start(checkIn, bags(0))).outcome()).resolves.toMatchObject({ output: [] });
  });

  it('has the number of its items for its result where that is enough', async () => {
    const world = worlds.memory();
    const checkIn = begin
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        () => 'x'.repeat(1_000),
        { compensate: () => {}, collect: false },
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn], { limits: { payloadBytes: 2_000 } });
    await expect((await engine.start(checkIn, bags(10))).outcome()).resolves.toMatchObject({ output: { total: 10 } });
  });

  it('fails as soon as its results together are too large, and undoes what it did', async () => {
    const world = worlds.memory();
    const done: number[] = [];
    const undone: number[] = [];
    const checkIn = begin.map(
      'bags',
      ({ input: { bags: list } }) => list,
      ({ index }) => {
        done.push(index);
        return 'x'.repeat(1_000);
      },
      { compensate: ({ index, outcome }) => undone.push(outcome.status === 'succeeded' ? index : -1), concurrency: 1 },
    );
    const engine = await world.open([checkIn], { limits: { payloadBytes: 3_500 } });
    const run = await engine.start(checkIn, bags(100));
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', failure: { code: 'SC_PAYLOAD_TOO_LARGE' } });
    expect(done).toEqual([0, 1, 2, 3]);
    expect(undone).toEqual([3, 2, 1, 0]);
  });

  it('fails without an effect where its items cannot be listed', async () => {
    const world = worlds.memory();
    const checkIn = begin.map(
      'bags',
      (): string[] => {
        throw new Error('no list');
      },
      () => 1,
      { compensate: () => {} },
    );
    const engine = await world.open([checkIn]);
    await expect((await engine.start(checkIn, bags(1))).outcome()).resolves.toMatchObject({
      status: 'failed',
      failure: { code: 'SC_MAP_ITEMS', effect: 'none' },
    });
  });
});

describe('a map that is not wanted any more', () => {
  const running = async (concurrency: number, count: number) => {
    const world = worlds.memory();
    const gate = new Gate<string>();
    const undone: string[] = [];
    const checkIn = begin.map('bags', ({ input: { bags: list } }) => list, gate.run, {
      compensate: ({ index, outcome }) => undone.push(`${index} ${outcome.status}`),
      concurrency,
      ...quick,
    });
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(count), { id: 'r' });
    await world.clock.settle();
    return { world, gate, undone, run };
  };

  it('begins no more, waits for what is under way, and undoes what happened or may have', async () => {
    const { world, gate, undone, run } = await running(3, 10);
    gate.calls[0]?.resolve('a');
    await world.clock.settle();
    expect(gate.calls.length).toBe(4);
    await run.cancel({ by: 'me' });
    await world.clock.settle();
    expect(gate.calls.map(({ signal }) => signal.aborted)).toEqual([false, true, true, true]);
    expect(undone).toEqual([]);
    gate.calls[1]?.resolve('b');
    gate.calls[2]?.reject(new HardError('no'));
    gate.calls[3]?.reject(new Error('aborted'));
    await expect(run.outcome()).resolves.toEqual({ status: 'canceled', by: 'me', reason: null, left: [] });
    expect(gate.calls.length).toBe(4);
    expect(undone.sort()).toEqual(['0 succeeded', '1 succeeded', '3 unknown']);
  });

  it('gives up items that wait for their next attempt', async () => {
    const { world, gate, undone, run } = await running(2, 2);
    gate.calls[0]?.reject(new BusyError('later'));
    gate.calls[1]?.reject(new Error('reset'));
    await world.clock.settle();
    await run.cancel();
    await expect(run.outcome()).resolves.toMatchObject({ status: 'canceled' });
    expect(undone).toEqual(['1 unknown']);
  });

  it('is ended at once by terminate, and listed as left', async () => {
    const { gate, undone, run } = await running(2, 4);
    await run.terminate();
    await expect(run.outcome()).resolves.toEqual({ status: 'terminated', left: [{ step: 'bags', what: 'may have happened' }] });
    expect(gate.calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(undone).toEqual([]);
  });

  it('begins no item while the run is paused, and goes on when it is resumed', async () => {
    const { world, gate, run } = await running(1, 3);
    await run.pause();
    gate.calls[0]?.resolve('a');
    await world.clock.advance(10_000);
    expect(gate.calls.length).toBe(1);
    await run.resume();
    await world.clock.settle();
    expect(gate.calls.length).toBe(2);
    gate.calls[1]?.resolve('b');
    await world.clock.settle();
    gate.calls[2]?.resolve('c');
    await expect(run.outcome()).resolves.toMatchObject({ status: 'completed' });
  });
});

describe('items that need a person', () => {
  const stuckUndo = async () => {
    const world = worlds.memory();
    const calls: string[] = [];
    let broken = true;
    const checkIn = begin
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        ({ index }) => index,
        {
          compensate: ({ index, attempt }) => {
            calls.push(`${index}/${attempt}`);
            if (broken && index % 2 === 1) throw new HardError(`belt ${index}`);
          },
          concurrency: 1,
        },
      )
      .step(
        'board',
        () => {
          throw new HardError('gate closed');
        },
        { compensate: () => {} },
      );
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(4), { id: 'r' });
    const needs = await run.until('attention');
    await world.clock.settle();
    return { world, run, needs, calls, mend: () => (broken = false) };
  };

  it('of an undo do not keep the others from being undone, and are named in the alert', async () => {
    const { world, run, needs, calls, mend } = await stuckUndo();
    expect(needs).toEqual(['bags']);
    expect(calls).toEqual(['3/1', '2/1', '1/1', '0/1']);
    expect((await run.status()).attention).toBe(true);
    expect(world.alerts.map(({ kind, step, items }) => ({ kind, step, items }))).toEqual([{ kind: 'attention', step: 'bags', items: [3] }]);
    mend();
    await run.retry('bags');
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', left: [] });
    expect(calls.slice(4)).toEqual(['3/2', '1/2']);
  });

  it('of an undo are listed as left where a person skips or resolves them', async () => {
    const { run } = await stuckUndo();
    await run.skip('bags', { reason: 'lost anyway' });
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', left: [{ step: 'bags', what: 'undo skipped', items: [3, 1] }] });
    const other = await stuckUndo();
    await other.run.resolve('bags');
    await expect(other.run.outcome()).resolves.toMatchObject({ left: [{ step: 'bags', what: 'undo resolved by hand', items: [3, 1] }] });
  });

  it('past the pivot wait for one, while the others go on', async () => {
    const world = worlds.memory();
    let broken = true;
    const checkIn = begin
      .pivot('pay', () => 1)
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        ({ index }) => {
          if (broken && index === 0) throw new HardError('no');
          return `tag ${index}`;
        },
        { concurrency: 1, result: z.string() },
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(3), { id: 'r' });
    expect(await run.until('attention')).toEqual(['bags']);
    await world.clock.settle();
    await expect(run.cancel()).rejects.toMatchObject({ code: 'SC_CANCEL_PAST_PIVOT' });
    expect((await world.store.items(1, { step: 1, round: 1, from: 0, limit: 10 })).map(({ index, state }) => [index, state])).toEqual([
      [0, 'stuck'],
      [1, 'succeeded'],
      [2, 'succeeded'],
    ]);
    await expect(run.resolve('bags', 7)).rejects.toMatchObject({ code: 'SC_RESULT_INVALID' });
    const other = await engine.start(checkIn, bags(1), { id: 'other' });
    await other.until('attention');
    await other.skip('bags', { reason: 'no bag' });
    await expect(other.outcome()).resolves.toMatchObject({
      status: 'completed',
      output: [undefined],
      left: [{ step: 'bags', what: 'run skipped', items: [0] }],
    });
    broken = false;
    await run.resolve('bags', 'by hand');
    await expect(run.outcome()).resolves.toMatchObject({
      output: ['by hand', 'tag 1', 'tag 2'],
      left: [{ step: 'bags', what: 'run resolved by hand', items: [0] }],
    });
  });
});

describe('the retries of items', () => {
  it('are retries of the run, where there is a budget for them', async () => {
    const world = worlds.memory();
    const attempts: string[] = [];
    const saving = saga('saving', { version: 1, input, retryBudget: 3 })
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        ({ index, attempt }) => {
          attempts.push(`${index}/${attempt}`);
          if (attempt === 1) throw new BusyError('later');
          return index;
        },
        { ...quick, compensate: () => {} },
      )
      .read(
        'board',
        ({ attempt }) => {
          attempts.push(`board/${attempt}`);
          throw new BusyError('later');
        },
        quick,
      );
    const engine = await world.open([saving]);
    const run = await engine.start(saving, bags(2), { id: 'r' });
    await world.clock.advance(10_000);
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', step: 'board' });
    expect(attempts).toEqual(['0/1', '1/1', '0/2', '1/2', 'board/1', 'board/2']);
  });
});

describe('a map in a loop', () => {
  it('is undone round by round, each item with the result and the keys of its round', async () => {
    const world = worlds.memory();
    const undone: unknown[] = [];
    const checkIn = begin
      .loop(
        (b) =>
          b.map(
            'bags',
            ({ input: { bags: list } }) => list,
            ({ index, round }) => `${round}/${index}`,
            { compensate: ({ outcome, runKey }) => undone.push([outcome.result, runKey]), concurrency: 1 },
          ),
        { until: ({ round }) => round === 2, most: 3 },
      )
      .read('board', () => {
        throw new HardError('gate closed');
      });
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(2), { id: 'r' });
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', left: [] });
    expect(undone).toEqual([
      ['2/1', 'sc1:ns/r/1/bags/2/2/run'],
      ['2/0', 'sc1:ns/r/1/bags/1/2/run'],
      ['1/1', 'sc1:ns/r/1/bags/2/1/run'],
      ['1/0', 'sc1:ns/r/1/bags/1/1/run'],
    ]);
  });
});

describe('a map whose items all wait', () => {
  it('leaves memory, and goes on when the first one is due', async () => {
    const world = worlds.memory();
    const attempts: string[] = [];
    const checkIn = begin
      .map(
        'bags',
        ({ input: { bags: list } }) => list,
        ({ index, attempt, progress, heartbeat }) => {
          attempts.push(`${index}/${attempt} ${progress}`);
          heartbeat(`${index} was here`);
          if (attempt === 1) throw new BusyError('later');
          return index;
        },
        { compensate: () => {}, retry: { attempts: 3, from: '1h', to: '1h', jitter: 'none' } },
      )
      .output(({ results }) => results.bags);
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(2), { id: 'r' });
    await world.clock.settle();
    expect(engine.load().runs).toBe(0);
    expect((await run.status()).status).toBe('sleeping');
    await world.clock.advance(3_599_000);
    expect(attempts.length).toBe(2);
    await world.clock.advance(2_000);
    await expect(run.outcome()).resolves.toMatchObject({ output: [0, 1] });
    expect(attempts).toEqual(['0/1 undefined', '1/1 undefined', '0/2 0 was here', '1/2 1 was here']);
    expect(world.events.filter(({ type }) => type === 'retry.scheduled')).toMatchObject([
      { step: 'bags', item: 0, attempt: 2, delayMs: 3_600_000 },
      { step: 'bags', item: 1, attempt: 2, delayMs: 3_600_000 },
    ]);
  });
});

describe('what is seen of a map', () => {
  it('is one line of the timeline, with how far it has come', async () => {
    const world = worlds.memory();
    const gate = new Gate<string>();
    const checkIn = begin.map('bags', ({ input: { bags: list } }) => list, gate.run, { compensate: () => {}, concurrency: 2 });
    const engine = await world.open([checkIn]);
    const run = await engine.start(checkIn, bags(3), { id: 'r' });
    await world.clock.settle();
    gate.calls[0]?.resolve('a');
    await world.clock.settle();
    expect((await viewRun(world.store, 'r')).timeline).toMatchObject([
      { step: 'bags', kind: 'run', attempt: 1, outcome: 'running', items: { total: 3, done: 1, stuck: 0 } },
    ]);
    gate.calls[1]?.resolve('b');
    gate.calls[2]?.reject(new HardError('no'));
    await run.outcome();
    expect((await viewRun(world.store, 'r')).timeline).toMatchObject([
      { step: 'bags', kind: 'run', outcome: 'failed', items: { total: 3, done: 2 }, failure: { message: 'no' } },
      // The item that did not happen is passed over.
      { step: 'bags', kind: 'undo', outcome: 'succeeded', items: { total: 3, done: 3 } },
    ]);
  });

  it('is each attempt of an item, for observers', async () => {
    const world = worlds.memory();
    const checkIn = begin.map(
      'bags',
      ({ input: { bags: list } }) => list,
      () => 1,
      { compensate: () => {}, concurrency: 1 },
    );
    const engine = await world.open([checkIn]);
    await (await engine.start(checkIn, bags(2), { id: 'r' })).outcome();
    expect(
      world.events.flatMap((event) => (event.type.startsWith('attempt.') && 'item' in event ? [`${event.type} ${event.step}[${event.item}]`] : [])),
    ).toEqual(['attempt.started bags[0]', 'attempt.succeeded bags[0]', 'attempt.started bags[1]', 'attempt.succeeded bags[1]']);
  });
});
