import { parseArgs } from 'node:util';
import { Progress, processOutput } from '../src/cli/output.ts';
import { saga } from '../src/index.ts';
import { Random } from '../src/testing/simulate/random.ts';
import { shrink, simulate } from '../src/testing/simulate/simulate.ts';
import { randomSketch, sagaOf } from '../src/testing/simulate/sketch.ts';

/** Seeded worlds: each a random saga, run by several workers while everything goes wrong that can. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
const seeds = count('seeds', values.seeds, 1);
const from = count('from', values.from, 0);
const sagaFor = (seed: number) => sagaOf(randomSketch(new Random(seed)), saga as never);

const began = performance.now();
const totals = { runs: 0, calls: 0, crashes: 0, freezes: 0 };
const ends: Record<string, number> = {};
const failing: number[] = [];
const progress = new Progress(processOutput(values.json));
for (let seed = from; seed < from + seeds; seed++) {
  const { runs, calls, crashes, freezes, ends: how, wrong } = await simulate(sagaFor(seed), { seed, input: { n: 1 } });
  totals.runs += runs;
  totals.calls += calls;
  totals.crashes += crashes;
  totals.freezes += freezes;
  for (const [status, n] of Object.entries(how)) ends[status] = (ends[status] ?? 0) + n;
  if (wrong.length > 0) failing.push(seed);
  progress.tell((seed - from + 1) / seeds, `${seed - from + 1}/${seeds} seeds, ${failing.length} violated something`);
}
progress.end();
const perMinute = Math.round((seeds / (performance.now() - began)) * 60_000);

for (const seed of failing.slice(0, 3)) {
  const { plan, simulated } = await shrink(sagaFor(seed), { seed, input: { n: 1 } });
  console.log(`\nseed ${seed}: ${plan.runs} runs, ${plan.workers} workers, ${plan.dangers.join(', ') || 'no dangers'}`);
  for (const { rule, run, message } of simulated.wrong) console.log(`  ✗ ${run}: ${rule}: ${message}`);
  if (values.trace) for (const what of simulated.trace) console.log(what);
}
if (!values.json) {
  console.log(
    `${seeds} seeds from ${from}: ${totals.runs} runs, ${totals.calls} calls, ${totals.crashes} crashes, ${totals.freezes} freezes; ended: ${JSON.stringify(ends)}`,
  );
  console.log(`${failing.length === 0 ? 'nothing was violated' : `violated by: ${failing.join(', ')}`}; ${perMinute} seeds a minute`);
}
console.log(JSON.stringify({ seeds, violations: failing.length, perMinute }));
process.exitCode = failing.length === 0 ? 0 : 1;

function count(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} is ${text}, but must be a whole number from ${least}`);
}
