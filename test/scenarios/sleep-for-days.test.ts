import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** A letter every month until somebody says that it is enough, which also ends the sleep; here a month has half an hour. */
const reminder = saga('reminder', {
  version: 1,
  input: z.object({ to: z.string() }),
  services: type<Books>(),
  signals: { enough: z.object({}) },
  onFailure: 'forward',
})
  .loop((b) => b.step('letter', ({ key, round, services }) => services.do(key, `letter ${round}`)).waitFor('enough', { timeout: '30m', otherwise: null }), {
    until: ({ results }) => results.enough !== null,
    most: 1_000,
  })
  .output(({ results }) => results.enough !== null);

scenario(
  'sleep for days',
  () => ({
    sagas: [reminder],
    script: async (client) => {
      await client.start(reminder, { to: 'Ada' }, 'r');
      await client.wait(75 * 60_000);
      await client.signal('r', 'enough', {});
      await client.end('r');
    },
  }),
  { ends: { r: { status: 'completed', output: true } }, standing: ['letter 1', 'letter 2', 'letter 3'] },
);
