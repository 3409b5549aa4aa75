import type { AnyStateMachine } from 'xstate';
import type { input as ZodInput, output as ZodOutput, ZodType } from 'zod';
import { quoted } from '../base/quoted.ts';
import type { AllBranches, BranchAdds } from './branch.ts';
import { checkFunction, checkSchema, checkText } from './check.ts';
import type { SagaDefinition } from './definition.ts';
import type { Duration } from './duration.ts';
import { definitionError } from './error.ts';
import { Graph, nameOf } from './graph.ts';
import { checkSagaName } from './name.ts';
import { checkOptions } from './options.ts';
import { attemptPart, reusedPart, sleepPart } from './parts.ts';
import { type Plan, withStep } from './plan.ts';
import type { ReusableStep } from './reusable.ts';
import type { CheckOption, Flat, NameWithoutUndo, NewName, NoUndo, Stage, StepContext, StepOptions, StepRules, Storable, TypeOnly } from './types.ts';

type Named<Name extends string, R> = { readonly [K in Name]: Awaited<R> };

/**
 * A saga, and a beginning of one: each call returns a new value, so one beginning can be continued twice. A branch
 * is built by the same verbs. `D` are the results that surely precede, carried as an intersection: flattened at
 * each step it would end in TS2589 from 50 steps on.
 */
