import { z } from 'zod';
import { HardError, saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** How many records may be under way at a time. */
const WINDOW = 2;

/** Hands out the records of each batch one by one, and knows which are under way. Repeated calls with a key are no second ones. */
class Desk {
  readonly #handedOut = new Map<string, string[]>();
  readonly #underWay = new Set<string>();

  /** The place of the next record, from 0: the same for a key, however often it asks. */
  take(batch: string, key: string): number {
    const keys = this.#handedOut.get(batch) ?? [];
    this.#handedOut.set(batch, keys);
    return keys.includes(key) ? keys.indexOf(key) : keys.push(key) - 1;
  }

  begin(run: string): void {
    this.#underWay.add(run);
    if (this.#underWay.size > WINDOW) throw new HardError('more under way than the window is wide');
  }

  end(run: string): void {
    this.#underWay.delete(run);
  }
}

const desks = new WeakMap<Books, Desk>();
const deskOf = (books: Books): Desk => {
  const desk = desks.get(books) ?? new Desk();
  desks.set(books, desk);
  return desk;
};
const runOf = (key: string): string => key.split('/').slice(0, 3).join('/');

const record = z.object({ name: z.string(), seconds: z.number() });

/** One record: a run of its own, which its batch may have undone. */
const processing = saga('processing', { version: 1, nested: true, input: record, services: type<Books>() })
  .step('enter', ({ key, services }) => deskOf(services).begin(runOf(key)), { compensate: ({ runKey, services }) => deskOf(services).end(runOf(runKey)) })
  .sleep('work', ({ input }) => input.seconds * 1_000)
  .step('record', ({ key, input, services }) => services.do(key, input.name, input.name), {
    compensate: ({ runKey, input, services }) => services.undo(runKey, input.name),
  })
  .step('leave', ({ key, services }) => deskOf(services).end(runOf(key)), { compensate: () => {} })
  .output(({ results }) => results.record);

const records = z.array(record).min(WINDOW);

/**
 * As many lanes as the window is wide. Each takes the next record there is, has it processed by a child, and goes around
 * as soon as that has ended: a slow record holds up its own lane alone.
 */
const batch = saga('batch', { version: 1, input: z.object({ id: z.string(), records }), services: type<Books>() })
  .parallel(
    (b) =>
      b.loop(
        'lane1',
        (lane) =>
          lane
            .read('next1', ({ key, input, services }) => deskOf(services).take(input.id, key))
            .when(
              'more1',
              ({ input, results }) => results.next1 < input.records.length,
              (some) => some.child('child1', processing, ({ input, results }) => input.records[results.next1] ?? { name: '', seconds: 0 }),
            ),
        { until: ({ input, results }) => results.next1 >= input.records.length, most: 1_000 },
      ),
    (b) =>
      b.loop(
        'lane2',
        (lane) =>
          lane
            .read('next2', ({ key, input, services }) => deskOf(services).take(input.id, key))
            .when(
              'more2',
              ({ input, results }) => results.next2 < input.records.length,
              (some) => some.child('child2', processing, ({ input, results }) => input.records[results.next2] ?? { name: '', seconds: 0 }),
            ),
        { until: ({ input, results }) => results.next2 >= input.records.length, most: 1_000 },
      ),
  )
  .output(({ input }) => input.records.length)
  .queries({
    position: ({ input, results, previous }) => {
      const taken = [results.next1 ?? previous.next1 ?? -1, results.next2 ?? previous.next2 ?? -1];
      return Math.min(input.records.length, Math.max(...taken) + 1);
    },
    isFirstUnderWay: ({ results, states }) =>
      [results.next1, results.next2].some((next, lane) => next === 0 && states.includes(`running.child${lane + 1}.attempting.working`)),
  });

/** The first is slow: the window moves on beside it. Longer than a lease, so that nobody comes too late who cancels. */
const work = [600, 1, 1, 1].map((seconds, i) => ({ name: `record ${i + 1}`, seconds }));

scenario(
  'sliding window',
  () => ({
    sagas: [batch, processing],
    script: async (client) => {
      await client.start(batch, { id: 'batch', records: work }, 'batch');
      const positions: number[] = [];
      do {
        positions.push((await client.query('batch', 'position')) as number);
        await client.wait(500);
      } while ((positions.at(-1) ?? 0) < work.length);
      const rose = positions.every((now, i) => now >= (positions[i - 1] ?? 0));
      client.notes.push(rose ? 'the position only rises' : `the position went back: ${positions}`);
      // All the others have been taken while the first is still under way.
      client.notes.push(`the first is under way: ${await client.query('batch', 'isFirstUnderWay')}`);
      await client.end('batch');
    },
  }),
  {
    ends: { batch: { status: 'completed', output: 4 } },
    standing: ['record 1', 'record 2', 'record 3', 'record 4'],
    notes: ['the position only rises', 'the first is under way: true'],
  },
);

scenario(
  'sliding window, canceled on its way',
  () => ({
    sagas: [batch, processing],
    script: async (client) => {
      await client.start(batch, { id: 'stopped', records: work }, 'stopped');
      await client.wait(2_500);
      await client.cancel('stopped');
      await client.end('stopped');
    },
  }),
  { ends: { stopped: { status: 'canceled' } }, standing: [] },
);
