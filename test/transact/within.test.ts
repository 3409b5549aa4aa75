import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memory, saga, sagachartClient, sqlite } from '../../src/index.ts';
import { type FileWorld, setting } from '../promises/setting.ts';

const stage = setting();

const order = saga('order', { version: 1, input: z.object({ sku: z.string() }), signals: { paid: z.object({ cents: z.number() }) } })
  .waitFor('paid')
  .output(({ results }) => results.paid.cents);
const other = saga('other', { version: 1, input: z.unknown() }).read('a', () => 1);

let w: FileWorld;
let db: DatabaseSync;
beforeEach(async () => {
  w = stage.file();
  await w.open([order, other], { pollEvery: '50ms' });
  db = new DatabaseSync(w.path);
  db.exec('CREATE TABLE orders (id TEXT PRIMARY KEY) STRICT');
});
afterEach(() => db.close());

const inTransaction = <T>(work: () => T): T => {
  db.exec('BEGIN IMMEDIATE');
  try {
    const value = work();
    db.exec('COMMIT');
    return value;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
};
const orders = (): unknown[] => db.prepare('SELECT id FROM orders').all();
const ended = async (id: string): Promise<unknown> => {
  await w.clock.advance(1_000);
  return await w.engine.run(id).outcome();
};

for (const by of ['engine', 'client'] as const) {
  describe(`a start and a signal within the caller's transaction (${by})`, () => {
    const within = async () => {
      if (by === 'engine') return w.engine as unknown as Awaited<ReturnType<typeof sagachartClient<readonly [typeof order]>>>;
      return await sagachartClient({ store: sqlite(w.path), sagas: [order], clock: w.clock });
    };
    const idOf = (started: unknown): string => (typeof started === 'string' ? started : (started as { id: string }).id);

    it('are asked for with what the caller has written', async () => {
      const joined = await within();
      inTransaction(() => {
        db.exec("INSERT INTO orders VALUES ('o1')");
        expect(idOf(joined.within(db).start(order, { sku: 'lamp' }, { id: 'o1', labels: { of: 'Ada' } }))).toBe('o1');
        // A signal to what is only asked for waits behind its start.
        joined.within(db).signal('o1', 'paid', { cents: 7 });
      });
      expect(await ended('o1')).toMatchObject({ status: 'completed', output: 7 });
      expect(orders()).toHaveLength(1);
      if (by === 'client') await joined.close();
    });

    it('were never asked for where the caller rolls back', async () => {
      const joined = await within();
      db.exec('BEGIN IMMEDIATE');
      db.exec("INSERT INTO orders VALUES ('o1')");
      joined.within(db).start(order, { sku: 'lamp' }, { id: 'o1' });
      db.exec('ROLLBACK');
      await w.clock.advance(1_000);
      expect([orders(), await w.store.find('o1'), await w.store.pending(0, 10)]).toEqual([[], undefined, []]);
      if (by === 'client') await joined.close();
    });

    it('are once what is asked for twice', async () => {
      const joined = await within();
      for (let i = 0; i < 2; i++)
        inTransaction(() => {
          joined.within(db).start(order, { sku: 'lamp' }, { id: 'o1' });
          joined.within(db).signal('o1', 'paid', { cents: i }, { id: 'payment' });
        });
      expect(await ended('o1')).toMatchObject({ output: 0 });
      if (by === 'client') await joined.close();
    });

    it('are refused at once where it is known that they would be', async () => {
      const joined = await within();
      await w.engine.start(order, { sku: 'lamp' }, { id: 'o1' });
      await w.engine.start(other, null, { id: 'done' });
      await w.clock.advance(1_000);
      const refusals: readonly [() => unknown, string][] = [
        [() => joined.within(db).start('nothing' as never, null as never), 'SC_UNKNOWN_SAGA'],
        [() => joined.within(db).start(order, { sku: 7 } as never), 'SC_INPUT_INVALID'],
        [() => joined.within(db).start(order, { sku: 'chair' }, { id: 'o1' }), 'SC_RUN_EXISTS'],
        [() => joined.within(db).start(order, { sku: 'lamp' }, { id: '' }), 'SC_RUN_ID'],
        [() => joined.within(db).signal('none', 'paid', { cents: 1 }), 'SC_UNKNOWN_RUN'],
        [() => joined.within(db).signal('done', 'paid', { cents: 1 }), 'SC_RUN_ENDED'],
        [() => joined.within(db).signal('o1', 'nothing'), 'SC_SIGNAL_UNKNOWN'],
        [() => joined.within(db).signal('o1', 'paid', { cents: 'x' }), 'SC_SIGNAL_INVALID'],
      ];
      for (const [ask, code] of refusals) expect(() => inTransaction(ask)).toThrow(expect.objectContaining({ code }));
      await w.engine.purge('done');
      expect(() => inTransaction(() => joined.within(db).signal('done', 'paid'))).toThrow(expect.objectContaining({ code: 'SC_RUN_PURGED' }));
      expect(await w.store.pending(0, 10)).toEqual([]);
      if (by === 'client') await joined.close();
    });
  });
}

describe('what a start cannot be part of', () => {
  const refused = (given: unknown, message: string): void =>
    expect(() => w.engine.within(given as never)).toThrow(expect.objectContaining({ code: 'SC_WITHIN', message: expect.stringContaining(message) }));

  it('is anything but an open transaction on the file of the store', async () => {
    refused(db, 'no open transaction');
    refused({}, 'no connection of node:sqlite');
    refused(null, 'no connection of node:sqlite');
    const elsewhere = new DatabaseSync(':memory:');
    elsewhere.exec('BEGIN');
    refused(elsewhere, 'a database in memory');
    elsewhere.close();
    refused(elsewhere, 'closed');
    db.exec('BEGIN');
    const joined = w.engine.within(db);
    db.exec('COMMIT');
    expect(() => joined.start(order, { sku: 'lamp' })).toThrow(expect.objectContaining({ code: 'SC_WITHIN' }));
  });

  it('is a store that is no database', async () => {
    const m = stage.memory();
    const engine = await m.open([order]);
    expect(() => engine.within(db)).toThrow(expect.objectContaining({ code: 'SC_WITHIN', message: expect.stringContaining('memory') }));
    expect(memory().within).toBeUndefined();
  });
});

describe('a start within a transactional step', () => {
  const placed = saga('placed', { version: 1, input: z.object({ id: z.string(), fails: z.boolean() }) }).transact(
    'place',
    ({ db: lent, input }) => {
      lent.prepare('INSERT INTO orders VALUES (?)').run(input.id);
      w.engine.within(lent).start(order, { sku: 'lamp' }, { id: input.id });
      if (input.fails) throw new Error('no');
      w.engine.within(lent).signal(input.id, 'paid', { cents: 3 });
      return null;
    },
    { pivot: true, retry: 2 },
  );

  it('is there if the step has succeeded, and only then', async () => {
    await w.close();
    await w.open([order, placed], { pollEvery: '10m' });
    const good = await w.engine.start(placed, { id: 'good', fails: false });
    expect(await good.outcome()).toMatchObject({ status: 'completed' });
    // Nobody has to look into the inbox first: it is known that something was asked for.
    await w.clock.settle();
    expect(await w.engine.run('good').outcome()).toMatchObject({ status: 'completed', output: 3 });
    const bad = await w.engine.start(placed, { id: 'bad', fails: true });
    await w.clock.advance(60_000);
    expect(await bad.outcome()).toMatchObject({ status: 'failed' });
    expect([orders(), await w.store.find('bad')]).toEqual([[{ id: 'good' }], undefined]);
  });
});
