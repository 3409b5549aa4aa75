import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import type { Store } from '../../src/stores/store.ts';
import { Disk, FileWorld, happened, journalOf, setting } from '../promises/setting.ts';
import { balances, moves, query, transfer, withAccounts } from './bank.ts';

const stage = setting();

type Transfer = { readonly from: string; readonly to: string; readonly cents: number };

/** The file of a store and its log as they are now. */
function copied(from: string, to: string): string {
  for (const end of ['', '-wal']) if (existsSync(from + end)) copyFileSync(from + end, to + end);
  return to;
}

/** Calls `at` before and after each write of a store, and in the middle of each of its transactions. */
function atEachWrite(store: Store, at: () => void): void {
  const commit = store.commit.bind(store);
  const transact = (store as Required<Store>).transact.bind(store);
  store.commit = async (batch) => {
    at();
    const verdicts = await commit(batch);
    at();
    return verdicts;
  };
  store.transact = async (work) => {
    at();
    const done = await transact((connection) => {
      const result = work(connection);
      at();
      return result;
    });
    at();
    return done;
  };
}

/** Every run asked for, played to its end. */
async function play(world: FileWorld, transfers: readonly Transfer[], accounts?: Readonly<Record<string, number>>): Promise<void> {
  const engine = await world.open([transfer]);
  if (accounts) withAccounts(world.path, accounts);
  for (const [i, one] of transfers.entries()) await engine.start(transfer, one, { id: `r${i}` });
  await world.clock.advance(3_600_000);
}

/** What stands in the caller's table, and what the journals say should. */
async function books(world: FileWorld): Promise<{ readonly stands: readonly string[]; readonly told: readonly string[] }> {
  const told: string[] = [];
  for (const { id } of await world.store.list({ limit: 1_000 }))
    for (const { event } of await journalOf(world.store, id))
      if (event.type === 'succeeded') told.push(`sc1:ns/${id}/1/${event.child.replace('.undo', '')}/-/1/${event.child.endsWith('.undo') ? 'undo' : 'run'}`);
  return {
    stands: Object.entries(moves(world.path))
      .flatMap(([key, n]) => Array.from({ length: n }, () => key))
      .sort(),
    told: told.sort(),
  };
}

const TRANSFERS: readonly Transfer[] = [
  { from: 'ada', to: 'bob', cents: 30 },
  { from: 'bob', to: 'cleo', cents: 500 },
  // There is no such account: the debit is undone.
  { from: 'ada', to: 'nobody', cents: 20 },
];

describe('a crash', () => {
  it('before, after and in the middle of any write: what the table holds is what the journal says, and each is there once', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sagachart-transact-'));
    const world = stage.keep(new FileWorld(join(directory, 'runs.db')), directory);
    const left: { readonly path: string; readonly now: number }[] = [];
    atEachWrite(world.store, () => left.push({ path: copied(world.path, join(directory, `left-${left.length}.db`)), now: world.clock.now() }));
    const accounts = { ada: 100, bob: 10, cleo: 0 };
    await play(world, TRANSFERS, accounts);
    const ends = async (of: FileWorld): Promise<unknown> => (await of.store.list({})).map(({ id, status }) => `${id} ${status}`).sort();
    const plain = [await ends(world), balances(world.path)];
    expect(plain).toEqual([['r0 completed', 'r1 failed', 'r2 compensated'], { ada: 70, bob: 40, cleo: 0 }]);
    const before = left.length;
    expect(before).toBeGreaterThan(15);
    for (const { path, now } of left.slice(0, before)) {
      // Before the tables are there nothing can be compared.
      const db = new DatabaseSync(path);
      const has = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'accounts'").get() !== undefined;
      db.close();
      const next = stage.keep(new FileWorld(path));
      await next.clock.advance(now - next.clock.now());
      await play(next, TRANSFERS, has ? undefined : accounts);
      expect([await ends(next), balances(path)], path).toEqual(plain);
      const { stands, told } = await books(next);
      expect(stands, path).toEqual(told);
      expect(new Set(stands).size, path).toBe(stands.length);
      await next.close();
    }
  }, 120_000);

  it('under an attempt means that nothing happened, and a cancel has nothing to undo', async () => {
    const w = stage.file();
    const disk = new Disk(w.store);
    let copy = '';
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100, bob: 0 });
    atEachWrite(w.store, () => {
      // Begun, and canceled, and its attempt told to stop.
      if (copy === '' && query<{ n: number }>(w.path, 'SELECT count(*) AS n FROM journal')[0]?.n === 2) copy = copied(w.path, `${w.path}-copy`);
    });
    const { run, cancel } = await canceledAtOnce(engine, w, disk);
    expect((await cancel).seq).toBe(2);
    expect((await run.outcome()).status).toBe('canceled');
    expect(await happened(w.store, 'r')).toEqual(['started', 'sent', 'failed debit']);
    const next = stage.keep(new FileWorld(copy));
    await next.clock.advance(w.clock.now() - next.clock.now());
    const other = await next.open([transfer]);
    await next.clock.advance(10_000);
    expect((await other.run('r').outcome()).status).toBe('canceled');
    const [, , lost, ...rest] = await journalOf(next.store, 'r');
    expect(lost?.event).toMatchObject({ type: 'lost', child: 'debit', error: { code: 'SC_ATTEMPT_LOST', effect: 'none' } });
    expect([rest, balances(copy), moves(copy)]).toEqual([[], { ada: 100, bob: 0 }, {}]);
  });
});

