import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { defineConfig, HardError, saga } from '../../src/index.ts';

const compensate = async (): Promise<void> => {};

/** Sagas that a test holds up, and that fail with nothing to undo. */
export default defineConfig({
  store: ':memory:',
  sagas: [
    saga('gated', { version: 1, input: z.string() }).step(
      'pass',
      async ({ input: gate, signal }) => {
        while (!existsSync(gate)) await setTimeout(10, undefined, { signal });
        return 1;
      },
      { compensate },
    ),
    saga('declined', { version: 1, input: z.any() }).step(
      'pay',
      () => {
        throw new HardError('no money');
      },
      { compensate },
    ),
  ],
});
