import { isPutOff } from '../kernel/place.ts';
import type { Cell, Delivery } from './cell.ts';
import type { Coordinator } from './coordinator.ts';

/** The time of a run that was put off has come: it stands in line in its queue, or begins. */
export function timeCame(coordinator: Coordinator, cell: Cell): void {
  if (!isPutOff(cell.state)) return;
  const { queue, due = 0 } = cell.state.data.place ?? {};
  const inLine = queue !== undefined;
  // It may have been put off once more, since it was found to be due.
  if (due > coordinator.settings.clock.now()) coordinator.settled(cell);
  else coordinator.committer.post(cell, { event: inLine ? { type: 'lined' } : { type: 'started', run: cell.identity.id } });
}

/** Posts what is asked of a run. One that is canceled before it has begun is begun in the same batch, out of turn: nothing of it runs. */
export function postTo({ committer }: Coordinator, cell: Cell, delivery: Delivery): void {
  const { event } = delivery;
  if (isPutOff(cell.state) && event.type === 'sent' && event.event.type === 'cancel')
    committer.post(cell, { event: { type: 'started', run: cell.identity.id } });
  committer.post(cell, delivery);
}
