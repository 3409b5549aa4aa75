import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idempotencyKey } from '../../src/base/key.ts';
import { BusyError, HardError, memory, saga, sagachart } from '../../src/index.ts';
import { type Database, LockLostError, reread, runOf, type SemanticLock, semanticLock, ValueChangedError } from '../../src/participant/index.ts';
import { classify } from '../../src/saga/classify.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { KINDS } from './databases.ts';

describe.each(KINDS)('a semantic lock on %s', (_, make) => {
  let clock: ManualClock;
  let lock: SemanticLock;
  let db: Database;
  beforeEach(async () => {
    clock = new ManualClock(0);
    lock = semanticLock({ clock });
    db = make().db;
    await lock.install(db);
    await lock.install(db);
  });
  const acquire = async (owner: string, ttlMs = 1_000) => await lock.acquire(db, 'order-1', { owner, ttlMs });
  const refusal = async (owner: string) => await acquire(owner).catch((error: unknown) => error);

  it('keeps others out, and says for how long: a step that is refused is tried again, and has done nothing', async () => {
    expect(await acquire('a')).toEqual({ owner: 'a', until: 1_000 });
    await clock.advance(300);
    const busy = await refusal('b');
    expect(busy).toBeInstanceOf(BusyError);
    expect(busy).toMatchObject({ message: 'order-1 is held by a', retryAfterMs: 700 });
    expect(classify(busy)).toEqual({ class: 'transient', effect: 'none', retryAfterMs: 700 });
    expect(await lock.acquire(db, 'order-2', { owner: 'b', ttlMs: 1 })).toEqual({ owner: 'b', until: 301 });
  });

  it('is had by its owner as often as it asks, and is never shortened', async () => {
    await acquire('a');
    await clock.advance(300);
    expect(await acquire('a', 10)).toEqual({ owner: 'a', until: 1_000 });
    expect(await acquire('a', 2_000)).toEqual({ owner: 'a', until: 2_300 });
    expect(await lock.release(db, 'order-1', { owner: 'a' })).toBe(true);
    expect(await acquire('b')).toMatchObject({ owner: 'b' });
  });

  it('runs out: then another may have it, and the first is told when it renews', async () => {
    await acquire('a');
    await clock.advance(999);
    expect(await refusal('b')).toBeInstanceOf(BusyError);
    await clock.advance(1);
    expect(await lock.holder(db, 'order-1')).toBeUndefined();
    expect(await acquire('b')).toEqual({ owner: 'b', until: 2_000 });
    const renewing = async () => await lock.renew(db, 'order-1', { owner: 'a', ttlMs: 1_000 });
    await expect(renewing()).rejects.toBeInstanceOf(LockLostError);
    expect(await lock.holder(db, 'order-1')).toEqual({ owner: 'b', until: 2_000 });
  });

  it('is renewed while it holds, and not once it has run out, even if nobody had it since', async () => {
    await acquire('a');
    await clock.advance(900);
    expect(await lock.renew(db, 'order-1', { owner: 'a', ttlMs: 1_000 })).toEqual({ owner: 'a', until: 1_900 });
    await clock.advance(1_000);
    const renewing = async () => await lock.renew(db, 'order-1', { owner: 'a', ttlMs: 1_000 });
    await expect(renewing()).rejects.toThrow('a does not hold order-1 any more');
    await expect(renewing()).rejects.toBeInstanceOf(HardError);
    await expect(renewing()).rejects.toMatchObject({ code: 'SC_LOCK_LOST' });
  });

  it('is released by its owner alone, any number of times', async () => {
    await acquire('a');
    expect(await lock.release(db, 'order-1', { owner: 'b' })).toBe(false);
    expect(await refusal('b')).toBeInstanceOf(BusyError);
    expect(await lock.release(db, 'order-1', { owner: 'a' })).toBe(true);
    expect(await lock.release(db, 'order-1', { owner: 'a' })).toBe(false);
  });
});

