import type { Parent, RunEvent } from './event.ts';
import type { StateData } from './state.ts';

/** Whom a run answers to after an event: who began it, and later who has it undone. */
export function parentAfter({ parent, faults }: StateData, event: RunEvent): Parent | undefined {
  if (event.type === 'started' || event.type === 'sent') return event.parent ?? parent;
  if (event.type !== 'refitted') return parent;
  const asked = faults?.findLast((fault) => fault.event.type === 'sent' && fault.event.parent)?.event;
  return asked?.type === 'sent' ? asked.parent : parent;
}
