import { SagachartError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import { controlName, type Pausable, type Pause, pauseControl, readPause } from '../policies/pause.ts';
import type { Store } from '../stores/store.ts';
import type { Operator } from './command.ts';
import type { Programs } from './program.ts';
import { who } from './who.ts';

export interface PauseRequest {
  readonly programs: Programs;
  readonly what: Pausable;
  readonly by: Operator;
  /** ms since 1970. */
  readonly at: number;
}

/** The pauses that stand in a store. */
export async function readPauses(store: Store): Promise<readonly Pause[]> {
  return (await store.controls()).flatMap((control) => readPause(control) ?? []);
}

/**
 * Pauses, durably, for all processes of the store. What is paused already keeps its time, and who asked for it.
 * @throws SagachartError SC_UNKNOWN_SAGA, SC_UNKNOWN_DEPENDENCY, SC_OPTION
 */
export async function setPause(store: Store, { programs, what, by: operator, at }: PauseRequest): Promise<void> {
  checkWhat(what);
  checkKnown(programs, what);
  const { by = null, reason = null } = who(operator);
  const { name, body } = pauseControl({ what, at, by, reason });
  if (!(await readPauses(store)).some((pause) => controlName(pause.what) === name)) await store.setControl(name, body);
}

/** Lifts a pause. Whatever is not paused stays as it is, even if nobody knows it any more. @throws SagachartError SC_OPTION */
export async function liftPause(store: Store, what: Pausable): Promise<void> {
  checkWhat(what);
  await store.setControl(controlName(what), undefined);
}

function checkWhat(what: unknown): void {
  if (what === 'everything') return;
  const [[kind, name] = [], ...more] = typeof what === 'object' && what !== null ? Object.entries(what) : [];
  if ((kind === 'dependency' || kind === 'saga') && typeof name === 'string' && name !== '' && more.length === 0) return;
  throw new SagachartError('SC_OPTION', `${quoted(what)} cannot be paused`, {
    next: "Give { dependency: 'name' }, { saga: 'name' } or 'everything'.",
    details: { what: quoted(what) },
  });
}

function checkKnown(programs: Programs, what: Pausable): void {
  if (what === 'everything') return;
  if ('saga' in what) {
    programs.find(what.saga);
    return;
  }
  const known = new Set(programs.all().flatMap(({ depends }) => depends.map(({ dependency }) => dependency)));
  if (known.has(what.dependency)) return;
  throw new SagachartError('SC_UNKNOWN_DEPENDENCY', `no step depends on ${JSON.stringify(what.dependency)}`, {
    next: `Known are: ${[...known].join(', ') || 'none'}. Name what steps give as their dependency.`,
    details: { dependency: what.dependency },
  });
}
