import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import type { Definition } from '../../src/sagachart.ts';
import { type FileWorld, setting } from '../promises/setting.ts';
import { Books, withEachCrash } from './every-crash.ts';

const stage = setting();

type Services = Pick<Books, 'run' | 'undo'>;
const services = type<Services>();
const input = z.object({ n: z.number() });

const run = (context: { readonly key: string; readonly services: Services }): string => context.services.run(context);
const compensate = (context: { readonly runKey: string; readonly services: Services }): void => context.services.undo(context);

const payment = saga('payment', { version: 1, nested: true, input, services })
  .step('reserve', run, { compensate })
  .step('book', run, { compensate })
  .output(({ input: { n }, results }) => ({ n, booked: results.book }));
const trip = saga('trip', { version: 1, input, services })
  .step('flight', run, { compensate })
  .child('payment', payment, ({ input: { n } }) => ({ n: n + 1 }))
  .step('last', run, { compensate })
  .output(({ results }) => results.payment.n);

async function opened(sagas: readonly Definition[] = [trip, payment], books = new Books()): Promise<{ readonly world: FileWorld; readonly books: Books }> {
  const world = stage.file();
  await world.open(sagas, { services: books });
  return { world, books };
}

async function statuses({ store }: FileWorld): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await store.list({})).map(({ id, status }) => [id, status]));
}

describe('a child', () => {
  it('is a run of its own, whose output is the result of the step', async () => {
    const { world, books } = await opened();
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'reserve', 'book', 'last']);
    expect(await handle.outcome()).toEqual({ status: 'completed', output: 2, left: [] });
    expect(await world.store.list({})).toMatchObject([
      { id: 'r/payment', saga: 'payment', status: 'completed', labels: { parent: 'r' } },
      { id: 'r', status: 'completed' },
    ]);
    expect(world.engine.load()).toMatchObject({ runs: 0, behind: 0 });
  });

  it('is undone as a unit when its parent fails later, after what came after it and before what came before it', async () => {
    const books = new Books();
    books.refused.add('last');
    const { world } = await opened([trip, payment], books);
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'reserve', 'book', 'last', 'book.undo', 'reserve.undo', 'flight.undo']);
    expect(await handle.outcome()).toMatchObject({ status: 'compensated', step: 'last', left: [] });
    expect(await world.engine.run('r/payment').outcome()).toEqual({ status: 'compensated', step: '', failure: null, left: [] });
  });

  it('that fails has its step refused, with its failure as the cause', async () => {
    const books = new Books();
    books.refused.add('book');
    const { world } = await opened([trip, payment], books);
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'reserve', 'book', 'reserve.undo', 'flight.undo']);
    expect(await handle.outcome()).toMatchObject({
      status: 'compensated',
      step: 'payment',
      failure: { code: 'SC_CHILD_FAILED', class: 'hard', effect: 'none', causes: ['HardError: book is refused'] },
      left: [],
    });
  });
});

describe('after a crash at any commit', () => {
  const go = async ({ engine }: FileWorld): Promise<void> => void (await engine.start(trip, { n: 1 }, { id: 'r' }));

  it('parent and child complete, each effect once', async () => {
    const { plain, crashed } = await withEachCrash(stage, { sagas: [trip, payment], tell: go });
    expect(plain).toEqual({
      ends: { r: 'completed', 'r/payment': 'completed' },
      standing: ['r/payment: book', 'r/payment: reserve', 'r: flight', 'r: last'],
    });
    expect(crashed.length).toBeGreaterThan(6);
    for (const came of crashed) expect(came).toEqual(plain);
  });

  it('nothing of either stands when the parent fails', async () => {
    const { plain, crashed } = await withEachCrash(stage, { sagas: [trip, payment], refused: ['last'], tell: go });
    expect(plain).toEqual({ ends: { r: 'compensated', 'r/payment': 'compensated' }, standing: [] });
    for (const came of crashed) expect(came).toEqual(plain);
  });

  it('nothing of either stands when the child fails', async () => {
    const { plain, crashed } = await withEachCrash(stage, { sagas: [trip, payment], refused: ['book'], tell: go });
    expect(plain).toEqual({ ends: { r: 'compensated', 'r/payment': 'compensated' }, standing: [] });
    for (const came of crashed) expect(came).toEqual(plain);
  });
});
