import { TIMEOUT } from '../base/failure.ts';
import { type Identity, sameIdentity } from '../kernel/event.ts';
import type { StartEffect } from '../kernel/state.ts';
import { notBegun, storable } from './attempt.ts';
import type { Cell } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Log } from './log.ts';

/** Begins an attempt whose commit is durable, and takes what it says back to the run. */
export function beginAttempt(coordinator: Coordinator, cell: Cell, { id, child: { at } }: StartEffect): void {
  // The state is that of the last event of the batch: an attempt that a later one stopped is never begun.
  const child = cell.state.data.children[id];
  // The run of a child was asked for with the commit.
  if (!child || child.run !== undefined || !sameIdentity(child.at, at)) return;
  const { identity, program, fence } = cell;
  const { log, services } = coordinator.settings;
  const plan = program.plan(cell.state, id, child);
  const { step, kind, attempt, dependency } = plan;
  const ref = { step, kind, attempt, ...(dependency === undefined ? {} : { dependency }) };
  const run = { id: identity.id, saga: identity.saga, version: identity.version, incarnation: identity.incarnation };
  const { seq } = cell.state;
  if (child.stopping) {
    coordinator.committer.post(cell, { event: { type: 'failed', child: id, at, ...notBegun(plan) } });
    return;
  }
  cell.attempts++;
  let stepLog: Log | undefined;
  const key = attemptKey(cell, id, child.at);
  let beat: Heartbeat | undefined;
  const scope = {
    fence,
    services,
    namespace: coordinator.namespace,
    run,
    heartbeat: (progress?: unknown) => {
      if (!coordinator.executor.heard(key) || progress === undefined) return;
      beat ??= new Heartbeat(coordinator.settings.clock, (said) =>
        coordinator.committer.post(cell, { event: { type: 'progressed', child: id, at, progress: said } }),
      );
      beat.say(storable(progress, `${step} on its way`, coordinator.settings.limits.payloadBytes));
    },
    // Made when a step asks for it: most never log.
    get log() {
      stepLog ??= log.child({ run: run.id, saga: run.saga, step, kind, attempt, correlation: `${run.id}/${step}/${attempt}` });
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
      const forChart = !(coordinator.closing && program.kind === 'workflow' && 'error' in end && end.error.code !== TIMEOUT);
      if (cell.gone) coordinator.discarded(cell, `the result of attempt ${attempt} of ${step}`);
      else if (forChart)
        coordinator.committer.post(cell, {
          event: 'error' in end ? { type: 'failed', child: id, at, ...end } : { type: 'succeeded', child: id, at, ...end },
        });
    },
    late: () => coordinator.discarded(cell, `the late result of attempt ${attempt} of ${step}`),
  });
}

/** Names an invocation among all that this process runs. */
export function attemptKey(cell: Cell, id: string, at: Identity): string {
  return `${cell.number}/${id}/${at[0]}.${at[1]}`;
}
