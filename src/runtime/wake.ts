import { PAUSED } from '../base/failure.ts';
import type { RunEvent } from '../kernel/event.ts';
import { dueEvent, waitingTimers } from '../kernel/pending.ts';
import type { Cell } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import { backoffOf } from './happening.ts';

/** Runs brought back at a time, and how long until the next: a thousand a second, so that they do not all begin at once. */
const AT_A_TIME = 50;
const APART_MS = 50;

class NothingWaits extends Error {}

/** Ends the waits of these runs that were only for a pause: they need not last until their time. */
export async function wakeRuns(coordinator: Coordinator, runs: readonly string[]): Promise<void> {
  const { clock, log } = coordinator.settings;
  for (const [i, run] of runs.entries()) {
    if (i > 0 && i % AT_A_TIME === 0) await new Promise<void>((resolve) => clock.after(APART_MS, resolve));
    if (coordinator.closing) return;
    try {
      await coordinator.deliver(run, (cell) => wake(coordinator, cell));
    } catch (error) {
      // It has ended, or gone on: its wait is over in any case when its time has come.
      if (!(error instanceof NothingWaits)) log.debug('a run was not woken', { run, error: String(error) });
    }
  }
}

function wake({ committer }: Coordinator, cell: Cell): { readonly event: RunEvent } {
  const [first, ...others] = pausedWaits(cell);
  if (!first) throw new NothingWaits();
  for (const event of others) committer.post(cell, { event });
  return { event: first };
}

function pausedWaits({ program, state }: Cell): readonly RunEvent[] {
  return waitingTimers(state.data).flatMap((timer) => {
    const wait = backoffOf(timer);
    return wait && program.next(state, wait.step, wait.kind)?.failure?.code === PAUSED ? [dueEvent(timer)] : [];
  });
}
