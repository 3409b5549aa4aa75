import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { type BenchOptions, type Figure, onFile } from './figure.ts';

const SLEEPERS = 100_000;
const TARGET_MB = 100;

/** What 100,000 runs that sleep add to the memory of the process, all of it counted (resident set), on a SQLite file. */
export async function sleepersMemory({ say }: BenchOptions): Promise<Figure> {
  const sleepy = saga('sleepy', { version: 1, input: z.object({ n: z.number() }) })
    .step('one', async ({ input }) => ({ n: input.n }), { compensate: async () => {} })
    .sleep('30d')
    .step('two', async () => 2, { compensate: async () => {} });
  return await onFile(
    [sleepy],
    async (engine) => {
      const sleep = async (from: number, count: number): Promise<void> => {
        const entries = Array.from({ length: count }, (_, n) => ({ saga: sleepy, input: { n: from + n }, id: `s${from + n}` }));
        for (const answer of await engine.startMany(entries as never)) if (answer.status !== 'started') throw new Error(`it was not started: ${answer.status}`);
        while (engine.load().runs > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      // What the first runs bring in stays: code, caches, the pages of the database.
      await sleep(0, 10_000);
      const before = await settled();
      for (let from = 10_000; from < 10_000 + SLEEPERS; from += 10_000) {
        await sleep(from, 10_000);
        say(`${from - 0} asleep: ${megabytes(process.memoryUsage().rss)} MB`);
      }
      const value = megabytes((await settled()) - before);
      return { name: 'sleepers-memory', value, unit: 'MB', reference: null, ratio: null, better: 'lower', target: TARGET_MB, ok: value < TARGET_MB };
    },
    { sleepAfter: '1ms' },
  );
}

async function settled(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().rss;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 100_000) / 10;
}
