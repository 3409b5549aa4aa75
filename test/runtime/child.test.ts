import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga, type } from '../../src/index.ts';
import { setting } from '../promises/setting.ts';

const stage = setting();

interface Services {
  readonly call: (what: string, key: string) => unknown;
}

const input = z.object({ n: z.number() });
const payment = saga('payment', { version: 1, nested: true, input, services: type<Services>() })
  .step('reserve', ({ key, services }) => services.call('reserve', key) as string, { compensate: ({ undoKey, services }) => services.call('reserve.undo', undoKey) })
  .step('book', ({ key, services }) => services.call('book', key) as string, { compensate: ({ undoKey, services }) => services.call('book.undo', undoKey) })
  .output(({ input: { n }, results }) => ({ n, booked: results.book }));
const trip = saga('trip', { version: 1, input, services: type<Services>() })
  .step('flight', ({ key, services }) => services.call('flight', key) as string, { compensate: ({ undoKey, services }) => services.call('flight.undo', undoKey) })
  .child('payment', payment, ({ input: { n } }) => ({ n: n + 1 }))
  .read('last', ({ key, services }) => services.call('last', key) as string)
  .output(({ results }) => results.payment.n);

describe('a child', () => {
  it('is a run of its own, whose output is the result of the step', async () => {
    const world = stage.file();
    const calls: string[] = [];
    const services: Services = { call: (what) => void calls.push(what) };
    const run = await (await world.open([trip, payment], { services })).start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(calls).toEqual(['flight', 'reserve', 'book', 'last']);
    expect(await run.outcome()).toEqual({ status: 'completed', output: 2, left: [] });
    expect(await world.store.list({})).toMatchObject([
      { id: 'r/payment', saga: 'payment', status: 'completed', labels: { parent: 'r' } },
      { id: 'r', status: 'completed' },
    ]);
    expect(world.engine.load().runs).toBe(0);
  });

  it('is undone as a unit when its parent fails later', async () => {
    const world = stage.file();
    const calls: string[] = [];
    const services: Services = {
      call: (what) => {
        calls.push(what);
        if (what === 'last') throw new HardError('no');
      },
    };
    const run = await (await world.open([trip, payment], { services })).start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(calls).toEqual(['flight', 'reserve', 'book', 'last', 'book.undo', 'reserve.undo', 'flight.undo']);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', left: [] });
    expect(await world.engine.run('r/payment').outcome()).toMatchObject({ status: 'compensated', left: [] });
  });
});
