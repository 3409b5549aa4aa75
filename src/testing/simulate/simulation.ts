import { timeOrderedIds } from '../../base/ids.ts';
import { Engine } from '../../runtime/engine.ts';
import type { RuntimeEvent } from '../../runtime/event.ts';
import type { AnySaga } from '../../saga/any-saga.ts';
import type { RunRow, Store } from '../../stores/store.ts';
import { Cast } from './cast.ts';
import { beginChaos } from './chaos.ts';
import { drawScheduling, LINE } from './line.ts';
import type { Wrong, WrongRule } from './oracle.ts';
import { People } from './people.ts';
import { type Danger, MOST_SKEW_MS, type Simulated, type SimulationPlan } from './plan.ts';
import { Random } from './random.ts';
import { SimBank } from './sim-bank.ts';
import { type Asked, SimServices } from './sim-services.ts';
import { type StoreFaults, simStore } from './sim-store.ts';
import { SimProcess, SimTime } from './sim-time.ts';
import { Watch } from './watch.ts';

interface Worker {
  readonly process: SimProcess;
  engine: Engine | undefined;
}

const CHAOS_MS = 120_000;
/** What still runs then never ends. */
const LAST_MS = 6 * 3_600_000;
/** How late a timer may be: as long as all workers may be gone, and a lease after that. */
const LATE_MS = 300_000;
const STEPS_LIMIT = 2_000;

/** One world from its seed: several workers, one store, services, a client, people; first everything goes wrong, then nothing. */
export class Simulation {
  readonly #plan: SimulationPlan;
  readonly #cast: Cast;
  readonly #time = new SimTime();
  readonly #random: Random;
  readonly #store: Store;
  readonly #services: SimServices;
  readonly #storeFaults: { -readonly [K in keyof StoreFaults]: StoreFaults[K] };
  readonly #workers: Worker[] = [];
  readonly #wrong: Wrong[] = [];
  readonly #trace: string[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #watch: Watch;
  readonly #people: People;
  /** A source of its own, so that what is drawn of it changes nothing else. */
  readonly #lined: Random;
  #full = false;
  #safe = false;
  #crashes = 0;
  #freezes = 0;
  #started = 0;

