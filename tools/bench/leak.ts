import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { type BenchOptions, type Figure, onFile } from './figure.ts';

const ATTEMPTS = 100_000;
/** Of one run, so that what a run remembers of them stays small. */
const EACH = 50;
const TARGET = 1.1;

/**
 * The heap after 100,000 attempts that timed out, were aborted and tried again, against the heap before, on a SQLite file.
 * Handles (timers, files) must be as many as before.
 */
export async function leak({ say }: BenchOptions): Promise<Figure> {
  let timedOut = 0;
  const hanging = saga('hanging', { version: 1, input: z.any() }).step(
    'hang',
    ({ signal, attempt }) =>
      attempt > EACH
        ? 1
        : new Promise<number>((_, reject) =>
            signal.addEventListener('abort', () => {
              timedOut++;
              reject(signal.reason);
            }),
          ),
    { compensate: async () => {}, timeout: '2ms', retry: { attempts: 'forever', from: '1ms', to: '1ms', jitter: 'none' } },
  );
  return await onFile([hanging], async (engine) => {
    const attempts = async (count: number): Promise<void> => {
      let left = count / EACH;
      const lane = async (): Promise<void> => {
        while (left-- > 0) await (await engine.start(hanging, null)).outcome();
      };
      await Promise.all(Array.from({ length: 200 }, lane));
    };
    await attempts(ATTEMPTS / 5);
    const before = await settled();
    timedOut = 0;
    for (let part = 1; part <= 5; part++) {
      await attempts(ATTEMPTS / 5);
      say(`${timedOut} attempts have timed out`);
    }
    const after = await settled();
    if (timedOut < ATTEMPTS) throw new Error(`only ${timedOut} attempts have timed out`);
    const ratio = after.heap / before.heap;
    say(`handles before: ${before.handles.join(', ')}; after: ${after.handles.join(', ')}`);
    return {
      name: 'leak',
      value: Math.round(after.heap / 1_000),
      unit: 'KB of heap',
      reference: Math.round(before.heap / 1_000),
      ratio: Math.round(ratio * 1000) / 1000,
      better: 'lower',
      target: TARGET,
      ok: ratio <= TARGET && after.handles.length <= before.handles.length,
    };
  });
}

async function settled(): Promise<{ readonly heap: number; readonly handles: readonly string[] }> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().sort() };
}
