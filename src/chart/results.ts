import type { Results, SagaDefinition, StepDefinition } from '../saga/definition.ts';
import type { SagaContext } from './context.ts';

/** Kinds of steps that have nothing to say to others. */
const DECIDES: ReadonlySet<string> = new Set(['choice', 'loop', 'savepoint']);
/** What was undone, or belongs to a round that is over, is no result. */
const HAS_RESULT: ReadonlySet<string> = new Set(['succeeded', 'resolved', 'fellBack']);

const visibleTo = new WeakMap<SagaDefinition, ReadonlyMap<string, number>[]>();

/**
 * The results a step may read, by name: of the steps it depends on, directly or not; without a step, of all.
 * A view, because building an object of all results for each attempt costs more the longer the run is.
 */
export function resultsOf(definition: SagaDefinition, context: SagaContext, step = definition.steps.length): Results {
  const visible = visibleSteps(definition, step);
  const read = (name: string | symbol): unknown => {
    const number = typeof name === 'string' ? visible.get(name) : undefined;
    return has(name) ? context.steps[number as number]?.result : undefined;
  };
  const has = (name: string | symbol): boolean => {
    const number = typeof name === 'string' ? visible.get(name) : undefined;
    const status = number === undefined ? undefined : context.steps[number]?.status;
    return status !== undefined && HAS_RESULT.has(status);
  };
  return new Proxy(Object.create(null) as Results, {
    get: (_, name) => read(name),
    has: (_, name) => has(name),
    ownKeys: () => [...visible.keys()].filter(has),
    getOwnPropertyDescriptor: (_, name) => (has(name) ? { value: read(name), enumerable: true, configurable: true, writable: false } : undefined),
    set: () => false,
    deleteProperty: () => false,
  });
}

function visibleSteps(definition: SagaDefinition, step: number): ReadonlyMap<string, number> {
  let all = visibleTo.get(definition);
  if (!all) {
    all = [];
    visibleTo.set(definition, all);
  }
  const known = all[step];
  if (known) return known;
  const names: [string, number][] = [];
  const wanted = new Set(step === definition.steps.length ? definition.steps.map(({ number }) => number) : definition.steps[step]?.after);
  for (const earlier of [...definition.steps].reverse()) {
    if (!wanted.has(earlier.number)) continue;
    if (!DECIDES.has(earlier.kind)) names.push([earlier.name, earlier.number]);
    for (const before of earlier.after) wanted.add(before);
  }
  const visible = new Map(names.reverse());
  all[step] = visible;
  return visible;
}

/** What the steps of a loop came to in the round before, by name, for a step in it; nothing in the first round, and outside of loops. */
export function previousOf({ steps }: SagaDefinition, context: SagaContext, step: number): Results {
  // The innermost is the shortest.
  const [loop] = steps.filter((one) => one.number === step || one.loop?.body.includes(step)).flatMap((one) => (one.loop ? [one.loop.body] : []));
  const known = (loop ?? []).filter((number) => context.steps[number]?.previous !== undefined);
  return Object.fromEntries(known.map((number) => [(steps[number] as StepDefinition).name, context.steps[number]?.previous]));
}
