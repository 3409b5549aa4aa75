import type { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idempotencyKey } from '../../src/base/key.ts';
import { HardError, memory, saga, sagachart } from '../../src/index.ts';
import { type Database, LateRunError, type ParticipantGuard, participantGuard, StaleFenceError } from '../../src/participant/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { KINDS, transaction } from './databases.ts';

const keyOf = (step: string, run = 'trip-7', kind: 'run' | 'undo' = 'run') => idempotencyKey({ namespace: 'ns', run, incarnation: 1, step, round: 1, kind });
const key = keyOf('room');

describe.each(KINDS)('a guard on %s', (_, make) => {
  let clock: ManualClock;
  let guard: ParticipantGuard;
  let sqlite: DatabaseSync;
  let db: Database;
  let calls: string[];
  beforeEach(async () => {
    clock = new ManualClock();
    guard = participantGuard({ clock });
    ({ sqlite, db } = make());
    sqlite.exec('CREATE TABLE rooms (ref TEXT PRIMARY KEY)');
    calls = [];
    await guard.install(db);
    await guard.install(db);
  });

  const book = (of: { readonly key: string; readonly fence?: number } = { key }) =>
    transaction(sqlite, () =>
      guard.run(db, of, () => {
        calls.push('book');
        sqlite.prepare('INSERT INTO rooms VALUES (?)').run(`R${calls.length}`);
        return { ref: `R${calls.length}`, at: new Date(0) };
      }),
    );
  const release = (of: { readonly runKey: string; readonly fence?: number } = { runKey: key }) =>
    transaction(sqlite, () =>
      guard.undo(db, of, (room: { readonly ref: string }) => {
        calls.push(`release ${room.ref}`);
        sqlite.prepare('DELETE FROM rooms WHERE ref = ?').run(room.ref);
        return `released ${room.ref}`;
      }),
    );
  const rooms = () =>
    sqlite
      .prepare('SELECT ref FROM rooms')
      .all()
      .map(({ ref }) => ref);

  it('gives a repeated key its first result, and does nothing again', async () => {
    const first = await book();
    expect(await book()).toEqual(first);
    expect(await book({ key: keyOf('other') })).toMatchObject({ ref: 'R2' });
    expect(calls).toEqual(['book', 'book']);
  });

  it('undoes once, with the result of the run, and gives a repeated undo its first answer', async () => {
    await book();
    expect(await release()).toBe('released R1');
    expect(await release()).toBe('released R1');
    expect([calls, rooms()]).toEqual([['book', 'release R1'], []]);
  });

  it('permits an undo of what never came, and refuses it when it comes', async () => {
    expect(await release()).toBeUndefined();
    expect(await release()).toBeUndefined();
    const late = await book().catch((error: unknown) => error);
    expect(late).toBeInstanceOf(LateRunError);
    expect(late).toBeInstanceOf(HardError);
    expect(late).toMatchObject({ code: 'SC_PARTICIPANT_LATE', key });
    expect(calls).toEqual([]);
  });

  it('refuses a repeated run after its undo', async () => {
    await book();
    await release();
    await expect(book()).rejects.toBeInstanceOf(LateRunError);
    expect([calls, rooms()]).toEqual([['book', 'release R1'], []]);
  });

  it('is one with what the service does: a rollback undoes both', async () => {
    const failing = transaction(sqlite, async () => {
      await guard.run(db, { key }, () => void sqlite.exec("INSERT INTO rooms VALUES ('lost')"));
      throw new Error('the service fails later');
    });
    await expect(failing).rejects.toThrow('fails later');
    expect([await guard.find(db, { runKey: key }), rooms()]).toEqual([{ status: 'unseen' }, []]);
    await book();
    expect(rooms()).toEqual(['R1']);
  });

  it('remembers nothing of an effect that throws, even if the transaction is committed', async () => {
    const refusing = async () => {
      sqlite.exec('BEGIN');
      try {
        await guard.run(db, { key }, () => {
          throw new HardError('full');
        });
      } finally {
        sqlite.exec('COMMIT');
      }
    };
    await expect(refusing()).rejects.toThrow('full');
    await book();
    const broken = async () => {
      sqlite.exec('BEGIN');
      try {
        await guard.undo(db, { runKey: key }, () => {
          throw new Error('no connection');
        });
      } finally {
        sqlite.exec('COMMIT');
      }
    };
    await expect(broken()).rejects.toThrow('no connection');
    expect(await guard.find(db, { runKey: key })).toMatchObject({ status: 'happened' });
    expect(await release()).toBe('released R1');
  });

  it('refuses what comes under an older fence than its run has been here with, under any key', async () => {
    await book({ key, fence: 7 });
    const older = [() => book({ key, fence: 6 }), () => book({ key: keyOf('other'), fence: 6 }), () => release({ runKey: key, fence: 6 })];
    for (const call of older) {
      const stale = await call().catch((error: unknown) => error);
      expect(stale).toBeInstanceOf(StaleFenceError);
      expect(stale).not.toBeInstanceOf(HardError);
      expect(stale).toMatchObject({ code: 'SC_PARTICIPANT_FENCE', details: { fence: 6, newest: 7 } });
    }
    expect(calls).toEqual(['book']);
    expect(await book({ key: keyOf('room', 'trip-8'), fence: 1 })).toMatchObject({ ref: 'R2' });
    // The one that has taken over gets the first result, and is the newest from then on.
    expect(await book({ key, fence: 9 })).toMatchObject({ ref: 'R1' });
    await expect(release({ runKey: key, fence: 8 })).rejects.toBeInstanceOf(StaleFenceError);
    expect(await release({ runKey: key, fence: 9 })).toBe('released R1');
    expect(await book({ key: keyOf('another'), fence: 9 })).toMatchObject({ ref: 'R4' });
  });

  it('says what is known of a key', async () => {
    expect(await guard.find(db, { runKey: key })).toEqual({ status: 'unseen' });
    await book();
    expect(await guard.find(db, { runKey: key })).toEqual({ status: 'happened', result: { ref: 'R1', at: new Date(0) } });
    await release();
    expect(await guard.find(db, { runKey: key })).toEqual({ status: 'undone' });
  });

  it('forgets keys that nobody has asked for in a while', async () => {
    await book();
    await release({ runKey: keyOf('empty') });
    await clock.advance(1_000);
    await book();
    await clock.advance(500);
    expect(await guard.prune(db, 1_000)).toBe(1);
    expect(await guard.find(db, { runKey: key })).toMatchObject({ status: 'happened' });
    await clock.advance(1_000);
    expect(await guard.prune(db, 1_000)).toBe(1);
    expect(await guard.find(db, { runKey: key })).toEqual({ status: 'unseen' });
  });

  it('keeps no result that is not plain data', async () => {
    const storing = transaction(sqlite, () => guard.run(db, { key }, () => ({ room: new Map() })));
    await expect(storing).rejects.toMatchObject({ code: 'SC_NOT_STORABLE' });
    expect(await guard.find(db, { runKey: key })).toEqual({ status: 'unseen' });
  });

  it('keeps apart what has tables of its own', async () => {
    const other = participantGuard({ table: 'other_guard' });
    await other.install(db);
    await book();
    expect(await other.find(db, { runKey: key })).toEqual({ status: 'unseen' });
  });
});

