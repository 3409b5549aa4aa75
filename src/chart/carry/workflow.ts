import type { Shape, StateShape } from '../fingerprint.ts';
import type { Workflow } from '../workflow.ts';
import { NotCarried, type Stored, type StoredTimer } from './carried.ts';

/**
 * A run of a hand-written machine as another version of it has it: it stands in the same states, with the same context
 * unless the migration makes another, and what is under way goes on. Pure.
 * @throws NotCarried where the other version lacks a state, an invocation or a wait that it is in
 */
export function carryWorkflow(
  stored: Stored,
  from: { readonly version: number },
  { shape, workflow }: { readonly shape: Shape; readonly workflow: Workflow<never> | Workflow },
): Stored {
  const migration = workflow.migrations.find((one) => one.from === from.version);
  const made = stored.value === null ? undefined : migration?.carry?.({ value: stored.value, context: stored.context });
  const { value, context } = made ?? stored;
  if (value === null) return stored;
  const active = activeStates(shape.states, value, workflow);
  const invoked = new Map(active.flatMap(({ invoke }) => invoke));
  if (made) checkBegun(stored, active, workflow);
  for (const [id, child] of Object.entries(stored.children)) {
    if (invoked.get(id) !== (child as { readonly src: string }).src)
      throw new NotCarried(`${id} is under way, which version ${workflow.version} does not invoke where the run stands`);
  }
  const isHeard = ({ event }: StoredTimer): boolean => active.some(({ on }) => on.some(([type]) => type === event.type || type === '*'));
  const deaf = Object.values(stored.timers).find((timer) => !isHeard(timer));
  // Who brings it into another state leaves what it waited for in the one before.
  if (deaf && !made) throw new NotCarried(`it waits for ${deaf.id}, and nobody hears of it in version ${workflow.version}`);
  const timers = Object.fromEntries(Object.entries(stored.timers).filter(([, timer]) => isHeard(timer)));
  return { value, context, children: stored.children, timers };
}

/** Nothing begins by a migration: a state that lives by an invocation or a wait would stand still for ever. @throws NotCarried */
function checkBegun({ children, timers }: Stored, active: readonly StateShape[], { version }: { readonly version: number }): void {
  const armed = new Set(Object.values(timers).map(({ event }) => event.type));
  for (const { path, invoke, on } of active) {
    const idle = invoke.find(([id]) => !Object.hasOwn(children, id));
    if (idle) throw new NotCarried(`it would stand in ${path}, which invokes ${idle[0]} in version ${version}, and nothing would begin that`);
    const wait = on.find(([type]) => type.startsWith('xstate.after.') && !armed.has(type));
    if (wait) throw new NotCarried(`it would stand in ${path}, which has a wait in version ${version}, and nothing would arm that`);
  }
}

/** The states that a value stands for, the root included. @throws NotCarried */
function activeStates(state: StateShape, value: unknown, { version }: { readonly version: number }): readonly StateShape[] {
  if (state.states.length === 0) return [state];
  const below = typeof value === 'string' ? { [value]: undefined } : ((value ?? {}) as Readonly<Record<string, unknown>>);
  const names = Object.keys(below);
  const regions = state.states.map(({ path }) => path.slice(path.lastIndexOf('.') + 1));
  const missing = names.find((name) => !regions.includes(name)) ?? (names.length === 0 ? '(nothing)' : undefined);
  const lacking = state.type === 'parallel' ? regions.find((name) => !names.includes(name)) : undefined;
  const where = state.path === '' ? '' : `${state.path}.`;
  if (missing !== undefined) throw new NotCarried(`it stands in ${where}${missing}, which version ${version} does not have`);
  if (lacking !== undefined) throw new NotCarried(`it does not stand in ${where}${lacking}, as it must in version ${version}`);
  return [state, ...names.flatMap((name) => activeStates(state.states[regions.indexOf(name)] as StateShape, below[name], { version }))];
}
