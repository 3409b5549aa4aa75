import type { CommitVerdict, Store } from '../stores/store.ts';
import { isApart } from './apart.ts';
import type { Cell, Delivery } from './cell.ts';
import type { Draft, Nothing } from './draft.ts';

/** What one run put into a batch. */
export interface Turn {
  readonly cell: Cell;
  /** Its deliveries in order, whatever came of them. */
  readonly taken: readonly Delivery[];
  readonly drafts: readonly Draft[];
  readonly nothing: readonly Nothing[];
}

/** What is written in one transaction. */
export interface Round {
  readonly turns: readonly Turn[];
  readonly drafts: readonly Draft[];
  /** Answers to inbox entries that never reached a run. */
  readonly answers: readonly Nothing[];
  readonly now: number;
}

/** Takes up to so many events of a run; one that needs a transaction of its own waits for its turn. */
export function takeFrom({ mailbox }: Cell, most: number): readonly Delivery[] {
  const apart = mailbox.findIndex(isApart);
  return mailbox.splice(0, apart === -1 ? most : Math.min(most, apart));
}

/** Which commits of a round are there whose answer was lost. */
export async function lookUp(store: Store, { drafts }: Round): Promise<readonly CommitVerdict[]> {
  const verdicts: CommitVerdict[] = [];
  for (const { commit } of drafts) {
    const [entry] = await store.journal(commit.run, { from: commit.seq, limit: 1 });
    verdicts.push(entry?.seq === commit.seq && entry.text === commit.entry.text ? 'applied' : 'conflict');
  }
  return verdicts;
}