  constructor(saga: AnySaga, plan: SimulationPlan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    const clock = new SimProcess(this.#time).clock;
    const ids = this.#ids();
    const risky = this.#has('services');
    const rate = (most: number): number => (risky ? this.#random.next() * most : 0);
    const faults = { refused: rate(0.1), busy: rate(0.2), unheard: rate(0.15), unanswered: rate(0.15), stuck: rate(0.05), deaf: rate(0.3) };
    this.#services = new SimServices(this.#time, this.#random.fork(), faults);
    const { database } = new SimBank(this.#services, { random: new Random(plan.seed ^ 0xba7c), now: () => this.#time.now });
    this.#store = plan.store({ clock, ids, database });
    this.#cast = new Cast(saga.definition, { transacts: this.#store.transact !== undefined });
    this.#watch = new Watch(this.#store, this.#services, {
      lone: plan.workers === 1,
      definitions: this.#cast.definitions,
      tell: (...told) => this.#tell(...told),
      time: this.#time,
      random: new Random(plan.seed ^ 0xa1e7),
    });
    this.#lined = new Random(plan.seed ^ 0x11e5);
    this.#people = new People({
      time: this.#time,
      random: this.#random,
      store: this.#store,
      busy: this.#has('operators'),
      engine: () => this.#anyWorker()?.engine,
      note: (what) => this.#note(what),
    });
    this.#storeFaults = {
      full: () => this.#full,
      crashes: this.#has('crashes') ? this.#random.next() * 0.03 : 0,
      doubts: this.#has('doubts') ? this.#random.next() * 0.1 : 0,
      slowMs: this.#random.between(1, 20),
    };
  }

  async run(): Promise<Simulated> {
    for (let i = 0; i < this.#plan.workers; i++) this.#boot();
    for (let i = 0; i < this.#plan.runs; i++) this.#client(`run-${i}`);
    beginChaos({
      time: this.#time,
      random: this.#random,
      has: (danger) => this.#has(danger),
      over: () => this.#safe,
      worker: () => this.#anyWorker(),
      number: (worker) => this.#workers.indexOf(worker as Worker),
      crash: (worker) => this.#crash(worker as Worker),
      froze: () => void this.#freezes++,
      setFull: (full) => {
        this.#full = full;
      },
      note: (what) => this.#note(what),
    });
    this.#time.after(CHAOS_MS, () => this.#heal());
    let finished = await this.#time.run(LAST_MS, () => this.#safe && this.#isOver());
    // What was asked for in the last moment is still to be answered.
    this.#over = false;
    this.#people.leave();
    finished &&= await this.#time.run(LAST_MS, () => this.#isOver());
    const rows = await this.#store.list({ limit: STEPS_LIMIT });
    if (!finished)
      for (const row of rows) if (row.endedAt === null) this.#tell('unfinished', row.id, `it is ${row.status} ${row.attention ? 'and needs a person' : ''}`);
    await this.#judge(rows);
    for (const id of this.#people.sent) if (!(await this.#store.inbox(id))?.answer) this.#tell('inbox once', id, 'it was never answered');
    const ends: Record<string, number> = {};
    for (const { status } of rows) ends[status] = (ends[status] ?? 0) + 1;
    return {
      seed: this.#plan.seed,
      runs: this.#cast.asked(rows).length,
      calls: this.#services.calls,
      crashes: this.#crashes,
      freezes: this.#freezes,
      ends,
      wrong: this.#wrong,
      trace: this.#trace,
    };
  }

  async #judge(rows: readonly RunRow[]): Promise<void> {
    for (const id of this.#acknowledged)
      if (!rows.some((row) => row.id === id)) this.#tell('acknowledged is durable', id, 'its start was acknowledged, and it is not there');
    const known = { earlyMs: this.#has('clock jumps') ? 2 * MOST_SKEW_MS : 0, lateMs: LATE_MS, alerts: [...this.#watch.alerts.values()] };
    for (const one of await this.#cast.judge(this.#store, rows, this.#services.ledger, known)) this.#tell(one.rule, one.run, one.message);
  }

  #has(danger: Danger): boolean {
    return this.#plan.dangers.includes(danger);
  }

  #ids(): () => string {
    const random = this.#random.fork();
    return timeOrderedIds({ ...new SimProcess(this.#time).clock }, (size) => Uint8Array.from({ length: size }, () => random.between(0, 255)));
  }

  #note(what: string): void {
    this.#trace.push(`${String(this.#time.now).padStart(9)}  ${what}`);
  }

  #tell(rule: WrongRule, run: string, message: string): void {
    this.#wrong.push({ rule, run, message });
    this.#note(`✗ ${run}: ${rule}: ${message}`);
  }

  /** A process begins, and executes. */
  #boot(): void {
    const process = new SimProcess(this.#time);
    const worker: Worker = { process, engine: undefined };
    const number = this.#workers.push(worker) - 1;
    if (this.#has('clock jumps') && !this.#safe) process.skewMs = this.#random.between(-MOST_SKEW_MS, MOST_SKEW_MS);
    const store = simStore(this.#store, {
      process,
      time: this.#time,
      random: this.#random.fork(),
      faults: this.#storeFaults,
      watcher: {
        committed: (_, batch, verdicts) => this.#watch.committed(batch, verdicts),
        claimed: (run, fence) => this.#watch.claimed(run, fence),
        crash: () => this.#crash(worker),
      },
    });
    this.#note(`worker ${number} starts`);
    Engine.open({
      programs: this.#cast.programs,
      store,
      clock: process.clock,
      ids: this.#ids(),
      services: { call: (asked: Asked) => this.#call(process, asked) },
      limits: { attempts: this.#random.between(1, 20), runs: this.#random.between(2, 20), batch: this.#random.between(1, 20) },
      queues: [LINE],
      sleepAfter: '5s',
      pollEvery: this.#random.pick(['100ms', '1s', '5s'] as const),
      observers: [{ observe: (event) => this.#observe(worker, event) }],
      alerts: [this.#watch.sink(process)],
      worker: { pid: number, host: 'simulated' },
    }).then(
      (engine) => {
        worker.engine = engine;
      },
      (error: unknown) => {
        this.#note(`worker ${number} could not start: ${error}`);
        process.kill();
        this.#restartSoon();
      },
    );
  }

  #crash(worker: Worker): void {
    if (!worker.process.alive || this.#safe) return;
    this.#crashes++;
    this.#note(`worker ${this.#workers.indexOf(worker)} dies`);
    worker.process.kill();
    this.#restartSoon();
  }

  #restartSoon(): void {
    this.#time.after(this.#random.between(10, 20_000), () => this.#boot());
  }

  /** Someone who starts a run, and does not give up until that is acknowledged. */
  #client(id: string): void {
    const scheduling = drawScheduling(this.#lined);
    const attempt = async (): Promise<void> => {
      const worker = this.#anyWorker();
      let over = false;
      const again = (): void => {
        if (over || this.#acknowledged.has(id)) return;
        over = true;
        this.#time.after(this.#random.between(100, 2_000), () => void attempt());
      };
      if (!worker?.engine) return again();
      // Whoever asks does not wait for a process that is gone.
      this.#time.after(5_000, again);
      try {
        await worker.process.hear(worker.engine.start(this.#cast.saga.name, this.#plan.input, { id, ...scheduling }));
        if (this.#acknowledged.has(id)) return;
        this.#acknowledged.add(id);
        this.#note(`${id} is started`);
        this.#people.mayAct(id);
      } catch (error) {
        this.#note(`${id} could not be started: ${(error as Error).message}`);
        again();
      }
    };
    this.#started++;
    this.#time.after(this.#random.between(0, CHAOS_MS / 2), () => void attempt());
  }

  #anyWorker(): Worker | undefined {
    const living = this.#workers.filter(({ process, engine }) => process.alive && !process.frozen && engine);
    return living.length > 0 ? this.#random.pick(living) : undefined;
  }

  async #call(process: SimProcess, asked: Asked): Promise<unknown> {
    this.#note(`${asked.run}: ${asked.step}.${asked.kind} is called`);
    await this.#watch.call(process, asked);
    return await this.#services.call(process, asked);
  }

  #observe({ process }: Worker, event: RuntimeEvent): void {
    if (!process.alive) return;
    if (event.type === 'run.attention') this.#people.attend(event.run.id, event.needs);
    if (event.type === 'attempt.started' && this.#cast.asks(event.step)) this.#people.decide(event.run.id, event.step);
    if (event.type === 'run.started' && event.run.saga !== this.#cast.saga.name) this.#people.mayAct(event.run.id);
    if (event.type === 'run.ended') this.#note(`${event.run.id} ends as ${event.status}`);
    this.#watch.told(event);
  }

  /** From now on nothing goes wrong. */
  #heal(): void {
    this.#note('from here on nothing goes wrong');
    this.#safe = true;
    this.#full = false;
    this.#storeFaults.crashes = 0;
    this.#storeFaults.doubts = 0;
    this.#services.faults = { refused: 0, busy: 0, unheard: 0, unanswered: 0, stuck: 0, deaf: 0 };
    for (const { process } of this.#workers) {
      process.skewMs = 0;
      process.thaw();
    }
    const tend = (): void => {
      if (!this.#anyWorker()) this.#boot();
      void this.#store.list({ limit: STEPS_LIMIT }).then((rows) => this.#people.tend(rows, (row) => this.#watch.stored(row), this.#cast));
      this.#time.after(120_000, tend);
    };
    tend();
  }

  #over = false;
  #looking = false;

  #isOver(): boolean {
    if (this.#over || this.#looking) return this.#over;
    this.#looking = true;
    void Promise.all([this.#store.list({ limit: STEPS_LIMIT }), this.#store.pending(0, 1), this.#store.outbox(1)]).then(([rows, ...waiting]) => {
      this.#looking = false;
      this.#over =
        this.#cast.asked(rows).length === this.#started && rows.every(({ endedAt }) => endedAt !== null) && waiting.every(({ length }) => length === 0);
    });
    return false;
  }
}
