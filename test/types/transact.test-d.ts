import type { DatabaseSync } from 'node:sqlite';
import { describe, expectTypeOf, it } from 'vitest';
import { begin, type Services } from './trip.ts';

const undo = { compensate: () => {} };

describe('what a transactional step is given', () => {
  it('is the connection, beside input, results, services and a key: nothing declared, nothing annotated', () => {
    begin
      .read('quote', () => 5)
      .transact(
        'book',
        ({ db, input, results, services, key }) => {
          expectTypeOf(db).toEqualTypeOf<DatabaseSync>();
          expectTypeOf(input).toEqualTypeOf<{ traveler: string; bags: number }>();
          expectTypeOf(results).toEqualTypeOf<{ readonly quote: number }>();
          expectTypeOf(services).toEqualTypeOf<Services>();
          expectTypeOf(key).toEqualTypeOf<string>();
          return { seat: 7 };
        },
        {
          compensate: ({ db, outcome, undoKey }) => {
            expectTypeOf(db).toEqualTypeOf<DatabaseSync>();
            // There is no doubt: what is undone succeeded.
            expectTypeOf(outcome.status).toEqualTypeOf<'succeeded'>();
            expectTypeOf(outcome.result).toEqualTypeOf<{ seat: number }>();
            expectTypeOf(undoKey).toEqualTypeOf<string>();
          },
        },
      )
      .read('after', ({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly quote: number; readonly book: { seat: number } }>());
  });

  it('is nothing that could be waited for', () => {
    // @ts-expect-error nobody could tell it to stop
    begin.transact('a', ({ signal }) => signal.aborted, undo);
    // @ts-expect-error it takes no time
    begin.transact('a', ({ heartbeat }) => heartbeat(), undo);
  });
});

describe('what a transactional step must say', () => {
  it('returns its result at once', () => {
    // @ts-expect-error a promise
    begin.transact('a', async () => 1, undo);
    // @ts-expect-error a promise
    begin.transact('a', () => Promise.resolve(1), undo);
    // @ts-expect-error cannot be stored
    begin.transact('a', () => new Map(), undo);
  });

  it('is how it is undone, before the pivot only', () => {
    // @ts-expect-error no undo
    begin.transact('a', () => 1);
    // @ts-expect-error no undo
    begin.transact('a', () => 1, {});
    // @ts-expect-error past the pivot
    begin.pivot('p', () => 1).transact('a', () => 1, undo);
    begin.pivot('p', () => 1).transact('a', () => 1);
    begin.pivot('p', () => 1).transact('a', () => 1, { retry: 'forever' });
  });

  it('has no time limit, and nothing is asked of it later', () => {
    // @ts-expect-error it takes no time
    begin.transact('a', () => 1, { ...undo, timeout: '1s' });
    // @ts-expect-error there is no doubt
    begin.transact('a', () => 1, { ...undo, check: () => undefined });
  });

  it('may be the pivot: then nothing of it is undone', () => {
    begin.transact('a', () => 1, { pivot: true }).step('b', async ({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly a: number }>());
    // @ts-expect-error a pivot has no undo
    begin.transact('a', () => 1, { pivot: true, compensate: () => {} });
    // @ts-expect-error no undo
    begin.transact('a', () => 1, { pivot: false });
  });

  it('holds in a graph as in a chain', () => {
    begin.graph((g) =>
      g
        .transact('a', ({ db }) => db.isOpen, { compensate: ({ outcome }) => void outcome.result })
        .after('a')
        .transact('b', ({ results }) => expectTypeOf(results.a).toEqualTypeOf<boolean>(), { pivot: true })
        .after('b')
        .step('c', async () => 1),
    );
  });
});
