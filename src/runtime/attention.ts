import type { Failure } from '../base/failure.ts';
import { own } from '../base/own.ts';
import type { RunState } from '../kernel/state.ts';
import type { Program } from './program.ts';

/** What needs a person: stuck steps by name, and faults of the chart by their code. */
export function needsPerson(program: Pick<Program, 'stuck'>, state: RunState): readonly string[] {
  const steps = state.snapshot ? program.stuck(state) : [];
  return [...steps, ...faultsOf(state).map(([name]) => name)];
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

/** Why something needs a person, where that is known. */
export function failureBehind(
  {
    cell: { program },
    state,
    standing,
  }: { readonly cell: { readonly program: Program }; readonly state: RunState; readonly standing: { readonly status: string } },
  what: string,
): Failure | undefined {
  const fault = faultsOf(state).find(([name]) => name === what)?.[1];
  // What a chart throws is not known to be without secrets, as the failures of attempts are.
  if (fault) return program.withoutSecrets(state, fault);
  return program.next(state, what, standing.status === 'compensating' ? 'undo' : 'run')?.failure;
}

function faultsOf({ data }: RunState): readonly (readonly [name: string, error: Failure])[] {
  return (data.faults ?? []).map(({ error }, i) => [`fault ${i + 1} (${error.code})`, error]);
}
