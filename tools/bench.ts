import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AnyStateMachine, createActor, fromPromise } from 'xstate';
import { z } from 'zod';
import { sourcesOf } from '../src/chart/implementations.ts';
import { saga, sagachart, sqlite } from '../src/index.ts';

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly better: 'higher' | 'lower';
  readonly target: number;
  readonly ok: boolean;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '9' }, sagas: { type: 'string', default: '2000' } },
});
const benches: Readonly<Record<string, () => Promise<Figure>>> = { throughput, map: itemsOfMaps };
const wanted = positionals.length > 0 ? positionals : Object.keys(benches);
const figures: Figure[] = [];
for (const name of wanted) {
  const bench = benches[name];
  if (!bench) throw new Error(`there is no benchmark ${name}; there are: ${Object.keys(benches).join(', ')}`);
  figures.push(await bench());
}
console.log(
  JSON.stringify({
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    versions: { node: process.version, sqlite: process.versions.sqlite },
    figures,
  }),
);
process.exitCode = figures.every(({ ok }) => ok) ? 0 : 1;

/**
 * Whole sagas of five no-op steps, 100 in flight: durable on SQLite with an fsync for each batch, against the same
 * chart under plain `createActor` in memory, in one process, in turn. The reference keeps nothing and checks nothing.
 */
async function throughput(): Promise<Figure> {
  const noop = async (): Promise<{ readonly ok: true }> => ({ ok: true });
  const undo = async (): Promise<void> => {};
  const five = saga('five', { version: 1, input: z.object({ n: z.number() }) })
    .step('one', noop, { compensate: undo })
    .step('two', noop, { compensate: undo })
    .step('three', noop, { compensate: undo })
    .step('four', noop, { compensate: undo })
    .pivot('five', noop)
    .output(({ input }) => input.n);
  const machine: AnyStateMachine = five.machine.provide({
    actors: Object.fromEntries(five.definition.steps.flatMap(sourcesOf).map((source) => [source, fromPromise(noop)])) as never,
  });
  const count = Number(values.sagas);
  const directory = mkdtempSync(join(tmpdir(), 'sagachart-bench-'));
  const engine = await sagachart({ sagas: [five], store: sqlite(join(directory, 'runs.db')), log: { level: 'silent' } });
  const durable = async (): Promise<void> => {
    const run = await engine.start(five, { n: 1 });
    await run.outcome();
  };
  const inMemory = async (): Promise<void> =>
    await new Promise((resolve, reject) => {
      const actor = createActor(machine, { input: { runId: 'r', input: { n: 1 } } });
      actor.subscribe({ complete: resolve, error: reject });
      actor.start();
    });
  await rate(durable, count);
  await rate(inMemory, count);
  const rounds: { readonly durable: number; readonly reference: number }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const [first, second] = round % 2 === 0 ? [durable, inMemory] : [inMemory, durable];
    const a = await rate(first, count);
    const b = await rate(second, count);
    rounds.push(round % 2 === 0 ? { durable: a, reference: b } : { durable: b, reference: a });
    if (!values.json)
      console.log(`round ${round + 1}: durable ${Math.round(rounds.at(-1)?.durable ?? 0)} sagas/s, in memory ${Math.round(rounds.at(-1)?.reference ?? 0)}`);
  }
  await engine.close();
  rmSync(directory, { recursive: true });
  const value = median(rounds.map((round) => round.durable));
  const reference = median(rounds.map((round) => round.reference));
  const ratio = median(rounds.map((round) => round.durable / round.reference));
  return {
    name: 'throughput',
    value: Math.round(value),
    unit: 'sagas/s',
    reference: Math.round(reference),
    ratio: Math.round(ratio * 1000) / 1000,
    better: 'higher',
    target: 0.45,
    ok: ratio >= 0.45,
  };
}

/** What an item of a map costs among 10,000, against one among 1,000, in turn: durable on SQLite, 100 in flight. */
async function itemsOfMaps(): Promise<Figure> {
  const many = saga('many', { version: 1, input: z.object({ items: z.number() }) }).map(
    'parts',
    ({ input: { items } }) => Array.from({ length: items }, (_, index) => index),
    async ({ index }) => ({ index }),
    { compensate: async () => {}, concurrency: 100 },
  );
  const directory = mkdtempSync(join(tmpdir(), 'sagachart-bench-'));
  const engine = await sagachart({ sagas: [many], store: sqlite(join(directory, 'runs.db')), log: { level: 'silent' } });
  const micros = async (items: number, runs: number): Promise<number> => {
    globalThis.gc?.();
    const start = performance.now();
    for (let run = 0; run < runs; run++) await (await engine.start(many, { items })).outcome();
    return ((performance.now() - start) / (items * runs)) * 1_000;
  };
  await micros(1_000, 3);
  const rounds: { readonly large: number; readonly small: number }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const [large, small] =
      round % 2 === 0 ? [await micros(10_000, 1), await micros(1_000, 10)] : (([b, a]) => [a, b])([await micros(1_000, 10), await micros(10_000, 1)] as const);
    rounds.push({ large: large as number, small: small as number });
    if (!values.json) console.log(`round ${round + 1}: ${Math.round(large as number)} µs an item of 10,000, ${Math.round(small as number)} µs of 1,000`);
  }
  await engine.close();
  rmSync(directory, { recursive: true });
  const ratio = median(rounds.map(({ large, small }) => large / small));
  return {
    name: 'map',
    value: Math.round(median(rounds.map(({ large }) => large))),
    unit: 'µs an item',
    reference: Math.round(median(rounds.map(({ small }) => small))),
    ratio: Math.round(ratio * 1000) / 1000,
    better: 'lower',
    target: 1.3,
    ok: ratio <= 1.3,
  };
}

/** How many a second, 100 in flight. */
async function rate(one: () => Promise<void>, count: number): Promise<number> {
  globalThis.gc?.();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next++ < count) await one();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: 100 }, lane));
  return count / ((performance.now() - start) / 1000);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
