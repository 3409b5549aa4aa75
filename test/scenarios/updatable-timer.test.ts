import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

const HOUR = 60_000;

/** A timer whose end can be moved, earlier or later, while it runs: each move is a new wait, and leaves no old one behind. */
const timer = saga('timer', {
  version: 1,
  input: z.object({ until: z.number() }),
  services: type<Books>(),
  signals: { move: z.object({ until: z.number() }) },
})
  .loop(
    (b) =>
      b
        // The time of day is read by a step, so that it is known after a crash, too; a round begins with what the last one was told.
        .read('clock', ({ services, input, previous }) => ({ now: services.now, until: (previous as Before).move?.until ?? input.until }))
        .waitFor('move', { timeout: ({ results }) => Math.max(0, results.clock.until - results.clock.now), otherwise: null }),
    { until: ({ results }) => results.move === null, most: 100 },
  )
  .pivot('ring', ({ key, services }) => services.do(key, 'rang'))
  .output(({ results }) => results.clock.until / HOUR);

/** What the round before came to; nothing, the first time. */
interface Before {
  readonly move?: { readonly until: number } | null;
}

scenario(
  'updatable timer',
  () => ({
    sagas: [timer],
    script: async (client) => {
      for (const id of ['as it was', 'later', 'earlier']) await client.start(timer, { until: 24 * HOUR }, id);
      await client.wait(HOUR);
      await client.signal('later', 'move', { until: 30 * HOUR }, 'once');
      await client.signal('later', 'move', { until: 99 * HOUR }, 'once');
      await client.signal('earlier', 'move', { until: 5 * HOUR });
      for (const id of ['as it was', 'later', 'earlier']) await client.end(id);
    },
  }),
  {
    ends: {
      'as it was': { status: 'completed', output: 24 },
      later: { status: 'completed', output: 30 },
      earlier: { status: 'completed', output: 5 },
    },
    standing: ['rang', 'rang', 'rang'],
  },
);
