import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** A purchase confirms itself after five seconds, unless it is canceled before: the pivot is where that window closes. */
const oneClick = saga('one-click', { version: 1, input: z.object({ item: z.string() }), services: type<Books>() })
  .step('reserve', ({ key, input, services }) => services.do(key, `reserved ${input.item}`), {
    compensate: ({ runKey, input, services }) => services.undo(runKey, `reserved ${input.item}`),
  })
  .sleep('cancelWindow', '5s')
  .pivot('buy', ({ key, input, services }) => services.do(key, `bought ${input.item}`))
  .sleep('5s')
  .step('ship', ({ key, input, services }) => services.do(key, `shipped ${input.item}`), { retry: 'forever' });

scenario(
  'one-click order with a cancel window',
  () => ({
    sagas: [oneClick],
    script: async (client) => {
      await client.start(oneClick, { item: 'tea' }, 'regretted');
      await client.cancel('regretted');
      await client.end('regretted');
      await client.start(oneClick, { item: 'cup' }, 'too late');
      await client.until('too late', ({ states }) => states.some((state) => state.startsWith('running.sleep')));
      await client.tryCancel('too late');
      await client.end('too late');
    },
  }),
  {
    ends: { regretted: { status: 'canceled' }, 'too late': { status: 'completed', output: undefined } },
    notes: ['SC_CANCEL_PAST_PIVOT'],
    standing: ['bought cup', 'reserved cup', 'shipped cup'],
  },
);
