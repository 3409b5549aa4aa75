import type { RunState, StateData } from './state.ts';

/** How a run was asked to begin: where it stands in line, when it may begin, and what name it alone has. */
export interface Place {
  /** Begins it when its turn has come. Default: its time alone does. */
  readonly queue?: string;
  readonly key?: string;
  readonly priority?: number;
  /** Not before this, ms since 1970; then it stands in line, or begins. */
  readonly due?: number;
  /** A name that no other run has until this one has ended; with `until`, until it has begun. */
  readonly sole?: string;
  /** It may be put off, but not beyond this, ms since 1970. */
  readonly until?: number;
}

/** Of a run that stands in a queue or takes up a place of it. */
export interface InQueue {
  readonly queue: string;
  readonly key: string;
  readonly priority: number;
  readonly stage: 'waiting' | 'begun';
}

/** Whether it was asked to begin in a way of its own, and has not begun: only its time, its queue or a person has it do so. */
export function isPutOff({ data, snapshot }: Pick<RunState, 'data' | 'snapshot'>): boolean {
  return !snapshot && data.status === 'queued' && (data.place?.queue !== undefined || data.place?.due !== undefined);
}

/** What is left of it once the run has begun. */
export function begunPlace(place: Place | undefined): Place | undefined {
  if (!place) return undefined;
  const { due: _, until, sole, ...rest } = place;
  const kept = { ...rest, ...(sole === undefined || until !== undefined ? {} : { sole }) };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** When a run that has not begun is to be looked at: null if its queue does so. */
export function dueToBegin({ place }: StateData, now: number): number | null {
  if (place?.due !== undefined) return place.due;
  return place?.queue === undefined ? now : null;
}

/** Where it stands in its queue; undefined of one that is put off, paused before it has begun, or has ended. */
export function inQueue({ data, snapshot }: Pick<RunState, 'data' | 'snapshot'>): InQueue | undefined {
  const { place, faults, paused, status } = data;
  if (place?.queue === undefined || (status !== 'queued' && status !== 'active')) return undefined;
  const { queue, key = '', priority = 0, due } = place;
  if (snapshot) return { queue, key, priority, stage: 'begun' };
  return due === undefined && !faults && !paused ? { queue, key, priority, stage: 'waiting' } : undefined;
}
