import { canonical, sha256 } from '../../base/encoding.ts';
import type { Failure } from '../../base/failure.ts';
import type { SagaContext } from '../../chart/context.ts';
import type { Item, ItemsState } from '../../kernel/items.ts';
import type { StateData } from '../../kernel/state.ts';
import type { Rows } from './running.ts';
import type { Subject } from './subject.ts';

/**
 * What a state means for what can come of it, as a short text: two states with the same one are one. Left out are
 * identities, deadlines (any timer may be the next), what errors say, and how many attempts there were beyond what a
 * policy counts.
 */
export function normalForm(
  subject: Subject,
  { status, value, context, order, history, output, children, timers, faults }: StateData,
  { world, rows }: { readonly world: unknown; readonly rows: Rows },
): string {
  return sha256(
    JSON.stringify([
      status,
      value,
      order,
      history,
      status === 'active' ? subject.contextForm(context) : withoutTexts(output),
      Object.entries(children).map(([id, { stopping, losses, items }]) => [
        id,
        stopping,
        losses,
        items && itemsForm(items, stopping === undefined, subject.attempts),
      ]),
      Object.values(timers)
        .map(({ id }) => id)
        .sort(),
      faults?.length,
      canonical(world),
      // Rows are of account only while a map may still be undone, or collected.
      status === 'active' ? rowsForm(rows) : [],
    ]),
  );
}

/** Of rows what an undo, or the collecting of results, reads: those of items in flight are written again. */
function rowsForm(rows: Rows): unknown {
  return Object.entries(rows)
    .filter(([, { state }]) => state !== 'open' && state !== 'stuck')
    .map(([key, { state, result }]) => [key, state, state === 'unknown' ? null : result])
    .sort();
}

/** What can still come of the items of a map: once it fails nothing of it is tried again. */
function itemsForm({ total, next, done, open, stuck = [], again = [], refused, failure, left }: ItemsState, wanted: boolean, most: number): unknown {
  const form = ({ index, what, record, due, held }: Item): readonly unknown[] => {
    const { attempts, since = 0, losses, checkLosses, unknown } = record;
    const waits = [index, what, due !== undefined, held, unknown];
    return failure || !wanted
      ? waits
      : [...waits, Math.min(attempts - since, most), losses, checkLosses, what === 'check' && record.failure && failureForm(record.failure)];
  };
  const inFlight = open.filter((item): item is Item => item !== null).sort((a, b) => a.index - b.index);
  return [total, next, done, inFlight.map(form), stuck.map(form), again.map(form), refused, failure !== undefined, left];
}

/** @param most what policies were cut to */
export function sagaContextForm(context: unknown, most: number): unknown {
  const { input, steps, undos, cause, signals, rounds, backTo, rewind, rewinds, degraded, retries, ended, overdue, nested } = context as SagaContext;
  const counted = ({ attempts, since = 0 }: { readonly attempts: number; readonly since?: number }): number => Math.min(attempts - since, most);
  const form = (step: SagaContext['steps'][number]): unknown => {
    if (!step) return step;
    const { status, result, skipped, unknown, losses, checkLosses, failure, round, lastRound, late, keyExpired, order, items, left, decision } = step;
    if (status === 'succeeded' || status === 'passed') return [status, result, round, lastRound, order, unknown, items];
    if (status !== 'open') return [status, result, skipped, round, lastRound, order, unknown, items, left !== undefined];
    // While it drains nothing is tried again: only what may have happened still matters.
    if (cause) return [unknown, round, lastRound, order];
    return [counted(step), result, unknown, losses, checkLosses, round, lastRound, late, keyExpired, failure && failureForm(failure), decision?.approved];
  };
  return [
    input,
    steps.map(form),
    undos.map((undo) => undo && (undo.status === 'open' ? [counted(undo), undo.losses] : [undo.status === 'undone', undo.left])),
    cause?.kind === 'rewind' ? cause : cause?.kind,
    signals,
    rounds?.map(({ loop, records }) => [loop, records.map(form)]),
    [backTo, rewind, rewinds, degraded, retries, ended, overdue, nested],
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
