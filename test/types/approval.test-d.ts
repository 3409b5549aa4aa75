import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { begin } from './trip.ts';

const decision = z.object({ limit: z.number() });

describe('an approval', () => {
  it('is given the token, and what a step is given', () => {
    begin
      .read('a', () => 1)
      .approval('manager', ({ token, key, input, results }) => {
        expectTypeOf(token).toEqualTypeOf<string>();
        expectTypeOf([key, input.bags.toString(), String(results.a)]).toEqualTypeOf<string[]>();
      });
  });

  it('has what is said with a yes for its result', () => {
    begin
      .approval('manager', () => {}, { decision })
      .read('b', ({ results }) => {
        expectTypeOf(results.manager).toEqualTypeOf<{ limit: number }>();
      });
    begin
      .approval('manager', () => {})
      .read('b', ({ results }) => {
        expectTypeOf(results.manager).toEqualTypeOf<unknown>();
      });
    begin
      .approval('manager', () => {}, { decision, optional: true })
      .read('b', ({ results }) => {
        expectTypeOf(results.manager).toEqualTypeOf<{ limit: number } | undefined>();
      });
    begin
      .approval('manager', () => {}, { decision, expires: '1h', otherwise: 'nobody' as const })
      .read('b', ({ results }) => {
        expectTypeOf(results.manager).toEqualTypeOf<{ limit: number } | 'nobody'>();
      });
    begin.graph((g) =>
      g
        .approval('manager', () => {}, { decision })
        .after('manager')
        .read('b', ({ results }) => {
          expectTypeOf(results.manager).toEqualTypeOf<{ limit: number }>();
        }),
    );
  });

  it('has nothing to undo, and a name of its own', () => {
    // @ts-expect-error an approval changes nothing
    begin.approval('manager', () => {}, { compensate: () => {} });
    // @ts-expect-error there is one
    begin.read('a', () => 1).approval('a', () => {});
  });
});
