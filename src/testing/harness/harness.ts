import type { DatabaseSync } from 'node:sqlite';
import { SagachartError } from '../../base/errors.ts';
import { timeOrderedIds } from '../../base/ids.ts';
import { compileSaga } from '../../chart/chart.ts';
import { statePaths } from '../../chart/path.ts';
import { mask, sensitiveTexts } from '../../observe/mask.ts';
import { redact } from '../../observe/redact.ts';
import { Engine } from '../../runtime/engine.ts';
import type { RuntimeEvent } from '../../runtime/event.ts';
import type { RunHandle } from '../../runtime/handle.ts';
import { viewRun } from '../../runtime/history.ts';
import type { Outcome } from '../../runtime/outcome.ts';
import type { Program } from '../../runtime/program.ts';
import { sagaProgram } from '../../runtime/saga-program.ts';
import type { AnySaga } from '../../saga/any-saga.ts';
import { descendantsIn } from '../../saga/child.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { type Duration, durationMs } from '../../saga/duration.ts';
import type { Saga } from '../../saga/saga.ts';
import { memory } from '../../stores/memory/memory.ts';
import type { Store } from '../../stores/store.ts';
import { Random } from '../simulate/random.ts';
import { SimProcess, SimTime } from '../simulate/sim-time.ts';
import { cut } from '../verify/subject-of.ts';
import { noDatabase } from './no-database.ts';
import { checkScript, ScriptBook, type ScriptedOutcome } from './script.ts';
import { withStandIns } from './stand-in.ts';

type ResultsOf<S> =
  S extends Saga<string, infer _Input, infer _Services, infer Results, infer _Added, infer _Stage, infer _Output, infer _Given> ? Results : never;
type Given<S> = S extends { readonly types?: { readonly input: infer Input } | undefined } ? Input : unknown;
type Output<S> = S extends { readonly types?: { readonly output: infer Result } | undefined } ? Result : unknown;

/** What attempts do, in turn: of a step by its name, of its check and its undo after a dot; of an item of a map `bags[0]`. */
export type Script<S> = {
  readonly [Step in keyof ResultsOf<S> & string]?: readonly ScriptedOutcome<ResultsOf<S>[Step]>[];
} & { readonly [Other in `${keyof ResultsOf<S> & string}.${'check' | 'undo'}`]?: readonly ScriptedOutcome[] } & {
  readonly [Item in `${keyof ResultsOf<S> & string}[${number}]${'' | '.check' | '.undo'}`]?: readonly ScriptedOutcome[];
};

export interface HarnessOptions<S> {
  /** Given to the functions that are not scripted. */
  readonly services?: unknown;
  /** What is not in it runs as it is written; a child that is in it is no run, but does what is said here. Default: nothing is. */
  readonly script?: Script<S>;
  /** What transactional steps write to, such as `new DatabaseSync(':memory:')`. Default: none; such steps must be scripted then. */
  readonly database?: DatabaseSync;
  /** Attempts that policies are cut to. Default: they stay as they are. */
  readonly attempts?: number;
}

/** An attempt as it began. */
export interface Began {
  readonly run: string;
  /** `flight`, `flight.check`, `flight.undo`; of an item of a map `bags[0]`, `bags[0].undo`. */
  readonly attempt: string;
  /** ms since the harness began. */
  readonly at: number;
}

/** Longer than any wait that a test means: a year. */
const LONGEST_MS = 365 * 86_400_000;
/** As long as a worker that died is waited for. */
const LEASE_MS = 31_000;

/**
 * One saga on the real runtime, in memory, on a clock of its own: attempts do what the script says, time is skipped,
 * and the process can die. For any test runner.
 */
export async function harness<S extends AnySaga>(saga: S, options: HarnessOptions<S> = {}): Promise<Harness<S>> {
  const made = new Harness<S>(saga, options);
  await made.restart();
  return made;
}

