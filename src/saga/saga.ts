import type { AnyStateMachine } from 'xstate';
import type { ZodType } from 'zod';
import type { AnySaga, More } from './any-saga.ts';
import { type ApprovalContext, type ApprovalOptions, type Approved, approvalPart } from './approval.ts';
import { type AddBlock, addedBy, completed, type Head } from './block.ts';
import { checkGraph, loopAdded, named, parallelAdded, raceAdded, whenAdded } from './blocks.ts';
import type { AddedBy, AllBranches, BranchAdds, Raced, StageAfter } from './branch.ts';
import { checkFunction } from './check.ts';
import { type ChildInput, type ChildOptions, type ChildOutput, childPart } from './child.ts';
import { type Decide, type DurationOf, type LoopOptions, type SavepointOptions, savepointPart, sleepPart, type WaitOptions, waitPart } from './control.ts';
import type { SagaDefinition } from './definition.ts';
import { Graph } from './graph.ts';
import { type ItemContext, type ItemsOf, type MapOptions, type MapResult, type MapRules, mapPart } from './map.ts';
import { attemptPart, reusedPart } from './parts.ts';
import { freeName, type Plan, withStep } from './plan.ts';
import { checkedQueries, checkLast, type Queried, type QueriesOn, type RunNow } from './queries.ts';
import type { ReusableStep } from './reusable.ts';
import { type AtOnce, type TransactContext, type TransactRules, transactPart } from './transact.ts';
import type {
  Carried,
  CheckOption,
  Flat,
  GracefulOptions,
  Maybe,
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
  Waited,
} from './types.ts';

/**
 * A saga, and a beginning of one: each call returns a new value, so one beginning can be continued twice. A branch
 * is built by the same verbs. `D` are the results that surely precede, carried as an intersection: flattened at
 * each step it would end in TS2589 from 50 steps on.
 */
