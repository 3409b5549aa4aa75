import type { ZodType } from 'zod';
import { quoted } from '../base/quoted.ts';
import { type ApprovalContext, type ApprovalOptions, type Approved, approvalPart } from './approval.ts';
import type { BranchAdds } from './branch.ts';
import { type ChildInput, type ChildOptions, type ChildOutput, childPart } from './child.ts';
import { sleepPart } from './control.ts';
import type { SagaDefinition } from './definition.ts';
import type { Duration } from './duration.ts';
import { definitionError } from './error.ts';
import { type ItemContext, type ItemsOf, type MapOptions, type MapResult, type MapRules, mapPart } from './map.ts';
import { isPlain } from './options.ts';
import { attemptPart, reusedPart } from './parts.ts';
import { type Plan, withStep } from './plan.ts';
import type { ReusableStep } from './reusable.ts';
import { type AtOnce, type TransactContext, type TransactRules, transactPart } from './transact.ts';
import type {
  CheckOption,
  Flat,
  GracefulOptions,
  Named,
  NameWithoutUndo,
  NewName,
  NoUndo,
  ResultOf,
  Stage,
  StepContext,
  StepOptions,
  StepRules,
  Storable,
} from './types.ts';

type Both<T> = (T extends unknown ? (value: T) => void : never) extends (value: infer All) => void ? All : never;

/**
 * Steps that name those they come after; only earlier ones can be named, so a cycle cannot be written.
 * `Before` are the results from before the graph, `Visible` what the next step may read, `Nodes` what is visible
 * after each step of the graph.
 */
export class Graph<Input, Services, Before, Visible, Added, Nodes, S extends Stage = 'undoable'> implements BranchAdds<Added, S> {
  declare readonly adds?: Added | undefined;
  declare readonly stage?: S | undefined;
  readonly #plan: Plan;
  readonly #start: readonly number[];
  readonly #after: readonly number[];
  /** Number of the graph's first step. */
  readonly #from: number;
  /** The same for all that is built on one beginning. */
  readonly #root: object;
  /** Whether `.after` was said, and no step yet. */
  readonly #named: boolean;

  /** Use `.graph()` of a saga. */
  constructor(
    plan: Plan,
    start: readonly number[],
    {
      after = start,
      from = plan.steps.length,
      root = {},
      named = false,
    }: { readonly after?: readonly number[]; readonly from?: number; readonly root?: object; readonly named?: boolean } = {},
  ) {
    this.#plan = plan;
    this.#start = start;
    this.#after = after;
    this.#from = from;
    this.#root = root;
    this.#named = named;
  }

