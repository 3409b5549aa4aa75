import { statePaths } from '../chart/path.ts';
import type { RunState } from '../kernel/state.ts';
import type { Draft } from './draft.ts';
import type { AttemptKind, RunHappening } from './event.ts';

type Happening = RunHappening extends infer H ? (H extends RunHappening ? Omit<H, 'at' | 'run' | 'seq'> : never) : never;

/** What observers are told of one commit. */
export function happeningsOf({ cell, before, decided, standing, commit }: Draft): readonly RunHappening[] {
  const { id, saga, version } = cell.identity;
  const told = [
    ...attemptEnds(before, decided.event, cell.program),
    ...retries(before, decided.state, decided.event, commit.at),
    ...changes(before, decided.state, standing),
  ];
  return told.map((happening) => ({ at: commit.at, run: { id, saga, version }, seq: decided.state.seq, ...happening }) as RunHappening);
}

function attemptEnds(before: RunState, event: Draft['decided']['event'], program: Draft['cell']['program']): readonly Happening[] {
  switch (event.type) {
    case 'queued':
      return [{ type: 'run.queued' }];
    case 'started':
      return [{ type: 'run.started' }];
    case 'sent':
      return [{ type: 'sent', event: event.event.type }];
    case 'terminated':
      return [{ type: 'sent', event: 'terminate' }];
    case 'succeeded':
    case 'failed':
    case 'lost': {
      const child = before.data.children[event.child];
      if (!child) return [];
      const ref = program.describe(before, event.child, child);
      if (event.type === 'lost') return [{ type: 'attempt.lost', ...ref }];
      const ms = event.ms ?? 0;
      return [event.type === 'succeeded' ? { type: 'attempt.succeeded', ms, ...ref } : { type: 'attempt.failed', ms, failure: event.error, ...ref }];
    }
    default:
      return [];
  }
}

/** A timer of a wait between attempts, by the event XState gives it. */
const BACKOFF = /^xstate\.after\.(.+)\.(backoff|undoBackoff)\./;

function retries(before: RunState, after: RunState, event: Draft['decided']['event'], now: number): readonly Happening[] {
  const failure = event.type === 'failed' || event.type === 'lost' ? { failure: event.error } : {};
  return Object.keys(after.data.timers).flatMap((key): Happening[] => {
    const timer = after.data.timers[key];
    const match = timer && !before.data.timers[key] ? BACKOFF.exec(timer.event.type) : null;
    if (!timer || !match) return [];
    const kind: AttemptKind = match[2] === 'undoBackoff' ? 'undo' : 'run';
    return [{ type: 'retry.scheduled', step: match[1] as string, kind, delayMs: timer.due - now, ...failure }];
  });
}

function changes(before: RunState, after: RunState, { status, attention, endedAt }: Draft['standing']): readonly Happening[] {
  const states = statePaths(after.data.value);
  const stuck = attention && !before.snapshot?.hasTag('attention');
  return [
    { type: 'run.changed', status, states, attention },
    ...(stuck ? [{ type: 'run.attention', states: states.filter((path) => path.endsWith('attention')) } as const] : []),
    ...(endedAt === null ? [] : [{ type: 'run.ended', status, output: after.data.output } as const]),
  ];
}
