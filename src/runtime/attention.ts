import { own } from '../base/own.ts';
import type { RunState } from '../kernel/state.ts';
import type { Program } from './program.ts';

/** What needs a person: stuck steps by name, and faults of the chart by their code. */
export function needsPerson(program: Pick<Program, 'stuck'>, state: RunState): readonly string[] {
  const steps = state.snapshot ? program.stuck(state) : [];
  return [...steps, ...(state.data.faults ?? []).map(({ error }, i) => `fault ${i + 1} (${error.code})`)];
}

/** Of a stuck map, which items: their places among all. */
export function stuckItems({ data }: RunState, step: string): { readonly items?: readonly number[] } {
  const items = [step, `${step}.undo`].flatMap((id) => own(data.children, id)?.items?.stuck ?? []).map(({ index }) => index);
  return items.length > 0 ? { items } : {};
}

/** What does since an event: each of them gets an alert of its own. */
export function newlyStuck(program: Pick<Program, 'stuck'>, before: RunState, after: RunState): readonly string[] {
  const known = new Set(needsPerson(program, before));
  return needsPerson(program, after).filter((what) => !known.has(what));
}
