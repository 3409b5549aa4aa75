import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dependency, didNotHappen, HardError, saga } from '../../src/index.ts';
import type { SagachartOptions } from '../../src/sagachart.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from '../runtime/harness.ts';
import { Lines } from './lines.ts';

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
const noop = async () => 1;
let w: World;
afterEach(async () => await w.close());

/** Runs a saga to its end, time and all, and gives what was logged. */
async function logged(definition: Parameters<World['open']>[0][number], log: (to: Lines) => SagachartOptions['log']): Promise<Lines> {
  w = new World();
  const lines = new Lines();
  const engine = await w.open([definition], { log: log(lines) as NonNullable<SagachartOptions['log']> });
  const run = await engine.start(definition.name, {}, { id: 'r' });
  await w.clock.advance(60_000);
  expect(await run.status()).toMatchObject({ endedAt: expect.any(Number) });
  return lines;
}

/** Fails twice, succeeds, and is undone because the next step is refused. */
const eventful = saga('eventful', { version: 2, input: z.object({}) })
  .step(
    'book',
    async ({ attempt, log }) => {
      log.info('asking', { seats: 2 });
      if (attempt < 3) throw new Error(`reset ${attempt}`);
      return { ok: true };
    },
    { compensate: ({ log }) => log.warn('giving back'), retry: { from: '1s', factor: 2, jitter: 'none' }, dependency: 'airline' },
  )
  .read('refuse', async () => {
    throw new HardError('sold out');
  });

describe('every line about an attempt', () => {
  it('has run, saga, version, step, kind, attempt, dependency and correlation', async () => {
    const lines = await logged(eventful, (to) => ({ level: 'debug', to }));
    const on = { run: 'r', saga: 'eventful', version: 2 };
    const book = (kind: string, attempt: number) => ({ ...on, step: 'book', kind, attempt, dependency: 'airline', correlation: `r/book/${attempt}` });
    const refuse = { ...on, step: 'refuse', kind: 'run', attempt: 1, correlation: 'r/refuse/1' };
    expect(lines.of('attempt started')).toMatchObject([book('run', 1), book('run', 2), book('run', 3), refuse, book('undo', 1)]);
    expect(lines.of('attempt failed')).toMatchObject([
      { ...book('run', 1), error: 'reset 1', code: 'Error', class: 'transient', effect: 'maybe', ms: 0 },
      { ...book('run', 2), error: 'reset 2' },
      { ...refuse, error: 'sold out', code: 'HardError', class: 'hard', effect: 'none' },
    ]);
    expect(lines.of('attempt succeeded')).toMatchObject([{ ...book('run', 3), ms: 0 }, book('undo', 1)]);
    expect(lines.of('run ended')).toMatchObject([{ ...on, status: 'compensated', correlation: 'r' }]);
  });

  it('is also there for one that was lost', async () => {
    w = new World();
    const gate = new Gate();
    const s = saga('lossy', { version: 1, input: z.any() }).step('a', gate.run, { compensate: noop });
    await (await w.open([s], { clock: new ManualClock() })).start(s, null, { id: 'r' });
    await w.clock.advance(31_000);
    const lines = new Lines();
    await w.open([s], { log: { level: 'info', to: lines } });
    await w.clock.settle();
    expect(lines.of('attempt lost with its process')).toMatchObject([
      { run: 'r', step: 'a', kind: 'run', attempt: 1, correlation: 'r/a/1', level: LEVELS.warn },
    ]);
    expect(lines.of('run.recovered')).toMatchObject([{ run: 'r', correlation: 'r' }]);
    gate.last.resolve(1);
    await w.clock.settle();
  });

  it('written by the step itself has the same bindings', async () => {
    const lines = await logged(eventful, (to) => ({ level: 'info', to }));
    const bindings = { run: 'r', saga: 'eventful', step: 'book' };
    expect(lines.of('asking')).toMatchObject([1, 2, 3].map((attempt) => ({ ...bindings, kind: 'run', attempt, correlation: `r/book/${attempt}`, seats: 2 })));
    expect(lines.of('giving back')).toMatchObject([{ ...bindings, kind: 'undo', attempt: 1, correlation: 'r/book/1', level: LEVELS.warn }]);
  });
});

describe('a dependency that fails', () => {
  it('is warned of when its breaker opens, tries and closes; what is put off is told only to who asks for more', async () => {
    const airline = dependency('airline', { breaker: { failures: 1, openFor: '10s' } });
    const s = saga('trip', { version: 1, input: z.any() }).step(
      'a',
      ({ attempt }) => {
        if (attempt === 1) throw new Error('down');
      },
      { compensate: noop, dependency: airline, retry: { from: '1ms', jitter: 'none' } },
    );
    const lines = await logged(s, (to) => ({ level: 'info', to }));
    const level = LEVELS.warn;
    expect(lines.of('dependency is left alone: it keeps failing')).toMatchObject([{ dependency: 'airline', before: 'closed', state: 'open', level }]);
    expect(lines.of('dependency is tried with one attempt')).toMatchObject([{ dependency: 'airline', state: 'halfOpen', level }]);
    expect(lines.of('dependency is used again')).toMatchObject([{ dependency: 'airline', before: 'halfOpen', state: 'closed', level }]);
    const putOff = { run: 'r', step: 'a', attempt: 2, dependency: 'airline', code: 'SC_ATTEMPT_BREAKER_OPEN', level: LEVELS.info };
    expect(lines.of('attempt not begun')).toMatchObject([putOff]);
    expect(lines.of('attempt failed')).toHaveLength(1);
    expect(lines.of('retry scheduled').map((line) => line.level)).toEqual([LEVELS.warn, LEVELS.info]);
  });
});

