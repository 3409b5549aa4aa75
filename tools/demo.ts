import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { approval } from '../machines/approval.ts';
import { documentPipeline } from '../sagas/document-pipeline.ts';
import { fiveCountedParts, fiveParts } from '../sagas/five-parts.ts';
import { orderFulfillment } from '../sagas/order-fulfillment.ts';
import { type AuditedRun, audit, auditedSteps } from '../sagas/services/audit.ts';
import type { FaultPlan } from '../sagas/services/fault.ts';
import { Ledger } from '../sagas/services/ledger.ts';
import { services } from '../sagas/services/services.ts';
import { tripBooking } from '../sagas/trip-booking.ts';
import { duration, paint, paintStatus, table } from '../src/cli/output.ts';
import { sagachart, sqlite } from '../src/index.ts';
import { viewRun } from '../src/runtime/history.ts';
import { Progress } from './progress.ts';

/** The main job: reference sagas on a SQLite file, live; then a process is killed in the middle of a batch. */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const BATCH = 60;
const directory = mkdtempSync(join(tmpdir(), 'sagachart-demo-'));
const runsPath = join(directory, 'runs.db');
const ledgerPath = join(directory, 'ledger.db');
const say = (line = ''): void => {
  if (!values.json) console.log(line);
};

/** What goes wrong, by run: everything else goes well. */
const faults: FaultPlan = ({ run, operation, kind, nth }) => {
  if (run === 'order-retries' && operation === 'authorize' && nth <= 2) return { type: 'busy', retryAfterMs: 50 };
  if (run === 'trip-declined' && operation === 'charge') return { type: 'refuse', message: 'card declined' };
  if (run === 'document-lost-answer' && operation === 'save') return { type: 'loseAnswer' };
  if (run === 'order-attention' && operation === 'ship') return { type: 'refuse', message: 'address unknown' };
  if (run === 'order-attention' && operation === 'void' && kind === 'undo' && nth <= 3) return { type: 'break' };
  return { type: 'none' };
};

const began = performance.now();
const outcomes = await firstAct();
const { killedAfter, finished } = await secondAct();
await lastAct();

/** Six runs side by side, each with a story of its own. */
async function firstAct(): Promise<readonly string[]> {
  say(paint('bold', 'Six runs on a SQLite file'));
  const ledger = new Ledger(ledgerPath);
  const engine = await sagachart({
    sagas: [orderFulfillment, tripBooking, documentPipeline, approval],
    store: sqlite(runsPath),
    services: services({ ledger, faults, latencyMs: 60 }),
    log: { level: 'silent' },
  });
  const progress = new Progress(values.json ? 'none' : 'live');
  engine.observe((event) => progress.tell(event));
  const order = { sku: 'tea', quantity: 2, cents: 1_900, address: '1 Main St' };
  const runs = [
    await engine.start(tripBooking, { traveler: 'Ada', cents: 42_000 }, { id: 'trip-succeeds' }),
    await engine.start(orderFulfillment, order, { id: 'order-retries' }),
    await engine.start(tripBooking, { traveler: 'Bob', cents: 99_000 }, { id: 'trip-declined' }),
    await engine.start(documentPipeline, { text: 'durable statecharts remember' }, { id: 'document-lost-answer' }),
    await engine.start(orderFulfillment, order, { id: 'order-attention' }),
    await engine.start(approval, { title: 'Conference', cents: 80_000 }, { id: 'approval' }),
  ];
  const stuck = await engine.run('order-attention').until('attention');
  progress.note(`order-attention needs a person: ${stuck.join(', ')} could not be undone; somebody voids it by phone`);
  await voidByPhone(ledger);
  await engine.run('order-attention').resolve(stuck[0] ?? '', undefined, { by: 'demo', reason: 'voided by phone' });
  await engine.run('approval').signal('approve', { by: 'Grace' });
  await Promise.all(runs.map((run) => run.outcome()));
  progress.end();
  await engine.close();
  ledger.close();
  return runs.map(({ id }) => id);
}

/** What a person does: looks the authorization up in the books of the payment service, and has it voided. */
async function voidByPhone(ledger: Ledger): Promise<void> {
  const authorization = ledger.rows().find(({ run, step, kind }) => run === 'order-attention' && step === 'authorizeCard' && kind === 'run');
  const { payments } = services({ ledger });
  await payments.void({ reservedUnder: authorization?.key ?? '' }, { key: 'sc1:phone/order-attention/1/authorizeCard/-/1/undo' });
}

