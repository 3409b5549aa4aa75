import type { SagaContext } from '../../chart/context.ts';
import { statePaths } from '../../chart/path.ts';
import type { RunEvent } from '../../kernel/event.ts';
import type { StateData } from '../../kernel/state.ts';
import type { SagaDefinition } from '../../saga/definition.ts';

/** Counts what a run was told from outside, and what it made of that. */
export class Answers {
  readonly #definition: SagaDefinition;
  #signals = 0;
  #taken = 0;
  readonly #decisions = new Map<string, number>();

  constructor(definition: SagaDefinition) {
    this.#definition = definition;
  }

  /** One commit of it. */
  heard(event: RunEvent, before: StateData, after: StateData): void {
    if (event.type === 'sent') {
      const { type, round } = event.event;
      if (Object.hasOwn(this.#definition.signals, type)) this.#signals++;
      if (type.endsWith('.decide')) this.#decisions.set(`${type} of round ${round}`, (this.#decisions.get(`${type} of round ${round}`) ?? 0) + 1);
    }
    for (const { number, wait } of this.#definition.steps) if (wait && has(after, number) && !has(before, number)) this.#taken++;
  }

  /** What must not be. */
  *wrong(): Generator<string> {
    if (this.#taken > this.#signals) yield `${this.#taken} waits have taken ${this.#signals} signals`;
    for (const [what, times] of this.#decisions) if (times > 1) yield `${what} was taken ${times} times`;
  }
}

function has({ context }: StateData, step: number): boolean {
  return (context as SagaContext | null)?.steps[step]?.status === 'succeeded';
}

/** Steps that wait for somebody's answer. */
export function askedIn({ value }: StateData): readonly string[] {
  return statePaths(value).flatMap((path) => /^running\.([^.]+)\.awaiting$/.exec(path)?.[1] ?? []);
}
