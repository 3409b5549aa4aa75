import { describe, expectTypeOf, it } from 'vitest';
import { begin, settled, undo } from './trip.ts';

describe('results in a chain', () => {
  it('are typed by the names of the steps that precede, promises awaited', () => {
    begin
      .read('quote', ({ results }) => {
        expectTypeOf<keyof typeof results>().toBeNever();
        return { cents: 5 };
      })
      .step('flight', async () => ({ ref: 'f' }), undo)
      .sleep('1s')
      .read('seat', ({ results }) => expectTypeOf(results).toEqualTypeOf<{ readonly quote: { cents: number }; readonly flight: { ref: string } }>());
  });

  it('hide the steps that follow', () => {
    // @ts-expect-error the flight comes later
    begin.read('seat', ({ results }) => results.flight).read('flight', () => 1);
  });

  it('reach across the pivot and into the output', () => {
    const done = settled.step('tickets', ({ results }) => `${results.flight.ref}:${results.charge.cents}`);
    done.output(({ results }) =>
      expectTypeOf(results).toEqualTypeOf<{ readonly flight: { readonly ref: string }; readonly charge: { cents: number }; readonly tickets: string }>(),
    );
  });

  it('leave what one beginning was continued with out of the other', () => {
    const one = begin.read('one', () => 1);
    one.read('two', () => 2);
    // @ts-expect-error `two` continues another saga
    one.read('three', ({ results }) => results.two);
  });
});

describe('results of parallel branches', () => {
  it('are seen in their own branch, and by everyone after the join', () => {
    begin
      .read('quote', () => 5)
      .parallel(
        (b) => b.step('flight', () => 'f', undo).read('seat', ({ results }) => results.flight.length + results.quote),
        (b) => b.step('hotel', async () => ({ room: 7 }), undo),
      )
      .read('summary', ({ results }) =>
        expectTypeOf(results).toEqualTypeOf<{ readonly quote: number; readonly flight: string; readonly seat: number; readonly hotel: { room: number } }>(),
      );
  });

  it('are hidden from a sibling', () => {
    begin.parallel(
      (b) => b.read('flight', () => 'f'),
      // @ts-expect-error a sibling may not have ended yet
      (b) => b.read('hotel', ({ results }) => results.flight),
    );
  });

  it('are hidden from a sibling, however deep', () => {
    begin.parallel(
      (b) => b.parallel((c) => c.read('flight', () => 'f')),
      (b) => b.parallel((c) => c.read('hotel', ({ results }) => expectTypeOf<keyof typeof results>().toBeNever())),
    );
  });
});
