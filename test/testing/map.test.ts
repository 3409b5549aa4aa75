import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { busy, harness, refused, simplePaths, simulate, succeeds, unanswered, verify } from '../../src/testing/index.ts';
import { Random } from '../../src/testing/simulate/random.ts';
import { randomSketch, sagaOf } from '../../src/testing/simulate/sketch.ts';

const begin = saga('maps', { version: 1, input: z.object({}) });
const compensate = (): void => {};
const list = (): readonly string[] => ['a', 'b', 'c'];
const one = (): number => 1;

describe('verify', () => {
  const maps = {
    'one after the other': begin.map('parts', list, one, { compensate, concurrency: 1 }),
    'side by side': begin.map('parts', list, one, { compensate }),
    'with a check': begin.map('parts', list, one, { compensate, check: () => undefined }),
    'between two steps': begin.step('a', one, { compensate }).map('parts', list, one, { compensate, concurrency: 1 }).step('b', one, { compensate }),
  };
  for (const [name, map] of Object.entries(maps))
    it(`goes through a map of two items, ${name}`, async () => {
      const { violations, states } = await verify(map, { limits: { faults: 3 } });
      expect(violations).toEqual([]);
      expect(states).toBeGreaterThan(200);
    }, 60_000);

  it('goes through all of a map that changes nothing', async () => {
    const { violations, complete } = await verify(begin.mapRead('parts', list, one));
    expect(violations).toEqual([]);
    expect(complete).toBe(true);
  }, 60_000);

  it('runs the functions of a map against a world, and finds an undo that forgets an item', async () => {
    interface World {
      readonly parts: Record<string, string>;
    }
    const services = (world: World) => ({
      put: (part: string, key: string) => {
        world.parts[key] = part;
      },
      take: (key: string) => {
        delete world.parts[key];
      },
    });
    type Services = ReturnType<typeof services>;
    const storing = (forgets: string) =>
      saga('storing', { version: 1, input: z.object({}), services: {} as { carries?: Services } }).map(
        'parts',
        () => ['a', 'b'],
        ({ item, key, services: store }) => store.put(item, key),
        { compensate: ({ item, runKey, services: store }) => (item === forgets ? undefined : store.take(runKey)), concurrency: 1 },
      );
    const world = { make: (): World => ({ parts: {} }), services };
    const options = { world, inputs: [{}], limits: { faults: 1 } };
    expect((await verify(storing(''), options)).violations).toEqual([]);
    const [violation] = (await verify(storing('a'), options)).violations;
    expect(violation).toMatchObject({ rule: 'everything is undone', step: 'parts' });
  }, 60_000);
});

describe('the harness', () => {
  it('scripts an item of a map by its place', async () => {
    const map = begin.map('parts', list, () => 'done', { compensate, concurrency: 1 });
    await using h = await harness(map, {
      script: { 'parts[0]': [busy(), succeeds('first')], 'parts[2]': [unanswered(), refused()], 'parts[2].undo': [succeeds()] },
    });
    const end = await h.outcome(await h.start({}));
    expect(end.status).toBe('compensated');
    expect(h.order).toEqual(['parts[0]', 'parts[0]', 'parts[1]', 'parts[2]', 'parts[2]', 'parts[2].undo', 'parts[1].undo', 'parts[0].undo']);
    await expect(harness(map, { script: { 'parts[0].check': [] } as never })).rejects.toMatchObject({ code: 'SC_SCRIPT_MISSING' });
  });
});

describe('the paths of a map', () => {
  const through = {
    'before the pivot': begin.map('parts', list, one, { compensate }).step('b', one, { compensate }),
    'past the pivot': begin.pivot('pay', one).map('parts', list, one),
  };
  for (const [name, map] of Object.entries(through))
    it(`${name} are run durably, one item standing for all`, async () => {
      const paths = simplePaths(map);
      expect(new Set(paths.map(({ end }) => end))).toContain('attention');
      for (const path of paths) await path.check({ input: {} });
    }, 60_000);
});

describe('simulated worlds', () => {
  it('have maps among their sagas', async () => {
    let items = 0;
    for (let seed = 1; items < 5; seed++) {
      const sketch = randomSketch(new Random(seed));
      if (!sketch.steps.some((step) => step.kind !== 'sleep' && step.items !== undefined)) continue;
      items++;
      const { wrong, trace } = await simulate(sagaOf(sketch, saga as never), { seed, input: { n: 1 } });
      expect(wrong, `seed ${seed}`).toEqual([]);
      expect(trace.some((line) => /\[1\]\.run is called/.test(line))).toBe(true);
    }
  }, 60_000);
});
