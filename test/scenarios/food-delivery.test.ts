import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/**
 * Charged first, then waited for: a dish that is not picked up, or not delivered, in time is refunded, and the guest is
 * told. Signals that come early are kept for their turn. A rating afterwards is welcome, and nothing waits long for it.
 */
const delivery = saga('food-delivery', {
  version: 1,
  input: z.object({ dish: z.string() }),
  services: type<Books>(),
  signals: { pickedUp: z.object({}), delivered: z.object({}), rated: z.number() },
})
  .step('charge', ({ key, services }) => services.do(key, 'charged'), { compensate: ({ runKey, services }) => services.undo(runKey, 'charged') })
  .waitFor('pickedUp', { timeout: '30m' })
  .waitFor('delivered', { timeout: '1h' })
  .pivot('settle', ({ key, services }) => services.do(key, 'settled'))
  .waitFor('rated', { timeout: '10m', otherwise: null })
  .output(({ results }) => results.rated);

scenario(
  'food delivery',
  () => ({
    sagas: [delivery],
    script: async (client) => {
      for (const id of ['eaten', 'left behind', 'lost', 'out of order']) await client.start(delivery, { dish: 'soup' }, id);
      await client.signal('out of order', 'delivered', {});
      await client.wait(60_000);
      for (const id of ['eaten', 'lost', 'out of order']) await client.signal(id, 'pickedUp', {});
      await client.wait(60_000);
      await client.signal('eaten', 'delivered', {});
      await client.signal('eaten', 'rated', 5);
      for (const id of ['eaten', 'left behind', 'lost', 'out of order']) await client.end(id);
    },
  }),
  {
    ends: {
      eaten: { status: 'completed', output: 5 },
      'left behind': { status: 'compensated', failure: 'the signal pickedUp did not come within 30m' },
      lost: { status: 'compensated', failure: 'the signal delivered did not come within 1h' },
      'out of order': { status: 'completed', output: null },
    },
    standing: ['charged', 'charged', 'settled', 'settled'],
  },
);
