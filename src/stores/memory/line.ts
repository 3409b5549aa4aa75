import type { Bounds, QueueCount, QueuePlace, RunRow } from '../store.ts';
import type { Kept, Lives } from './lives.ts';

type Placed = Kept & { readonly row: RunRow & { readonly place: QueuePlace } };

/** The runs of queues: those that wait in line, and those that take up a place. */
export class Lines {
  readonly #runs: Lives;

  constructor(runs: Lives) {
    this.#runs = runs;
  }

  nextKey(queue: string, after?: string): string | undefined {
    const keys = this.#of(queue, 'waiting').map(({ row }) => row.place.key);
    return keys.filter((key) => after === undefined || key > after).sort()[0];
  }

  /** In the order in which they are to begin. */
  waiting(queue: string, key: string): readonly Kept[] {
    return this.#of(queue, 'waiting')
      .filter(({ row }) => row.place.key === key)
      .sort((a, b) => b.row.place.priority - a.row.place.priority || a.row.number - b.row.number);
  }

  begun(queue: string, key?: string): number {
    return this.#of(queue, 'begun').filter(({ row }) => key === undefined || row.place.key === key).length;
  }

  isFull({ most, perKey }: Bounds, place: QueuePlace | undefined): boolean {
    if (!place) return false;
    return (most !== undefined && this.begun(place.queue) >= most) || (perKey !== undefined && this.begun(place.queue, place.key) >= perKey);
  }

  counts(): readonly QueueCount[] {
    const names = new Set([...this.#runs.all()].flatMap(({ row }) => row.place?.queue ?? []));
    return [...names].sort().map((queue) => ({ queue, waiting: this.#of(queue, 'waiting').length, begun: this.#of(queue, 'begun').length }));
  }

  holder(sole: string): RunRow | undefined {
    for (const { row } of this.#runs.all()) if (row.sole === sole) return row;
    return undefined;
  }

  #of(queue: string, stage: QueuePlace['stage']): Placed[] {
    return [...this.#runs.all()].filter((kept): kept is Placed => kept.row.place?.queue === queue && kept.row.place.stage === stage);
  }
}
