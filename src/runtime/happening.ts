import { statePaths } from '../chart/path.ts';
import { itemAt } from '../kernel/items.ts';
import type { RunState } from '../kernel/state.ts';
import type { Draft } from './draft.ts';
import type { RunHappening, RuntimeEventType } from './event.ts';

type Event = Draft['decided']['event'];
/** What all happenings of one commit have in common. */
type Shared = Pick<RunHappening, 'at' | 'run' | 'seq'>;

/**
 * What observers are told of one commit.
 * @param wants whether anybody listens to a type: it happens with each commit, so nothing is made in vain
 */
export function happeningsOf({ as, before, decided, standing, stuck, commit }: Draft, wants: (type: RuntimeEventType) => boolean): readonly RunHappening[] {
  const { id, saga, version } = as.identity;
  const { event, state } = decided;
  const shared: Shared = { at: commit.at, run: { id, saga, version }, seq: state.seq };
  const told: RunHappening[] = [];
  if (wants(ABOUT[event.type] ?? 'run.changed')) tellEvent(told, shared, { before, event, program: as.program });
  if (event.type.startsWith('item') && wants('retry.scheduled')) tellItemRetry(told, shared, { before, after: state, event, program: as.program });
  if (state.data.timers !== before.data.timers && wants('retry.scheduled')) tellRetries(told, shared, { before, after: state, program: as.program });
  if (wants('run.changed') || standing.attention || standing.endedAt !== null)
    tellChanges(told, shared, { after: state, standing, stuck, kind: as.program.kind });
  return told;
}

/** What an event of the kernel is told as. */
const ABOUT: Readonly<Partial<Record<Event['type'], RuntimeEventType>>> = {
  queued: 'run.queued',
  started: 'run.started',
  forked: 'run.started',
  sent: 'sent',
  terminated: 'sent',
  migrated: 'run.migrated',
  succeeded: 'attempt.succeeded',
  failed: 'attempt.failed',
  lost: 'attempt.lost',
  itemSucceeded: 'attempt.succeeded',
  itemFailed: 'attempt.failed',
  itemLost: 'attempt.lost',
};

function tellEvent(
  told: RunHappening[],
  shared: Shared,
  { before, event, program }: { readonly before: RunState; readonly event: Event; readonly program: Draft['as']['program'] },
): void {
  switch (event.type) {
    case 'queued':
      told.push({ ...shared, type: 'run.queued' });
      return;
    case 'started':
    case 'forked':
      told.push({ ...shared, type: 'run.started' });
      return;
    case 'migrated':
      told.push({ ...shared, type: 'run.migrated', from: event.from.version });
      return;
    case 'sent':
      told.push({ ...shared, type: 'sent', event: event.event.type });
      return;
    case 'terminated':
      told.push({ ...shared, type: 'sent', event: 'terminate' });
      return;
    case 'succeeded':
    case 'failed':
    case 'lost': {
      const child = before.data.children[event.child];
      // Of a map its items are the attempts; a run of its own tells of itself.
      if (!child || child.run !== undefined || program.items?.(event.child)) return;
      const ref = program.describe(before, event.child, child);
      if (event.type === 'lost') told.push({ ...shared, type: 'attempt.lost', ...ref });
      else if (event.type === 'succeeded') told.push({ ...shared, type: 'attempt.succeeded', ms: event.ms ?? 0, ...ref });
      else told.push({ ...shared, type: 'attempt.failed', ms: event.ms ?? 0, failure: event.error, ...ref });
      return;
    }
    case 'itemSucceeded':
    case 'itemFailed':
    case 'itemLost': {
      const item = itemAt(before.data.children[event.child]?.items, event.at)?.item;
      const ref = item && program.items?.(event.child)?.describe(item);
      if (!ref) return;
      if (event.type === 'itemLost') told.push({ ...shared, type: 'attempt.lost', ...ref });
      else if (event.type === 'itemSucceeded') told.push({ ...shared, type: 'attempt.succeeded', ms: event.ms ?? 0, ...ref });
      else told.push({ ...shared, type: 'attempt.failed', ms: event.ms ?? 0, failure: event.error, ...ref });
    }
  }
}

/** A timer of a wait between attempts, by the event XState gives it. */
const BACKOFF = /^xstate\.after\.(.+)\.(backoff|undoBackoff)\./;

function tellRetries(
  told: RunHappening[],
  shared: Shared,
  { before, after, program }: { readonly before: RunState; readonly after: RunState; readonly program: Draft['as']['program'] },
): void {
  for (const [key, timer] of Object.entries(after.data.timers)) {
    const match = before.data.timers[key] ? null : BACKOFF.exec(timer.event.type);
    const next = match && program.next(after, match[1] as string, match[2] === 'undoBackoff' ? 'undo' : 'run');
    if (next) told.push({ ...shared, type: 'retry.scheduled', delayMs: timer.due - shared.at, ...next });
  }
}

/** The item that an event was about, if it now waits for its next attempt. */
function tellItemRetry(
  told: RunHappening[],
  shared: Shared,
  { before, after, event, program }: { readonly before: RunState; readonly after: RunState; readonly event: Event; readonly program: Draft['as']['program'] },
): void {
  if (!('child' in event) || !('item' in event)) return;
  const waiting = after.data.children[event.child]?.items?.open.find((item) => item?.index === event.item && item?.due !== undefined);
  const ref = waiting && program.items?.(event.child)?.describe(waiting);
  if (!ref || waiting.due === undefined || itemAt(before.data.children[event.child]?.items, waiting.at)) return;
  const { failure } = waiting.record;
  told.push({ ...shared, type: 'retry.scheduled', delayMs: waiting.due - shared.at, ...ref, ...(failure === undefined ? {} : { failure }) });
}

function tellChanges(
  told: RunHappening[],
  shared: Shared,
  {
    after,
    standing,
    stuck,
    kind,
  }: { readonly after: RunState; readonly standing: Draft['standing']; readonly stuck: readonly string[]; readonly kind: 'saga' | 'workflow' },
): void {
  const { status, attention, endedAt } = standing;
  const { value, output } = after.data;
  // The states are worked out when somebody looks: most observers do not, and this happens with each commit.
  told.push({
    ...shared,
    type: 'run.changed',
    status,
    get states() {
      return statePaths(value, kind);
    },
    attention,
  });
  if (stuck.length > 0) told.push({ ...shared, type: 'run.attention', needs: stuck });
  if (endedAt !== null) told.push({ ...shared, type: 'run.ended', status, output });
}
