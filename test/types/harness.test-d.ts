import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { harness, refused, succeeds } from '../../src/testing/index.ts';

const stay = saga('stay', { version: 1, input: z.object({ cents: z.number() }) })
  .step('room', async () => ({ number: 7 }), { compensate: async () => {} })
  .output(({ results }) => results.room.number);

describe('a harness', () => {
  it('knows the steps of its saga, their results, its input and its output', async () => {
    const h = await harness(stay, { script: { room: [refused(), succeeds({ number: 1 })], 'room.undo': [succeeds()] } });
    // @ts-expect-error no such step
    await harness(stay, { script: { meal: [succeeds()] } });
    // @ts-expect-error not such a result
    await harness(stay, { script: { room: [succeeds({ number: '1' })] } });
    // @ts-expect-error not such an input
    await h.start({ cents: '5' });
    const outcome = await h.outcome(await h.start({ cents: 5 }));
    if (outcome.status === 'completed') expectTypeOf(outcome.output).toEqualTypeOf<number>();
  });
});
