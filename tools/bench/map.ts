import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { type BenchOptions, type Figure, onFile, smaller } from './figure.ts';

/** What an item of a map costs among 10,000, against one among 1,000, in turn: durable on SQLite, 100 in flight. */
export async function map({ rounds: times, say }: BenchOptions): Promise<Figure> {
  const many = saga('many', { version: 1, input: z.object({ items: z.number() }) }).map(
    'parts',
    ({ input: { items } }) => Array.from({ length: items }, (_, index) => index),
    async ({ index }) => ({ index }),
    { compensate: async () => {}, concurrency: 100 },
  );
  return await onFile([many], async (engine) => {
    const micros = async (items: number, runs: number): Promise<number> => {
      globalThis.gc?.();
      const start = performance.now();
      for (let run = 0; run < runs; run++) await (await engine.start(many, { items })).outcome();
      return ((performance.now() - start) / (items * runs)) * 1_000;
    };
    const large = async (): Promise<number> => await micros(10_000, 1);
    const small = async (): Promise<number> => await micros(1_000, 10);
    await micros(1_000, 3);
    const rounds: { value: number; reference: number }[] = [];
    for (let round = 0; round < times; round++) {
      const first = round % 2 === 0 ? await large() : await small();
      const second = round % 2 === 0 ? await small() : await large();
      const [value, reference] = round % 2 === 0 ? [first, second] : [second, first];
      rounds.push({ value, reference });
      say(`round ${round + 1}: ${Math.round(value)} µs an item of 10,000, ${Math.round(reference)} µs of 1,000`);
    }
    return smaller('map', 'µs an item', rounds, 1.3);
  });
}