describe('every retry', () => {
  it('is logged with its reason and its delay', async () => {
    const lines = await logged(eventful, (to) => ({ level: 'warn', to }));
    expect(lines.of('retry scheduled')).toMatchObject([
      { run: 'r', step: 'book', kind: 'run', delayMs: 1_000, reason: 'reset 1', level: LEVELS.warn },
      { run: 'r', step: 'book', kind: 'run', delayMs: 2_000, reason: 'reset 2' },
    ]);
  });

  it('names the attempt to come', async () => {
    const lines = await logged(eventful, (to) => ({ level: 'warn', to }));
    expect(lines.of('retry scheduled')).toMatchObject([2, 3].map((attempt) => ({ attempt, dependency: 'airline', correlation: `r/book/${attempt}` })));
  });

  it('of a compensation, too', async () => {
    const s = saga('undo', { version: 1, input: z.any() })
      .step('a', noop, {
        compensate: ({ attempt }) => {
          if (attempt === 1) throw new Error('line is dead');
        },
        undo: { retry: { from: '3s', jitter: 'none' } },
      })
      .read('b', async () => {
        throw new HardError('no');
      });
    const lines = await logged(s, (to) => ({ level: 'warn', to }));
    expect(lines.of('retry scheduled')).toMatchObject([{ step: 'a', kind: 'undo', delayMs: 3_000, reason: 'line is dead' }]);
  });

  it('has a reason also where a check has said that nothing happened', async () => {
    const s = saga('checked', { version: 1, input: z.any() }).step(
      'a',
      async ({ attempt }) => {
        if (attempt === 1) throw new Error('answer lost');
        return 1;
      },
      { compensate: noop, check: () => didNotHappen, retry: { from: '1s', jitter: 'none' } },
    );
    const lines = await logged(s, (to) => ({ level: 'warn', to }));
    expect(lines.of('retry scheduled')).toMatchObject([{ step: 'a', delayMs: 1_000, reason: 'answer lost' }]);
  });
});

describe('levels', () => {
  const messages = async (level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): Promise<ReadonlySet<unknown>> =>
    new Set((await logged(eventful, (to) => ({ level, to }))).all.map(({ msg }) => msg));

  it('hold what matters at each, and the less the higher', async () => {
    const warn = ['attempt failed', 'retry scheduled', 'giving back'];
    const info = [...warn, 'attempt succeeded', 'run ended', 'run.started', 'asking'];
    expect(await messages('debug')).toEqual(new Set([...info, 'attempt started', 'state']));
    await w.close();
    expect(await messages('info')).toEqual(new Set(info));
    await w.close();
    expect(await messages('warn')).toEqual(new Set(warn));
    await w.close();
    expect(await messages('error')).toEqual(new Set());
    await w.close();
    expect(await messages('silent')).toEqual(new Set());
  });

  it('say that a person is needed, and that a run is blocked, as errors', async () => {
    w = new World();
    const lines = new Lines();
    const stuck = saga('stuck', { version: 1, input: z.any() })
      .pivot('p', async () => 1)
      .step('a', async () => {
        throw new HardError('gone');
      });
    const engine = await w.open([stuck], { log: { level: 'error', to: lines } });
    await (await engine.start(stuck, null, { id: 'r' })).until('attention');
    expect(lines.of('run needs a person')).toMatchObject([{ run: 'r', correlation: 'r', level: LEVELS.error }]);
    await w.close();
    await w.open([saga('other', { version: 1, input: z.any() }).read('a', noop)], { log: { level: 'error', to: lines } });
    await expect(w.engine.run('r').retry()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
    expect(lines.of('run is blocked')).toMatchObject([{ run: 'r', code: 'SC_RUN_BLOCKED', correlation: 'r', level: LEVELS.error }]);
  });

  it('are those of a pino logger of one’s own, with its bindings', async () => {
    const lines = await logged(eventful, (to) => pino({ level: 'warn', base: { service: 'shop' } }, to));
    expect(lines.all.length).toBeGreaterThan(0);
    expect(lines.all.every((line) => line.service === 'shop' && Number(line.level) >= LEVELS.warn)).toBe(true);
    expect(lines.of('giving back')).toMatchObject([{ run: 'r', step: 'book', correlation: 'r/book/1' }]);
  });
});
