import type { AnyMachineSnapshot } from 'xstate';
import type { AnySaga } from '../../saga/any-saga.ts';
import type { SagaDefinition } from '../../saga/definition.ts';

/** Maps as a path sees them: one item stands for all, and is one attempt. */
export class MapPaths {
  readonly #maps: ReadonlySet<string>;
  /** Of these an item that fails needs a person, and the map itself does not fail. */
  readonly #forward: ReadonlySet<string>;

  constructor({ steps }: SagaDefinition) {
    const maps = steps.filter(({ map }) => map);
    this.#maps = new Set(maps.map(({ name }) => name));
    this.#forward = new Set(maps.filter(({ forward }) => forward).map(({ name }) => name));
  }

  /** Whether the chart hears that an item of it is stuck, where a step would hear that it failed. */
  isStuckBy(attempt: string): boolean {
    const [step = '', what] = attempt.split('.');
    return what === 'undo' ? this.#maps.has(step) : this.#forward.has(step);
  }

  /** Whether an invocation waits for a person, so that nothing of it goes on by itself. */
  isStuckIn({ _nodes }: AnyMachineSnapshot, attempt: string): boolean {
    const [step = ''] = attempt.split('.');
    if (!this.#maps.has(step)) return false;
    return (_nodes as readonly { readonly path: readonly string[] }[]).some(({ path }) => path.at(-1) === 'attention' && path.at(-3) === step);
  }

  /** How an attempt is called where it is run: of a map it is its only item's. */
  ranAs(attempt: string): string {
    const [step = '', what] = attempt.split('.');
    return this.#maps.has(step) ? `${step}[0]${what === undefined ? '' : `.${what}`}` : attempt;
  }
}

/** The saga with one item in each of its maps. */
export function withOneItem(saga: AnySaga): AnySaga {
  const { definition } = saga;
  if (!definition.steps.some(({ map }) => map)) return saga;
  const steps = definition.steps.map((step) => (step.map ? { ...step, map: { ...step.map, items: () => [0] } } : step));
  return { definition: { ...definition, steps } } as unknown as AnySaga;
}
