import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, sagachartClient, sqlite, type } from '../../src/index.ts';
import { type FileWorld, journalOf, setting } from '../promises/setting.ts';
import { Books, withEachCrash } from './every-crash.ts';

const stage = setting();

type Services = Pick<Books, 'run' | 'undo'>;
const run = (context: { readonly key: string; readonly services: Services }): string => context.services.run(context);
const compensate = (context: { readonly runKey: string; readonly services: Services }): void => context.services.undo(context);

const trip = saga('trip', { version: 1, input: z.unknown(), services: type<Services>(), signals: { go: z.unknown() } })
  .parallel(
    (b) => b.step('flight', run, { compensate }).step('hotel', run, { compensate }),
    (b) => b.step('car', run, { compensate }),
  )
  .step('guide', run, { compensate, retry: { attempts: 1 } })
  .waitFor('go', { timeout: '30d' })
  .pivot('charge', run)
  .sleep('nap', '1h')
  .output(({ results }) => results.hotel);

async function opened(refused: readonly string[] = []): Promise<{ readonly world: FileWorld; readonly books: Books }> {
  const books = new Books();
  for (const step of refused) books.refused.add(step);
  const world = stage.file();
  await world.open([trip], { services: books });
  return { world, books };
}

const reason = 'the hotel was the wrong one';

describe('a run that is taken back', () => {
  it('undoes the step and what depends on it, in reverse order, does them again under new keys, and leaves the rest as it was', async () => {
    const { world, books } = await opened();
    const handle = await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(10);
    expect(books.calls.splice(0).sort()).toEqual(['car', 'flight', 'guide', 'hotel']);
    await handle.rewind({ to: 'hotel', by: 'Ann', reason });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['guide.undo', 'hotel.undo', 'hotel', 'guide']);
    expect([...books.entries].filter(([, state]) => state === 'done').map(([key]) => key)).toEqual([
      'sc1:ns/r/1/flight/-/1/run',
      'sc1:ns/r/1/car/-/1/run',
      'sc1:ns/r/1/hotel/-/2/run',
      'sc1:ns/r/1/guide/-/2/run',
    ]);
    const { states, data } = await handle.view();
    expect(states).toContain('running.go.awaiting');
    expect(data.context).toMatchObject({ cause: null, rewinds: 1 });
    await handle.signal('go', 1);
    await world.clock.advance(3_600_100);
    expect(await handle.outcome()).toEqual({ status: 'completed', output: 'hotel', left: [] });
    expect((await journalOf(world.store, 'r')).find(({ event }) => event.type === 'sent')).toMatchObject({
      event: { type: 'sent', event: { type: 'rewind', to: 'hotel', by: 'Ann', reason } },
    });
  });

  it('may be one that has failed and needs a person: what was not undone yet stays done', async () => {
    const { world, books } = await opened(['guide', 'hotel.undo']);
    const undo = books.undo;
    let stuck = true;
    Object.assign(books, {
      undo: (context: { readonly runKey: string }) => {
        if (stuck && context.runKey.includes('/hotel/')) throw Object.assign(new Error('closed'), { code: 'CLOSED' });
        undo(context);
      },
    });
    const handle = await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(3_600_000);
    expect(await handle.status()).toMatchObject({ status: 'compensating', attention: true });
    expect(books.calls).toContain('car.undo');
    expect(books.calls).not.toContain('flight.undo');
    books.refused.clear();
    stuck = false;
    await handle.rewind({ to: 'guide', reason });
    await handle.retry('hotel');
    await world.clock.advance(10);
    expect(await handle.view()).toMatchObject({ states: expect.arrayContaining(['running.go.awaiting']), row: { attention: false, status: 'sleeping' } });
    expect(books.standing).toEqual(['r: car', 'r: flight', 'r: guide', 'r: hotel']);
    expect(books.calls).not.toContain('flight.undo');
  });

  it('that is canceled on its way is undone as a whole', async () => {
    const { world, books } = await opened();
    const undo = books.undo;
    const gate = Promise.withResolvers<void>();
    Object.assign(books, {
      undo: (context: { readonly runKey: string }) => (context.runKey.includes('/guide/') ? gate.promise.then(() => undo(context)) : undo(context)),
    });
    const handle = await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(10);
    await handle.rewind({ to: 'guide', reason });
    await handle.cancel();
    gate.resolve();
    await world.clock.advance(10);
    expect(await handle.outcome()).toMatchObject({ status: 'canceled' });
    expect(books.standing).toEqual([]);
  });

  it('is asked for through the inbox too, once however often', async () => {
    const { world, books } = await opened();
    await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(10);
    await using client = await sagachartClient({ store: sqlite(world.path), sagas: [trip], clock: world.clock, answerWithin: '1h' });
    books.calls.length = 0;
    for (let i = 0; i < 2; i++) {
      const asked = client.run('r').rewind({ to: 'guide', by: 'Ann', reason, id: 'once' });
      await world.clock.advance(601_000);
      expect(await asked).toEqual({ seq: expect.any(Number) });
    }
    expect(books.calls).toEqual(['guide.undo', 'guide']);
    await expect(client.run('r').rewind({ to: 'guide', reason: ' ' })).rejects.toMatchObject({ code: 'SC_REASON_MISSING' });
  });

  it('is refused, and says why, where it cannot go back', async () => {
    const { world, books } = await opened();
    const handle = await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(10);
    const refused = async (to: string, says: string) =>
      await expect(handle.rewind({ to, reason })).rejects.toMatchObject({ code: 'SC_REWIND', message: expect.stringContaining(says) });
    await refused('hostel', 'there is no step "hostel"');
    await refused('charge', 'it has not come to charge yet');
    await expect(handle.rewind({ to: 'hotel', reason: ' ' })).rejects.toMatchObject({ code: 'SC_REASON_MISSING' });
    await handle.signal('go', 1);
    await world.clock.advance(10);
    expect(books.standing).toContain('r: charge');
    await refused('hotel', 'it is past its pivot');
    await world.clock.advance(3_600_100);
    await expect(handle.rewind({ to: 'hotel', reason })).rejects.toMatchObject({ code: 'SC_RUN_ENDED', next: expect.stringContaining('fork it') });
  });

  it('comes to the same with a crash after every write', { timeout: 60_000 }, async () => {
    const { plain, crashed } = await withEachCrash(stage, {
      sagas: [trip],
      tell: async ({ engine, clock }) => {
        const handle = await engine.start(trip, 1, { id: 'r' });
        await clock.advance(10);
        const { data } = await handle.view();
        const isOn = data.status === 'active' && !(data.context as { rewinds?: number }).rewinds;
        if (isOn) await handle.rewind({ to: 'hotel', reason });
        await clock.advance(10);
        await handle.signal('go', 1, { id: 'go' }).catch(() => {});
      },
    });
    expect(plain).toEqual({ ends: { r: 'completed' }, standing: ['r: car', 'r: charge', 'r: flight', 'r: guide', 'r: hotel'] });
    expect(crashed.length).toBeGreaterThan(8);
    for (const one of crashed) expect(one).toEqual(plain);
  });
});
