import { type AnyStateMachine, createActor, fromPromise } from 'xstate';
import { z } from 'zod';
import { sourcesOf } from '../../src/chart/implementations.ts';
import { saga } from '../../src/index.ts';
import { type BenchOptions, type Figure, median, onFile } from './figure.ts';

/**
 * Whole sagas of five no-op steps, 100 in flight: durable on SQLite with an fsync for each batch, against the same
 * chart under plain `createActor` in memory, in one process, in turn. The reference keeps nothing and checks nothing.
 */
export async function throughput({ rounds: times, sagas: count, say }: BenchOptions): Promise<Figure> {
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
  const inMemory = async (): Promise<void> =>
    await new Promise((resolve, reject) => {
      const actor = createActor(machine, { input: { runId: 'r', input: { n: 1 } } });
      actor.subscribe({ complete: resolve, error: reject });
      actor.start();
    });
  const rounds: { readonly durable: number; readonly reference: number }[] = [];
  await onFile([five], async (engine) => {
    const durable = async (): Promise<void> => {
      const run = await engine.start(five, { n: 1 });
      await run.outcome();
    };
    await rate(durable, count);
    await rate(inMemory, count);
    for (let round = 0; round < times; round++) {
      const [first, second] = round % 2 === 0 ? [durable, inMemory] : [inMemory, durable];
      const a = await rate(first, count);
      const b = await rate(second, count);
      rounds.push(round % 2 === 0 ? { durable: a, reference: b } : { durable: b, reference: a });
      say(`round ${round + 1}: durable ${Math.round(rounds.at(-1)?.durable ?? 0)} sagas/s, in memory ${Math.round(rounds.at(-1)?.reference ?? 0)}`);
    }
  });
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
