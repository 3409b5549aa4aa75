import { describe, expectTypeOf, it } from 'vitest';
import { begin, undo } from './trip.ts';

const list = () => [{ tag: 'a' }];

describe('what a map is given', () => {
  it('is the item with its place, and all that a step is given', () => {
    begin.map('bags', list, ({ item, index, input, key }) => [item.tag, index, input.bags, key].length, {
      compensate: ({ item, index, outcome, runKey, undoKey }) => {
        expectTypeOf(item).toEqualTypeOf<{ tag: string }>();
        expectTypeOf(index).toEqualTypeOf<number>();
        expectTypeOf(outcome.result).toEqualTypeOf<number | undefined>();
        expectTypeOf(runKey).toEqualTypeOf<string>();
        expectTypeOf(undoKey).toEqualTypeOf<string>();
      },
      check: ({ item, runKey }) => {
        expectTypeOf(item).toEqualTypeOf<{ tag: string }>();
        expectTypeOf(runKey).toEqualTypeOf<string>();
        return 7;
      },
    });
    // @ts-expect-error a check answers with what an item returns
    begin.map('bags', list, () => 1, { ...undo, check: () => 'seven' });
  });

  it('lists its items from the input and the results before it', () => {
    begin
      .read('all', () => ['a', 'b'])
      .map(
        'bags',
        ({ results }) => results.all,
        ({ item }) => {
          expectTypeOf(item).toEqualTypeOf<string>();
          return 1;
        },
        undo,
      );
    const count = ({ input }: { readonly input: { readonly bags: number } }) => input.bags;
    // @ts-expect-error not a list
    begin.map('bags', count, () => 1, undo);
  });
});

describe('the result of a map', () => {
  it('are those of its items, in order', () => {
    begin
      .map('bags', list, async ({ item }) => ({ checked: item.tag }), undo)
      .mapRead('weights', list, () => 7)
      .graph((g) => g.map('labels', list, () => 'l', undo).mapRead('sizes', list, () => true))
      .output(({ results }) => {
        expectTypeOf(results.bags).toEqualTypeOf<{ checked: string }[]>();
        expectTypeOf(results.weights).toEqualTypeOf<number[]>();
        expectTypeOf(results.labels).toEqualTypeOf<string[]>();
        expectTypeOf(results.sizes).toEqualTypeOf<boolean[]>();
      });
  });

  it('is how many there were where they are not collected', () => {
    begin
      .map('bags', list, () => 1, { ...undo, collect: false })
      .output(({ results }) => expectTypeOf(results.bags).toEqualTypeOf<{ readonly total: number }>());
  });

  it('must be storable', () => {
    // @ts-expect-error a map cannot be stored
    begin.map('bags', list, () => new Map(), undo);
  });
});

describe('the undo of a map', () => {
  it('must be said before the pivot, and cannot be after it', () => {
    // @ts-expect-error it is missing
    begin.map('bags', list, () => 1, { concurrency: 2 });
    // @ts-expect-error it is missing
    begin.map('bags', list, () => 1);
    // @ts-expect-error a read has none
    begin.mapRead('bags', list, () => 1, undo);
    const settled = begin.pivot('pay', () => 1);
    settled.map('bags', list, () => 1, { concurrency: 2 });
    settled.map('bags', list, () => 1);
    // @ts-expect-error from the pivot on a run only goes forward
    settled.map('bags', list, () => 1, undo);
  });
});
