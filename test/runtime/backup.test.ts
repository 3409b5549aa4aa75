import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, type } from '../../src/index.ts';
import { copyStore } from '../../src/stores/sqlite/backup.ts';
import { FileWorld, setting } from '../promises/setting.ts';
import { Books } from './every-crash.ts';

const stage = setting();

type Services = Pick<Books, 'run' | 'undo'>;
const run = (context: { readonly key: string; readonly services: Services }): string => context.services.run(context);
const compensate = (context: { readonly runKey: string; readonly services: Services }): void => context.services.undo(context);

const trip = saga('trip', { version: 1, input: z.unknown(), services: type<Services>(), signals: { go: z.unknown() } })
  .step('flight', run, { compensate })
  .sleep('nap', '1h')
  .step('hotel', run, { compensate })
  .waitFor('go', { timeout: '30d' })
  .pivot('charge', run);

/** The store as it is now, in a file of its own, for another world. */
function backedUp(world: FileWorld): string {
  const target = join(mkdtempSync(join(tmpdir(), 'sagachart-backup-')), 'copy.db');
  copyStore(world.path, target);
  return target;
}

async function restored(path: string, now: number, books: Books): Promise<FileWorld> {
  const world = stage.keep(new FileWorld(path), join(path, '..'));
  await world.clock.advance(now - world.clock.now());
  await world.open([trip], { services: books });
  await world.clock.advance(10);
  return world;
}

describe('an old backup that is restored', () => {
  it('does again what was done since, under the same keys: nothing stands twice', async () => {
    const books = new Books();
    const world = stage.file();
    await world.open([trip], { services: books });
    const handle = await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(10);
    // In mid-run, and while the store is used.
    const copy = backedUp(world);
    await world.engine.start(trip, 1, { id: 'later' });
    await world.clock.advance(3_600_100);
    for (const id of ['r', 'later']) await world.engine.run(id).signal('go', 1);
    await world.clock.advance(10);
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    const standing = [...books.standing];
    const keys = [...books.entries.keys()];
    expect(standing).toHaveLength(6);
    await world.close();

    const again = await restored(copy, world.clock.now(), books);
    // The sleep is over, so it fired at once; the signal that was acknowledged is not there.
    expect(await again.engine.run('r').view()).toMatchObject({ states: ['running.go.awaiting'] });
    await expect(again.engine.run('later').status()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    const once = await again.engine.start(trip, 1, { id: 'later' });
    await again.clock.advance(3_600_100);
    for (const id of ['r', 'later']) await again.engine.run(id).signal('go', 1);
    await again.clock.advance(10);
    expect(await again.engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    expect(await once.outcome()).toMatchObject({ status: 'completed' });
    expect(books.standing).toEqual(standing);
    expect([...books.entries.keys()]).toEqual(keys);
    expect(books.calls.length).toBeGreaterThan(keys.length);
  });

  it('may go another way than the run went, and undoes what stands of it', async () => {
    const books = new Books();
    const world = stage.file();
    await world.open([trip], { services: books });
    await world.engine.start(trip, 1, { id: 'r' });
    await world.clock.advance(10);
    const copy = backedUp(world);
    await world.clock.advance(3_600_100);
    await world.close();
    expect(books.standing).toEqual(['r: flight', 'r: hotel']);
    const again = await restored(copy, world.clock.now(), books);
    await again.engine.run('r').cancel();
    await again.clock.advance(10);
    expect(books.standing).toEqual([]);
  });
});