export class Saga<Name extends string, Input, Services, D, Added, S extends Stage = 'undoable', Output = undefined, Given = Input, Signals = unknown>
  implements BranchAdds<Added, S>
{
  declare readonly adds?: Added | undefined;
  declare readonly stage?: S | undefined;
  /** Types only. */
  declare readonly types?: Carried<Output, Services, Given, Signals> | undefined;
  readonly name: Name;
  readonly version: number;
  readonly #plan: Plan;
  readonly #head: Head;
  #machine: AnyStateMachine | undefined;
  #definition: SagaDefinition | undefined;

  /** Use `saga()`. */
  constructor(plan: Plan, head: Head) {
    this.#plan = plan;
    this.#head = head;
    this.name = plan.saga as Name;
    this.version = head.version;
  }

  /** The saga as data. @throws DefinitionError SC_DEFINITION_OPTION if it has no steps */
  get definition(): SagaDefinition {
    this.#definition ??= completed({ plan: this.#plan, head: this.#head });
    return this.#definition;
  }

  /** The chart it compiles to: a plain XState machine, which also runs under `createActor`. */
  get machine(): AnyStateMachine {
    this.#machine ??= this.#head.compile(this.definition);
    return this.#machine;
  }

  /** A step with an effect, and the way to undo it. */
  step<const StepName extends string, R, F = never, const O extends boolean = false>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    options: StepRules<S, Input, Awaited<R>, D, Services> & GracefulOptions<Input, D, Services, F, O>,
  ): Saga<Name, Input, Services, D & Named<StepName, ResultOf<R, F, O>>, Added & Named<StepName, ResultOf<R, F, O>>, S, Output, Given, Signals>;
  step<const StepName extends string, R>(
    name: NameWithoutUndo<S, StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
  ): Saga<Name, Input, Services, D & Named<StepName, ResultOf<R>>, Added & Named<StepName, ResultOf<R>>, S, Output, Given, Signals>;
  step(name: string, run: unknown, options?: unknown): never {
    return this.#add(attemptPart(this.name, 'step', name, run, options as never));
  }

  /** A step that writes to the store's own database, by `db`, in one transaction with the commit of its end: exactly once. It must not wait. */
  transact<const StepName extends string, R, F = never, const O extends boolean = false, const P extends boolean = false>(
    name: NewName<StepName, D>,
    run: (context: TransactContext<Input, D, Services>) => R & AtOnce<R>,
    options: TransactRules<S, Input, R, D, Services, F, O, P>,
  ): More<Name, Input, Services, D, Added, P extends true ? 'forward' : S, Output, Given, Signals, Named<StepName, ResultOf<R, F, O>>>;
  transact<const StepName extends string, R>(
    name: NameWithoutUndo<S, StepName, D>,
    run: (context: TransactContext<Input, D, Services>) => R & AtOnce<R>,
  ): More<Name, Input, Services, D, Added, S, Output, Given, Signals, Named<StepName, ResultOf<R>>>;
  transact(name: string, run: unknown, options?: unknown): never {
    return this.#add(transactPart(this.name, name, run, options as never));
  }

  /** A step that changes nothing, so that nothing has to be undone. */
  read<const StepName extends string, R, F = never, const O extends boolean = false>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    options?: StepOptions & NoUndo & GracefulOptions<Input, D, Services, F, O>,
  ): Saga<Name, Input, Services, D & Named<StepName, ResultOf<R, F, O>>, Added & Named<StepName, ResultOf<R, F, O>>, S, Output, Given, Signals> {
    return this.#add(attemptPart(this.name, 'read', name, run, options as never));
  }

  /**
   * A step over many items, so many at a time: each has attempts, a key and an undo of its own. Its result are those of
   * the items, in their order. The function that lists them must be pure: it is asked again after a crash.
   */
  map<const StepName extends string, Item, R, const C extends boolean = true>(
    name: NewName<StepName, D>,
    items: ItemsOf<Input, D, Item>,
    run: (context: ItemContext<Input, Item, D, Services>) => R & Storable<R>,
    options: MapRules<S, Input, Item, Awaited<R>, D, Services, C>,
  ): Saga<Name, Input, Services, D & Named<StepName, MapResult<R, C>>, Added & Named<StepName, MapResult<R, C>>, S, Output, Given, Signals>;
  map<const StepName extends string, Item, R>(
    name: NameWithoutUndo<S, StepName, D>,
    items: ItemsOf<Input, D, Item>,
    run: (context: ItemContext<Input, Item, D, Services>) => R & Storable<R>,
  ): Saga<Name, Input, Services, D & Named<StepName, MapResult<R>>, Added & Named<StepName, MapResult<R>>, S, Output, Given, Signals>;
  map(name: string, items: unknown, run: unknown, options?: unknown): never {
    return this.#add(mapPart(this.name, 'step', name, { items, run }, options as never));
  }

  /** As `.map`, where nothing is changed, so that nothing has to be undone. */
  mapRead<const StepName extends string, Item, R, const C extends boolean = true>(
    name: NewName<StepName, D>,
    items: ItemsOf<Input, D, Item>,
    run: (context: ItemContext<Input, Item, D, Services>) => R & Storable<R>,
    options?: MapOptions<C> & NoUndo,
  ): Saga<Name, Input, Services, D & Named<StepName, MapResult<R, C>>, Added & Named<StepName, MapResult<R, C>>, S, Output, Given, Signals> {
    return this.#add(mapPart(this.name, 'read', name, { items, run }, options as never));
  }

  /** A reusable step, under a name of this saga. */
  use<const StepName extends string, StepInput, Result, Needed>(
    name: NewName<StepName, D>,
    reusable: ReusableStep<StepInput, Result, Needed> & ([Services] extends [Needed] ? unknown : 'this saga lacks services that the step needs'),
    input: (scope: { readonly input: Input; readonly results: Flat<D> }) => NoInfer<StepInput>,
  ): Saga<Name, Input, Services, D & Named<StepName, Result>, Added & Named<StepName, Result>, S, Output, Given, Signals> {
    return this.#add(reusedPart(this.name, name, reusable as ReusableStep, input));
  }

  /**
   * The point of no return: before it a failure undoes everything, after it the run only completes. An attempt
   * whose outcome is unknown goes to `check`, else a person is asked.
   */
  pivot<const StepName extends string, R>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    options?: StepOptions & CheckOption<Input, Awaited<R>, D, Services> & NoUndo,
  ): Saga<Name, Input, Services, D & Named<StepName, ResultOf<R>>, Added & Named<StepName, ResultOf<R>>, 'forward', Output, Given, Signals> {
    return this.#add(attemptPart(this.name, 'pivot', name, run, options as never));
  }

  /**
   * A run of another saga, whose output is the result. Before the pivot it must be `nested`: it is undone as a unit when
   * this run undoes the step, and told that it stays done when this run has ended. A cancel goes down to it.
   */
  child<const StepName extends string, C extends AnySaga, F = never, const O extends boolean = false, const P extends boolean = false>(
    name: NewName<StepName, D>,
    child: C,
    input: (scope: { readonly input: Input; readonly results: Flat<D> }) => ChildInput<C>,
    options?: ChildOptions<Input, D, Services, F, O, P>,
  ): More<Name, Input, Services, D, Added, P extends true ? 'forward' : S, Output, Given, Signals, Named<StepName, ResultOf<ChildOutput<C>, F, O>>> {
    return this.#add(childPart(this.name, name, child, input, options as never));
  }

  /** Asks somebody, with a token, and waits until whoever shows that has decided; what is denied fails, with nothing to undo. */
  approval<const StepName extends string, Decision extends ZodType = ZodType, const O extends boolean = false, const Otherwise = never>(
    name: NewName<StepName, D>,
    ask: (context: ApprovalContext<Input, D, Services>) => unknown,
    options?: ApprovalOptions<Decision, O, Otherwise>,
  ): More<Name, Input, Services, D, Added, S, Output, Given, Signals, Approved<StepName, Decision, O, Otherwise>> {
    return this.#add(approvalPart(this.name, name, ask, options as never));
  }

  /** Waits, durably: the deadline stands, whatever happens to the process. */
  sleep(duration: DurationOf<Input, Flat<D>>): Saga<Name, Input, Services, D, Added, S, Output, Given, Signals>;
  sleep(name: string, duration: DurationOf<Input, Flat<D>>): Saga<Name, Input, Services, D, Added, S, Output, Given, Signals>;
  sleep(...given: readonly unknown[]): never {
    const [name, duration] = named(this.#plan, 'sleep', given, 2);
    return this.#add(sleepPart(this.name, name, duration));
  }

  /**
   * Waits for a signal, and has what it carries for its result; one that came before is taken at once. Signals are kept
   * in order, each for one wait. A wait that times out fails, and has nothing to undo.
   */
  waitFor<
    const StepName extends string,
    const Signal extends keyof Signals & string = StepName & keyof Signals,
    const O extends boolean = false,
    const Otherwise = never,
  >(
    name: NewName<StepName, D>,
    options?: WaitOptions<Signal, Input, Flat<D>, O, Otherwise>,
  ): More<Name, Input, Services, D, Added, S, Output, Given, Signals, Waited<StepName, Signals, Signal, O, Otherwise>> {
    return this.#add(waitPart(this.name, name, options as never));
  }

  /**
   * Steps that are done only if a condition holds, which is asked once, when the run comes to it. Their results may be
   * `undefined` for what follows.
   */
  when<Built extends BranchAdds<unknown>>(
    condition: Decide<Input, Flat<D>>,
    block: (chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => Built,
  ): Saga<Name, Input, Services, D & Maybe<AddedBy<Built>>, Added & Maybe<AddedBy<Built>>, S, Output, Given, Signals>;
  when<Built extends BranchAdds<unknown>>(
    name: string,
    condition: Decide<Input, Flat<D>>,
    block: (chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => Built,
  ): Saga<Name, Input, Services, D & Maybe<AddedBy<Built>>, Added & Maybe<AddedBy<Built>>, S, Output, Given, Signals>;
  when(...given: readonly unknown[]): never {
    return this.#continue(whenAdded(this.#plan, given, this.#blocks));
  }

  /**
   * Steps in a chain that are done again, with new keys, until a condition holds; `results` are those of the last round.
   * What must be undone is undone round by round, the last one first.
   */
  loop<Built extends BranchAdds<unknown>>(
    block: (chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => Built,
    options: LoopOptions<Input, Flat<D & AddedBy<Built>>>,
  ): Saga<Name, Input, Services, D & AddedBy<Built>, Added & AddedBy<Built>, S, Output, Given, Signals>;
  loop<Built extends BranchAdds<unknown>>(
    name: string,
    block: (chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => Built,
    options: LoopOptions<Input, Flat<D & AddedBy<Built>>>,
  ): Saga<Name, Input, Services, D & AddedBy<Built>, Added & AddedBy<Built>, S, Output, Given, Signals>;
  loop(...given: readonly unknown[]): never {
    return this.#continue(loopAdded(this.#plan, given, this.#blocks));
  }

  /**
   * Branches of one step each, of which the first that succeeds wins: the others are told to stop, and undone. Results
   * of losers are `undefined`; that of the race, under its own name, is the name of the winner.
   */
  race<
    const Branches extends readonly [Branch, Branch, ...Branch[]],
    Branch extends (chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => BranchAdds<unknown>,
  >(...branches: Branches): More<Name, Input, Services, D, Added, S, Output, Given, Signals, Raced<Branches, 'race'>>;
  race<
    const RaceName extends string,
    const Branches extends readonly ((chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => BranchAdds<unknown>)[],
  >(name: NewName<RaceName, D>, ...branches: Branches): More<Name, Input, Services, D, Added, S, Output, Given, Signals, Raced<Branches, RaceName>>;
  race(...given: readonly unknown[]): never {
    return this.#continue(raceAdded(this.#plan, given, this.#blocks));
  }

  /**
   * Where a run returns to when a later step fails before the pivot: what came after is undone, and done again with new
   * keys. Only with `onFailure: 'toSavepoint'`.
   */
  savepoint(
    ...given: [options?: SavepointOptions] | [name: string, options?: SavepointOptions]
  ): Saga<Name, Input, Services, D, Added, S, Output, Given, Signals> {
    const [name, options] = typeof given[0] === 'string' ? [given[0], given[1]] : [freeName(this.#plan, 'savepoint'), given[0]];
    return this.#add(savepointPart(this.name, name, options));
  }

  /** Branches side by side, each a chain; what follows waits for all of them. */
  parallel<const Branches extends readonly ((chain: Saga<Name, Input, Services, D, unknown, S, undefined, Input, Signals>) => BranchAdds<unknown>)[]>(
    ...branches: Branches
  ): More<Name, Input, Services, D, Added, StageAfter<ReturnType<Branches[number]>, S>, Output, Given, Signals, AllBranches<Branches>> {
    return this.#continue(parallelAdded(this.#plan, branches, this.#blocks));
  }

  /** A graph of steps: each names those it comes after; what follows waits for all of them. */
  graph<Built extends BranchAdds<unknown>>(
    build: (graph: Graph<Input, Services, D, D, unknown, unknown, S>) => Built,
  ): Saga<Name, Input, Services, D & AddedBy<Built>, Added & AddedBy<Built>, StageAfter<Built, S>, Output, Given, Signals> {
    checkGraph(this.#plan, build);
    const graph = new Graph<Input, Services, D, D, unknown, unknown, S>(this.#plan, this.#plan.frontier);
    return this.#continue(graph.joined(build(graph)));
  }

  /**
   * What the run gives back when it completes, computed from input and results: pure, and it must not throw. Where a
   * person has skipped a step whose result it needs, there is no output.
   */
  output<R>(compute: (scope: { readonly input: Input; readonly results: Flat<D> }) => R): Saga<Name, Input, Services, D, Added, S, R, Given, Signals> {
    checkFunction({ saga: this.name }, 'output', compute);
    checkLast(this.name, this.#head);
    return new Saga(this.#plan, { ...this.#head, output: compute as NonNullable<SagaDefinition['output']> }) as never;
  }

  /** What may be asked of a run at any time, by name: pure functions of what it knows then. They come last. */
  queries<A>(queries: QueriesOn<RunNow<Input, D>, A>): Saga<Name, Input, Services, D, Added, S, Output, Given, Signals> & Queried<A> {
    return new Saga(this.#plan, { ...this.#head, queries: checkedQueries(this.name, this.#head, queries) }) as never;
  }

  /** How a block is built on. */
  readonly #blocks: AddBlock = (block, plan, which) =>
    addedBy(block, { plan, head: this.#head }, which, {
      chainOf: (start) => new Saga(start.plan, start.head),
      partsOf: (built) => (built instanceof Saga ? { plan: built.#plan, head: built.#head } : undefined),
    });

  #add(part: Parameters<typeof withStep>[1]): never {
    return this.#continue(withStep(this.#plan, part));
  }

  #continue(plan: Plan): never {
    checkLast(this.name, this.#head);
    return new Saga(plan, this.#head) as never;
  }
}
