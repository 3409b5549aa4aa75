import type { SagaDefinition } from '../saga/definition.ts';
import { type SagaContext, type StepRecord, type Stored, stepRecord } from './context.ts';
import type { NoWayBack } from './rewind.ts';
import { mayStand } from './settlement.ts';

/** Why what a run was at some point cannot be that of another; undefined where it can. */
function noFork({ cause, held, undos, steps }: SagaContext): NoWayBack | undefined {
  if (held) return { why: 'it was done there, and waited for its parent', next: 'Fork it at an earlier point.' };
  if (cause) return { why: 'it was being undone there', next: 'Fork it at a point before that, or rewind it.' };
  const isUndone = steps.some((record, step) => record?.status === 'undoing' || undos[step]?.status === 'open');
  return isUndone ? { why: 'a step of it was being undone there', next: 'Fork it at a point before or after that.' } : undefined;
}

/** How a run of a saga begins as what another was. */
export function forkingOf(definition: SagaDefinition) {
  return {
    problem: ({ context }: { readonly context: unknown }) => noFork(context as SagaContext),
    context: ({ context }: { readonly context: unknown }, run: string) => forkedContext(definition, context as SagaContext, run),
  };
}

/**
 * The context of a fork. What the other run has done is that run's: its results are there, and it is never undone from
 * here. What was not at its end is not begun yet.
 */
function forkedContext({ steps }: SagaDefinition, context: SagaContext, runId: string): SagaContext {
  const inherited = (record: Stored<StepRecord>, step: number): Stored<StepRecord> =>
    steps[step]?.compensate && mayStand(record) ? { ...record, inherited: true } : record;
  const { input, signals, rounds, degraded, ended } = context;
  return {
    runId,
    input,
    steps: context.steps.map((record, step) => (record === null ? null : record.status === 'open' ? begunAnew(context, step) : inherited(record, step))),
    undos: [],
    cause: null,
    ...(signals === undefined ? {} : { signals }),
    ...(rounds === undefined
      ? {}
      : { rounds: rounds.map((round) => ({ ...round, records: round.records.map((one, i) => inherited(one, round.steps[i] as number)) })) }),
    ...(degraded === undefined ? {} : { degraded }),
    ...(ended === undefined ? {} : { ended }),
  };
}

/** Attempts of the other run are under its keys: here there was none yet. */
function begunAnew(context: SagaContext, step: number): Stored<StepRecord> {
  const { round, previous, waitMs } = stepRecord(context, step);
  return {
    status: 'open',
    attempts: 0,
    ...(round === 1 ? {} : { round }),
    ...(previous === undefined ? {} : { previous }),
    ...(waitMs === undefined ? {} : { waitMs }),
  };
}
