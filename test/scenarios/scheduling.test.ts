import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { type Books, type Client, scenario } from './stage.ts';

const services = type<Books>();
const input = z.object({ name: z.string() });

/** Runs that must not be between their first and their last step at the same time. */
function careful() {
  const inside = new Set<string>();
  return saga('careful', { version: 1, input, services })
    .step(
      'enter',
      ({ input: { name }, key, services: books }) => {
        inside.add(name);
        return books.do(key, inside.size > 1 ? `${name} met ${[...inside].filter((other) => other !== name)}` : `${name} was there`);
      },
      { compensate: ({ runKey, services: books }) => books.undo(runKey, 'being there') },
    )
    .sleep('nap', '20s')
    .pivot('leave', ({ input: { name } }) => {
      inside.delete(name);
    });
}

scenario(
  'runs in a queue with one place',
  () => {
    const one = careful();
    return {
      sagas: [one],
      queues: [{ name: 'q', concurrency: 1 }],
      script: async (client) => {
        for (const [name, key] of [
          ['a1', 'a'],
          ['a2', 'a'],
          ['b1', 'b'],
        ] as const)
          await client.start(one, { name }, name, { queue: 'q', key });
        await client.start(one, { name: 'late' }, 'late', { queue: 'q', delay: '30s' });
        for (const id of ['a1', 'a2', 'b1', 'late']) await client.end(id);
      },
    };
  },
  { standing: ['a1 was there', 'a2 was there', 'b1 was there', 'late was there'] },
);

scenario(
  'keys with one place each',
  () => {
    const one = careful();
    return {
      sagas: [one],
      queues: [{ name: 'q', perKey: 1 }],
      script: async (client) => {
        for (const id of ['a1', 'a2']) await client.start(one, { name: id }, id, { queue: 'q', key: 'a' });
        for (const id of ['a1', 'a2']) await client.end(id);
      },
    };
  },
  { standing: ['a1 was there', 'a2 was there'] },
);

const slow = saga('slow', { version: 1, input, services })
  .sleep('nap', '1m')
  .pivot('done', ({ input: { name }, key, services: books }) => books.do(key, name))
  .output(({ input: { name } }) => name);

scenario(
  'a singleton and a debounced start',
  () => ({
    sagas: [slow],
    script: async (client) => {
      const ids = [];
      for (const id of ['s1', 's2']) ids.push(await client.start(slow, { name: 'single' }, id, { singleton: 'x' }));
      client.notes.push(`the singletons are ${ids}`);
      const debounced = [];
      for (const name of ['first', 'last']) {
        debounced.push(await client.start(slow, { name }, undefined, { debounce: { key: 'd', for: '20s' } }));
        await client.wait(5_000);
      }
      client.notes.push(`there are ${new Set(debounced).size} debounced runs`);
      await client.end('s1');
      await client.end(debounced[0] as string, 'debounced');
    },
  }),
  {
    ends: { s1: { status: 'completed', output: 'single' }, debounced: { status: 'completed', output: 'last' } },
    standing: ['last', 'single'],
    notes: ['the singletons are s1,s1', 'there are 1 debounced runs'],
  },
);

const ticks = (overlap: 'wait' | 'allow') => () => {
  const tick = saga('tick', { version: 1, input, services })
    .pivot('note', ({ input: { name }, key, services: books }) => books.do(key, name))
    .sleep('nap', '90s');
  // Simulated time begins at 01:46:40 that day.
  const times = [47, 48, 49, 50].map((minute) => `tick@2001-09-09T01:${minute}:00.000Z`);
  return {
    sagas: [tick],
    schedules: [
      {
        name: 'tick',
        saga: 'tick',
        cron: '47-50 * * * *',
        catchUp: 'all' as const,
        overlap,
        input: ({ at }: { at: Date }) => ({ name: at.toISOString().slice(11, 16) }),
      },
    ],
    script: async (client: Client) => {
      for (const id of times) await client.end(id);
    },
  };
};

for (const overlap of ['wait', 'allow'] as const)
  scenario(`a schedule whose runs take longer than it leaves them: ${overlap}`, ticks(overlap), {
    standing: ['01:47', '01:48', '01:49', '01:50'],
  });
