import { own } from '../base/own.ts';
import type { EffectReader } from './effects.ts';
import { type RunEvent, type SentEvent, sameIdentity } from './event.ts';
import { takeItemEvent } from './item-turn.ts';
import { type ItemsEnd, itemsEnd } from './items.ts';
import type { Chart, Child, StateData } from './state.ts';

type ResultEvent = Extract<RunEvent, { type: 'succeeded' | 'failed' | 'lost' }>;

export function resultEvent(event: ResultEvent, { progress, items }: Child): SentEvent {
  if (event.type === 'succeeded') {
    const { output, undoData } = event;
    return {
      type: `xstate.done.actor.${event.child}`,
      output,
      actorId: event.child,
      ...(undoData === undefined ? {} : { undoData }),
      ...leftBy(event),
      ...ended(items),
    };
  }
  return {
    type: `xstate.error.actor.${event.child}`,
    error: event.error,
    actorId: event.child,
    ...(progress === undefined ? {} : { progress }),
    ...leftBy(event),
    ...ended(items),
  };
}

function leftBy(event: ResultEvent): { readonly left?: unknown } {
  return 'left' in event ? { left: event.left } : {};
}

function ended(items: Child['items']): { readonly items?: ItemsEnd } {
  return items ? { items: itemsEnd(items) } : {};
}

/** A faulted event once more, as far as what it came from is still there. */
export function retold(chart: Chart, data: StateData, event: RunEvent, reader: EffectReader): readonly SentEvent[] {
  if (event.type === 'sent') return [event.event];
  if (event.type === 'due') {
    const key = event.at.join('.');
    const timer = own(reader.timers, key);
    if (!timer) takeItemEvent(chart, data, event, reader);
    reader.fired(key);
    return timer ? [timer.event] : [];
  }
  if (takeItemEvent(chart, data, event, reader)) return [];
  if (event.type !== 'succeeded' && event.type !== 'failed' && event.type !== 'lost') return [];
  const child = current(reader, event);
  if (!child) return [];
  if (event.type === 'lost' && (chart.onLoss === 'restart' || chart.items?.(event.child))) {
    reader.restarted(event.child, 0);
    return [];
  }
  reader.ended(event.child, false);
  return [resultEvent(event, child)];
}

/** The invocation that an event is about, unless it is an older one's. */
export function current({ children }: Pick<StateData, 'children'>, { child, at }: Extract<RunEvent, { child: string }>): Child | undefined {
  const found = own(children, child);
  return found !== undefined && sameIdentity(found.at, at) ? found : undefined;
}
