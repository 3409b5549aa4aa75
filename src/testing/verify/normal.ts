import { canonical, sha256 } from '../../base/encoding.ts';
import type { Failure } from '../../base/failure.ts';
import type { SagaContext } from '../../chart/context.ts';
import type { StateData } from '../../kernel/state.ts';
import type { Subject } from './subject.ts';

/**
 * What a state means for what can come of it, as a short text: two states with the same one are one. Left out are
 * identities, deadlines (any timer may be the next), what errors say, and how many attempts there were beyond what a
 * policy counts.
 */
export function normalForm(subject: Subject, { status, value, context, order, history, output, children, timers, faults }: StateData, world: unknown): string {
  return sha256(
    JSON.stringify([
      status,
      value,
      order,
      history,
      status === 'active' ? subject.contextForm(context) : withoutTexts(output),
      Object.entries(children).map(([id, { stopping, losses }]) => [id, stopping, losses]),
      Object.values(timers)
        .map(({ id }) => id)
        .sort(),
      faults?.length,
      canonical(world),
    ]),
  );
}

/** @param most what policies were cut to */
export function sagaContextForm(context: unknown, most: number): unknown {
  const { input, steps, undos, cause, signals, rounds, backTo, degraded, retries, ended, overdue, nested } = context as SagaContext;
  const counted = ({ attempts, since = 0 }: { readonly attempts: number; readonly since?: number }): number => Math.min(attempts - since, most);
  const form = (step: SagaContext['steps'][number]): unknown => {
    if (!step) return step;
    const { status, result, skipped, unknown, losses, checkLosses, failure, round, lastRound, late, keyExpired, order, left } = step;
    if (status === 'succeeded' || status === 'passed') return [status, result, round, lastRound, order, unknown];
    if (status !== 'open') return [status, result, skipped, round, lastRound, order, unknown, left !== undefined];
    // While it drains nothing is tried again: only what may have happened still matters.
    if (cause) return [unknown, round, lastRound, order];
    return [counted(step), result, unknown, losses, checkLosses, round, lastRound, late, keyExpired, failure && failureForm(failure)];
  };
  return [
    input,
    steps.map(form),
    undos.map((undo) => undo && (undo.status === 'open' ? [counted(undo), undo.losses] : undo.status === 'undone')),
    cause?.kind,
    signals,
    rounds?.map(({ loop, records }) => [loop, records.map(form)]),
    [backTo, degraded, retries, ended, overdue, nested],
  ];
}

/** Of a failure only what is decided on. */
function failureForm({ code, class: errorClass, effect }: Failure): unknown {
  return [code.startsWith('SC_ATTEMPT_') ? code : '', errorClass, effect];
}

function withoutTexts(output: unknown): unknown {
  if (typeof output !== 'object' || output === null || !('failure' in output)) return output;
  return { ...output, failure: output.failure ? failureForm(output.failure as Failure) : null };
}
