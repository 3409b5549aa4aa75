import { deepStrictEqual } from 'node:assert/strict';
import type { ItemRow } from '../../stores/store.ts';
import { type Checks, first, next, worker } from './rows.ts';

/** The elements of maps. */
export const ITEMS: Checks = {
  'keeps the items of a map, the last row of each, and reads them in pages': async (store) => {
    const tenure = await store.join(worker('a'));
    const run = await store.reserve(2);
    const item = (index: number, more: Partial<ItemRow> = {}): ItemRow => ({
      step: 1,
      round: 1,
      index,
      state: 'done',
      attempts: 1,
      result: `[${index}]`,
      ...more,
    });
    const items = [item(3), item(0), item(2, { result: null }), item(0, { round: 2 }), item(0, { step: 2 })];
    await store.commit({ fence: tenure.fence, commits: [first(tenure, run, 'r', { items }), first(tenure, run + 1, 's', { items: [item(1)] })] });
    await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 2, { items: [item(2, { state: 'undone', attempts: 2 }), item(10_000)] })] });
    const page = async (from: number, limit: number): Promise<readonly ItemRow[]> => await store.items(run, { step: 1, round: 1, from, limit });
    deepStrictEqual(await page(0, 3), [item(0), item(2, { state: 'undone', attempts: 2 }), item(3)]);
    deepStrictEqual(await page(4, 3), [item(10_000)]);
    deepStrictEqual(await page(10_001, 3), []);
    deepStrictEqual(await store.items(run, { step: 1, round: 2, from: 0, limit: 3 }), [item(0, { round: 2 })]);
    deepStrictEqual(await store.items(run, { step: 3, round: 1, from: 0, limit: 3 }), []);
    // A commit that is refused leaves no rows.
    deepStrictEqual(await store.commit({ fence: tenure.fence, commits: [next(tenure.fence, run, 9, { items: [item(5)] })] }), ['conflict']);
    deepStrictEqual(await page(4, 1), [item(10_000)]);
  },
};