  /**
   * The next step comes after these steps of the graph; without it, it begins where the graph begins.
   * @throws DefinitionError SC_DEFINITION_AFTER if there is no such step before it
   */
  after<const Names extends readonly [keyof Nodes & string, ...(keyof Nodes & string)[]]>(
    ...names: Names
  ): Graph<Input, Services, Before, Before & Both<Nodes[Names[number]]>, Added, Nodes, S> {
    const own = this.#plan.steps.slice(this.#from);
    const wrong = (what: string, next: string): Error => definitionError('SC_DEFINITION_AFTER', { saga: this.#plan.saga }, { what, next });
    if ((names as readonly unknown[]).length === 0) throw wrong('.after() names no step', 'Name the steps that come before, or leave .after out.');
    if (this.#named) throw wrong(`.after(${names.map(quoted).join(', ')}) follows another .after`, 'Name all of them in one .after.');
    const after = names.map((name) => {
      const step = own.find((earlier) => earlier.name === name);
      if (step) return step.number;
      throw wrong(`.after: there is no step ${quoted(name)} before this one in the graph`, `Steps so far: ${own.map((one) => one.name).join(', ') || 'none'}.`);
    });
    return new Graph(this.#plan, this.#start, { after, from: this.#from, root: this.#root, named: true }) as never;
  }

  step<const Name extends string, R, F = never, const O extends boolean = false>(
    name: NewName<Name, Before & Nodes>,
    run: (context: StepContext<Input, Visible, Services>) => R & Storable<R>,
    options: StepRules<S, Input, Awaited<R>, Visible, Services> & GracefulOptions<Input, Visible, Services, F, O>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, ResultOf<R, F, O>>;
  step<const Name extends string, R>(
    name: NameWithoutUndo<S, Name, Before & Nodes>,
    run: (context: StepContext<Input, Visible, Services>) => R & Storable<R>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, ResultOf<R>>;
  step(name: string, run: unknown, options?: unknown): never {
    return this.#grow(attemptPart(this.#plan.saga, 'step', name, run, options as never));
  }

  transact<const Name extends string, R, F = never, const O extends boolean = false, const P extends boolean = false>(
    name: NewName<Name, Before & Nodes>,
    run: (context: TransactContext<Input, Visible, Services>) => R & AtOnce<R>,
    options: TransactRules<S, Input, R, Visible, Services, F, O, P>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, P extends true ? 'forward' : S, Name, ResultOf<R, F, O>>;
  transact<const Name extends string, R>(
    name: NameWithoutUndo<S, Name, Before & Nodes>,
    run: (context: TransactContext<Input, Visible, Services>) => R & AtOnce<R>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, ResultOf<R>>;
  transact(name: string, run: unknown, options?: unknown): never {
    return this.#grow(transactPart(this.#plan.saga, name, run, options as never));
  }

  read<const Name extends string, R, F = never, const O extends boolean = false>(
    name: NewName<Name, Before & Nodes>,
    run: (context: StepContext<Input, Visible, Services>) => R & Storable<R>,
    options?: StepOptions & NoUndo & GracefulOptions<Input, Visible, Services, F, O>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, ResultOf<R, F, O>> {
    return this.#grow(attemptPart(this.#plan.saga, 'read', name, run, options as never));
  }

  map<const Name extends string, Item, R, const C extends boolean = true>(
    name: NewName<Name, Before & Nodes>,
    items: ItemsOf<Input, Visible, Item>,
    run: (context: ItemContext<Input, Item, Visible, Services>) => R & Storable<R>,
    options: MapRules<S, Input, Item, Awaited<R>, Visible, Services, C>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, MapResult<R, C>>;
  map<const Name extends string, Item, R>(
    name: NameWithoutUndo<S, Name, Before & Nodes>,
    items: ItemsOf<Input, Visible, Item>,
    run: (context: ItemContext<Input, Item, Visible, Services>) => R & Storable<R>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, MapResult<R>>;
  map(name: string, items: unknown, run: unknown, options?: unknown): never {
    return this.#grow(mapPart(this.#plan.saga, 'step', name, { items, run }, options as never));
  }

  mapRead<const Name extends string, Item, R, const C extends boolean = true>(
    name: NewName<Name, Before & Nodes>,
    items: ItemsOf<Input, Visible, Item>,
    run: (context: ItemContext<Input, Item, Visible, Services>) => R & Storable<R>,
    options?: MapOptions<C> & NoUndo,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, MapResult<R, C>> {
    return this.#grow(mapPart(this.#plan.saga, 'read', name, { items, run }, options as never));
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
  ): Grown<Input, Services, Before, Visible, Added, Nodes, 'forward', Name, ResultOf<R>> {
    return this.#grow(attemptPart(this.#plan.saga, 'pivot', name, run, options as never));
  }

  child<const Name extends string, C, F = never, const O extends boolean = false, const P extends boolean = false>(
    name: NewName<Name, Before & Nodes>,
    child: C & { readonly definition: SagaDefinition },
    input: (scope: { readonly input: Input; readonly results: Flat<Visible> }) => ChildInput<C>,
    options?: ChildOptions<Input, Visible, Services, F, O, P>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, P extends true ? 'forward' : S, Name, ResultOf<ChildOutput<C>, F, O>> {
    return this.#grow(childPart(this.#plan.saga, name, child, input, options as never));
  }

  approval<const Name extends string, Decision extends ZodType = ZodType, const O extends boolean = false, const Otherwise = never>(
    name: NewName<Name, Before & Nodes>,
    ask: (context: ApprovalContext<Input, Visible, Services>) => unknown,
    options?: ApprovalOptions<Decision, O, Otherwise>,
  ): Grown<Input, Services, Before, Visible, Added, Nodes, S, Name, Approved<Name, Decision, O, Otherwise>[Name]> {
    return this.#grow(approvalPart(this.#plan.saga, name, ask, options as never));
  }

  sleep<const Name extends string>(
    name: NewName<Name, Before & Nodes>,
    duration: Duration,
  ): Graph<Input, Services, Before, Before, Added, Nodes & { readonly [K in Name]: Visible }, S> {
    return this.#grow(sleepPart(this.#plan.saga, name, duration));
  }

  #grow(part: Parameters<typeof withStep>[1]): never {
    return new Graph(withStep(this.#plan, part, this.#after), this.#start, { from: this.#from, root: this.#root }) as never;
  }

  /**
   * @internal The plan of whoever goes on after a graph: it waits for every step that nothing in it comes after.
   * @throws DefinitionError SC_DEFINITION_OPTION if it is not a graph built on this one
   */
  joined(built: unknown): Plan {
    if (!(built instanceof Graph) || built.#root !== this.#root) {
      const what = built instanceof Graph ? 'another graph' : isPlain(built) || typeof built !== 'object' ? quoted(built) : nameOf(built);
      throw definitionError(
        'SC_DEFINITION_OPTION',
        { saga: this.#plan.saga },
        { what: `.graph: it returned ${what}, not the graph it was given`, next: 'Return what you built on it.' },
      );
    }
    return built.#joined();
  }

  #joined(): Plan {
    const { steps } = this.#plan;
    const own = steps.slice(this.#from);
    const ends = own.filter(({ number }) => !own.some(({ after }) => after.includes(number))).map(({ number }) => number);
    return { ...this.#plan, frontier: ends.length > 0 ? ends : this.#start };
  }
}

/** Of a saga its name, of anything else what it is. */
export function nameOf(built: object | null): string {
  return built !== null && 'name' in built && 'definition' in Object.getPrototypeOf(built)
    ? `the saga ${quoted(built.name).replaceAll('"', '')}`
    : quoted(built);
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
