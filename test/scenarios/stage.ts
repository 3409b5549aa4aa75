import { describe, expect, it } from 'vitest';
import { type Definition, programOf } from '../../src/definitions.ts';
import { HardError, memory } from '../../src/index.ts';
import { Engine } from '../../src/runtime/engine.ts';
import type { RunHandle } from '../../src/runtime/handle.ts';
import { viewRun } from '../../src/runtime/history.ts';
import type { EngineOptions } from '../../src/runtime/options.ts';
import type { StartOptions } from '../../src/runtime/starts.ts';
import type { Store } from '../../src/stores/store.ts';
import { SimProcess, SimTime } from '../../src/testing/simulate/sim-time.ts';

/** Services that honor keys: what stands in them is the truth that every way through a scenario must come to. */
export class Books {
  readonly #entries = new Map<string, { what: string; stands: boolean; answer: unknown }>();
  readonly calls: string[] = [];
  readonly #time: SimTime;

  constructor(time: SimTime) {
    this.#time = time;
  }

  /** Once for a key, however often it is called; one that was undone before it came is refused. */
  do<T>(key: string, what: string, answer?: T): T {
    this.calls.push(what);
    const known = this.#entries.get(key);
    if (known && !known.stands) throw new HardError(`${what} was undone before it came`);
    if (!known) this.#entries.set(key, { what, stands: true, answer });
    return (known?.answer ?? answer) as T;
  }

  undo(runKey: string, what: string): void {
    this.calls.push(`undo ${what}`);
    this.#entries.set(runKey, { what, stands: false, answer: undefined });
  }

  get standing(): readonly string[] {
    return [...this.#entries.values()].flatMap(({ what, stands }) => (stands ? [what] : [])).sort();
  }

  /** ms since the world began. */
  get now(): number {
    return this.#time.now;
  }
}

export interface Scenario extends Pick<EngineOptions, 'queues' | 'schedules'> {
  readonly sagas: readonly Definition[];
  /** What people and other programs do; it may take as long as it likes. */
  script(client: Client): Promise<void>;
}

/** How a scenario came out: the ends of its runs, and what stands in the world after them. */
export interface Played {
  readonly ends: Readonly<Record<string, unknown>>;
  readonly standing: readonly string[];
  readonly notes: readonly string[];
}

interface Worker {
  readonly process: SimProcess;
  readonly died: Promise<'died'>;
  readonly kill: () => void;
  engine: Engine | undefined;
}

/** Where the process dies: at which write, and whether before it is there or after. */
type Crash = { readonly at: number; readonly when: 'before' | 'after' } | undefined;

/** Longer than any scenario: two years. */
const LONGEST_MS = 2 * 365 * 86_400_000;

/** One world: a store, workers on it, services with books, and somebody outside who never dies. */
class World {
  readonly time = new SimTime();
  readonly books = new Books(this.time);
  readonly store: Store;
  readonly #scenario: Scenario;
  readonly #crash: Crash;
  readonly #workers: Worker[] = [];
  writes = 0;

  constructor(scenario: Scenario, crash: Crash) {
    this.#scenario = scenario;
    this.#crash = crash;
    this.store = memory({ clock: new SimProcess(this.time).clock, ids: ids() });
  }

  async play(workers: number): Promise<Played> {
    for (let i = 0; i < workers; i++) this.#boot();
    const client = new Client(this);
    let done = false;
    let failure: unknown;
    const script = this.#scenario
      .script(client)
      .catch((error: unknown) => {
        failure = error;
      })
      .then(() => {
        done = true;
      });
    await this.time.run(LONGEST_MS, () => done);
    if (!done) throw new Error(`the scenario did not end: ${JSON.stringify(await this.store.list({}))}`);
    await script;
    if (failure !== undefined) throw failure;
    return { ends: client.ends, standing: this.books.standing, notes: client.notes };
  }

  /** Somebody who can be asked; each time the next one, so that all of them are. */
  async worker(turn: number): Promise<Worker & { readonly engine: Engine }> {
    for (;;) {
      const living = this.#workers.filter(({ process, engine }) => process.alive && engine);
      const worker = living[turn % Math.max(1, living.length)];
      if (worker?.engine) return worker as Worker & { readonly engine: Engine };
      await this.time.wait(10);
    }
  }

  #boot(): void {
    const process = new SimProcess(this.time);
    const death = Promise.withResolvers<'died'>();
    const kill = (): void => {
      process.kill();
      death.resolve('died');
      this.time.after(50, () => this.#boot());
    };
    const worker: Worker = { process, died: death.promise, kill, engine: undefined };
    this.#workers.push(worker);
    const store = new Proxy(this.store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function' || name === 'revision') return typeof member === 'function' ? member.bind(target) : member;
        const method = member.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (name !== 'commit' && name !== 'setControl') return (...args: unknown[]) => process.hear(method(...args));
        return (...args: unknown[]) => process.hear(this.#write(worker, () => method(...args)));
      },
    });
    const { sagas, queues = [], schedules = [] } = this.#scenario;
    void Engine.open({
      programs: sagas.map(programOf),
      queues,
      schedules,
      store,
      clock: process.clock,
      ids: ids(),
      services: this.books,
      namespace: 'n',
      // Nobody writes to the inbox but the runs themselves, whose executor is told at once.
      pollEvery: '1h',
      worker: { pid: this.#workers.length, host: 'scenario' },
    }).then((engine) => {
      worker.engine = engine;
    });
  }