describe('a semantic lock', () => {
  const { db } = (KINDS[0] as (typeof KINDS)[number])[1]();
  const lock = semanticLock({ table: 'own_locks' });

  it('demands an owner and a time', async () => {
    await lock.install(db);
    for (const [hold, message] of [
      [{ ttlMs: 1 }, 'owner is undefined, but must be text that is not empty'],
      [{ owner: '', ttlMs: 1 }, 'owner is ""'],
      [{ owner: 'a', ttlMs: 0 }, 'ttlMs is 0, but must be a number of milliseconds, more than 0'],
      [{ owner: 'a', ttlMs: Number.NaN }, 'ttlMs is null'],
    ] as const)
      expect(() => lock.acquire(db, 'x', hold as never)).toThrow(message);
    expect(() => semanticLock({ ttlMs: 1 } as never)).toThrow('a lock has no option ttlMs');
    expect(() => semanticLock({ table: 'a-b' })).toThrow('table is "a-b"');
  });

  it('makes two runs of one order wait for each other, by what their keys have in common', async () => {
    const { sqlite } = (KINDS[0] as (typeof KINDS)[number])[1]();
    const orders = semanticLock();
    await orders.install(sqlite);
    const seen: string[] = [];
    const change = saga('change', { version: 1, input: z.any() })
      .step(
        'mark',
        async ({ key, run, attempt }) => {
          await orders.acquire(sqlite, 'order-1', { owner: runOf(key), ttlMs: 5_000 });
          if (attempt > 1) seen.push(`${run.id} had to wait`);
          seen.push(run.id);
          return 1;
        },
        {
          retry: { attempts: 'forever', from: '1ms', to: '1ms' },
          compensate: async ({ runKey }) => void orders.release(sqlite, 'order-1', { owner: runOf(runKey) }),
        },
      )
      .pivot('ship', async ({ key, run }) => {
        await orders.renew(sqlite, 'order-1', { owner: runOf(key), ttlMs: 5_000 });
        seen.push(`${run.id} ships`);
        await orders.release(sqlite, 'order-1', { owner: runOf(key) });
      });
    const clock = new ManualClock(Date.now());
    const engine = await sagachart({ sagas: [change], store: memory({ clock }), clock, log: { level: 'silent' } });
    await engine.start(change, null, { id: 'a' });
    await clock.settle();
    expect(seen).toEqual(['a', 'a ships']);
    await orders.acquire(sqlite, 'order-1', { owner: 'somebody', ttlMs: 5_000 });
    const waiting = await engine.start(change, null, { id: 'b' });
    await clock.settle();
    expect(seen).toHaveLength(2);
    await orders.release(sqlite, 'order-1', { owner: 'somebody' });
    await clock.advance(6_000);
    expect(await waiting.outcome()).toMatchObject({ status: 'completed' });
    expect(seen).toEqual(['a', 'a ships', 'b had to wait', 'b', 'b ships']);
    await engine.close();
  });
});

describe('what keys have in common', () => {
  it('is their run and its incarnation', () => {
    const of = (step: string, run: string) => runOf(idempotencyKey({ namespace: 'n/s', run, incarnation: 2, step, round: 3, kind: 'undo' }));
    expect(of('a', 'trip/7')).toBe('sc1:n%2Fs/trip%2F7/2');
    expect(of('b', 'trip/7')).toBe(of('a', 'trip/7'));
    expect(of('a', 'trip/8')).not.toBe(of('a', 'trip/7'));
    expect(runOf('any/key/of/others')).toBe('any/key/of/others');
  });
});

describe('a value that is read again', () => {
  it('is given if it is what it was', () => {
    expect(reread(7, 7)).toBe(7);
    const actual = { price: 5, tags: ['a'], at: new Date(1) };
    expect(reread({ at: new Date(1), tags: ['a'], price: 5 }, actual)).toBe(actual);
    expect(reread(undefined, undefined)).toBeUndefined();
  });

  it('refuses the step if it is another, with both of them in the message', () => {
    const changed = (() => {
      try {
        return reread({ price: 100 }, { price: 120 }, 'the price of tea');
      } catch (error) {
        return error;
      }
    })();
    expect(changed).toBeInstanceOf(ValueChangedError);
    expect(changed).toBeInstanceOf(HardError);
    expect(changed).toMatchObject({
      code: 'SC_VALUE_CHANGED',
      message: 'the price of tea has changed since it was read: it was {"price":100}, and is {"price":120}',
    });
    expect(() => reread<unknown>(1, undefined)).toThrow('the value has changed since it was read: it was 1, and is undefined');
    expect(() => reread<unknown>([1, 2], [2, 1])).toThrow(ValueChangedError);
  });
});
