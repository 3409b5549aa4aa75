import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { Places } from '../../src/runtime/places.ts';
import { type Breakage, breakable } from './breakable.ts';
import { World } from './harness.ts';

describe('places', () => {
  it('are given in the order in which they were asked for', async () => {
    const places = new Places(2);
    const got: number[] = [];
    const asked = [1, 2, 3, 4].map((n) => places.take().then(() => got.push(n)));
    await Promise.all(asked.slice(0, 2));
    expect(got).toEqual([1, 2]);
    places.give();
    await asked[2];
    expect(got).toEqual([1, 2, 3]);
    places.give();
    await Promise.all(asked);
    places.give();
    await places.take();
    expect(got).toEqual([1, 2, 3, 4]);
  });
});

describe('callers beyond limits.pending', () => {
  let w: World;
  afterEach(async () => await w.close());

  it('wait while the store is behind, and are served in turn; one that is refused gives its place back', async () => {
    const breakage: Breakage = {};
    w = new World(breakable(breakage));
    const s = saga('one', { version: 1, input: z.number() }).read('a', async () => 1);
    const engine = await w.open([s], { limits: { pending: 2 } });
    let release = (): void => {};
    breakage.until = new Promise((resolve) => {
      release = resolve;
    });
    const done: number[] = [];
    const starts = [1, 2, 3, 4, 5].map((n) => engine.start(s, n, { id: `r${n}` }).then(() => done.push(n)));
    const refused = engine.start(s, 'x' as never).catch((error: unknown) => error);
    await w.clock.settle();
    expect(done).toEqual([]);
    // Only those with a place have become runs at all.
    expect(engine.load().runs).toBe(2);
    release();
    breakage.until = undefined;
    await Promise.all(starts);
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(await refused).toMatchObject({ code: 'SC_INPUT_INVALID' });
    await expect(engine.run('nope').cancel()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(engine.run('nope').cancel()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await engine.start(s, 6, { id: 'r6' });
    await w.clock.settle();
    expect(await w.store.count()).toEqual({ completed: 6 });
  });
});
