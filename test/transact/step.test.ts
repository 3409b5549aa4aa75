import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { z } from 'zod';
import { programOf } from '../../src/definitions.ts';
import { HardError, memory, saga } from '../../src/index.ts';
import type { AnySaga } from '../../src/saga/any-saga.ts';
import { type FileWorld, happened, journalOf, setting } from '../promises/setting.ts';
import { World } from '../runtime/harness.ts';
import { balances, move, moves, query, transfer, withAccounts } from './bank.ts';

const stage = setting();

describe('a transactional step', () => {
  it('writes to the database of the store in one transaction with the commit of its end', async () => {
    const w = stage.file();
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100, bob: 0 });
    const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: { left: 70 } });
    expect(balances(w.path)).toEqual({ ada: 70, bob: 30 });
    expect(moves(w.path)).toEqual({ 'sc1:ns/r/1/debit/-/1/run': 1, 'sc1:ns/r/1/credit/-/1/run': 1 });
    expect(await happened(w.store, 'r')).toEqual(['started', 'succeeded debit', 'succeeded credit']);
  });

  it('that throws leaves nothing, and is refused where it says so', async () => {
    const w = stage.file();
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 10, bob: 0 });
    const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'failed', failure: { class: 'hard', effect: 'none' } });
    expect([balances(w.path), moves(w.path)]).toEqual([{ ada: 10, bob: 0 }, {}]);
  });

  it('is undone in one transaction with the commit of that', async () => {
    const w = stage.file();
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100 });
    const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { message: 'there is no account bob' } });
    expect(balances(w.path)).toEqual({ ada: 100 });
    expect(await happened(w.store, 'r')).toEqual(['started', 'succeeded debit', 'failed credit', 'succeeded debit.undo']);
  });
});

const input = z.object({ n: z.number().default(0) });
const begin = () => saga('one', { version: 1, input });
const undo = { compensate: () => {} };

/** A saga of one transactional step, run to its end on a file with accounts. */
async function ended(given: AnySaga, options: Parameters<FileWorld['open']>[1] = {}) {
  const w = stage.file();
  const engine = await w.open([given], options);
  withAccounts(w.path, { ada: 100 });
  const run = await engine.start(given, { n: 0 }, { id: 'r' });
  await w.clock.advance(3_600_000);
  return { w, outcome: await run.outcome(), there: moves(w.path), ada: balances(w.path).ada };
}

describe('what a transactional step throws', () => {
  it('leaves nothing, and is tried again as a failure of no effect', async () => {
    let calls = 0;
    const { w, outcome, there } = await ended(
      begin().transact(
        'a',
        ({ db, key }) => {
          move(db, 'ada', -1, key);
          if (++calls < 3) throw new Error('a moment');
          return calls;
        },
        undo,
      ),
    );
    expect([outcome.status, Object.values(there), calls]).toEqual(['completed', [1], 3]);
    const failures = (await journalOf(w.store, 'r')).flatMap(({ event }) => (event.type === 'failed' ? [event.error] : []));
    expect(failures).toMatchObject([
      { class: 'transient', effect: 'none' },
      { class: 'transient', effect: 'none' },
    ]);
  });

  it('is never in doubt, whatever it is: a result that cannot be stored, one that its schema refuses, a classify that says so', async () => {
    const odd = begin().transact('a', ({ db, key }) => move(db, 'ada', -1, key) && (new Map() as never), undo);
    const refused = begin().transact('a', ({ db, key }) => move(db, 'ada', -1, key), { ...undo, result: z.string() });
    const doubted = begin().transact(
      'a',
      ({ db, key }) => {
        move(db, 'ada', -1, key);
        throw new Error('no');
      },
      { ...undo, classify: () => ({ class: 'hard', effect: 'maybe' }) },
    );
    for (const given of [odd, refused, doubted]) {
      const { outcome, there } = await ended(given as AnySaga);
      expect(outcome).toMatchObject({ status: 'failed', failure: { class: 'hard', effect: 'none' } });
      expect(there).toEqual({});
    }
  });

  it('is no failure of the step where the disk is full: it is done when there is room', async () => {
    let full = 3;
    const { outcome, there } = await ended(
      begin().transact(
        'a',
        ({ db, key }) => {
          move(db, 'ada', -1, key);
          if (full-- > 0) throw Object.assign(new Error('database or disk is full'), { errcode: 13, errstr: 'database or disk is full' });
          return 1;
        },
        { ...undo, retry: 1 },
      ),
    );
    expect([outcome.status, Object.values(there)]).toEqual(['completed', [1]]);
  });
});

