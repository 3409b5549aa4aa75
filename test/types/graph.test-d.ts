import { describe, expectTypeOf, it } from 'vitest';
import { begin, undo } from './trip.ts';

describe('a graph', () => {
  it('shows a step the results of all its ancestors and of no other', () => {
    begin
      .read('quote', () => 5)
      .graph((g) =>
        g
          .read('a', ({ results }) => String(results.quote))
          .after('a')
          .step('b', async () => ({ b: true }), undo)
          .read('aside', ({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly quote: number }>())
          .after('a')
          .read('c', () => 3)
          .after('b')
          .read('d', ({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly quote: number; readonly a: string; readonly b: { b: boolean } }>())
          .after('b', 'c')
          .read('e', ({ results }) =>
            expectTypeOf(results).toEqualTypeOf<{ readonly quote: number; readonly a: string; readonly b: { b: boolean }; readonly c: number }>(),
          ),
      );
  });

  it('shows what comes after it every result', () => {
    begin
      .read('quote', () => 5)
      .graph((g) => g.read('a', () => 1).read('b', () => 'b'))
      .read('end', ({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly quote: number; readonly a: number; readonly b: string }>());
  });

  it('hides a step that is not an ancestor', () => {
    begin.graph((g) =>
      g
        .read('a', () => 1)
        .read('b', () => 2)
        .after('a')
        // @ts-expect-error `b` may not have ended yet
        .read('c', ({ results }) => results.b),
    );
  });

  it('does not let a step name a later one, itself, or one from before the graph, so that a cycle cannot be written', () => {
    begin
      .read('quote', () => 5)
      .graph((g) => {
        // @ts-expect-error there is no step yet
        g.after('b');
        // @ts-expect-error every step of the graph comes after it anyway
        g.after('quote');
        const one = g.read('a', () => 1);
        // @ts-expect-error `b` comes later
        one.after('a', 'b');
        expectTypeOf(one.after<['a']>)
          .parameter(0)
          .toEqualTypeOf<'a'>();
        return one;
      });
  });

  it('demands an undo of a step, refuses one of a read, and takes each name once', () => {
    begin
      .read('quote', () => 5)
      .graph((g) => {
        // @ts-expect-error no compensate
        g.step('a', () => 1);
        // @ts-expect-error no compensate
        g.step('a', () => 1, { timeout: '1s' });
        // @ts-expect-error nothing to undo
        g.read('a', () => 1, { compensate: () => undefined });
        // @ts-expect-error taken before the graph
        g.read('quote', () => 1);
        // @ts-expect-error taken in the graph
        g.read('a', () => 1).sleep('a', '1s');
        // @ts-expect-error a step after the pivot only goes forward
        g.pivot('a', () => 1).step('b', () => 1, undo);
        // @ts-expect-error a Date cannot be stored
        g.read('a', () => new Date());
        return g.pivot('a', () => 1).step('b', () => 2);
      });
  });

  it('ends past the pivot that is in it', () => {
    const done = begin.graph((g) => g.pivot('charge', () => 1)).step('tickets', () => 2);
    // @ts-expect-error from the pivot on a run only goes forward
    done.step('mail', () => 3, undo);
    // @ts-expect-error without a pivot it demands an undo
    begin.graph((g) => g.read('a', () => 1)).step('b', () => 2);
  });
});
