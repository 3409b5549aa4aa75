import { StoreError } from '../base/errors.ts';
import type { RunEvent } from '../kernel/event.ts';
import type { CommitVerdict, Store } from '../stores/store.ts';
import type { Cell, Delivery } from './cell.ts';
import { type Draft, type DraftOptions, draftAll, type Nothing } from './draft.ts';

/** A delivery whose event is made in one transaction with its commit. */
export type ApartDelivery = Delivery & { readonly transact: (connection: unknown) => RunEvent };

/** What a transaction came to. */
export interface Apart {
  readonly drafts: readonly Draft[];
  readonly nothing: readonly Nothing[];
  readonly verdicts: readonly CommitVerdict[];
  /** The store failed, and nobody knows whether it is there. */
  readonly failure?: unknown;
}

/** What stops a store, whoever's statement meets it. */
const STORE_DOWN: ReadonlySet<string> = new Set(['SC_STORE_FULL', 'SC_STORE_IO', 'SC_STORE_READONLY']);

export function isApart(delivery: Delivery | undefined): delivery is ApartDelivery {
  return delivery?.transact !== undefined;
}

/** Performs one delivery, and commits what it leads to, in one transaction: both or neither. Whoever waits is told what it threw. */
export async function performApart(store: Store, cell: Cell, delivery: ApartDelivery, options: DraftOptions): Promise<Apart> {
  let thrown: { readonly error: unknown } | undefined;
  let drafted: Pick<Apart, 'drafts' | 'nothing'> = { drafts: [], nothing: [] };
  const came = (verdicts: readonly CommitVerdict[]): Apart => ({ ...drafted, verdicts });
  try {
    const { verdict } = await (store as Required<Store>).transact((connection) => {
      let event: RunEvent;
      try {
        event = delivery.transact(connection);
      } catch (error) {
        thrown = { error };
        throw error;
      }
      drafted = draftAll(cell, [{ ...delivery, event }], options);
      const [draft] = drafted.drafts;
      if (!draft) throw new Error('it changes nothing, so that what was written is undone');
      return { value: undefined, commit: draft.commit };
    });
    return came([verdict]);
  } catch (error) {
    const fault = thrown ?? (isOfTheStep(error) ? { error } : undefined);
    if (fault && !isDown(error, fault.error)) {
      delivery.settle?.({ ok: false, error: fault.error });
      return { drafts: [], nothing: [], verdicts: [] };
    }
    if (drafted.nothing.length > 0) return came([]);
    const verdict = error instanceof StoreError ? (error.details.verdict as CommitVerdict | undefined) : undefined;
    return verdict === undefined ? { ...came([]), failure: error } : came([verdict]);
  }
}

/** What only shows when the work is done: it has ended its transaction itself, or broken a constraint that is looked at last. */
function isOfTheStep(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'SC_TRANSACTION' || error.code === 'SC_TRANSACT_CONSTRAINT');
}

/** A full disk is none of the step's failures, even if it is its own statement that meets it. */
function isDown(error: unknown, thrown: unknown): boolean {
  return error !== thrown && error instanceof StoreError && error.retryable && STORE_DOWN.has(error.code);
}
