import type { Cell } from './cell.ts';
import type { Draft } from './draft.ts';

/** Told when a run has ended here, needs a person, or is out of reach. */
export type Watcher = (cell: Cell | undefined, error?: unknown) => void;

/** Told of every commit of a run, and when it is out of reach. */
export interface Follower {
  committed(draft: Draft): void;
  failed(error: unknown): void;
}

/** Whoever waits for something of a run. One that nobody watches costs a look-up. */
export class Watchers {
  readonly #byRun = new Map<string, Set<Watcher>>();
  readonly #followers = new Map<string, Set<Follower>>();

  /** Returns the way to stop it. */
  add(run: string, watcher: Watcher): () => void {
    return added(this.#byRun, run, watcher);
  }

  /** Returns the way to stop it. */
  follow(run: string, follower: Follower): () => void {
    return added(this.#followers, run, follower);
  }

  /** How many there are. */
  get size(): number {
    return [this.#byRun, this.#followers].reduce((sum, byRun) => [...byRun.values()].reduce((all, some) => all + some.size, sum), 0);
  }

  committed(draft: Draft): void {
    for (const follower of this.#followers.get(draft.cell.identity.id) ?? []) follower.committed(draft);
  }

  tell(run: string, cell: Cell | undefined, error?: unknown): void {
    for (const watcher of this.#byRun.get(run) ?? []) watcher(cell, error);
    if (error !== undefined) for (const follower of this.#followers.get(run) ?? []) follower.failed(error);
  }

  failAll(error: unknown): void {
    for (const run of new Set([...this.#byRun.keys(), ...this.#followers.keys()])) this.tell(run, undefined, error);
  }
}

function added<T>(byRun: Map<string, Set<T>>, run: string, one: T): () => void {
  const some = byRun.get(run) ?? new Set();
  some.add(one);
  byRun.set(run, some);
  return () => {
    some.delete(one);
    if (some.size === 0 && byRun.get(run) === some) byRun.delete(run);
  };
}
