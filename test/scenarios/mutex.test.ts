import { z } from 'zod';
import { BusyError, HardError, saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/** One resource that has room for one run: who has it is known by the key that took it, so a repeated call is no second one. */
class Room {
  #owner: string | undefined;

  constructor(books: Books) {
    this.books = books;
  }

  readonly books: Books;

  take(key: string): void {
    if (this.#owner !== undefined && this.#owner !== key) throw new BusyError('somebody is in', { retryAfterMs: 5_000 });
    this.#owner = key;
  }

  leave(key: string): void {
    if (this.#owner === key) this.#owner = undefined;
  }

  /** Only the owner works in it: whoever comes without has broken the lock. */
  work(key: string, what: string): void {
    if (this.#owner === undefined) throw new HardError(`${what} without the room`);
    this.books.do(key, what);
  }
}

const rooms = new WeakMap<Books, Room>();
const roomOf = (books: Books): Room => {
  const room = rooms.get(books) ?? new Room(books);
  rooms.set(books, room);
  return room;
};
const lockKey = (key: string): string => key.split('/').slice(0, 3).join('/');

/** A semantic lock is a step: whoever finds it taken is busy, which spends nothing, and its undo gives it back. */
const exclusive = saga('exclusive', { version: 1, input: z.object({ who: z.string(), fails: z.boolean() }), services: type<Books>() })
  .step('lock', ({ key, services }) => roomOf(services).take(lockKey(key)), {
    retry: 'forever',
    compensate: ({ runKey, services }) => roomOf(services).leave(lockKey(runKey)),
  })
  .step('work', ({ key, input, services }) => roomOf(services).work(key, `work of ${input.who}`), {
    compensate: ({ runKey, input, services }) => services.undo(runKey, `work of ${input.who}`),
  })
  .sleep('2s')
  .read('check', ({ input }) => {
    if (input.fails) throw new HardError('not good enough');
  })
  .pivot('done', ({ key, input, services }) => services.do(key, `done ${input.who}`))
  .step('unlock', ({ key, services }) => roomOf(services).leave(lockKey(key)), { retry: 'forever' });

scenario(
  'mutex',
  () => ({
    sagas: [exclusive],
    script: async (client) => {
      for (const [who, fails] of [
        ['Ada', false],
        ['Bob', true],
        ['Cy', false],
      ] as const)
        await client.start(exclusive, { who, fails }, who);
      for (const who of ['Ada', 'Bob', 'Cy']) await client.end(who);
    },
  }),
  {
    ends: {
      Ada: { status: 'completed', output: undefined },
      Bob: { status: 'compensated', failure: 'not good enough' },
      Cy: { status: 'completed', output: undefined },
    },
    standing: ['done Ada', 'done Cy', 'work of Ada', 'work of Cy'],
  },
);
