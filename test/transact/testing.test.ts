import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { harness } from '../../src/testing/harness/harness.ts';
import { later, refused, runs, stalls, succeeds, unanswered } from '../../src/testing/harness/script.ts';
import { coverage, shortestPaths, simplePaths } from '../../src/testing/paths/paths.ts';
import { simulate } from '../../src/testing/simulate/simulate.ts';
import { verify } from '../../src/testing/verify/verify.ts';
import { transfer } from './bank.ts';

const counts = saga('counts', { version: 1, input: z.unknown() })
  .transact('first', ({ db }) => void db.exec('UPDATE c SET n = n + 1'), { compensate: ({ db }) => void db.exec('UPDATE c SET n = n - 1') })
  .step('ask', async () => 1, { compensate: async () => {} })
  .transact('second', ({ db }) => void db.exec('UPDATE c SET n = n + 1'), { compensate: ({ db }) => void db.exec('UPDATE c SET n = n - 1') });

let db: DatabaseSync;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE c (n INTEGER NOT NULL); INSERT INTO c VALUES (0)');
});
afterEach(() => db.close());
const count = (): unknown => db.prepare('SELECT n FROM c').get()?.n;

describe('a harness', () => {
  it('has transactional steps write to the database it is given, with and without a script', async () => {
    await using h = await harness(counts, { database: db, script: { ask: [unanswered(), succeeds(7)] } });
    const run = await h.start(null);
    expect([(await h.outcome(run)).status, count()]).toEqual(['completed', 2]);
    expect(h.order).toEqual(['first', 'ask', 'ask', 'second']);
    await using failing = await harness(counts, { database: db, script: { second: [refused()] } });
    const other = await failing.start(null);
    expect([(await failing.outcome(other)).status, count()]).toEqual(['compensated', 2]);
    expect(failing.order).toEqual(['first', 'ask', 'second', 'ask.undo', 'first.undo']);
  });

  it('needs no database where they are scripted, and says what is lacking where they are not', async () => {
    await using h = await harness(counts, { script: { first: [succeeds()], second: [succeeds()] } });
    expect((await h.outcome(await h.start(null))).status).toBe('completed');
    const bare = await harness(counts, { script: { first: [runs()] } });
    await expect(bare.start(null).then((run) => bare.outcome(run))).rejects.toMatchObject({
      code: 'SC_HARNESS',
      message: expect.stringContaining('the harness has none'),
    });
  });

  it('goes on after a kill: what was committed is there, and nothing else', async () => {
    await using h = await harness(counts, { database: db, script: { ask: [stalls(), succeeds(1)] } });
    const run = await h.start(null);
    await h.advance('1s');
    expect(count()).toBe(1);
    h.kill();
    await h.restart();
    expect([(await h.outcome(run)).status, count()]).toEqual(['completed', 2]);
  });

  it('refuses a script that lets one wait', async () => {
    for (const outcome of [stalls(), later('1s', succeeds())])
      await expect(harness(counts, { script: { first: [outcome] } as never })).rejects.toMatchObject({ code: 'SC_HARNESS' });
    await expect(harness(counts, { script: { 'first.undo': [stalls()] } as never })).rejects.toMatchObject({ code: 'SC_HARNESS' });
  });
});

describe('the paths of a saga with transactional steps', () => {
  it('come out as they say, with and without a cancel', async () => {
    for (const options of [{}, { cancel: true }, { attempts: 2 }])
      for (const path of shortestPaths(counts, options)) await path.check({ results: { first: null, second: null, 'first.undo': null, 'second.undo': null } });
    expect(coverage(counts, simplePaths(counts)).outcomes.missing).toEqual([]);
  }, 120_000);
});

describe('verify', () => {
  it('knows that they happen with their commit, or not at all', async () => {
    const settled = saga('settled', { version: 1, input: z.unknown() })
      .transact('a', () => 1, { compensate: () => {} })
      .step('b', async () => 1, { compensate: async () => {} })
      .transact('c', () => 1, { pivot: true });
    const { complete, violations } = await verify(settled, { limits: { attempts: 1 } });
    expect([complete, violations]).toEqual([true, []]);
  }, 120_000);

  it('says of the undo of the last one that nobody ever needs it', async () => {
    const plain = saga('plain', { version: 1, input: z.unknown() }).transact('only', () => 1, { compensate: () => {} });
    expect((await verify(plain)).violations[0]).toMatchObject({
      rule: 'every compensation can be called',
      step: 'only',
      next: expect.stringContaining('make it the pivot'),
    });
  });

  it('runs their own functions on the database of its world, and takes back what they wrote before they threw', async () => {
    const half = saga('half', { version: 1, input: z.unknown() }).transact(
      'both',
      ({ db }) => {
        db.exec('one');
        db.exec('two');
      },
      { compensate: ({ db }) => db.exec('none') },
    );
    const world = {
      make: () => ({ one: 0, two: 0 }),
      services: () => ({}),
      database: (of: { one: number; two: number }) => ({
        exec: (what: 'one' | 'two' | 'none') => (what === 'none' ? Object.assign(of, { one: 0, two: 0 }) : of[what]++),
      }),
    };
    expect((await verify(half, { world, inputs: [null] })).violations).toEqual([]);
    // A step that adds once more whenever it is done would not be forgiven twice.
    await expect(verify(half, { world: { ...world, database: undefined } as never, inputs: [null] })).rejects.toMatchObject({ code: 'SC_VERIFY' });
  });
});

describe('simulate', () => {
  it('takes them', async () => {
    for (let seed = 1; seed <= 20; seed++) expect((await simulate(transfer, { seed, input: { from: 'a', to: 'b', cents: 1 } })).wrong).toEqual([]);
  }, 120_000);
});
