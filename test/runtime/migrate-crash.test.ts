import { copyFileSync, existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { FileWorld, setting } from '../promises/setting.ts';
import { Books } from './every-crash.ts';
import { Gate } from './harness.ts';

const worlds = setting();

interface Call {
  readonly key: string;
}

/** The world after each batch of writes: as a crash right then leaves it. */
function crashesOf(w: FileWorld, books: Books): { readonly path: string; readonly books: Books; readonly now: number }[] {
  const left: { readonly path: string; readonly books: Books; readonly now: number }[] = [];
  const commit = w.store.commit.bind(w.store);
  w.store.commit = async (batch) => {
    const verdicts = await commit(batch);
    const path = `${w.path}-${left.length}.db`;
    for (const end of ['', '-wal']) if (existsSync(w.path + end)) copyFileSync(w.path + end, path + end);
    const copy = new Books(books.entries);
    for (const step of books.refused) copy.refused.add(step);
    left.push({ path, books: copy, now: w.clock.now() });
    return verdicts;
  };
  return left;
}

const undoIn = (books: Books) => ({ compensate: (scope: { readonly runKey: string }) => books.undo(scope) });

const first = (books: Books, pay: Gate['run']) =>
  saga('trip', { version: 1, input: z.any() })
    .step('hotel', (scope: Call) => books.run(scope), undoIn(books))
    .map(
      'bags',
      () => [1, 2],
      ({ key }) => books.run({ key }),
      undoIn(books),
    )
    .step('pay', pay as () => Promise<string>, undoIn(books));

/** With another name, another number for the map, and one more step on each side. */
const second = (books: Books, passed: object) =>
  saga('trip', { version: 2, input: z.any(), migrations: [{ from: 1, steps: { hotel: 'room' }, passed: passed as never }] })
    .read('look', () => 1)
    .step('room', (scope: Call) => books.run(scope), undoIn(books))
    .map(
      'bags',
      () => [1, 2],
      ({ key }) => books.run({ key }),
      undoIn(books),
    )
    .step('pay', (scope: Call) => books.run(scope), undoIn(books))
    .step('last', (scope: Call) => books.run(scope), undoIn(books));

describe('a run that is migrated, and a crash right after each write', () => {
  for (const refused of ['last', 'none']) {
    it(`${refused === 'last' ? 'undoes all that it did, under the keys that it did it by' : 'completes'}, exactly as without a crash`, async () => {
      const w = worlds.file();
      const books = new Books();
      books.refused.add(refused);
      const engine = await w.open([first(books, new Gate().run) as never]);
      await engine.start('trip', null, { id: 'r' });
      await w.clock.settle();
      expect(books.standing).toEqual(['r: bags', 'r: bags', 'r: hotel']);

      const unsaid = await worlds.crashed(w);
      await unsaid.open([second(books, {}) as never]);
      await expect(unsaid.engine.migrate('trip')).rejects.toMatchObject({ code: 'SC_MIGRATION_REFUSED' });

      const play = async (world: FileWorld, own: Books) => {
        await world.open([second(own, { look: () => 1 }) as never]);
        await world.engine.migrate('trip');
        await world.clock.advance(600_000);
        const { status } = await world.engine.run('r').outcome();
        return { status, standing: own.standing, version: (await world.engine.run('r').status()).version };
      };
      const after = await worlds.crashed(unsaid);
      const crashes = crashesOf(after, books);
      const plain = await play(after, books);
      expect(plain).toEqual(
        refused === 'last'
          ? { status: 'compensated', standing: [], version: 2 }
          : { status: 'completed', standing: ['r: bags', 'r: bags', 'r: hotel', 'r: last', 'r: pay'], version: 2 },
      );
      expect(crashes.length).toBeGreaterThan(2);
      for (const crash of crashes) {
        const world = worlds.keep(new FileWorld(crash.path));
        await world.clock.advance(crash.now - world.clock.now());
        expect(await play(world, crash.books)).toEqual(plain);
      }
    });
  }
});

describe('a version that is taken back, and a crash right after each write', () => {
  it('is taken back, and that is told once', async () => {
    const sagas = () => [
      saga('s', { version: 1, input: z.any() }).pivot('go', () => 1),
      saga('s', { version: 2, input: z.any() }).pivot('go', (): number => {
        throw new HardError('no');
      }),
    ];
    const w = worlds.file();
    const left = crashesOf(w, new Books());
    const told: string[][] = [];
    const alerts = (): [{ name: string; send: (alert: { kind: string; key: string }) => void }] => {
      const keys: string[] = [];
      told.push(keys);
      return [{ name: 'told', send: ({ kind, key }) => void (kind === 'rollback' && keys.push(key)) }];
    };
    await w.open(sagas() as never, { alerts: alerts() } as never);
    await w.engine.rollout('s', { version: 2, share: 1, rollback: { failureRate: 0.5, after: 2 } });
    for (const id of ['a', 'b']) await w.engine.start('s', null, { id });
    await w.clock.advance(30_000);
    expect(w.engine.rollouts()).toMatchObject([{ share: 0, rolledBack: { ended: 2, failed: 2 } }]);
    expect(told[0]).toHaveLength(1);
    expect(left.length).toBeGreaterThan(4);
    for (const crash of left) {
      const world = worlds.keep(new FileWorld(crash.path));
      await world.clock.advance(crash.now - world.clock.now());
      await world.open(sagas() as never, { alerts: alerts() } as never);
      for (const id of ['a', 'b']) await world.engine.start('s', null, { id });
      await world.clock.advance(30_000);
      expect(world.engine.rollouts()).toMatchObject([{ share: 0 }]);
      // At least once, by one key: right before the crash it may have been delivered, and not marked so.
      expect(new Set([...(told[0] ?? []), ...(told.at(-1) ?? [])]).size).toBe(1);
    }
  });
});