describe('a cancel that comes before its turn', () => {
  it('turns an attempt away: its function never runs', async () => {
    const w = stage.file();
    const disk = new Disk(w.store);
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100, bob: 0 });
    const { run } = await canceledAtOnce(engine, w, disk);
    expect(await run.outcome()).toMatchObject({ status: 'canceled' });
    const [, , turnedAway] = await journalOf(w.store, 'r');
    expect(turnedAway?.event).toMatchObject({ type: 'failed', error: { code: 'SC_ATTEMPT_NOT_BEGUN', effect: 'none' } });
    expect(moves(w.path)).toEqual({});
  });
});

/** A run whose cancel stands in front of its first attempt. */
async function canceledAtOnce(engine: FileWorld['engine'], w: FileWorld, disk: Disk) {
  disk.hold();
  const starting = engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
  await w.clock.settle();
  const cancel = engine.run('r').cancel();
  await w.clock.settle();
  await disk.release(w.clock);
  const run = await starting;
  await w.clock.settle();
  return { run, cancel };
}

describe('a transaction of which nobody knows whether it was committed', () => {
  for (const moods of [['lost'], ['no'], ['no', 'lost'], ['lost', 'no', 'lost'], ['no', 'no', 'ok', 'lost']] as const)
    it(`(${moods.join(', ')}) is looked up, and done once`, async () => {
      const w = stage.file();
      const left: string[] = [...moods];
      const transact = (w.store as Required<Store>).transact.bind(w.store);
      w.store.transact = async (work) => {
        const mood = left.shift() ?? 'ok';
        if (mood === 'no') throw new StoreError('SC_STORE_FULL', 'full', { retryable: true });
        const done = await transact(work);
        if (mood === 'lost') throw new StoreError('SC_STORE_IO', 'the disk did not say', { retryable: true });
        return done;
      };
      const engine = await w.open([transfer]);
      withAccounts(w.path, { ada: 100, bob: 0 });
      const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
      await w.clock.advance(60_000);
      expect(await run.outcome()).toMatchObject({ status: 'completed' });
      expect([balances(w.path), Object.values(moves(w.path))]).toEqual([{ ada: 70, bob: 30 }, [1, 1]]);
      // No attempt was spent on what the store did.
      expect(await happened(w.store, 'r')).toEqual(['started', 'succeeded debit', 'succeeded credit']);
    });
});

describe('a worker whose role was taken over', () => {
  it('has what it wrote undone with the commit that is refused; whoever comes after it does it once', async () => {
    const w = stage.file();
    const transact = (w.store as Required<Store>).transact.bind(w.store);
    let calls = 0;
    w.store.transact = async (work) => {
      if (++calls === 2) raiseFence(w.path);
      return await transact(work);
    };
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100, bob: 0 });
    await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    await w.clock.settle();
    // The second step wrote under the old fence.
    expect([balances(w.path), Object.keys(moves(w.path))]).toEqual([{ ada: 70, bob: 0 }, ['sc1:ns/r/1/debit/-/1/run']]);
    await w.close();
    const next = stage.keep(new FileWorld(w.path));
    const other = await next.open([transfer]);
    await next.clock.advance(60_000);
    expect(await other.run('r').outcome()).toMatchObject({ status: 'completed' });
    expect([balances(w.path), Object.values(moves(w.path))]).toEqual([{ ada: 70, bob: 30 }, [1, 1]]);
  });
});

function raiseFence(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("UPDATE meta SET value = value + 1 WHERE name = 'fence'");
  db.close();
}

describe('money between accounts in one table', () => {
  const account = fc.constantFrom('a', 'b', 'c', 'nobody');
  const transfers = fc.array(fc.record({ from: account, to: account, cents: fc.integer({ min: 1, max: 80 }) }), { minLength: 1, maxLength: 6 });

  test.prop([transfers, fc.array(fc.nat(12), { minLength: 1, maxLength: 3 })], { numRuns: 15, endOnFailure: true })(
    'stays the same in all, whatever dies when',
    async (all, kills) => {
      let world = stage.file();
      const accounts = { a: 100, b: 50, c: 0 };
      await world.open([transfer]);
      withAccounts(world.path, accounts);
      await world.close();
      for (const [k, kill] of [...kills, Number.POSITIVE_INFINITY].entries()) {
        let writes = 0;
        let copy: string | undefined;
        const next = stage.keep(new FileWorld(world.path));
        atEachWrite(next.store, () => {
          if (writes++ === kill) copy = copied(next.path, `${next.path}-${k}`);
        });
        await next.clock.advance(world.clock.now() - next.clock.now());
        await play(next, all);
        await next.close();
        world = copy === undefined ? next : stage.keep(new FileWorld(copy));
      }
      const after = balances(world.path);
      expect(Object.values(after).reduce((sum, cents) => sum + cents, 0)).toBe(150);
      expect(Object.values(moves(world.path)).every((n) => n === 1)).toBe(true);
    },
    60_000,
  );
});
