import type { SagaDefinition } from '../../saga/definition.ts';
import type { SagaContext } from '../context.ts';
import type { Shape } from '../fingerprint.ts';
import { stepsByName } from '../shape-steps.ts';
import { NotCarried, type Stored } from './carried.ts';
import type { Names } from './names.ts';
import type { Standing } from './place.ts';

/** What is under way goes on under its name; a step that gets another one must have nothing under way. @throws NotCarried */
export function carriedChildren(children: Stored['children'], { byOldName }: Names): Stored['children'] {
  for (const id of Object.keys(children)) {
    const [name = ''] = id.split('.');
    const step = byOldName.get(name)?.step;
    if (step?.name !== name) throw new NotCarried(`an attempt of ${name} is under way, which is called ${step?.name ?? 'otherwise'} now: wait for its end`);
  }
  return children;
}

/** Waits keep their time: those of a step under its name and where it lies, the deadline of the run if there still is one. @throws NotCarried */
export function carriedTimers(
  timers: Stored['timers'],
  { names, standing, shape, definition }: { readonly names: Names; readonly standing: Standing; readonly shape: Shape; readonly definition: SagaDefinition },
): Stored['timers'] {
  const now = stepsByName(shape);
  const kept = Object.entries(timers).flatMap(([key, timer]) => {
    if (timer.id === `xstate.after.deadline.${definition.name}`) return definition.deadlineMs === undefined ? [] : [[key, timer] as const];
    const { name, rest } = parted(timer.id);
    const pair = names.byOldName.get(name);
    const next = pair?.step && now.get(pair.step.name);
    if (!pair || !next || !standing.active.has(name)) throw new NotCarried(`a wait of ${name} is under way, and its step is not`);
    const way = standing.phase === 'compensating' ? 'undoPath' : 'path';
    const was = pair.old[way] ?? '';
    const is = next[way] ?? '';
    const id = `${rest.before}${next.name}${rest.after.replace(`.${definition.name}.${was}`, `.${definition.name}.${is}`)}`;
    // A wait of XState's own is told by an event of the same name.
    const event = timer.event.type === timer.id ? { ...timer.event, type: id } : timer.event;
    return [[key, { ...timer, id, event }] as const];
  });
  return Object.fromEntries(kept);
}

const AFTER = 'xstate.after.';

/** `flight.late`, `xstate.after.flight.backoff.trip.running.flight.backingOff` */
function parted(id: string): { readonly name: string; readonly rest: { readonly before: string; readonly after: string } } {
  const before = id.startsWith(AFTER) ? AFTER : '';
  const [name = ''] = id.slice(before.length).split('.');
  return { name, rest: { before, after: id.slice(before.length + name.length) } };
}

/** Elements of maps are kept under the number of their step. */
export function carriedItems({ context, children }: Stored, { pairs }: Names): readonly { readonly from: number; readonly to: number | null }[] {
  const { steps, rounds = [] } = context as SagaContext;
  const isMap = [...steps, ...rounds.flatMap(({ records }) => records)].some((record) => record?.items !== undefined);
  if (!isMap && !Object.values(children).some((child) => 'items' in child)) return [];
  return pairs.flatMap(({ old, step }) => (step?.number === old.number ? [] : [{ from: old.number, to: step?.number ?? null }]));
}
