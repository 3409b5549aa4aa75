import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fiveParts } from '../sagas/five-parts.ts';
import { audit, auditedSteps } from '../sagas/services/audit.ts';
import { Ledger } from '../sagas/services/ledger.ts';
import type { CrashOrder } from './crash-child.ts';
import { fraction } from './fault-plans.ts';

/** Kills a process that runs sagas, again and again, and judges by the books of the services what became of them. */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const directory = mkdtempSync(join(tmpdir(), 'sagachart-crash-'));
const say = (line: string): void => {
  if (!values.json) console.log(line);
};

say(`seed ${seed}: ${kills} kills, at most 8 runs in flight`);
let killed = 0;
let runs = 0;
const started = performance.now();
while (killed < kills) {
  // 10 to 30 attempts after opening; the batch is topped up, so that there is always something to kill.
  const killAfter = 10 + Math.floor(fraction(`${seed}/kill/${killed}`) * 21);
  runs = Math.max(runs, await startedRuns()) + 8;
  const end = await child({ directory, seed, runs, inFlight: 8, killAfter, crashes: true });
  if (end === 'SIGKILL') killed++;
  if (end === 'SIGKILL' && killed % 10 === 0) say(`${killed} kills, ${runs} runs asked for`);
}
runs = Math.max(runs, 200);
for (let tries = 0; (await child({ directory, seed, runs, inFlight: 8, killAfter: null, crashes: true })) === 'SIGKILL'; tries++) {
  // A call that crashes its process counts as a kill too: it just was not ours.
  killed++;
  if (tries > 50) throw new Error('the last child does not come to an end');
}

const report = judge();
say(`${report.runs} runs, ${report.kills} kills in ${((performance.now() - started) / 1000).toFixed(1)} s, by outcome: ${JSON.stringify(report.outcomes)}`);
say(`${report.calls} calls, ${report.repeatedCalls} of them repeated under the same key; ${report.attention} times a person was asked`);
for (const detail of report.details) say(detail);
const { details, outcomes: _, attention: __, ...json } = report;
console.log(JSON.stringify(json));
if (values.keep) say(directory);
else rmSync(directory, { recursive: true });
process.exitCode = details.length > 0 || report.unfinished > 0 ? 1 : 0;

async function child(order: CrashOrder): Promise<string> {
  const script = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
  const running = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ['ignore', 'inherit', 'inherit'] });
  return await new Promise((resolve, reject) => {
    running.on('error', reject);
    running.on('exit', (code, signal) =>
      signal === 'SIGKILL' || code === 0 ? resolve(signal ?? 'done') : reject(new Error(`the child ended with ${code ?? signal}`)),
    );
  });
}

async function startedRuns(): Promise<number> {
  try {
    const db = new DatabaseSync(join(directory, 'runs.db'), { readOnly: true });
    const { n } = db.prepare('SELECT count(*) AS n FROM runs').get() as { n: number };
    db.close();
    return n;
  } catch {
    return 0;
  }
}

function judge() {
  const db = new DatabaseSync(join(directory, 'runs.db'));
  const rows = db.prepare('SELECT id, status, ended_at FROM runs ORDER BY number').all() as { id: string; status: string; ended_at: number | null }[];
  db.close();
  const ledger = new Ledger(join(directory, 'ledger.db'));
  const steps = auditedSteps(fiveParts.definition);
  const judged = audit(
    ledger.rows(),
    rows.filter(({ ended_at }) => ended_at !== null).map(({ id, status }) => ({ id, status, steps })),
  );
  const { calls, repeated } = ledger.calls();
  ledger.close();
  const outcomes = Object.fromEntries(
    Map.groupBy(rows, ({ status }) => status)
      .entries()
      .map(([status, all]) => [status, all.length]),
  );
  return {
    seed,
    kills: killed,
    runs: rows.length,
    calls,
    repeatedCalls: repeated,
    lost: judged.lost,
    doubled: judged.doubled,
    notUndone: judged.notUndone,
    outOfOrder: judged.outOfOrder,
    unfinished: rows.filter(({ ended_at }) => ended_at === null).length + Math.max(0, runs - rows.length),
    details: judged.details,
    outcomes,
    attention: lines('attention.log'),
  };
}

function lines(file: string): number {
  try {
    return readFileSync(join(directory, file), 'utf8').trim().split('\n').length;
  } catch {
    return 0;
  }
}
