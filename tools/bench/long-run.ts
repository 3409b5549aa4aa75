import { z } from 'zod';
import { saga } from '../../src/index.ts';
import type { AnySaga } from '../../src/saga/any-saga.ts';
import { type BenchOptions, type Figure, onFile, smaller } from './figure.ts';

const STEPS = 1_000;
/** Steps of which the first and the last cost are the mean. */
const WINDOW = 100;
/** In flight, so that it is work that is measured, not the disk. */
const RUNS = 20;

/** What one of the last steps of a run of 1,000 costs, against one of the first: durable on SQLite, each with a result of 200 bytes. */
export async function longRun({ rounds: times, say }: BenchOptions): Promise<Figure> {
  const at = new Map<string, number[]>();
  const result = 'x'.repeat(200);
  let made: AnySaga = saga('long', { version: 1, input: z.any() });
  for (let step = 1; step <= STEPS; step++)
    made = made.read(`s${step}` as never, async ({ run }) => {
      at.get(run.id)?.push(performance.now());
      return result;
    });
  const microsAt = (times: readonly number[], from: number): number =>
    (((times[from + WINDOW - 1] as number) - (times[from] as number)) / WINDOW / RUNS) * 1_000;
  return await onFile([made], async (engine) => {
    const rounds: { value: number; reference: number }[] = [];
    // The first round warms up.
    for (let round = 0; round <= times; round++) {
      globalThis.gc?.();
      const ids = Array.from({ length: RUNS }, (_, n) => `${round}-${n}`);
      for (const id of ids) at.set(id, []);
      await Promise.all(ids.map(async (id) => await (await engine.start(made, null, { id })).outcome()));
      const all = ids.map((id) => at.get(id) as readonly number[]);
      at.clear();
      if (round === 0) continue;
      const mean = (from: number): number => all.reduce((sum, one) => sum + microsAt(one, from), 0) / RUNS;
      const [value, reference] = [mean(STEPS - WINDOW), mean(WINDOW / 2)];
      rounds.push({ value, reference });
      say(`round ${round}: ${Math.round(value)} µs a step at the end, ${Math.round(reference)} µs at the beginning`);
    }
    return smaller('long-run', 'µs a step', rounds, 1.2);
  });
}
