import type { BranchAdds } from './branch.ts';
import type { Duration } from './duration.ts';
import { attemptPart, reusedPart, sleepPart } from './parts.ts';
import { definitionError, type Plan, withStep } from './plan.ts';
import type { ReusableStep } from './reusable.ts';
import type { Stage } from './saga.ts';
import type { CheckOption, Flat, NewName, NoUndo, StepContext, StepOptions, StepRules, Storable } from './types.ts';

type Rest<S extends Stage, Options> = S extends 'forward' ? [options?: Options] : [options: Options];
type Named<Name extends string, R> = { readonly [K in Name]: Awaited<R> };
type Both<T> = (T extends unknown ? (value: T) => void : never) extends (value: infer All) => void ? All : never;

/**
 * Steps that name those they come after; only earlier ones can be named, so a cycle cannot be written.
 * `Before` are the results from before the graph, `Visible` what the next step may read, `Nodes` what is visible
 * after each step of the graph.
 */
export class Graph<Input, Services, Before, Visible, Added, Nodes, S extends Stage = 'undoable'> implements BranchAdds<Added> {
  declare readonly adds?: Added | undefined;
  readonly #plan: Plan;
  readonly #start: readonly number[];
  readonly #after: readonly number[];
  /** Number of the graph's first step. */
  readonly #from: number;

  /** Use `.graph()` of a saga. */
  constructor(
    plan: Plan,
    start: readonly number[],
    { after = start, from = plan.steps.length }: { readonly after?: readonly number[]; readonly from?: number } = {},
  ) {
    this.#plan = plan;
    this.#start = start;
    this.#after = after;
    this.#from = from;
  }

  /**
   * The next step comes after these; without it, it begins where the graph begins.
   * @throws DefinitionError SC_DEFINITION_AFTER if there is no such step before
   */
  after<const Names extends readonly (keyof Nodes & string)[]>(
    ...names: Names
  ): Graph<Input, Services, Before, Before & Both<Nodes[Names[number]]>, Added, Nodes, S> {
    const numbers = names.map((name) => {
      const step = this.#plan.steps.find((earlier) => earlier.name === name);
      if (step) return step.number;
      throw definitionError(
        'SC_DEFINITION_AFTER',
        this.#plan.saga,
        '(after)',
        `there is no step ${JSON.stringify(name)} before this one`,
        `Steps so far: ${this.#plan.steps.map((earlier) => earlier.name).join(', ') || 'none'}.`,
      );
    });
    return new Graph(this.#plan, this.#start, { after: numbers, from: this.#from }) as never;
  }

  step<const Name extends string, R>(
    name: NewName<Name, Before & Nodes>,
    run: (context: StepContext<Input, Visible, Services>) => R & Storable<R>,
    ...[options]: Rest<S, StepRules<S, Input, Awaited<R>, Visible, Services>>
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, R> {
    return this.#grow(attemptPart(this.#plan.saga, 'step', name, run, options as never));
  }

  read<const Name extends string, R>(
    name: NewName<Name, Before & Nodes>,
    run: (context: StepContext<Input, Visible, Services>) => R & Storable<R>,
    options?: StepOptions & NoUndo,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, R> {
    return this.#grow(attemptPart(this.#plan.saga, 'read', name, run, options as never));
  }

  use<const Name extends string, StepInput, Result, Needed>(
    name: NewName<Name, Before & Nodes>,
    reusable: ReusableStep<StepInput, Result, Needed> & ([Services] extends [Needed] ? unknown : 'this saga lacks services that the step needs'),
    input: (scope: { readonly input: Input; readonly results: Flat<Visible> }) => NoInfer<StepInput>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, Result> {
    return this.#grow(reusedPart(this.#plan.saga, name, reusable as ReusableStep, input));
  }

  pivot<const Name extends string, R>(
    name: NewName<Name, Before & Nodes>,
    run: (context: StepContext<Input, Visible, Services>) => R & Storable<R>,
    options?: StepOptions & CheckOption<Input, Awaited<R>, Visible, Services> & NoUndo,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, 'forward', Name, R> {
    return this.#grow(attemptPart(this.#plan.saga, 'pivot', name, run, options as never));
  }

  sleep<const Name extends string>(
    name: NewName<Name, Before & Nodes>,
    duration: Duration,
  ): Graph<Input, Services, Before, Before, Added, Nodes & { readonly [K in Name]: Visible }, S> {
    return this.#grow(sleepPart(this.#plan.saga, name, duration));
  }

  #grow(part: Parameters<typeof withStep>[1]): never {
    return new Graph(withStep(this.#plan, part, this.#after), this.#start, { from: this.#from }) as never;
  }

  /** @internal The plan of whoever goes on after the graph: it waits for every step that nothing in it comes after. */
  joined(): Plan {
    const { steps } = this.#plan;
    const own = steps.slice(this.#from);
    const ends = own.filter(({ number }) => !own.some(({ after }) => after.includes(number))).map(({ number }) => number);
    return { ...this.#plan, frontier: ends.length > 0 ? ends : this.#start };
  }
}

type Grown<Input, Services, Before, Visible, Added, Nodes, S extends Stage, Name extends string, R> = Graph<
  Input,
  Services,
  Before,
  Before,
  Added & Named<Name, R>,
  Nodes & { readonly [K in Name]: Visible & Named<Name, R> },
  S
>;