describe('a guard', () => {
  const [, make] = KINDS[0] as (typeof KINDS)[number];
  const open = () => {
    const { sqlite } = make();
    const guard = participantGuard();
    for (const text of guard.schema) sqlite.exec(text);
    return { sqlite, guard };
  };

  it('answers at once where the database does', () => {
    const { sqlite, guard } = open();
    sqlite.exec('BEGIN');
    const ref: string = guard.run(sqlite, { key }, () => 'R1');
    expect(ref).toBe('R1');
    expect(guard.undo(sqlite, { runKey: key }, (room: string) => room)).toBe('R1');
  });

  it('refuses an effect that goes on after the transaction', () => {
    const { sqlite, guard } = open();
    sqlite.exec('BEGIN');
    expect(() => guard.run(sqlite, { key }, async () => 1)).toThrow(expect.objectContaining({ code: 'SC_PARTICIPANT_ASYNC' }));
    expect(guard.find(sqlite, { runKey: key })).toEqual({ status: 'unseen' });
  });

  it('is not called outside of a transaction, without a key, or with what is no fence', () => {
    const { sqlite, guard } = open();
    const call = (what: object) => () => guard.run(sqlite, what as { key: string }, () => 1);
    expect(call({ key })).toThrow('outside of a transaction');
    expect(() => guard.undo(sqlite, { runKey: key }, () => 1)).toThrow('outside of a transaction');
    sqlite.exec('BEGIN');
    expect(call({})).toThrow('key is undefined, but must be text that is not empty');
    expect(call({ key: '' })).toThrow('key is ""');
    expect(call({ key, fence: 1.5 })).toThrow('fence is 1.5, but must be a whole number from 0');
    expect(() => guard.undo(sqlite, {} as never, () => 1)).toThrow('runKey is undefined');
    expect(() => guard.prune(sqlite, 0)).toThrow('olderThanMs is 0');
  });

  it('is refused a table that is no name, and options that there are not', () => {
    for (const table of ['a b', 'x;--', '', '1a', 'a.b.c']) expect(() => participantGuard({ table })).toThrow(`table is ${JSON.stringify(table)}`);
    expect(() => participantGuard({ ttl: 1 } as never)).toThrow('a guard has no option ttl');
    expect(participantGuard({ table: 'app.keys' }).schema[1]).toBe('CREATE INDEX IF NOT EXISTS app_keys_run ON app.keys (run)');
  });

  it('holds under a real engine: the answer is lost, the step is tried again, and undone once', async () => {
    const { sqlite, guard } = open();
    sqlite.exec('CREATE TABLE rooms (ref TEXT)');
    const trip = saga('trip', { version: 1, input: z.any() })
      .step(
        'room',
        async ({ key, fence, attempt }) => {
          const ref = await transaction(sqlite, () =>
            guard.run(sqlite, { key, fence }, () => {
              sqlite.exec("INSERT INTO rooms VALUES ('R1')");
              return 'R1';
            }),
          );
          if (attempt < 3) throw new Error('connection reset');
          return ref;
        },
        {
          retry: { attempts: 3, from: '1ms' },
          compensate: async ({ runKey, fence }) => {
            await transaction(sqlite, () => guard.undo(sqlite, { runKey, fence }, () => sqlite.exec('DELETE FROM rooms')));
          },
        },
      )
      .read('pay', () => {
        expect(sqlite.prepare('SELECT count(*) AS n FROM rooms').get()).toEqual({ n: 1 });
        throw new HardError('declined');
      });
    const engine = await sagachart({ sagas: [trip], store: memory(), log: { level: 'silent' } });
    const run = await engine.start(trip, null);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', step: 'pay', failure: { message: 'declined' } });
    expect(sqlite.prepare('SELECT count(*) AS n FROM rooms').get()).toEqual({ n: 0 });
    await engine.close();
  });
});
