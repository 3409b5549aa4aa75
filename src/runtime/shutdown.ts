import type { Clock } from '../base/clock.ts';
import type { Committer } from './committer.ts';
import type { Coordinator } from './coordinator.ts';

/** How long the results of aborted attempts may take to be committed, past the deadline of `close`. */
const LAST_COMMITS_MS = 5_000;

/** True once all calls have ended, and what they and the last attempts led to is durable. */
export async function lastCommits({ committer, executor, settings }: Coordinator, calls: readonly Promise<unknown>[]): Promise<true> {
  await Promise.all(calls);
  do {
    await committer.quiet();
    // A commit may demand an attempt, which ends as not begun a moment later: that is committed too.
    await new Promise<void>((resolve) => settings.clock.soon(resolve));
  } while (!committer.idle || executor.running > 0);
  return true;
}

/** False once it is past the deadline, and the store fails or has not answered for a while. */
export async function patience(committer: Committer, clock: Clock, deadline: Promise<void>): Promise<false> {
  await deadline;
  const lost = new Promise<void>((resolve) => clock.after(LAST_COMMITS_MS, resolve));
  await Promise.race([committer.failing(), lost]);
  return false;
}
