import type { Cell } from './cell.ts';

/** Told when a run has ended here, needs a person, or is out of reach. */
export type Watcher = (cell: Cell | undefined, error?: unknown) => void;

/** Whoever waits for something of a run. */
export class Watchers {
  readonly #byRun = new Map<string, Set<Watcher>>();

  /** Returns the way to stop it. */
  add(run: string, watcher: Watcher): () => void {
    const watchers = this.#byRun.get(run) ?? new Set();
    watchers.add(watcher);
    this.#byRun.set(run, watchers);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#byRun.get(run) === watchers) this.#byRun.delete(run);
    };
  }

  tell(run: string, cell: Cell | undefined, error?: unknown): void {
    for (const watcher of this.#byRun.get(run) ?? []) watcher(cell, error);
  }

  failAll(error: unknown): void {
    for (const run of [...this.#byRun.keys()]) this.tell(run, undefined, error);
  }
}
