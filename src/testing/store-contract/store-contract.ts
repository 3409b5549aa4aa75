import type { Store } from '../../stores/store.ts';
import { type ContractCase, kept } from '../contract.ts';
import { CHARTS } from './charts.ts';
import { CLAIMS } from './claims.ts';
import { COMMITS } from './commits.ts';
import { CONTROLS } from './controls.ts';
import { INBOX } from './inbox.ts';
import { ITEMS } from './items.ts';
import { LISTING } from './listing.ts';
import { LIVES } from './lives.ts';
import { OUTBOX } from './outbox.ts';
import { QUEUES } from './queues.ts';
import type { Checks } from './rows.ts';

const CASES: Checks = { ...COMMITS, ...ITEMS, ...CLAIMS, ...INBOX, ...OUTBOX, ...LIVES, ...LISTING, ...CONTROLS, ...CHARTS, ...QUEUES };

export interface ContractOptions {
  /** A new, empty store, not opened yet. */
  make(): Promise<Store> | Store;
  /** The same data opened once more, as another process would; undefined where that cannot be. */
  again?(store: Store): Promise<Store> | Store;
  /**
   * A store in which a second worker can join although the first, frozen, has not left: its lease has run out, its
   * lock is lost. Default: the first one leaves.
   */
  usurp?(store: Store): Promise<Store> | Store;
  /** Cases that do not apply, and why. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What every store must do. Give each case to the `it` of your test runner. */
export function storeContract(options: ContractOptions): readonly ContractCase[] {
  return kept(CASES, options.skip).map(([name, check]) => ({
    name,
    run: async () => {
      const store = await options.make();
      await store.open();
      try {
        await check(store, options);
      } finally {
        await store.close();
      }
    },
  }));
}
