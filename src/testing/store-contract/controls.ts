import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert/strict';
import { type Checks, worker } from './rows.ts';

/** Settings that all processes share. */
export const CONTROLS: Checks = {
  'keeps settings that anybody may set, change and take away, and reads them by name': async (store) => {
    deepStrictEqual(await store.controls(), []);
    await store.setControl('b', '{"text":"ünïcødé 🚂"}');
    await store.setControl('a', 'old');
    await store.setControl('a', 'new');
    await store.setControl('nobody', undefined);
    deepStrictEqual(await store.controls(), [
      { name: 'a', body: 'new' },
      { name: 'b', body: '{"text":"ünïcødé 🚂"}' },
    ]);
    await store.setControl('b', undefined);
    deepStrictEqual(await store.controls(), [{ name: 'a', body: 'new' }]);
  },

  'tells of a setting that another process made, and of one that it took away': async (store, { again }) => {
    await store.join(worker('a'));
    const other = await again?.(store);
    await other?.open();
    for (const body of ['on', undefined]) {
      const before = store.revision();
      strictEqual(store.revision(), before);
      await (other ?? store).setControl('x', body);
      notStrictEqual(store.revision(), before);
      deepStrictEqual(await store.controls(), body === undefined ? [] : [{ name: 'x', body }]);
    }
    await other?.close();
  },
};
