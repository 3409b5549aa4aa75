import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, happened, saga, type } from '../../src/index.ts';
import { verify, type WorldModel } from '../../src/testing/index.ts';

/** What was booked, by the key it was booked under. */
interface Inn {
  rooms: Record<string, 'booked' | 'released'>;
  meals: Record<string, string>;
  paid: Record<string, number>;
  refunds: number;
}

interface Services {
  readonly inn: {
    book(key: string): Promise<{ readonly room: string }>;
    release(key: string): Promise<void>;
    find(key: string): Promise<{ readonly room: string } | undefined>;
    serve(room: string, key: string): Promise<string>;
    cancelMeal(key: string): Promise<void>;
  };
  readonly bank: { pay(cents: number, key: string): Promise<number>; refund(key: string): Promise<void>; refundAgain(): Promise<void> };
}

/** Services that honor keys, and remember those that were undone before they came. */
const inn: WorldModel<Inn> = {
  make: () => ({ rooms: {}, meals: {}, paid: {}, refunds: 0 }),
  services: (world): Services => ({
    inn: {
      book: async (key) => {
        if (world.rooms[key] === 'released') throw new HardError('released already');
        world.rooms[key] = 'booked';
        return { room: '7' };
      },
      release: async (key) => {
        world.rooms[key] = 'released';
      },
      find: async (key) => (world.rooms[key] === 'booked' ? { room: '7' } : undefined),
      serve: async (room, key) => {
        if (!Object.values(world.rooms).includes('booked')) throw new HardError(`nobody lives in room ${room}`);
        world.meals[key] = room;
        return key;
      },
      cancelMeal: async (key) => {
        delete world.meals[key];
      },
    },
    bank: {
      pay: async (cents, key) => {
        if (cents > 100) throw new HardError('declined');
        world.paid[key] = cents;
        return cents;
      },
      refund: async (key) => {
        delete world.paid[key];
      },
      refundAgain: async () => {
        world.refunds += 1;
      },
    },
  }),
  effects: ({ rooms, meals, paid, refunds }) => [Object.values(rooms).filter((room) => room === 'booked').length, Object.keys(meals).length, paid, refunds],
};

const start = () => saga('stay', { version: 1, input: z.object({ cents: z.number() }), services: type<Services>() });
const inputs = [{ cents: 50 }];
const LONGEST_MS = 10_000;

const good = start()
  .step('room', ({ key, services }) => services.inn.book(key), { compensate: ({ runKey, services }) => services.inn.release(runKey) })
  .step('meal', ({ results, key, services }) => services.inn.serve(results.room.room, key), {
    compensate: ({ runKey, services }) => services.inn.cancelMeal(runKey),
  })
  .pivot('pay', ({ input, key, services }) => services.bank.pay(input.cents, key));

describe('bugs of a usual kind', () => {
  it('a good saga has none', async () => {
    expect(await verify(good, { world: inn, inputs: [...inputs, { cents: 500 }] })).toMatchObject({ violations: [], complete: true });
  });

  it('an undo that forgets one effect', async () => {
    const forgetful = start()
      .step(
        'stay',
        async ({ key, services }) => {
          await services.inn.book(key);
          return await services.inn.serve('7', key);
        },
        { compensate: ({ runKey, services }) => services.inn.release(runKey) },
      )
      .pivot('pay', ({ input, key, services }) => services.bank.pay(input.cents, key));
    const { violations, ms } = await verify(forgetful, { world: inn, inputs });
    expect(violations[0]).toMatchObject({ rule: 'everything is undone', step: 'stay', message: expect.stringContaining('changed by: stay') });
    expect(ms).toBeLessThan(LONGEST_MS);
  });

  it('a wrong `after`', async () => {
    const early = start().graph((g) =>
      g
        .step('room', ({ key, services }) => services.inn.book(key), { compensate: ({ runKey, services }) => services.inn.release(runKey) })
        .step('meal', ({ key, services }) => services.inn.serve('7', key), { compensate: ({ runKey, services }) => services.inn.cancelMeal(runKey) }),
    );
    const { violations, ms } = await verify(early, { world: inn, inputs });
    expect(violations.map(({ rule, step }) => [rule, step])).toContainEqual(['the order of steps side by side does not matter', 'meal']);
    expect(ms).toBeLessThan(LONGEST_MS);
  });

  it('an undo that is not the same twice', async () => {
    const twice = start()
      .step('pay', ({ input, key, services }) => services.bank.pay(input.cents, key), {
        compensate: async ({ runKey, services }) => {
          await services.bank.refund(runKey);
          await services.bank.refundAgain();
        },
      })
      .step('meal', ({ key, services }) => services.inn.serve('7', key), { compensate: ({ runKey, services }) => services.inn.cancelMeal(runKey) });
    const { violations, ms } = await verify(twice, { world: { ...inn, effects: ({ refunds }) => refunds > 1 }, inputs });
    expect(violations[0]).toMatchObject({ rule: 'everything is undone', step: 'pay' });
    expect(ms).toBeLessThan(LONGEST_MS);
  });

  it('a pivot too early', async () => {
    const early = start()
      .step('room', ({ key, services }) => services.inn.book(key), { compensate: ({ runKey, services }) => services.inn.release(runKey) })
      .pivot('meal', ({ key, services }) => services.inn.serve('7', key), { check: () => undefined })
      .step('pay', ({ input, key, services }) => services.bank.pay(input.cents, key));
    const { violations, ms } = await verify(early, { world: inn, inputs: [...inputs, { cents: 500 }] });
    expect(violations[0]).toMatchObject({ rule: 'needs a person only when something went wrong', step: 'pay', message: expect.stringContaining('declined') });
    expect(violations[0]?.next).toContain('before the pivot');
    expect(ms).toBeLessThan(LONGEST_MS);
  });

  it('an undo that needs a result it may not have', async () => {
    const needy = start()
      .step('room', ({ key, services }) => services.inn.book(key), {
        check: async ({ runKey, services }) => {
          const found = await services.inn.find(runKey);
          return found && happened(found);
        },
        compensate: async ({ outcome, runKey, services }) => {
          if ((outcome.result as { room: string }).room) await services.inn.release(runKey);
        },
      })
      .pivot('pay', ({ input, key, services }) => services.bank.pay(input.cents, key));
    const { violations, ms } = await verify(needy, { world: inn, inputs });
    expect(violations[0]).toMatchObject({ rule: 'an undo fails only where its service does', step: 'room', message: expect.stringContaining('undefined') });
    expect(violations[0]?.next).toContain('runKey');
    expect(ms).toBeLessThan(LONGEST_MS);
  });
});
