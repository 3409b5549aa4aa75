import { timeOrderedIds } from '../../base/ids.ts';
import { decodeEntry, rebuild } from '../../kernel/entry.ts';
import { type Command, encodeCommand } from '../../runtime/command.ts';
import { Engine } from '../../runtime/engine.ts';
import type { RuntimeEvent } from '../../runtime/event.ts';
import type { AnySaga } from '../../saga/saga.ts';
import { programOf } from '../../sagachart.ts';
import { memory } from '../../stores/memory/memory.ts';
import type { Batch, CommitVerdict, RunRow, Store } from '../../stores/store.ts';
import { judgeRun, type Wrong, type WrongRule } from './oracle.ts';
import { Random } from './random.ts';
import { type Asked, SimServices } from './sim-services.ts';
import { type StoreFaults, simStore } from './sim-store.ts';
import { SimProcess, SimTime } from './sim-time.ts';

/** What goes wrong in a simulated world. Each can be left out, to find what it takes. */
export const DANGERS = ['services', 'crashes', 'freezes', 'doubts', 'full disk', 'clock jumps', 'operators'] as const;
export type Danger = (typeof DANGERS)[number];

export interface SimulationPlan {
  readonly seed: number;
  readonly runs: number;
  readonly workers: number;
  readonly dangers: readonly Danger[];
}

/** What came of a seed. */
export interface Simulated {
  readonly seed: number;
  readonly runs: number;
  readonly calls: number;
  readonly crashes: number;
  readonly freezes: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly wrong: readonly Wrong[];
  /** What happened, in order: time in ms, and what. */
  readonly trace: readonly string[];
}

interface Worker {
  readonly process: SimProcess;
  engine: Engine | undefined;
}

const CHAOS_MS = 120_000;
/** What still runs then never ends. */
const LAST_MS = 6 * 3_600_000;
/** How late a timer may be: as long as all workers may be gone, and a lease after that. */
const LATE_MS = 300_000;
/** Of the attempts of every simulated step. */
const GRACE_MS = 2_000;
const STEPS_LIMIT = 2_000;

/** One world from its seed: several workers, one store, services, a client, people; first everything goes wrong, then nothing. */
export class Simulation {
  readonly #plan: SimulationPlan;
  readonly #saga: AnySaga;
  readonly #time = new SimTime();
  readonly #random: Random;
  readonly #store: Store;
  readonly #services: SimServices;
  readonly #storeFaults: { -readonly [K in keyof StoreFaults]: StoreFaults[K] };
  readonly #workers: Worker[] = [];
  readonly #wrong: Wrong[] = [];
  readonly #trace: string[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #fences = new Map<number, number>();
  readonly #answers = new Map<number, number>();
  readonly #sent: string[] = [];
  #full = false;
  #safe = false;
  /** Nobody asks for anything any more. */
  #quiet = false;
  #crashes = 0;
  #freezes = 0;
  #started = 0;

