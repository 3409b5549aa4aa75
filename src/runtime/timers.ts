import { dueEvent, waitingTimers } from '../kernel/pending.ts';
import type { Cell } from './cell.ts';
import type { Coordinator } from './coordinator.ts';

/** Arms the timers of a run in memory; a deadline that passed while the process was down is due at once. */
export function armTimers(coordinator: Coordinator, cell: Cell): void {
  cell.disarm();
  const { clock } = coordinator.settings;
  const first = waitingTimers(cell.state.data)[0];
  if (!first || coordinator.closing) return;
  cell.disarm = clock.after(Math.max(0, first.due - clock.now()), () => {
    if (cell.gone || coordinator.closing) return;
    const due = waitingTimers(cell.state.data).filter((timer) => timer.due <= clock.now());
    for (const timer of due) coordinator.committer.post(cell, { event: dueEvent(timer) });
    if (due.length === 0) armTimers(coordinator, cell);
  });
}
