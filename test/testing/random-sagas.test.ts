import { describe, expect, it } from 'vitest';
import { saga } from '../../src/index.ts';
import { verify } from '../../src/testing/index.ts';
import { Random } from '../../src/testing/simulate/random.ts';
import { randomSketch, sagaOf } from '../../src/testing/simulate/sketch.ts';

const SAGAS = 15;

/** Whatever can be said, in combinations that nobody would write down. */
describe('random sagas', () => {
  it(`${SAGAS} of them are gone through with one fault, and nothing is wrong`, { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= SAGAS; seed++) {
      const definition = sagaOf(randomSketch(new Random(seed)), saga as never);
      const { violations } = await verify(definition, { limits: { states: 1_200, faults: 1, attempts: 1 } }).catch((error: { code?: string }) => {
        // Too wide to be gone through in so many states: another one is as good.
        if (error.code === 'SC_VERIFY') return { violations: [] };
        throw error;
      });
      expect(violations, `saga ${seed}`).toEqual([]);
    }
  });
});
