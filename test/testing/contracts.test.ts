import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { memory, saga, sagachart, sqlite } from '../../src/index.ts';
import type { Store } from '../../src/stores/store.ts';
import { type EngineContractOptions, engineContract, storeContract } from '../../src/testing/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'sagachart-contract-'));
let files = 0;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Each opening makes a store anew; `again` goes on with the last one. */
function engineOn(make: () => Store): EngineContractOptions {
  let store: Store;
  const open: EngineContractOptions['open'] = async ({ sagas, services }) =>
    (await sagachart({ sagas, store, services, log: { level: 'silent' } } as never)) as never;
  return {
    saga: saga as never,
    open: async (options) => {
      store = make();
      return await open(options);
    },
    again: open,
  };
}

for (const [name, options] of [
  ['memory', engineOn(memory)],
  ['SQLite', engineOn(() => sqlite(join(directory, `${files++}.db`)))],
] as const) {
  describe(`the engine on ${name} keeps the contract`, () => {
    for (const one of engineContract(options)) it(one.name, one.run);
  });
}

describe('cases of a contract', () => {
  it('are skipped by name, and with a reason', () => {
    const options = engineOn(memory);
    const [first] = engineContract(options);
    const skipping = (skip: Readonly<Record<string, string>>) => () => engineContract({ ...options, skip });
    expect(skipping({ [first?.name ?? '']: 'it has no output' })()).toHaveLength(engineContract(options).length - 1);
    expect(skipping({ [first?.name ?? '']: ' ' })).toThrowError(
      expect.objectContaining({ code: 'SC_OPTION', message: expect.stringContaining('without a reason') }),
    );
    expect(skipping({ nothing: 'why' })).toThrowError(expect.objectContaining({ message: 'the case "nothing" is no case of the contract' }));
    expect(() => storeContract({ make: memory, skip: { nothing: 'why' } })).toThrowError(expect.objectContaining({ code: 'SC_OPTION' }));
  });
});
