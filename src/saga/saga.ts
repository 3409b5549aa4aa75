import type { AnyStateMachine } from 'xstate';
import type { output as ZodOutput, ZodType } from 'zod';
import { DefinitionError } from '../base/errors.ts';
import type { AllBranches, BranchAdds } from './branch.ts';
import type { SagaDefinition } from './definition.ts';
import type { Duration } from './duration.ts';
import { Graph } from './graph.ts';
import { attemptPart, reusedPart, sleepPart } from './parts.ts';
import { checkName, definitionError, type Plan, withStep } from './plan.ts';
import type { ReusableStep } from './reusable.ts';
import type { CheckOption, Flat, NewName, NoUndo, StepContext, StepOptions, StepRules, Storable, TypeOnly } from './types.ts';

/** Whether the pivot has passed: after it `compensate` is refused by type. */
export type Stage = 'undoable' | 'forward';

type Rest<S extends Stage, Options> = S extends 'forward' ? [options?: Options] : [options: Options];
type Named<Name extends string, R> = { readonly [K in Name]: Awaited<R> };

/**
 * A saga, and a beginning of one: each call returns a new value, so one beginning can be continued twice. A branch
 * is built by the same verbs. `D` are the results that surely precede, carried as an intersection: flattened at
 * each step it would end in TS2589 from 50 steps on.
 */
