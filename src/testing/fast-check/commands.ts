import fc from 'fast-check';
import type { ZodType } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { inputs } from './inputs.ts';

/** What a test knows of the runs it has started. */
export interface RunsModel {
  readonly started: string[];
}

type Runs = Harness;
type RunCommand = fc.AsyncCommand<RunsModel, Runs>;

/** What happens to the runs of a harness, in any order: starts, time, crashes, cancels. For `fc.asyncModelRun`. */
export function runCommands(input: ZodType, options: { readonly maxCommands?: number } = {}): fc.Arbitrary<Iterable<RunCommand>> {
  return fc.commands<RunsModel, Runs>(
    [
      inputs(input).map((value) => new Start(value)),
      fc.integer({ min: 1, max: 7_200_000 }).map((ms) => new Advance(ms)),
      fc.constant(new Crash()),
      fc.nat(1_000).map((which) => new Cancel(which)),
    ],
    { maxCommands: options.maxCommands ?? 15 },
  ) as fc.Arbitrary<Iterable<RunCommand>>;
}

/** A signal that is sent to a run, and how long after the one before it. */
export interface SentSignal {
  readonly name: string;
  readonly payload: unknown;
  readonly afterMs: number;
}

/** Signals in any order, early, late and repeated, with payloads that their schemas take: `workflow.events`. */
export function signalOrders(events: Readonly<Record<string, ZodType>>, { most = 6 }: { readonly most?: number } = {}): fc.Arbitrary<readonly SentSignal[]> {
  const signals = Object.entries(events).map(([name, schema]) =>
    fc.record({ name: fc.constant(name), payload: inputs(schema), afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 86_400_000 })) }),
  );
  return fc.array(fc.oneof(...signals), { maxLength: most });
}

class Start implements RunCommand {
  readonly #input: unknown;

  constructor(input: unknown) {
    this.#input = input;
  }

  check(): boolean {
    return true;
  }

  async run(model: RunsModel, h: Runs): Promise<void> {
    const id = `run-${model.started.length}`;
    await h.start(this.#input as never, { id });
    model.started.push(id);
  }

  toString(): string {
    return `start(${JSON.stringify(this.#input)})`;
  }
}

class Advance implements RunCommand {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(_: RunsModel, h: Runs): Promise<void> {
    await h.advance(this.#ms);
  }

  toString(): string {
    return `advance(${this.#ms} ms)`;
  }
}

class Crash implements RunCommand {
  check(): boolean {
    return true;
  }

  /** Whatever was acknowledged is there afterwards. */
  async run({ started }: RunsModel, h: Runs): Promise<void> {
    h.kill();
    await h.restart();
    for (const id of started) await h.states({ id });
  }

  toString(): string {
    return 'crash';
  }
}

class Cancel implements RunCommand {
  readonly #which: number;

  constructor(which: number) {
    this.#which = which;
  }

  check({ started }: RunsModel): boolean {
    return started.length > 0;
  }

  /** One that is past its pivot, or over, says no: that is as good an answer. */
  async run({ started }: RunsModel, h: Runs): Promise<void> {
    const id = started[this.#which % started.length] as string;
    await h.does(
      h.engine
        .run(id)
        .cancel()
        .catch(() => undefined),
    );
  }

  toString(): string {
    return `cancel(${this.#which})`;
  }
}
