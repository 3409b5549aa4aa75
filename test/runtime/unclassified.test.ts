import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusyError, HardError, memory, saga, sagachartClient } from '../../src/index.ts';
import { World } from './harness.ts';

const ONCE = { retry: { attempts: 3, from: 0, to: 0 } } as const;

const order = saga('order', { version: 1, input: z.object({ n: z.number(), card: z.string().meta({ sensitive: true }) }) })
  .step(
    'ship',
    ({ input, attempt }) => {
      if (attempt < 3)
        throw Object.assign(new Error(`parcel ${input.n} of card ${input.card} hit 550e8400-e29b-41d4-a716-44665544000${attempt}`), { code: 'E_SHIP' });
      return input.n;
    },
    { compensate: () => {}, ...ONCE },
  )
  .step('bill', ({ input }) => (input.n % 2 === 0 ? 1 : Promise.reject(new HardError('known'))), { compensate: () => {}, ...ONCE })
  .read(
    'greet',
    ({ attempt }) => {
      if (attempt === 1) throw new BusyError('known');
      if (attempt === 2) throw new TypeError('odd');
      return 1;
    },
    ONCE,
  );

describe('errors nobody has classified', () => {
  const world = new World();
  afterEach(async () => await world.close());

  it('are grouped by saga, step and what is the same in their messages, without what is sensitive', async () => {
    const engine = await world.open([order]);
    for (let n = 1; n <= 3; n++) {
      const run = await engine.start(order, { n, card: `4111-${n}-secret` }, { id: `o${n}` });
      await world.clock.advance(1_000);
      await run.outcome();
    }
    const report = await engine.unclassified();
    expect(report).toMatchObject({ runs: 3, attempts: 7, others: 0 });
    expect(report.groups).toEqual([
      {
        saga: 'order',
        step: 'ship',
        kind: 'run',
        code: 'E_SHIP',
        message: 'parcel <n> of card [redacted] hit <id>',
        attempts: 6,
        runs: 3,
        firstAt: expect.any(Number),
        lastAt: expect.any(Number),
        run: 'o1',
      },
      expect.objectContaining({ step: 'greet', code: 'TypeError', message: 'odd', attempts: 1, runs: 1, run: 'o2' }),
    ]);
    const [ship] = report.groups;
    expect(ship?.firstAt).toBeLessThan(ship?.lastAt ?? 0);
    expect(JSON.stringify(report)).not.toContain('secret');
    expect(await engine.unclassified({ ids: ['o2'] })).toMatchObject({ runs: 1, attempts: 3, groups: [{ run: 'o2' }, { run: 'o2' }] });
    expect(await engine.unclassified({ saga: 'other' })).toEqual({ groups: [], runs: 0, attempts: 0, others: 0 });

    await using client = await sagachartClient({ store: world.store, sagas: [order], clock: world.clock });
    expect(await client.unclassified()).toEqual(report);
  });
});

describe('the report', () => {
  it('keeps as many groups as it may, and says how many attempts belong to none of them', async () => {
    const world = new World();
    const many = saga('many', { version: 1, input: z.string() }).read(
      'a',
      ({ input, attempt }) => {
        if (attempt === 1) throw new Error(`no ${input}`);
        return 1;
      },
      ONCE,
    );
    const engine = await world.open([many]);
    for (const word of ['ash', 'birch', 'cedar']) {
      const run = await engine.start(many, word);
      await world.clock.advance(1_000);
      await run.outcome();
    }
    expect(await engine.unclassified({}, { groups: 2 })).toMatchObject({ runs: 3, attempts: 3, others: 1, groups: [{}, {}] });
    await expect(engine.unclassified({}, { groups: 0 })).rejects.toMatchObject({ code: 'SC_OPTION' });
    await world.close();
  });

  it('reads a long journal page by page', async () => {
    const pages: number[] = [];
    const world = new World((clock) => {
      const store = memory({ clock });
      const { journal } = store;
      return Object.assign(store, {
        journal: async (run: number, page?: { from?: number; limit?: number }) => {
          const found = await journal.call(store, run, page);
          pages.push(found.length);
          return found;
        },
      });
    });
    const stubborn = saga('stubborn', { version: 1, input: z.any() }).read(
      'a',
      ({ attempt }) => {
        if (attempt <= 150) throw new Error('no');
        return 1;
      },
      { retry: { attempts: 'forever', from: 0, to: 0 } },
    );
    const engine = await world.open([stubborn]);
    const run = await engine.start(stubborn, 1);
    for (let i = 0; i < 160; i++) await world.clock.advance(1);
    await run.outcome();
    expect(await engine.unclassified()).toMatchObject({ runs: 1, attempts: 150, groups: [{ attempts: 150, runs: 1 }] });
    expect(Math.max(...pages)).toBeLessThanOrEqual(100);
    await world.close();
  });
});
