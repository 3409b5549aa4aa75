import type { SagachartError } from '../base/errors.ts';
import type { Claim, Commit, RunRow, Tombstone } from '../stores/store.ts';
import { type Archive, archiveRuns } from './archive.ts';
import { encodeAnswer } from './command.ts';
import type { Coordinator } from './coordinator.ts';
import { missingRun, notEnded, runHeld } from './refusal.ts';

export interface PurgeOptions {
  /** Written, and synced, before anything is purged. Default: they are not archived. */
  readonly archive?: Archive | undefined;
  /** Number of the inbox row that asks for it, which is answered with the purge of the first. */
  readonly inbox?: number;
}

/**
 * Takes runs that have ended out of the store: what stays of each is its tombstone. They are in nobody's mailbox any more,
 * so their commits need not go through the committer; each is atomic, and one that fails can be asked for again.
 */
export class Purges {
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /**
   * Purges runs in one transaction, each with its earlier lives. Says of each what was wrong with it, if anything was.
   * @throws StoreError; SagachartError SC_ARCHIVE
   */
  async purge(rows: readonly RunRow[], { archive, inbox }: PurgeOptions = {}): Promise<readonly (SagachartError | undefined)[]> {
    const { settings, tenure } = this.#coordinator;
    const { store } = settings;
    const errors = rows.map((row) => (this.#goesOn(row) ? notEnded(row.id, 'purged') : undefined));
    const taken: { readonly claim: Claim; readonly of: number }[] = [];
    try {
      for (const [of, row] of rows.entries()) {
        for (const life of errors[of] ? [] : await this.#lives(row)) {
          // Two lives of one run may be asked for in one go.
          if (taken.some(({ claim }) => claim.row.number === life.number)) continue;
          const claim = await store.claimRun(tenure, life.id, settings.clock.now(), life.incarnation);
          if (claim) taken.push({ claim, of });
          else errors[of] = runHeld(row.id);
        }
      }
      const ready = taken.filter(({ of }) => !errors[of]);
      if (archive)
        await archiveRuns(
          store,
          ready.map(({ claim }) => claim.row),
          archive,
          settings.clock.now(),
        );
      const commits = ready.map(({ claim }, i) => this.#commitOf(claim, i === 0 ? inbox : undefined));
      const verdicts = commits.length === 0 ? [] : await store.commit({ fence: tenure.fence, commits });
      for (const [i, { of }] of ready.entries()) if (verdicts[i] !== 'applied') errors[of] = runHeld(rows[of]?.id ?? '');
      return errors;
    } finally {
      await store.release(
        tenure,
        taken.map(({ claim }) => claim.row.number),
      );
    }
  }

  /**
   * Purges one run, with its earlier lives.
   * @param incarnation default: the last
   * @throws SagachartError SC_RUN_ACTIVE, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_HELD, SC_ARCHIVE
   */
  async one(id: string, options: PurgeOptions, incarnation?: number): Promise<void> {
    const { store } = this.#coordinator.settings;
    const row = await store.find(id, incarnation);
    if (!row) throw await missingRun(store, id);
    const [error] = await this.purge([row], options);
    if (error) throw error;
  }

  /** Also if its end is in the store, and its committer has not heard of that yet. */
  #goesOn({ id, number, endedAt }: RunRow): boolean {
    const cell = this.#coordinator.cells.get(id);
    return endedAt === null || (cell?.number === number && (cell.committing || cell.standing?.endedAt === null));
  }

  /** Of an id nothing older may outlive what is newer: it would be found in its place. */
  async #lives(row: RunRow): Promise<readonly RunRow[]> {
    if (row.incarnation === 1) return [row];
    return (await this.#coordinator.settings.store.list({ ids: [row.id] })).filter(({ incarnation }) => incarnation <= row.incarnation).reverse();
  }

  #commitOf({ row, fence }: Claim, inbox: number | undefined): Commit {
    const at = this.#coordinator.settings.clock.now();
    const { id, saga, inputHash, status, incarnation, number: run } = row;
    const tombstone: Tombstone = { id, saga, inputHash, status, incarnation, at };
    const seq = row.seq + 1;
    return {
      run,
      // Its row was written with its last commit: that was its end.
      seq,
      fence,
      at,
      // The journal goes with the run, so nobody will read it.
      entry: { format: 0, codec: 0, text: '' },
      tombstone,
      ...(inbox === undefined ? {} : { consumed: [{ number: inbox, at, answer: encodeAnswer({ ok: true, seq }) }] }),
    };
  }
}
