import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import type { SagachartConfig } from '../config.ts';
import { encodeCommand } from '../runtime/command.ts';
import { sqlite } from '../stores/sqlite/sqlite.ts';
import type { Store } from '../stores/store.ts';
import type { OutageRates } from '../testing/drill/outages.ts';
import { drillPage, drillReport } from '../testing/drill/report.ts';
import { Random } from '../testing/simulate/random.ts';
import { loadConfig } from './config.ts';
import type { DrillWorkerTask } from './drill-worker.ts';
import { EXIT, type Output, Progress, print } from './output.ts';

export interface DrillOptions {
  readonly config?: string | undefined;
  readonly store?: string | undefined;
  readonly seconds: number;
  /** Runs that are started a second. */
  readonly rate: number;
  /** Time between kills, s; 0 for none. */
  readonly killEvery: number;
  /** Percent of calls. */
  readonly busy: number;
  readonly lost: number;
  readonly stalls: number;
  readonly seed?: number | undefined;
  readonly report: string;
}

const LABEL = 'drill';
const STALL_MS = 2_000;
/** How long what is under way may take to end once nothing goes wrong any more. */
const PATIENCE_MS = 60_000;
const POLL_MS = 100;
const NO_FAULTS: OutageRates = { busy: 0, lost: 0, stalls: 0, stallMs: STALL_MS };
const MOST_RUNS = 1_000_000;

/** A game day: the sagas of a config on real processes and a real file, with simulated services, while processes die and calls go wrong. */
export async function drill(output: Output, options: DrillOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const { workload, path } = checked(config, options);
  const seed = options.seed ?? Math.floor(systemClock.now() % 1_000_000);
  const random = new Random(seed);
  const store = sqlite(path);
  await store.open();
  try {
    await checkDrillStore(store, path);
    const percent = (value: number): number => value / 100;
    const rates: OutageRates = { busy: percent(options.busy), lost: percent(options.lost), stalls: percent(options.stalls), stallMs: STALL_MS };
    const workers = new Workers({ config: options.config, store: path, seed, rates });
    const progress = new Progress(output);
    const began = systemClock.monotonic();
    const elapsed = (): number => (systemClock.monotonic() - began) / 1_000;
    await workers.start();
    let nextKill = options.killEvery > 0 ? options.killEvery : Number.POSITIVE_INFINITY;
    for (let n = 0; elapsed() < options.seconds; ) {
      for (; n < elapsed() * options.rate; n++) await startRun(store, `drill-${seed}-${n}`, workload(n));
      if (elapsed() >= nextKill) {
        await workers.kill();
        nextKill = elapsed() + options.killEvery * (0.5 + random.next());
      }
      progress.tell(elapsed() / options.seconds, `${n} runs started, ${workers.kills} kills`);
      await wait(POLL_MS);
    }
    progress.end();
    // From here on nothing goes wrong.
    await workers.heal();
    await settled(store);
    await workers.stop();
    const rows = await store.list({ limit: MOST_RUNS });
    const report = drillReport(rows, { seed, seconds: options.seconds, kills: workers.kills, recoveries: workers.recoveries });
    const faults = `${options.busy} % of calls busy, ${options.lost} % of answers lost, ${options.stalls} % stalled`;
    const file = resolve(options.report);
    writeFileSync(file, drillPage(report, faults));
    print(output, { ...report, report: file }, () => [drillPage(report, faults), `written to ${file}`]);
    return report.unfinished === 0 ? EXIT.done : EXIT.notCompleted;
  } finally {
    await store.close();
  }
}

/** @throws SagachartError SC_DRILL */
function checked(
  config: SagachartConfig,
  options: DrillOptions,
): { readonly workload: NonNullable<SagachartConfig['drill']>['workload']; readonly path: string } {
  if (!config.drill)
    throw new SagachartError('SC_DRILL', 'the config says nothing of drills', {
      next: "Give it `drill: { services: () => simulated, workload: (n) => ({ saga: 'name', input: … }) }`: a drill never calls the services of production.",
    });
  const path = resolve(options.store ?? 'drill.db');
  if (typeof config.store === 'string' && resolve(config.store) === path)
    throw new SagachartError('SC_DRILL', `${path} is the store of the config, and a drill would kill what runs there`, {
      next: 'Name another file with --store.',
      details: { path },
    });
  return { workload: config.drill.workload, path };
}

/** @throws SagachartError SC_DRILL if the store holds runs that no drill has started */
async function checkDrillStore(store: Store, path: string): Promise<void> {
  const real = (await store.list({ limit: MOST_RUNS })).find(({ labels }) => labels[LABEL] === undefined);
  if (real)
    throw new SagachartError('SC_DRILL', `${path} holds real runs, such as ${real.id}: a drill would kill the processes that execute them`, {
      next: 'Name a new file with --store.',
      details: { path, run: real.id },
    });
}

async function startRun(store: Store, run: string, { saga, input }: { readonly saga: string; readonly input: unknown }): Promise<void> {
  const body = encodeCommand({ type: 'start', saga, input, labels: { [LABEL]: 'yes' } });
  await store.send({ id: `start:${run}`, run, body, at: systemClock.now() });
}

async function settled(store: Store): Promise<void> {
  const deadline = systemClock.monotonic() + PATIENCE_MS;
  while (systemClock.monotonic() < deadline) {
    const rows = await store.list({ limit: MOST_RUNS });
    const [pending] = await store.pending(0, 1);
    if (!pending && rows.every(({ endedAt, attention }) => endedAt !== null || attention)) return;
    await wait(POLL_MS);
  }
}

async function wait(ms: number): Promise<void> {
  await new Promise<void>((done) => systemClock.after(ms, done));
}

/** The executor of a drill: one process at a time, killed and replaced. */
class Workers {
  readonly #task: DrillWorkerTask;
  readonly recoveries: number[] = [];
  kills = 0;
  #child: ChildProcess | undefined;
  #rates: OutageRates;

  constructor(task: DrillWorkerTask) {
    this.#task = task;
    this.#rates = task.rates;
  }

  async start(): Promise<void> {
    // The sources of a checkout, or what was built from them.
    const file = fileURLToPath(new URL(`./drill-worker${extname(import.meta.url)}`, import.meta.url));
    const child = fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    const ready = new Promise<void>((done, failed) => {
      child.once('message', () => done());
      child.once('exit', (code) =>
        failed(new SagachartError('SC_DRILL', `a worker of the drill ended with ${code} before it was ready`, { next: 'Look at what it says above.' })),
      );
    });
    child.send({ ...this.#task, seed: this.#task.seed + this.kills, rates: this.#rates } satisfies DrillWorkerTask);
    await ready;
  }

  async kill(): Promise<void> {
    await this.#ended(() => this.#child?.kill('SIGKILL'));
    this.kills++;
    const at = systemClock.monotonic();
    await this.start();
    this.recoveries.push(systemClock.monotonic() - at);
  }

  /** The next one, under which nothing goes wrong. */
  async heal(): Promise<void> {
    await this.stop();
    this.#rates = NO_FAULTS;
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#ended(() => this.#child?.send('stop'));
  }

  async #ended(end: () => void): Promise<void> {
    const gone = new Promise<void>((done) => this.#child?.once('exit', () => done()));
    end();
    await gone;
  }
}