describe('a constraint that is looked at when a transaction commits', () => {
  const tables = 'CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)';
  const broken = begin()
    .transact('tables', ({ db }) => void db.exec(tables), undo)
    .transact('a', ({ db }) => void db.exec('INSERT INTO c VALUES (7)'), { ...undo, retry: { attempts: 2, from: '1ms' } });

  it('is a failure of the step, and holds up nobody else', async () => {
    const { w, outcome } = await ended(broken as AnySaga);
    expect(outcome).toMatchObject({ status: 'compensated', failure: { code: 'SC_TRANSACT_CONSTRAINT', class: 'transient', effect: 'none' } });
    expect(w.types()).not.toContain('store.failed');
    expect(query(w.path, 'SELECT * FROM c')).toEqual([]);
  });

  it('undoes the commit of the run, too, where the runs are in memory', async () => {
    const w = stage.keep(new World((clock) => memory({ clock, database: new DatabaseSync(':memory:') })));
    const engine = await w.open([broken]);
    const run = await engine.start(broken, { n: 0 });
    await w.clock.advance(60_000);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { code: 'SC_TRANSACT_CONSTRAINT' } });
  });
});

describe('a transactional step that waits', () => {
  it('is refused, and can write nothing later', async () => {
    let later: unknown;
    const waiting = begin().transact(
      'a',
      ({ db, key }) => {
        move(db, 'ada', -1, key);
        return Promise.resolve()
          .then(() => move(db, 'ada', -1, key))
          .catch((error: unknown) => {
            later = error;
          }) as never;
      },
      undo,
    );
    const { outcome, there } = await ended(waiting);
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'SC_TRANSACT_ASYNC', effect: 'none' } });
    expect([there, later]).toEqual([{}, expect.any(TypeError)]);
  });

  it('is refused when it is defined, where that can be seen', () => {
    const wrong = (define: () => unknown, message: string): void =>
      expect(define).toThrow(expect.objectContaining({ code: 'SC_DEFINITION_OPTION', message: expect.stringContaining(message) }));
    wrong(() => begin().transact('a', (async () => 1) as never, undo), 'run is an async function');
    wrong(() => begin().transact('a', () => 1, { compensate: async () => {} }), 'compensate is an async function');
    wrong(() => begin().transact('a', () => 1, { ...undo, timeout: '1s' } as never), 'there is no option');
    wrong(() => begin().transact('a', () => 1, { ...undo, undo: { timeout: '1s' } } as never), 'there is no option');
    wrong(() => begin().transact('a', () => 1, { pivot: 'yes' } as never), 'pivot is');
    wrong(() => begin().transact('a', () => 1, { ...undo, check: () => undefined } as never), 'there is no option');
    expect(() => begin().transact('a', () => 1, {} as never)).toThrow(expect.objectContaining({ code: 'SC_DEFINITION_COMPENSATE' }));
  });
});

describe('the transaction of a step', () => {
  it('is not its own to end', async () => {
    for (const text of ['COMMIT', ' rollback', 'BEGIN', 'end transaction']) {
      const { outcome, there } = await ended(begin().transact('a', ({ db, key }) => (move(db, 'ada', -1, key) && db.exec(text)) as undefined, undo));
      expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'SC_TRANSACTION', effect: 'none' } });
      expect(there).toEqual({});
    }
    const { outcome } = await ended(begin().transact('a', ({ db }) => void db.close(), undo));
    expect(outcome).toMatchObject({ failure: { code: 'SC_TRANSACTION' } });
  });

  it('that is ended all the same is noticed: the run goes on from that, and says so', async () => {
    for (const text of ['SELECT 1; COMMIT', 'SELECT 1; COMMIT; BEGIN']) {
      const { w, outcome } = await ended(begin().transact('a', ({ db }) => void db.exec(text), undo));
      expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'SC_TRANSACTION', message: expect.stringContaining('has ended the transaction') } });
      expect(w.types()).not.toContain('store.failed');
    }
  });

  it('can be undone in part, with a savepoint', async () => {
    const { outcome, there } = await ended(
      begin().transact(
        'a',
        ({ db, key }) => {
          move(db, 'ada', -1, key);
          db.exec('SAVEPOINT mine');
          move(db, 'ada', -1, `${key}/second`);
          db.exec('ROLLBACK TO mine; RELEASE mine');
          return 1;
        },
        undo,
      ),
    );
    expect([outcome.status, Object.values(there)]).toEqual(['completed', [1]]);
  });
});

describe('a store that is no database', () => {
  it('is refused when the engine is opened: which saga, which step, which store', async () => {
    const w = stage.memory();
    await expect(w.open([transfer])).rejects.toMatchObject({
      code: 'SC_STORE_TRANSACT',
      message: 'step debit of transfer version 1 is transactional, but the store memory is no database that a step could write to',
    });
  });

  it('may have one beside it, for a unit test', async () => {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE accounts (id TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0)); CREATE TABLE moves (key, account, cents)');
    db.exec("INSERT INTO accounts VALUES ('ada', 100), ('bob', 0)");
    const w = stage.keep(new World((clock) => memory({ clock, database: db })));
    const engine = await w.open([transfer]);
    const good = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 });
    const bad = await engine.start(transfer, { from: 'ada', to: 'nobody', cents: 30 });
    const poor = await engine.start(transfer, { from: 'bob', to: 'ada', cents: 31 });
    await w.clock.advance(60_000);
    expect([(await good.outcome()).status, (await bad.outcome()).status, (await poor.outcome()).status]).toEqual(['completed', 'compensated', 'failed']);
    expect(db.prepare('SELECT cents FROM accounts ORDER BY id').all()).toEqual([{ cents: 70 }, { cents: 30 }]);
  });
});

