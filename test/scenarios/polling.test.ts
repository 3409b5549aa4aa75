import { z } from 'zod';
import { BusyError, saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** Something elsewhere that takes four minutes from when it was ordered. */
const readyAt = new WeakMap<Books, number>();

/**
 * Two ways to wait for what is done elsewhere: seldom, as a step that is busy until it is ready, which is no failure; and
 * in rounds, which a person sees in the chart.
 */
const seldom = saga('seldom', { version: 1, input: z.object({}), services: type<Books>() })
  .step(
    'order',
    ({ key, services }) => {
      if (!readyAt.has(services)) readyAt.set(services, services.now + 240_000);
      return services.do(key, 'ordered');
    },
    { compensate: ({ runKey, services }) => services.undo(runKey, 'ordered') },
  )
  .read(
    'ready',
    ({ services }) => {
      if (services.now < (readyAt.get(services) ?? 0)) throw new BusyError('not yet', { retryAfterMs: 60_000 });
      return 'ready';
    },
    { retry: 'forever' },
  )
  .output(({ results }) => results.ready);

const rounds = saga('rounds', { version: 1, input: z.object({}), services: type<Books>() })
  .loop((b) => b.read('look', ({ services }) => services.now >= (readyAt.get(services) ?? 0)).sleep('pause', '30s'), {
    until: ({ results }) => results.look,
    most: 100,
  })
  .output(({ results }) => results.look);

scenario(
  'polling',
  () => ({
    sagas: [seldom, rounds],
    script: async (client) => {
      await client.start(seldom, {}, 'seldom');
      await client.wait(1_000);
      await client.start(rounds, {}, 'rounds');
      for (const id of ['seldom', 'rounds']) await client.end(id);
    },
  }),
  { ends: { seldom: { status: 'completed', output: 'ready' }, rounds: { status: 'completed', output: true } }, standing: ['ordered'] },
);
