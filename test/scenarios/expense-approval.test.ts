import { z } from 'zod';
import { HardError, saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** An expense waits for a decision; no decision in time is an answer like another. */
const expense = saga('expense', {
  version: 1,
  input: z.object({ cents: z.number() }),
  services: type<Books>(),
  signals: { decision: z.enum(['approve', 'reject']) },
})
  .step('file', ({ key, services }) => services.do(key, 'expense filed'), { compensate: ({ runKey, services }) => services.undo(runKey, 'expense filed') })
  .waitFor('decision', { timeout: '3h', otherwise: 'nobody answered' })
  .read('judge', ({ results }) => {
    if (results.decision !== 'approve') throw new HardError(results.decision);
  })
  .pivot('pay', ({ key, services }) => services.do(key, 'paid'));

scenario(
  'expense approval',
  () => ({
    sagas: [expense],
    script: async (client) => {
      for (const id of ['approved', 'rejected', 'forgotten', 'hasty']) await client.start(expense, { cents: 100 }, id);
      await client.signal('hasty', 'decision', 'approve');
      await client.wait(3_600_000);
      await client.signal('approved', 'decision', 'approve');
      await client.signal('rejected', 'decision', 'reject');
      for (const id of ['approved', 'rejected', 'forgotten', 'hasty']) await client.end(id);
    },
  }),
  {
    ends: {
      approved: { status: 'completed', output: undefined },
      rejected: { status: 'compensated', failure: 'reject' },
      forgotten: { status: 'compensated', failure: 'nobody answered' },
      hasty: { status: 'completed', output: undefined },
    },
    standing: ['expense filed', 'expense filed', 'paid', 'paid'],
  },
);