/** A child is killed in the middle of a batch, and a new one finishes every run. */
async function secondAct(): Promise<{ readonly killedAfter: number; readonly finished: number }> {
  say();
  say(paint('bold', `A batch of ${BATCH} runs: the process is killed with SIGKILL in the middle, and a new one goes on`));
  const progress = new Progress(values.json ? 'none' : 'batch', BATCH);
  const order = (killAfter: number | null): string => JSON.stringify({ directory, seed: 7, runs: BATCH, inFlight: 16, killAfter, crashes: false });
  const script = fileURLToPath(new URL('./crash-child.ts', import.meta.url));
  const child = async (killAfter: number | null): Promise<void> => {
    const running = spawn(process.execPath, [script, order(killAfter)], { stdio: ['ignore', 'inherit', 'inherit'] });
    const timer = setInterval(() => progress.count(batchEnded()), 100);
    await new Promise<void>((resolve, reject) =>
      running.on('exit', (code, signal) => (code === 0 || signal === 'SIGKILL' ? resolve() : reject(new Error(`the child ended with ${code ?? signal}`)))),
    );
    clearInterval(timer);
    progress.count(batchEnded());
  };
  await child(120);
  const killed = batchEnded();
  progress.note(`killed with SIGKILL after ${killed} of ${BATCH} runs had ended`);
  await child(null);
  progress.end();
  return { killedAfter: killed, finished: batchEnded() };
}

function batchEnded(): number {
  try {
    const db = new DatabaseSync(runsPath, { readOnly: true });
    const { n } = db.prepare("SELECT count(*) AS n FROM runs WHERE id LIKE 'run-%' AND ended_at IS NOT NULL").get() as { n: number };
    db.close();
    return n;
  } catch {
    return 0;
  }
}

/** What came of it, by the books of the services. */
async function lastAct(): Promise<void> {
  const store = sqlite(runsPath);
  await store.open();
  const ledger = new Ledger(ledgerPath);
  const rows = (await store.list({ limit: 1_000 })).toReversed();
  const definitions = [orderFulfillment, tripBooking, documentPipeline, fiveParts, fiveCountedParts].map(({ definition }) => definition);
  const audited: AuditedRun[] = rows.flatMap(({ id, saga, status }) => {
    const definition = definitions.find(({ name }) => name === saga);
    return definition ? [{ id, status, steps: auditedSteps(definition) }] : [];
  });
  const books = audit(ledger.rows(), audited);
  const runs = await Promise.all(
    rows.map(async ({ id, saga, status, createdAt, endedAt }) => {
      const { timeline } = await viewRun(store, id);
      return {
        id,
        saga,
        status,
        attempts: timeline.filter(({ kind }) => kind === 'run').length,
        compensations: timeline.filter(({ kind }) => kind === 'undo').length,
        ms: (endedAt ?? createdAt) - createdAt,
      };
    }),
  );
  await store.close();
  ledger.close();
  rmSync(directory, { recursive: true });
  say();
  const shown = runs.filter(({ id }) => outcomes.includes(id));
  const batch = runs.filter(({ id }) => !outcomes.includes(id));
  const sum = (pick: (run: (typeof runs)[number]) => number): string => String(batch.reduce((all, run) => all + pick(run), 0));
  const ends = [...Map.groupBy(batch, ({ status }) => status)].map(([status, all]) => `${all.length} ${status}`).join(', ');
  const lines = table(
    ['RUN', 'SAGA', 'ATTEMPTS', 'COMPENSATIONS', 'TIME', 'OUTCOME'],
    [
      ...shown.map((run) => [run.id, run.saga, String(run.attempts), String(run.compensations), duration(run.ms), paintStatus(run.status)]),
      [`batch of ${batch.length}`, 'five-parts', sum(({ attempts }) => attempts), sum(({ compensations }) => compensations), '', ends],
    ],
  );
  for (const line of lines) say(line);
  say();
  say(
    `By the ledger outside the engine: ${books.lost} effects lost, ${books.doubled} doubled, ${books.notUndone} not undone, ${books.outOfOrder} out of order.`,
  );
  say(`Killed after ${killedAfter} runs, ${finished} of ${BATCH} finished. ${((performance.now() - began) / 1_000).toFixed(1)} s in all.`);
  for (const detail of books.details) say(detail);
  if (values.json) console.log(JSON.stringify({ runs, lost: books.lost, doubled: books.doubled }));
  process.exitCode = books.details.length === 0 && finished === BATCH && runs.every(({ status }) => status !== 'running') ? 0 : 1;
}
