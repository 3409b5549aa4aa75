import { isReserved, type RunEvent } from './event.ts';
import { begunPlace, type Place } from './place.ts';
import type { Chart, StateData } from './state.ts';

type Sent = Extract<RunEvent, { type: 'sent' }>;

/**
 * What an event makes of a run that has not begun: it takes its beginning, once more if that faulted and a person says so, its
 * end, and what moves it in its line. Undefined: it begins with this.
 */
export function whileQueued(chart: Chart, data: StateData, event: RunEvent): StateData | 'discarded' | 'refused' | undefined {
  const { place } = data;
  switch (event.type) {
    case 'started':
      return data.faults ? 'discarded' : undefined;
    case 'refitted':
      return undefined;
    case 'terminated':
      return { ...data, status: 'stopped' };
    case 'lined': {
      if (place?.due === undefined) return 'discarded';
      const { due: _, ...rest } = place;
      return { ...data, place: rest };
    }
    case 'putOff':
      return place?.until === undefined || data.faults ? 'refused' : { ...data, input: event.input, place: putOff(place, event.due) };
    case 'sent':
      return kept(chart, data, event);
    default:
      return 'discarded';
  }
}

function putOff({ due: _, ...place }: Place, due: number | undefined): Place {
  return due === undefined ? place : { ...place, due };
}

/** What is only for one that has begun. */
const OPERATED = /^(cancel|rewind)$|\.(retry|skip|resolve|decide)$/;

/** A saga keeps signals until somebody waits for them, so they may also come before it has begun. */
function kept(chart: Chart, data: StateData, event: Sent): StateData | 'discarded' | 'refused' {
  const { type } = event.event;
  const { early = [] } = data;
  if (!data.place || data.faults || chart.terminates !== 'event' || isReserved(type) || OPERATED.test(type)) return 'refused';
  if (event.once !== undefined && early.some(({ once }) => once === event.once)) return 'discarded';
  return { ...data, early: [...early, event] };
}

/** How a run that has begun was asked to. */
export function placeAfter({ place, value }: StateData, event: RunEvent): Place | undefined {
  if (value !== null) return place;
  return begunPlace(event.type === 'started' ? (event.place ?? place) : place);
}

/** How many ids a run remembers under which something has come. */
const MOST_SEEN = 1_000;

/** The ids under which something has come, with those of an event, and of what came before it began. */
export function seenAfter({ seen, early = [] }: StateData, event: RunEvent, seq: number): StateData['seen'] {
  const heard = event.type === 'sent' ? [event] : event.type === 'started' || event.type === 'refitted' ? early : [];
  return heard.reduce((all, { once }) => (once === undefined ? all : withSeen(all, once, seq)), seen);
}

function withSeen(seen: StateData['seen'] = {}, id: string, seq: number): StateData['seen'] {
  const [first] = Object.keys(seen);
  const { [first as string]: _, ...rest } = seen;
  return { ...(Object.keys(seen).length < MOST_SEEN ? seen : rest), [id]: seq };
}