describe('transactional steps beside others', () => {
  it('take turns with their batches, and keep the order of their run', async () => {
    const w = stage.file();
    const plain = saga('plain', { version: 1, input: z.unknown() })
      .read('a', async () => 1)
      .read('b', async () => 2);
    const order: string[] = [];
    const { commit, transact } = w.store as Required<typeof w.store>;
    w.store.commit = async (batch) => {
      order.push('batch');
      return await commit.call(w.store, batch);
    };
    w.store.transact = async (work) => {
      order.push('one');
      return (await transact.call(w.store, work)) as never;
    };
    const engine = await w.open([transfer, plain]);
    withAccounts(w.path, { ada: 1_000, bob: 0 });
    const runs = await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => engine.start(transfer, { from: 'ada', to: 'bob', cents: 1 }, { id: `t${i}` })),
      ...Array.from({ length: 20 }, (_, i) => engine.start(plain, null, { id: `p${i}` })),
    ]);
    await w.clock.advance(60_000);
    for (const run of runs) expect((await run.outcome()).status).toBe('completed');
    expect(balances(w.path)).toEqual({ ada: 980, bob: 20 });
    expect(order.filter((one) => one === 'one')).toHaveLength(40);
    // The others were not held up by all of these: their batches are early among them.
    expect(order.lastIndexOf('batch')).toBeLessThan(20);
    for (let i = 0; i < 20; i++) expect(await happened(w.store, `t${i}`)).toEqual(['started', 'succeeded debit', 'succeeded credit']);
  });

  it('are one with their commit inside of interceptors, too', async () => {
    const seen: string[] = [];
    const { outcome, there } = await ended(
      begin().transact('a', ({ db, key }) => move(db, 'ada', -1, key), undo),
      {
        interceptors: [
          async ({ step }, next) => {
            seen.push(`${step} gave ${await next()}`);
            throw new Error('too late to change anything');
          },
        ],
      },
    );
    expect([outcome.status, Object.values(there), seen]).toEqual(['completed', [1], ['a gave 99']]);
  });

  it('do not begin where an interceptor throws before', async () => {
    const { outcome, there } = await ended(
      begin().transact('a', ({ db, key }) => move(db, 'ada', -1, key), undo),
      {
        interceptors: [
          () => {
            throw new HardError('not allowed');
          },
        ],
      },
    );
    expect([outcome.status, there]).toEqual(['failed', {}]);
  });
});

describe('the chart of a transactional step', () => {
  it('has no place for a doubt', () => {
    const paths = (of: AnySaga): string => JSON.stringify(of.machine.config);
    expect(paths(begin().step('a', async () => 1, undo))).toContain('"unknown"');
    expect(paths(begin().transact('a', () => 1, undo))).not.toContain('"unknown"');
  });

  it('is another than that of an ordinary step, so that no run goes from one to the other', () => {
    const settled = () => saga('s', { version: 1, input }).pivot('p', () => 1);
    const [plain, transactional] = [settled().step('a', () => 1), settled().transact('a', () => 1)].map((of) => programOf(of as AnySaga).fingerprint);
    expect(plain).not.toBe(transactional);
  });

  it('runs under createActor, with whatever is given in its place', async () => {
    const actor = createActor(
      begin()
        .transact('a', () => 1, { pivot: true })
        .machine.provide({ actors: { a: fromPromise(async () => 7) } as never }),
      {
        input: { input: { n: 0 } },
      },
    );
    const done = new Promise<void>((resolve) => actor.subscribe({ complete: resolve }));
    actor.start();
    await done;
    expect(actor.getSnapshot().value).toBe('completed');
  });
});

describe('a transactional step that is optional, or races', () => {
  it('is passed over where it fails, with nothing to undo', async () => {
    const undone: string[] = [];
    const { outcome, there } = await ended(
      begin().transact(
        'a',
        ({ db, key }) => {
          move(db, 'ada', -1, key);
          throw new HardError('no');
        },
        { compensate: () => undone.push('a'), optional: true },
      ),
    );
    expect([outcome.status, there, undone]).toEqual(['completed', {}, []]);
  });

  it('is undone where another has won', async () => {
    const raced = begin().race(
      (b) => b.transact('a', ({ db, key }) => move(db, 'ada', -1, key), { compensate: ({ db, undoKey }) => void move(db, 'ada', 1, undoKey) }),
      (b) => b.transact('b', ({ db, key }) => move(db, 'ada', -1, key), { compensate: ({ db, undoKey }) => void move(db, 'ada', 1, undoKey) }),
    );
    const { outcome, ada } = await ended(raced as AnySaga);
    expect([outcome.status, ada]).toEqual(['completed', 99]);
  });

  it('has the fallback of an ordinary step', async () => {
    const { outcome, there } = await ended(
      begin()
        .transact(
          'a',
          () => {
            throw new HardError('no');
          },
          { ...undo, fallback: async () => 5 },
        )
        .output(({ results }) => results.a) as AnySaga,
    );
    expect([outcome, there]).toMatchObject([{ status: 'completed', output: 5 }, {}]);
  });
});