export class Harness<S extends AnySaga = AnySaga> {
  readonly #time = new SimTime();
  readonly #store: Store;
  readonly #program: Program;
  /** What its children run on, as they are written. */
  readonly #children: readonly Program[];
  readonly #services: unknown;
  readonly #ids: () => string;
  readonly #began: Began[] = [];
  readonly #events: RuntimeEvent[] = [];
  #process: SimProcess;
  #engine: Engine | undefined;
  #problem: unknown;

  /** Use `harness()`. */
  constructor(saga: S, { services, database, script = {} as Script<S>, attempts }: HarnessOptions<S>) {
    const book = new ScriptBook(script as never);
    const definition = withStandIns(saga.definition, (step) => book.ids.some((id) => id.split('.')[0] === step));
    checkScript(definition, book);
    const scripted = {
      ...definition,
      steps: definition.steps.map((step) => this.#scripted(definition, attempts === undefined ? step : cut(step, attempts), book)),
    };
    const children = [...descendantsIn(scripted).values()];
    const [program, ...others] = [scripted, ...children].map((one) => sagaProgram(one, compileSaga(one), { redact, sensitiveTexts, mask }));
    this.#program = program as Program;
    this.#children = others;
    this.#process = new SimProcess(this.#time);
    const random = new Random(1);
    this.#ids = timeOrderedIds(this.#process.clock, (size) => Uint8Array.from({ length: size }, () => random.between(0, 255)));
    const lacks = (error: unknown): unknown => (this.#problem ??= error);
    this.#store = memory({ clock: this.#process.clock, ids: this.#ids, database: database ?? noDatabase(definition.name, lacks) });
    this.#services = services;
  }

  /** Attempts in the order in which they began. */
  get began(): readonly Began[] {
    return this.#began;
  }

  /** The same, as names: `['flight', 'hotel', 'flight.undo']`. */
  get order(): readonly string[] {
    return this.#began.map(({ attempt }) => attempt);
  }

  /** What observers were told. */
  get events(): readonly RuntimeEvent[] {
    return this.#events;
  }

  get engine(): Engine {
    if (!this.#engine) throw new SagachartError('SC_ENGINE_CLOSED', 'the harness has no process', { next: 'Call restart().' });
    return this.#engine;
  }

  async start(input: Given<S>, options: { readonly id?: string; readonly labels?: Readonly<Record<string, string>> } = {}): Promise<RunHandle<Output<S>>> {
    return (await this.does(this.engine.start(this.#program.name, input, options))) as RunHandle<Output<S>>;
  }

  /** Skips time until the run has ended. @throws what the script lacks; SagachartError SC_HARNESS if it waits for a person, or for nothing */
  async outcome(run: RunHandle<Output<S>>): Promise<Outcome<Output<S>>> {
    const { status } = await this.#until(run, ({ endedAt, attention }) => endedAt !== null || attention);
    if (status === undefined) throw stillGoing(run.id, `after a year, in ${(await this.states(run)).join(', ')}`);
    const row = await this.#store.find(run.id);
    if (row?.endedAt === null) throw stillGoing(run.id, `and needs a person, in ${(await this.states(run)).join(', ')}`);
    return await this.does(this.engine.run(run.id).outcome() as Promise<Outcome<Output<S>>>);
  }

  /** Skips time until the run needs a person, and gives the steps that do. */
  async attention(run: RunHandle<Output<S>>): Promise<readonly string[]> {
    await this.#until(run, ({ endedAt, attention }) => endedAt !== null || attention);
    return await this.does(this.engine.run(run.id).until('attention'));
  }

  /** The active states of a run, as durable. */
  async states(run: { readonly id: string }): Promise<readonly string[]> {
    return statePaths((await viewRun(this.#store, run.id)).data.value);
  }

  /** Lets time go on, and everything that is due by then happen. */
  async advance(duration: Duration): Promise<void> {
    const end = this.#time.now + durationMs(duration, 'advance', 'harness');
    await this.#time.run(end, () => false);
    this.#time.jump(end);
    this.#check();
  }

  /** Waits for something that needs no time of its own: a command, a signal. */
  async does<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    promise.then(
      () => {
        over = true;
      },
      () => {
        over = true;
      },
    );
    await this.#time.run(this.#time.now + LONGEST_MS, () => over || this.#problem !== undefined);
    this.#check();
    return await promise;
  }

  /** The process dies: nothing it does or hears any more counts. */
  kill(): void {
    this.#process.kill();
    this.#engine = undefined;
  }

  /** Another process goes on with what is stored, once the lease of the one before it has run out. */
  async restart(): Promise<void> {
    if (this.#engine) this.kill();
    if (!this.#process.alive) await this.advance(LEASE_MS);
    this.#process = new SimProcess(this.#time);
    this.#engine = await this.does(
      Engine.open({
        programs: [this.#program, ...this.#children],
        store: this.#store,
        services: this.#services,
        clock: this.#process.clock,
        ids: this.#ids,
        pollEvery: '1h',
        observers: [{ observe: (event) => this.#events.push(event) }],
        worker: { pid: 0, host: 'harness' },
      }),
    );
  }

  /** Lets running attempts end, and stops. */
  async close(): Promise<void> {
    if (this.#engine) await this.does(this.#engine.close());
    this.#engine = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #until(
    run: { readonly id: string },
    is: (row: { readonly endedAt: number | null; readonly attention: boolean }) => boolean,
  ): Promise<{ readonly status: string | undefined }> {
    let status: string | undefined;
    let looking = false;
    await this.#time.run(this.#time.now + LONGEST_MS, () => {
      if (status !== undefined || this.#problem !== undefined) return true;
      if (looking) return false;
      looking = true;
      void this.#store.find(run.id).then((row) => {
        looking = false;
        if (row && is(row)) status = row.status;
      });
      return false;
    });
    this.#check();
    return { status };
  }

  #check(): void {
    if (this.#problem !== undefined) throw this.#problem;
  }

  #scripted(definition: SagaDefinition, step: StepDefinition, book: ScriptBook): StepDefinition {
    const { name } = step;
    const wrap = <F extends (context: never) => unknown>(what: string, own: F | undefined): F | undefined => {
      if (!own) return undefined;
      const scripted = (context: { readonly run: { readonly id: string }; readonly index?: number }): unknown => {
        const id = `${name}${context.index === undefined ? '' : `[${context.index}]`}${what}`;
        this.#began.push({ run: context.run.id, attempt: id, at: this.#time.now });
        const outcome = this.#next(definition.name, id, book);
        return outcome ? this.#goes(outcome, () => own(context as never)) : own(context as never);
      };
      return scripted as unknown as F;
    };
    const run = wrap('', step.run);
    const check = wrap('.check', step.check);
    const compensate = wrap('.undo', step.compensate);
    const { map } = step;
    const checkItem = wrap('.check', map?.check);
    return {
      ...step,
      ...(run ? { run } : {}),
      ...(check ? { check } : {}),
      ...(compensate ? { compensate } : {}),
      ...(map && checkItem ? { map: { ...map, check: checkItem } } : {}),
    };
  }

  #goes(outcome: ScriptedOutcome, own: () => unknown): unknown {
    switch (outcome.how) {
      case 'succeeds':
        return outcome.result;
      case 'throws':
        throw outcome.error;
      case 'runs':
        return own();
      case 'later':
        return this.#time.wait(outcome.ms).then(() => this.#goes(outcome.then, own));
      default:
        return new Promise(() => {});
    }
  }

  /** A script that has ended is a mistake of the test, and no failure of the step. */
  #next(saga: string, id: string, book: ScriptBook): ScriptedOutcome | undefined {
    try {
      return book.next(saga, id);
    } catch (error) {
      this.#problem ??= error;
      return { how: 'stalls' };
    }
  }
}

function stillGoing(run: string, how: string): SagachartError {
  return new SagachartError('SC_HARNESS', `run ${run} has not ended ${how}`, {
    next: 'Use attention() where a person is needed, and a command of the run to go on.',
    details: { run },
  });
}
