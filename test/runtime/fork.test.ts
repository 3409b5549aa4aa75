import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, sagachartClient, sqlite, type } from '../../src/index.ts';
import { decodeEntry } from '../../src/kernel/entry.ts';
import { type FileWorld, journalOf, setting } from '../promises/setting.ts';
import { Books, withEachCrash } from './every-crash.ts';

const stage = setting();

type Services = Pick<Books, 'run' | 'undo'>;
const run = (context: { readonly key: string; readonly services: Services }): string => context.services.run(context);
const compensate = (context: { readonly runKey: string; readonly services: Services }): void => context.services.undo(context);

const trip = saga('trip', { version: 1, input: z.object({ n: z.number() }), services: type<Services>(), signals: { go: z.unknown() } })
  .step('flight', run, { compensate })
  .step('hotel', run, { compensate })
  .sleep('nap', '1h')
  .step('guide', run, { compensate, retry: { attempts: 1 } })
  .waitFor('go', { timeout: '30d' })
  .pivot('charge', run)
  .output(({ input, results }) => `${input.n} ${results.flight} ${results.hotel}`);

async function opened(): Promise<{ readonly world: FileWorld; readonly books: Books }> {
  const books = new Books();
  const world = stage.file();
  await world.open([trip], { services: books });
  await world.engine.start(trip, { n: 7 }, { id: 'r', labels: { shop: 'Rome' } });
  await world.clock.advance(10);
  return { world, books };
}

const reason = 'to try another hotel';

