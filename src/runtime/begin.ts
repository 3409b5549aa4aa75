import { TIMEOUT } from '../base/failure.ts';
import { type Identity, type RunEvent, sameIdentity } from '../kernel/event.ts';
import type { StartEffect } from '../kernel/state.ts';
import { type AttemptEnd, notBegun, storable } from './attempt.ts';
import { beginItems } from './begin-items.ts';
import type { Cell } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import { Heartbeat } from './heartbeat.ts';
import { intercepted } from './interceptor.ts';
import type { Log } from './log.ts';
import type { AttemptPlan, AttemptScope } from './program.ts';
import { transacted } from './transacted.ts';

/** Begins an attempt whose commit is durable, and takes what it says back to the run. */
export function beginAttempt(coordinator: Coordinator, cell: Cell, effect: StartEffect): void {
  const { id, child: demanded } = effect;
  // The state is that of the last event of the batch: an attempt that a later one stopped is never begun.
  const child = cell.state.data.children[id];
  // The run of a child was asked for with the commit.
  if (!child || child.run !== undefined || (!effect.item && !sameIdentity(child.at, demanded.at))) return;
  const items = cell.program.items?.(id);
  if (items) {
    beginItems({ coordinator, cell, items, launch: (launched) => launch(coordinator, cell, launched) }, effect);
    return;
  }
  const { at } = child;
  const plan = cell.program.plan(cell.state, id, child);
  if (child.stopping) {
    coordinator.committer.post(cell, { event: { type: 'failed', child: id, at, ...notBegun(plan) } });
    return;
  }
  launch(coordinator, cell, {
    id,
    at,
    plan,
    event: (end) => ('error' in end ? { type: 'failed', child: id, at, ...end } : { type: 'succeeded', child: id, at, ...end }),
  });
}

/** An attempt that is to run now. */
export interface Launched {
  readonly id: string;
  readonly at: Identity;
  readonly plan: AttemptPlan;
  /** Of a map. */
  readonly item?: number;
  /** What the run hears of its end. */
  event(end: AttemptEnd): RunEvent;
}

function launch(coordinator: Coordinator, cell: Cell, { id, at, plan: planned, item, event }: Launched): void {
  const { identity, program, fence } = cell;
  const { log, services, interceptors } = coordinator.settings;
  const plan = intercepted(planned, interceptors);
  const { step, kind, attempt, dependency } = plan;
  const which = item === undefined ? {} : { item };
  const ref = { step, kind, attempt, ...(dependency === undefined ? {} : { dependency }), ...which };
  const name = item === undefined ? step : `${step}[${item}]`;
  const run = { id: identity.id, saga: identity.saga, version: identity.version, incarnation: identity.incarnation };
  const { seq } = cell.state;
  cell.attempts++;
  let stepLog: Log | undefined;
  const key = attemptKey(cell, id, at);
  let beat: Heartbeat | undefined;
  let isCommitted = false;
  const scope: AttemptScope = {
    fence,
    services,
    namespace: coordinator.namespace,
    run,
    token: (question: { readonly step: string; readonly round: number }) =>
      coordinator.tokens.issue({ run: identity.id, incarnation: identity.incarnation, ...question }),
    heartbeat: (progress?: unknown) => {
      if (!coordinator.executor.heard(key) || progress === undefined) return;
      beat ??= new Heartbeat(coordinator.settings.clock, (said) =>
        coordinator.committer.post(cell, { event: { type: 'progressed', child: id, at, progress: said, ...which } }),
      );
      beat.say(storable(progress, `${name} on its way`, coordinator.settings.limits.payloadBytes));
    },
    transact: async (work, signal) => {
      const output = await transacted(coordinator, cell, { id, at, name, event }, { work, signal });
      isCommitted = true;
      return output;
    },
    // Made when a step asks for it: most never log.
    get log() {
      stepLog ??= log.child({ run: run.id, saga: run.saga, step, kind, attempt, ...which, correlation: `${run.id}/${name}/${attempt}` });
      return stepLog;
    },
  };
  coordinator.executor.start(key, plan, scope, {
    begun: () => {
      if (coordinator.observers.wants('attempt.started')) coordinator.emit({ type: 'attempt.started', at: coordinator.settings.clock.now(), run, seq, ...ref });
    },
    ended: (end) => {
      cell.attempts--;
      beat?.stop('error' in end);
      // Its end is durable, whatever an interceptor says after it.
      if (isCommitted) return;
      const forChart = !(coordinator.closing && program.kind === 'workflow' && 'error' in end && end.error.code !== TIMEOUT);
      if (cell.gone) coordinator.discarded(cell, `the result of attempt ${attempt} of ${name}`);
      else if (forChart) coordinator.committer.post(cell, { event: event(end) });
    },
    late: () => coordinator.discarded(cell, `the late result of attempt ${attempt} of ${name}`),
  });
}

/** Names an invocation among all that this process runs. */
export function attemptKey(cell: Cell, id: string, at: Identity): string {
  return `${cell.number}/${id}/${at[0]}.${at[1]}`;
}