export class Saga<Name extends string, Input, Services, D, Added, S extends Stage = 'undoable', Output = undefined> implements BranchAdds<Added> {
  declare readonly adds?: Added | undefined;
  /** Types only. */
  declare readonly types?: { readonly output: Output; readonly services: (services: Services) => void; readonly input: Input } | undefined;
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
    if (this.#definition) return this.#definition;
    const { compile: _, ...head } = this.#head;
    if (this.#plan.steps.length === 0) throw definitionError('SC_DEFINITION_OPTION', this.name, '(none)', 'the saga has no steps', 'Add a step.');
    this.#definition = Object.freeze({ name: this.name, ...head, steps: this.#plan.steps });
    return this.#definition;
  }

  /** The chart it compiles to: a plain XState machine, which also runs under `createActor`. */
  get machine(): AnyStateMachine {
    this.#machine ??= this.#head.compile(this.definition);
    return this.#machine;
  }

  /** A step with an effect, and the way to undo it. */
  step<const StepName extends string, R>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    ...[options]: Rest<S, StepRules<S, Input, Awaited<R>, D, Services>>
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, S> {
    return this.#continue(withStep(this.#plan, attemptPart(this.name, 'step', name, run, options as never)));
  }

  /** A step that changes nothing, so that nothing has to be undone. */
  read<const StepName extends string, R>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    options?: StepOptions & NoUndo,
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, S> {
    return this.#continue(withStep(this.#plan, attemptPart(this.name, 'read', name, run, options as never)));
  }

  /** A reusable step, under a name of this saga. */
  use<const StepName extends string, StepInput, Result, Needed>(
    name: NewName<StepName, D>,
    reusable: ReusableStep<StepInput, Result, Needed> & ([Services] extends [Needed] ? unknown : 'this saga lacks services that the step needs'),
    input: (scope: { readonly input: Input; readonly results: Flat<D> }) => NoInfer<StepInput>,
  ): Saga<Name, Input, Services, D & Named<StepName, Result>, Added & Named<StepName, Result>, S> {
    return this.#continue(withStep(this.#plan, reusedPart(this.name, name, reusable as ReusableStep, input)));
  }

  /**
   * The point of no return: before it a failure undoes everything, after it the run only completes. An attempt
   * whose outcome is unknown goes to `check`, else a person is asked.
   */
  pivot<const StepName extends string, R>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    options?: StepOptions & CheckOption<Input, Awaited<R>, D, Services> & NoUndo,
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, 'forward'> {
    return this.#continue(withStep(this.#plan, attemptPart(this.name, 'pivot', name, run, options as never)));
  }

  /** Waits, durably: the deadline stands, whatever happens to the process. */
  sleep(duration: Duration): Saga<Name, Input, Services, D, Added, S>;
  sleep(name: string, duration: Duration): Saga<Name, Input, Services, D, Added, S>;
  sleep(first: Duration | string, second?: Duration): Saga<Name, Input, Services, D, Added, S> {
    const [name, duration] = second === undefined ? [this.#sleepName(), first as Duration] : [first as string, second];
    return this.#continue(withStep(this.#plan, sleepPart(this.name, name, duration)));
  }

  #sleepName(): string {
    const sleeps = this.#plan.steps.filter(({ name }) => /^sleep\d*$/.test(name)).length;
    return sleeps === 0 ? 'sleep' : `sleep${sleeps + 1}`;
  }

  /** Branches side by side, each a chain; what follows waits for all of them. */
  parallel<const Branches extends readonly ((chain: Saga<Name, Input, Services, D, unknown, S>) => BranchAdds<unknown>)[]>(
    ...branches: Branches
  ): Saga<Name, Input, Services, D & AllBranches<Branches>, Added & AllBranches<Branches>, S> {
    if (branches.length === 0)
      throw definitionError('SC_DEFINITION_OPTION', this.name, '(parallel)', 'it has no branches', 'Give it one chain for each branch.');
    const { frontier } = this.#plan;
    const ends: number[] = [];
    let plan = this.#plan;
    for (const branch of branches) {
      const built = branch(new Saga({ ...plan, frontier }, this.#head)) as unknown as Saga<string, never, never, never, never>;
      if (!(built instanceof Saga) || !plan.steps.every((step, i) => built.#plan.steps[i] === step))
        throw definitionError(
          'SC_DEFINITION_OPTION',
          this.name,
          '(parallel)',
          'a branch did not return the chain it was given',
          'Return what you built on it.',
        );
      plan = built.#plan;
      ends.push(...plan.frontier);
    }
    return this.#continue({ ...plan, frontier: [...new Set(ends)] });
  }

  /** A graph of steps: each names those it comes after; what follows waits for all of them. */
  graph<Built extends BranchAdds<unknown>>(
    build: (graph: Graph<Input, Services, D, D, unknown, unknown, S>) => Built,
  ): Saga<Name, Input, Services, D & AddedBy<Built>, Added & AddedBy<Built>, S> {
    const built = build(new Graph(this.#plan, this.#plan.frontier)) as unknown as Graph<never, never, never, never, never, never>;
    return this.#continue(built.joined());
  }

  /** What the run gives back when it completes, computed from input and results: pure, and it must not throw. */
  output<R>(compute: (scope: { readonly input: Input; readonly results: Flat<D> }) => R): Saga<Name, Input, Services, D, Added, S, R> {
    return new Saga(this.#plan, { ...this.#head, output: compute as NonNullable<SagaDefinition['output']> }) as never;
  }

  #continue(plan: Plan): never {
    return new Saga(plan, this.#head) as never;
  }
}

type AddedBy<Built> = Built extends BranchAdds<infer Added> ? Added : unknown;

/** Any saga, whatever it carries. */
// biome-ignore lint/suspicious/noExplicitAny: a saga of any types stands for all of them
export type AnySaga = Saga<string, any, any, any, any, any, any>;

export interface SagaOptions<Schema extends ZodType, Services> {
  /** A whole number from 1; a changed chart needs a new one. */
  readonly version: number;
  /** Parses the input of `start`. */
  readonly input: Schema;
  /** What the steps call: given when the engine is made. */
  readonly services?: TypeOnly<Services>;
  readonly why?: string;
}

type Head = Omit<SagaDefinition, 'name' | 'steps'> & { readonly compile: (definition: SagaDefinition) => AnyStateMachine };

/** The function `saga`, joined with the compiler of charts. */
export function createSaga(compile: (definition: SagaDefinition) => AnyStateMachine) {
  /**
   * Begins a saga.
   * @throws DefinitionError SC_DEFINITION_NAME, SC_DEFINITION_OPTION
   */
  return function saga<const Name extends string, Schema extends ZodType, Services = unknown>(
    name: Name,
    options: SagaOptions<Schema, Services>,
  ): Saga<Name, ZodOutput<Schema>, Services, unknown, unknown> {
    checkName(name, name);
    const { version, input, services: _, why, ...unknown } = options;
    const wrong = (option: string, value: unknown, next: string): DefinitionError =>
      new DefinitionError('SC_DEFINITION_OPTION', `saga ${name}: ${option} is ${JSON.stringify(value)}`, { next, details: { saga: name, option, value } });
    if (!Number.isSafeInteger(version) || version < 1) throw wrong('version', version, 'Give it a whole number from 1.');
    if (typeof (input as { safeParse?: unknown } | undefined)?.safeParse !== 'function') throw wrong('input', typeof input, 'Give it a zod schema.');
    for (const [option, value] of Object.entries(unknown)) throw wrong(option, value, 'There is no such option: they are version, input, services, why.');
    return new Saga({ saga: name, steps: [], frontier: [] }, { version, input, compile, ...(why === undefined ? {} : { why }) });
  };
}