describe('a fork', () => {
  it('begins as what the other was before a step, does the rest under keys of its own, and leaves the other as it was', async () => {
    const { world, books } = await opened();
    const before = await journalOf(world.store, 'r');
    const fork = await world.engine.fork('r', { before: 'hotel', id: 'f', by: 'Ann', reason });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'hotel', 'hotel']);
    expect([...books.entries.keys()]).toEqual(['sc1:ns/r/1/flight/-/1/run', 'sc1:ns/r/1/hotel/-/1/run', 'sc1:ns/f/1/hotel/-/1/run']);
    expect(await journalOf(world.store, 'r')).toEqual(before);
    expect(await fork.view()).toMatchObject({
      forked: { from: 'r', incarnation: 1, seq: 2, by: 'Ann', reason },
      input: { n: 7 },
      row: { labels: { shop: 'Rome' }, saga: 'trip', incarnation: 1 },
    });
    await world.clock.advance(3_600_100);
    await fork.signal('go', 1);
    await world.clock.advance(10);
    expect(await fork.outcome()).toEqual({ status: 'completed', output: '7 flight hotel', left: [{ step: 'flight', what: 'inherited' }] });
    expect(await world.engine.run('r').status()).toMatchObject({ status: 'sleeping' });
  });

  it('never undoes what the other has done, and says so', async () => {
    const { world, books } = await opened();
    const fork = await world.engine.fork('r', { before: 'hotel', id: 'f', reason });
    await world.clock.advance(10);
    await fork.cancel();
    await world.clock.advance(10);
    expect(await fork.outcome()).toMatchObject({ status: 'canceled', left: [{ step: 'flight', what: 'inherited' }] });
    expect(books.standing).toEqual(['r: flight', 'r: hotel']);
    await world.engine.run('r').cancel();
    await world.clock.advance(10);
    expect(books.standing).toEqual([]);
  });

  it('may be of a run that has ended, at any commit before; its waits have as long to go as they had', async () => {
    const { world, books } = await opened();
    const sleeping = (await world.engine.run('r').status()).seq;
    await world.engine.run('r').terminate();
    await world.clock.advance(86_400_000);
    const fork = await world.engine.fork('r', { at: sleeping, id: 'f', reason });
    await world.clock.advance(3_500_000);
    expect(await fork.view()).toMatchObject({ states: ['running.nap.sleeping'] });
    await world.clock.advance(100_100);
    expect(books.calls).toEqual(['flight', 'hotel', 'guide']);
    await expect(world.engine.fork('r', { at: sleeping + 1, reason })).rejects.toMatchObject({
      code: 'SC_FORK',
      message: expect.stringContaining('it had ended'),
    });
  });

  it('counts an attempt that was under way as not begun, and begins it', async () => {
    const books = new Books();
    const world = stage.file();
    const gates: (() => void)[] = [];
    const slow = { run: (context: { readonly key: string }) => new Promise((resolve) => gates.push(() => resolve(books.run(context)))), undo: books.undo };
    await world.open([trip], { services: slow });
    await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await world.engine.fork('r', { at: 1, id: 'f', reason });
    await world.clock.advance(10);
    expect(gates).toHaveLength(2);
    for (const open of gates) open();
    await world.clock.advance(10);
    expect([...books.entries.keys()]).toEqual(['sc1:ns/r/1/flight/-/1/run', 'sc1:ns/f/1/flight/-/1/run']);
  });

  it('is made once for an id; its first entry says of what, with a full snapshot', async () => {
    const { world } = await opened();
    await world.engine.fork('r', { before: 'hotel', id: 'f', reason });
    await world.engine.fork('r', { before: 'hotel', id: 'f', reason });
    await world.clock.advance(10);
    const rows = await world.store.list({});
    expect(rows.map(({ id }) => id)).toEqual(['f', 'r']);
    const { base, entries } = await world.store.load(rows[0]?.number ?? 0);
    expect(base?.seq).toBe(1);
    expect(entries[0]?.seq).toBe(2);
    const [first] = await world.store.journal(rows[0]?.number ?? 0, { limit: 1 });
    expect(first && decodeEntry(first).event).toEqual({ type: 'forked', run: 'f', from: 'r', incarnation: 1, seq: 2, input: { n: 7 }, reason });
    await expect(world.engine.fork('r', { at: 1, id: 'f', reason })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
    await expect(world.engine.fork('r', { at: 1, id: 'r', reason })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
  });

  it('is asked for through the inbox too, once for an id', async () => {
    const { world, books } = await opened();
    await using client = await sagachartClient({ store: sqlite(world.path), sagas: [trip], clock: world.clock, answerWithin: '1h' });
    for (let i = 0; i < 2; i++) {
      const asked = client.fork('r', { before: 'hotel', id: 'f', reason });
      await world.clock.advance(601_000);
      expect((await asked).id).toBe('f');
    }
    expect(books.calls).toEqual(['flight', 'hotel', 'hotel']);
    await expect(client.fork('nobody', { at: 1, reason })).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(client.fork('r', { at: 1, reason: '' })).rejects.toMatchObject({ code: 'SC_REASON_MISSING' });
  });

  it('is refused where it would mean nothing', async () => {
    const { world } = await opened();
    const refused = async (point: object, says: string) =>
      await expect(world.engine.fork('r', { ...point, reason })).rejects.toMatchObject({ code: 'SC_FORK', message: expect.stringContaining(says) });
    await refused({}, 'it is not said from which point');
    await refused({ at: 1, before: 'hotel' }, 'it is not said from which point');
    await refused({ at: 0 }, 'at is 0');
    await refused({ at: 99 }, 'it has no commit 99');
    await refused({ before: 'charge' }, 'it has never come to charge');
    await world.engine.run('r').cancel();
    const { seq } = await world.engine.run('r').status();
    await refused({ at: seq }, 'it was being undone there');
    await world.clock.advance(10);
  });

  it('comes to the same with a crash after every write', { timeout: 60_000 }, async () => {
    const { plain, crashed } = await withEachCrash(stage, {
      sagas: [trip],
      tell: async ({ engine, clock }) => {
        await engine.start(trip, { n: 1 }, { id: 'r' });
        await clock.advance(10);
        await engine.fork('r', { before: 'hotel', id: 'f', reason });
        await clock.advance(3_600_100);
        for (const id of ['r', 'f'])
          await engine
            .run(id)
            .signal('go', 1, { id: 'go' })
            .catch(() => {});
      },
    });
    expect(plain).toEqual({
      ends: { r: 'completed', f: 'completed' },
      standing: ['f: charge', 'f: guide', 'f: hotel', 'r: charge', 'r: flight', 'r: guide', 'r: hotel'],
    });
    expect(crashed.length).toBeGreaterThan(8);
    for (const one of crashed) expect(one).toEqual(plain);
  });
});
