import type { Coordinator } from './coordinator.ts';

/** What an engine has in memory. */
export interface Load {
  readonly runs: number;
  /** That run now. */
  readonly attempts: number;
  /** That wait for a place among those. */
  readonly waitingAttempts: number;
  /** What is still to be committed, or to be read from the inbox. */
  readonly behind: number;
  /** Runs that wait for a deploy. */
  readonly blocked: number;
  /** Who waits for something of a run. */
  readonly watchers: number;
}

export function loadOf({ cells, executor, committer, blocked, watchers }: Coordinator, inbox: { readonly behind: boolean }): Load {
  return {
    runs: cells.size,
    attempts: executor.running,
    waitingAttempts: executor.waiting,
    behind: committer.behind + (inbox.behind ? 1 : 0),
    blocked: blocked.size,
    watchers: watchers.size,
  };
}
