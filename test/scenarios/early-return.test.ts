import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** Whoever starts it is told as soon as the payment is authorized; settling it goes on afterwards, whoever watches. */
const payment = saga('payment', { version: 1, input: z.object({ cents: z.number() }), services: type<Books>() })
  .step('authorize', ({ key, services }) => services.do(key, 'authorized'), { compensate: ({ runKey, services }) => services.undo(runKey, 'authorized') })
  .pivot('commit', ({ key, services }) => services.do(key, 'committed'))
  .sleep('settling', '10m')
  .step('settle', ({ key, services }) => services.do(key, 'settled'), { retry: 'forever' });

scenario(
  'early return',
  () => ({
    sagas: [payment],
    script: async (client) => {
      await client.start(payment, { cents: 100 }, 'p');
      await client.until('p', ({ states }) => states.includes('running.settling.sleeping'));
      client.notes.push('told early');
      await client.end('p');
    },
  }),
  { ends: { p: { status: 'completed', output: undefined } }, notes: ['told early'], standing: ['authorized', 'committed', 'settled'] },
);
