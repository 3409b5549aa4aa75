import { appendFileSync } from 'node:fs';
import { fiveCountedParts, fiveParts } from '../sagas/five-parts.ts';
import { Ledger } from '../sagas/services/ledger.ts';
import { services } from '../sagas/services/services.ts';
import { sagachart, sqlite } from '../src/index.ts';
import { mixedFaults } from './fault-plans.ts';

/** What the crash driver tells its child, as JSON in the first argument. */
export interface CrashOrder {
  readonly directory: string;
  readonly seed: number;
  /** Runs that must have ended before this child may stop. */
  readonly runs: number;
  readonly inFlight: number;
  /** Kill yourself when so many attempts have ended since opening; null: go on to the end. */
  readonly killAfter: number | null;
  /** Whether calls may crash the process by themselves. */
  readonly crashes: boolean;
}

const order = JSON.parse(process.argv[2] ?? '{}') as CrashOrder;
const faults = mixedFaults(order.seed, { crashes: order.crashes });
const ledger = new Ledger(`${order.directory}/ledger.db`);
const parts = (honorsKeys: boolean) => services({ ledger, faults, honorsKeys, latencyMs: 2 }).parts;
const engine = await sagachart({
  sagas: [fiveParts, fiveCountedParts],
  store: sqlite(`${order.directory}/runs.db`),
  services: { parts: parts(true), countedParts: parts(false) },
  limits: { runs: order.inFlight },
  log: { level: 'silent' },
});

let ended = 0;
engine.observe((event) => {
  if (event.type === 'attempt.succeeded' || event.type === 'attempt.failed') {
    ended++;
    // Not at the commit itself: somewhere in the work that follows it.
    if (ended === order.killAfter) setTimeout(() => process.kill(process.pid, 'SIGKILL'), (order.seed + ended) % 5);
  }
  // Lost three times, the last time alone: it asks for a person. Here one who has looked, and says "again".
  if (event.type === 'run.attention') {
    appendFileSync(`${order.directory}/attention.log`, `${event.run.id} ${event.needs.join(' ')}\n`);
    for (const step of event.needs) void engine.run(event.run.id).retry(step);
  }
});

for (let n = 1; n <= order.runs; n++) {
  while (engine.load().runs >= order.inFlight) await new Promise((resolve) => setTimeout(resolve, 1));
  await engine.start(n % 2 === 0 ? fiveParts : fiveCountedParts, { n }, { id: `run-${n}` });
}
await Promise.all(Array.from({ length: order.runs }, (_, i) => engine.run(`run-${i + 1}`).outcome()));
await engine.close();
ledger.close();