export class Saga<Name extends string, Input, Services, D, Added, S extends Stage = 'undoable', Output = undefined, Given = Input>
  implements BranchAdds<Added, S>
{
  declare readonly adds?: Added | undefined;
  declare readonly stage?: S | undefined;
  /** Types only. */
  declare readonly types?: { readonly output: Output; readonly services: (services: Services) => void; readonly input: Given } | undefined;
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
    if (this.#plan.steps.length === 0) throw definitionError('SC_DEFINITION_OPTION', { saga: this.name }, { what: 'it has no steps', next: 'Add a step.' });
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
    options: StepRules<S, Input, Awaited<R>, D, Services>,
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, S, Output, Given>;
  step<const StepName extends string, R>(
    name: NameWithoutUndo<S, StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, S, Output, Given>;
  step(name: string, run: unknown, options?: unknown): never {
    return this.#continue(withStep(this.#plan, attemptPart(this.name, 'step', name, run, options as never)));
  }

  /** A step that changes nothing, so that nothing has to be undone. */
  read<const StepName extends string, R>(
    name: NewName<StepName, D>,
    run: (context: StepContext<Input, D, Services>) => R & Storable<R>,
    options?: StepOptions & NoUndo,
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, S, Output, Given> {
    return this.#continue(withStep(this.#plan, attemptPart(this.name, 'read', name, run, options as never)));
  }

  /** A reusable step, under a name of this saga. */
  use<const StepName extends string, StepInput, Result, Needed>(
    name: NewName<StepName, D>,
    reusable: ReusableStep<StepInput, Result, Needed> & ([Services] extends [Needed] ? unknown : 'this saga lacks services that the step needs'),
    input: (scope: { readonly input: Input; readonly results: Flat<D> }) => NoInfer<StepInput>,
  ): Saga<Name, Input, Services, D & Named<StepName, Result>, Added & Named<StepName, Result>, S, Output, Given> {
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
  ): Saga<Name, Input, Services, D & Named<StepName, R>, Added & Named<StepName, R>, 'forward', Output, Given> {
    return this.#continue(withStep(this.#plan, attemptPart(this.name, 'pivot', name, run, options as never)));
  }

  /** Waits, durably: the deadline stands, whatever happens to the process. */
  sleep(duration: Duration): Saga<Name, Input, Services, D, Added, S, Output, Given>;
  sleep(name: string, duration: Duration): Saga<Name, Input, Services, D, Added, S, Output, Given>;
  sleep(...given: readonly (string | Duration)[]): Saga<Name, Input, Services, D, Added, S, Output, Given> {
    const [name, duration] = given.length < 2 ? [this.#sleepName(), given[0]] : given;
    return this.#continue(withStep(this.#plan, sleepPart(this.name, name as string, duration as Duration)));
  }

  #sleepName(): string {
    const taken = new Set(this.#plan.steps.map(({ name }) => name));
    if (!taken.has('sleep')) return 'sleep';
    let n = 2;
    while (taken.has(`sleep${n}`)) n++;
    return `sleep${n}`;
  }

  /** Branches side by side, each a chain; what follows waits for all of them. */
  parallel<const Branches extends readonly ((chain: Saga<Name, Input, Services, D, unknown, S>) => BranchAdds<unknown>)[]>(
    ...branches: Branches
  ): Saga<Name, Input, Services, D & AllBranches<Branches>, Added & AllBranches<Branches>, StageAfter<ReturnType<Branches[number]>, S>, Output, Given> {
    if (branches.length === 0) throw this.#wrong('.parallel: it has no branches', 'Give it one chain for each branch.');
    const { frontier } = this.#plan;
    const ends: number[] = [];
    let plan = this.#plan;
    for (const [i, branch] of branches.entries()) {
      const which = `.parallel: branch ${i + 1}`;
      if (typeof branch !== 'function')
        throw this.#wrong(`${which} is ${quoted(branch)}, not a function`, 'Give a function that builds on the chain it is given.');
      const built: unknown = branch(new Saga({ ...plan, frontier }, this.#head));
      if (!(built instanceof Saga) || !isContinuation(built.#plan, plan))
        throw this.#wrong(
          `${which} returned ${built instanceof Saga ? nameOf(built) : quoted(built)}, not the chain it was given`,
          'Return what you built on it.',
        );
      if (built.#head.output !== this.#head.output)
        throw this.#wrong(`${which} has the output ${quoted(built.#head.output)}`, 'Only the saga itself has an output: move it there.');
      plan = built.#plan;
      ends.push(...plan.frontier);
    }
    return this.#continue({ ...plan, frontier: [...new Set(ends)] });
  }

  /** A graph of steps: each names those it comes after; what follows waits for all of them. */
  graph<Built extends BranchAdds<unknown>>(
    build: (graph: Graph<Input, Services, D, D, unknown, unknown, S>) => Built,
  ): Saga<Name, Input, Services, D & AddedBy<Built>, Added & AddedBy<Built>, StageAfter<Built, S>, Output, Given> {
    if (typeof build !== 'function')
      throw this.#wrong(`.graph is given ${quoted(build)}, not a function`, 'Give a function that builds on the graph it is given.');
    const graph = new Graph<Input, Services, D, D, unknown, unknown, S>(this.#plan, this.#plan.frontier);
    return this.#continue(graph.joined(build(graph)));
  }

  /**
   * What the run gives back when it completes, computed from input and results: pure, and it must not throw. Where a
   * person has skipped a step whose result it needs, there is no output.
   */
  output<R>(compute: (scope: { readonly input: Input; readonly results: Flat<D> }) => R): Saga<Name, Input, Services, D, Added, S, R, Given> {
    checkFunction({ saga: this.name }, 'output', compute);
    return new Saga(this.#plan, { ...this.#head, output: compute as NonNullable<SagaDefinition['output']> }) as never;
  }

  #wrong(what: string, next: string): Error {
    return definitionError('SC_DEFINITION_OPTION', { saga: this.name }, { what, next });
  }

  #continue(plan: Plan): never {
    return new Saga(plan, this.#head) as never;
  }
}

/** Whether a plan begins with all that another has. */
function isContinuation(plan: Plan, of: Plan): boolean {
  return plan.saga === of.saga && of.steps.every((step, i) => plan.steps[i] === step);
}

/** Past the pivot, if one of these ends past it. */
type StageAfter<Built, S extends Stage> = 'forward' extends (Built extends BranchAdds<unknown, infer After> ? After : never) ? 'forward' : S;
type AddedBy<Built> = Built extends BranchAdds<infer Added> ? Added : unknown;

/** Any saga, whatever it carries. */
// biome-ignore lint/suspicious/noExplicitAny: a saga of any types stands for all of them
export type AnySaga = Saga<string, any, any, any, any, any, any, any>;

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
  ): Saga<Name, ZodOutput<Schema>, Services, unknown, unknown, 'undoable', undefined, ZodInput<Schema>> {
    checkSagaName(name);
    const where = { saga: name };
    checkOptions(where, 'options', options, ['version', 'input', 'services', 'why']);
    const { version, input, why } = options;
    if (!Number.isSafeInteger(version) || version < 1)
      throw definitionError('SC_DEFINITION_OPTION', where, {
        what: `version is ${quoted(version)}`,
        next: 'Give it a whole number from 1.',
        option: 'version',
        value: version,
      });
    checkSchema(where, 'input', input);
    if (why !== undefined) checkText(where, 'why', why);
    return new Saga({ saga: name, steps: [], frontier: [] }, { version, input, compile, ...(why === undefined ? {} : { why }) });
  };
}
