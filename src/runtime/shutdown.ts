import type { Coordinator } from './coordinator.ts';

/** How long the results of aborted attempts may take to be committed, past the deadline of `close`. */
const LAST_COMMITS_MS = 5_000;

/**
 * Resolves once all calls have ended, and what they and the last attempts led to is durable: true. Past the deadline a
 * store that fails, or has not answered for a while, is not waited for: false.
 */
export async function commitAll(coordinator: Coordinator, calls: readonly Promise<unknown>[], deadline: Promise<void>): Promise<boolean> {
  let disarm = (): void => {};
  let done = false;
  const impatient = async (): Promise<false> => {
    await deadline;
    if (done) return false;
    const late = new Promise<void>((resolve) => {
      disarm = coordinator.settings.clock.after(LAST_COMMITS_MS, resolve);
    });
    await Promise.race([coordinator.committer.failing(), late]);
    return false;
  };
  try {
    return await Promise.race([lastCommits(coordinator, calls), impatient()]);
  } finally {
    // An alarm that is still armed would keep the process from ending.
    done = true;
    disarm();
  }
}

async function lastCommits({ committer, executor, settings }: Coordinator, calls: readonly Promise<unknown>[]): Promise<true> {
  await Promise.all(calls);
  do {
    await committer.quiet();
    // A commit may demand an attempt, which ends as not begun a moment later: that is committed too.
    await new Promise<void>((resolve) => settings.clock.soon(resolve));
  } while (!committer.idle || executor.running > 0);
  return true;
}