  constructor(saga: AnySaga, plan: SimulationPlan) {
    this.#plan = plan;
    this.#saga = saga;
    this.#random = new Random(plan.seed);
    const clock = new SimProcess(this.#time).clock;
    const ids = this.#ids();
    this.#store = memory({ clock, ids });
    const risky = this.#has('services');
    const rate = (most: number): number => (risky ? this.#random.next() * most : 0);
    const faults = { refused: rate(0.1), busy: rate(0.2), unheard: rate(0.15), unanswered: rate(0.15), stuck: rate(0.05), deaf: rate(0.3) };
    this.#services = new SimServices(this.#time, this.#random.fork(), faults);
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
    this.#chaos();
    this.#time.after(CHAOS_MS, () => this.#heal());
    let finished = await this.#time.run(LAST_MS, () => this.#safe && this.#isOver());
    // What was asked for in the last moment is still to be answered.
    this.#over = false;
    this.#quiet = true;
    finished &&= await this.#time.run(LAST_MS, () => this.#isOver());
    const rows = await this.#store.list({ limit: this.#plan.runs + 1 });
    if (!finished)
      for (const row of rows) if (row.endedAt === null) this.#tell('unfinished', row.id, `it is ${row.status} ${row.attention ? 'and needs a person' : ''}`);
    await this.#judge(rows);
    for (const id of this.#sent) if (!(await this.#store.inbox(id))?.answer) this.#tell('inbox once', id, 'it was never answered');
    const ends: Record<string, number> = {};
    for (const { status } of rows) ends[status] = (ends[status] ?? 0) + 1;
    return {
      seed: this.#plan.seed,
      runs: rows.length,
      calls: this.#services.calls,
      crashes: this.#crashes,
      freezes: this.#freezes,
      ends,
      wrong: this.#wrong,
      trace: this.#trace,
    };
  }

  async #judge(rows: readonly RunRow[]): Promise<void> {
    const known = new Set(rows.map(({ id }) => id));
    for (const id of this.#acknowledged) if (!known.has(id)) this.#tell('acknowledged is durable', id, 'its start was acknowledged, and it is not there');
    for (const row of rows)
      for (const one of await judgeRun(this.#store, this.#saga.definition, row, this.#services.ledger, LATE_MS)) this.#tell(one.rule, one.run, one.message);
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
    if (this.#has('clock jumps') && !this.#safe) process.skewMs = this.#random.between(-2_000, 2_000);
    const store = simStore(this.#store, {
      process,
      time: this.#time,
      random: this.#random.fork(),
      faults: this.#storeFaults,
      watcher: {
        committed: (_, batch, verdicts) => this.#committed(batch, verdicts),
        claimed: (run, fence) => void this.#fences.set(run, fence),
        crash: () => this.#crash(worker),
      },
    });
    this.#note(`worker ${number} starts`);
    Engine.open({
      programs: [programOf(this.#saga)],
      store,
      clock: process.clock,
      ids: this.#ids(),
      services: { call: (asked: Asked) => this.#call(process, asked) },
      limits: { attempts: this.#random.between(1, 20), runs: this.#random.between(2, 20), batch: this.#random.between(1, 20) },
      sleepAfter: '5s',
      pollEvery: this.#random.pick(['100ms', '1s', '5s'] as const),
      observers: [{ observe: (event) => this.#observe(worker, event) }],
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
        await worker.process.hear(worker.engine.start(this.#saga.name, { n: 1 }, { id }));
        if (this.#acknowledged.has(id)) return;
        this.#acknowledged.add(id);
        this.#note(`${id} is started`);
        this.#people(id);
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

  /** Somebody may cancel or terminate a run. */
  #people(id: string): void {
    if (!this.#has('operators')) return;
    const draw = this.#random.next();
    if (draw > 0.25) return;
    this.#time.after(this.#random.between(0, 5_000), () => this.#command(id, draw < 0.04 ? 'terminate' : 'cancel'));
  }

  #command(id: string, what: 'cancel' | 'terminate' | 'retry' | 'skip' | 'resolve', step?: string): void {
    if (this.#quiet) return;
    const worker = this.#anyWorker();
    // Some ask from another process, which executes nothing.
    if (this.#random.chance(0.4))
      return void this.#send(id, { type: what, by: 'somebody', reason: 'simulated', ...(step === undefined ? {} : { step }) } as Command);
    if (!worker?.engine) return;
    const handle = worker.engine.run(id);
    const by = { by: 'somebody', reason: 'simulated' };
    const asked = {
      cancel: () => handle.cancel(by),
      terminate: () => handle.terminate(by),
      retry: () => handle.retry(step, by),
      skip: () => handle.skip(step ?? '', by),
      resolve: () => handle.resolve(step ?? '', undefined, by),
    }[what]();
    asked.then(
      () => this.#note(`${id}: ${what} ${step ?? ''}`),
      (error: unknown) => this.#note(`${id}: ${what} ${step ?? ''} was refused: ${(error as Error).message}`),
    );
  }

  async #send(id: string, command: Command): Promise<void> {
    const inbox = `command-${this.#sent.length}`;
    this.#sent.push(inbox);
    this.#note(`${id}: ${command.type} is written to the inbox as ${inbox}`);
    await this.#store.send({ id: inbox, run: id, body: encodeCommand(command), at: this.#time.now });
  }

  /** A step's call: what demands it must be durable by now. */
  async #call(process: SimProcess, asked: Asked): Promise<unknown> {
    const id = asked.kind === 'run' ? asked.step : `${asked.step}.${asked.kind}`;
    const row = await this.#store.find(asked.run);
    const stored = row && (await this.#store.load(row.number));
    const data = stored && rebuild(stored.base, stored.entries.map(decodeEntry));
    if (!process.wasFrozen && this.#isOwner(row) && !data?.children[id])
      this.#tell('act after commit', asked.run, `${id} was called, and nothing durable demands it`);
    this.#note(`${asked.run}: ${id} is called`);
    const early = asked.kind === 'undo' ? this.#services.underWay(asked.run, this.#time.now - GRACE_MS) : undefined;
    if (early && this.#isOwner(row)) this.#tell('undo waits for do', asked.run, `${id} was called while ${early} was under way`);
    return await this.#services.call(process, asked);
  }

  #isOwner(row: RunRow | undefined): boolean {
    // With several workers another one may have taken the run over while this one was about to call.
    return row === undefined || this.#plan.workers === 1;
  }

  #committed({ commits }: Batch, verdicts: readonly CommitVerdict[]): void {
    commits.forEach(({ run, fence, create, consumed = [] }, i) => {
      if (verdicts[i] !== 'applied') return;
      if (create) this.#fences.set(run, fence);
      const newest = this.#fences.get(run) ?? fence;
      if (fence < newest) this.#tell('one writer', `number ${run}`, `a commit under fence ${fence} was applied after ${newest} had taken over`);
      for (const { number } of consumed) this.#answer(number);
    });
  }

  #answer(number: number): void {
    const times = (this.#answers.get(number) ?? 0) + 1;
    this.#answers.set(number, times);
    if (times > 1) this.#tell('inbox once', `inbox ${number}`, `${times} commits consumed it`);
  }

  #observe({ process }: Worker, event: RuntimeEvent): void {
    if (!process.alive) return;
    if (event.type === 'run.attention') this.#attention(event.run.id, event.needs);
    if (event.type === 'run.ended') this.#note(`${event.run.id} ends as ${event.status}`);
    if (!('run' in event) || event.type === 'run.blocked' || event.type === 'discarded' || event.type === 'run.recovered') return;
    const { run, seq } = event;
    void this.#store.find(run.id).then(async (row) => {
      const [entry] = row ? await this.#store.journal(row.number, { from: seq, limit: 1 }) : [];
      if (entry?.seq !== seq) this.#tell('told what is durable', run.id, `observers heard ${event.type} of commit ${seq}, which is not there`);
    });
  }

  /** A person comes, sooner or later, and does something about it. */
  #attention(id: string, needs: readonly string[]): void {
    for (const step of needs) {
      const what = this.#random.pick(['retry', 'retry', 'skip', 'resolve'] as const);
      this.#time.after(this.#random.between(1_000, 60_000), () => this.#command(id, what, step));
    }
  }

  #chaos(): void {
    const every = (danger: Danger, ms: number, happen: () => void): void => {
      if (!this.#has(danger)) return;
      const next = (): void => {
        this.#time.after(this.#random.between(1, ms * 2), () => {
          if (this.#safe) return;
          happen();
          next();
        });
      };
      next();
    };
    every('crashes', 20_000, () => {
      const worker = this.#anyWorker();
      if (worker) this.#crash(worker);
    });
    every('freezes', 30_000, () => {
      const worker = this.#anyWorker();
      if (!worker) return;
      this.#freezes++;
      this.#note(`worker ${this.#workers.indexOf(worker)} stands still`);
      worker.process.freeze();
      this.#time.after(this.#random.between(100, 90_000), () => {
        this.#note(`worker ${this.#workers.indexOf(worker)} goes on`);
        worker.process.thaw();
      });
    });
    every('full disk', 40_000, () => {
      this.#full = true;
      this.#note('the disk is full');
      this.#time.after(this.#random.between(100, 10_000), () => {
        this.#full = false;
        this.#note('the disk has room');
      });
    });
    every('clock jumps', 30_000, () => {
      const worker = this.#anyWorker();
      if (worker) worker.process.skewMs = this.#random.between(-2_000, 2_000);
    });
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
      void this.#store.list({ attention: true, limit: STEPS_LIMIT }).then((rows) => {
        for (const row of rows) void this.#stuckSteps(row).then((steps) => this.#attention(row.id, steps));
      });
      this.#time.after(120_000, tend);
    };
    tend();
  }

  async #stuckSteps(row: RunRow): Promise<readonly string[]> {
    const stored = await this.#store.load(row.number);
    const data = rebuild(stored.base, stored.entries.map(decodeEntry));
    const found: string[] = [];
    const visit = (node: unknown, name: string): void => {
      if (node === 'attention') found.push(name);
      else if (typeof node === 'object' && node !== null) for (const [key, child] of Object.entries(node)) visit(child, key);
    };
    visit(data.value, '');
    return found;
  }

  #over = false;
  #looking = false;

  #isOver(): boolean {
    if (this.#over || this.#looking) return this.#over;
    this.#looking = true;
    void Promise.all([this.#store.list({ limit: this.#plan.runs + 1 }), this.#store.pending(0, 1)]).then(([rows, pending]) => {
      this.#looking = false;
      this.#over = rows.length === this.#started && rows.every(({ endedAt }) => endedAt !== null) && pending.length === 0;
    });
    return false;
  }
}