  async #write(worker: Worker, write: () => Promise<unknown>): Promise<unknown> {
    const isLast = ++this.writes === this.#crash?.at;
    if (isLast && this.#crash?.when === 'before') {
      worker.kill();
      return await new Promise(() => {});
    }
    const answer = await write();
    if (isLast) worker.kill();
    return answer;
  }
}

/** Ids as they are made elsewhere: the same in every world. */
function ids(): () => string {
  let n = 0;
  return () => `id-${String(++n).padStart(6, '0')}-${counter++}`;
}
let counter = 0;

/** Somebody outside: whoever does not answer is asked again, under the same id. */
export class Client {
  readonly ends: Record<string, unknown> = {};
  readonly notes: string[] = [];
  readonly #world: World;
  #turn = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Gives the id of the run that it came to. */
  async start(saga: Definition, input: unknown, id?: string, options: StartOptions = {}): Promise<string> {
    return (await this.#ask((engine) => engine.start(saga.name, input, { ...(id === undefined ? {} : { id }), ...options }))).id;
  }

  async signal(id: string, name: string, payload: unknown, once = `${id}-${name}`): Promise<void> {
    let asked = 0;
    await this.#ask((engine) => {
      asked++;
      return (engine.run(id) as RunHandle).signal(name, payload, { id: once });
    }).catch((error: { code?: string }) => {
      // The first time it was heard, and was what the run waited for.
      if (asked === 1 || error.code !== 'SC_RUN_ENDED') throw error;
    });
  }

  /** One that was heard of already has done what it was for. */
  async cancel(id: string): Promise<void> {
    await this.#ask((engine) => engine.run(id).cancel()).catch((error: { code?: string }) => {
      if (error.code !== 'SC_RUN_ENDED') throw error;
    });
  }

  /** A cancel that is refused is noted by its code. */
  async tryCancel(id: string): Promise<void> {
    await this.#ask((engine) => engine.run(id).cancel()).then(
      () => this.notes.push('canceled'),
      (error: { code: string }) => this.notes.push(error.code),
    );
  }

  async wait(ms: number): Promise<void> {
    await this.#world.time.wait(ms);
  }

  /** Looks at the store until a run's states are like that, as a page does that a person watches. */
  async until(id: string, wanted: (data: { readonly states: readonly string[] }) => boolean): Promise<void> {
    for (;;) {
      const view = await this.#ask((engine) =>
        engine
          .run(id)
          .status()
          .then(() => viewRun(this.#world.store, id)),
      );
      if (wanted(view)) return;
      await this.wait(200);
    }
  }

  /** What a run answers, whoever is asked. */
  async query(id: string, name: string): Promise<unknown> {
    return await this.#ask((engine) => (engine.run(id) as RunHandle).query(name));
  }

  /**
   * How a run ends.
   * @param as what it is called, where its id is another each time
   */
  async end(id: string, as: string = id): Promise<void> {
    for (let pause = 100; ; pause = Math.min(2 * pause, 3_600_000)) {
      const row = await this.#world.store.find(id);
      if (row && row.endedAt !== null) break;
      await this.wait(pause);
    }
    const { status, ...rest } = (await this.#ask((engine) => engine.run(id).outcome())) as {
      status: string;
      output?: unknown;
      failure?: { message: string } | null;
    };
    this.ends[as] = { status, ...('output' in rest ? { output: rest.output } : {}), ...(rest.failure ? { failure: rest.failure.message } : {}) };
  }

  async #ask<T>(what: (engine: Engine) => Promise<T>): Promise<T> {
    for (;;) {
      const worker = await this.#world.worker(this.#turn++);
      const answer = await Promise.race([
        worker.process.hear(what(worker.engine)).then(
          (value) => ({ value }),
          (error: { readonly retryable?: boolean }) => ({ error }),
        ),
        worker.died,
      ]);
      if (answer !== 'died' && 'value' in answer) return answer.value;
      if (answer !== 'died' && answer.error.retryable !== true) throw answer.error;
      await this.wait(20);
    }
  }
}

/**
 * Plays a scenario with no crash and with its wanted end; then with a crash before and after every single write, and
 * with two workers: each way must come to the same.
 */
export function scenario(name: string, make: () => Scenario, wanted: Partial<Played>): void {
  describe(name, () => {
    const plain = async (): Promise<{ readonly played: Played; readonly writes: number }> => {
      const world = new World(make(), undefined);
      return { played: await world.play(1), writes: world.writes };
    };

    it('comes to its end', async () => {
      expect((await plain()).played).toMatchObject(wanted);
    });

    it('comes to the same with a crash at every write', { timeout: 60_000 }, async () => {
      const { played, writes } = await plain();
      expect(writes).toBeGreaterThan(3);
      for (let at = 1; at <= writes; at++)
        for (const when of ['before', 'after'] as const) expect(await new World(make(), { at, when }).play(1), `a crash ${when} write ${at}`).toEqual(played);
    });

    it('comes to the same with two workers', async () => {
      expect(await new World(make(), undefined).play(2)).toEqual((await plain()).played);
    });
  });
}
