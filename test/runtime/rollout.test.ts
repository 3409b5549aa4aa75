import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { World } from './harness.ts';

const trip = (version: number, run: () => unknown = () => version) =>
  saga('trip', { version, input: z.any() })
    .pivot('go', run as () => number)
    .output(({ results }) => results.go);
const fails = (): never => {
  throw new HardError('no');
};

async function startedOn(w: World, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  for (const id of ids) await w.engine.start('trip', null, { id });
  await w.clock.settle();
  const rows = await w.engine.list({ saga: 'trip', limit: 1_000 });
  return new Map(rows.map(({ id, version }) => [id, version]));
}

const many = (name: string, count: number): readonly string[] => Array.from({ length: count }, (_, n) => `${name}-${n}`);

describe('a version that is rolled out', () => {
  it('gets its share of the runs that name no version, the same for the same id; a larger share only adds runs', async () => {
    const ids = many('r', 300);
    const shares = new Map<number, ReadonlySet<string>>();
    for (const share of [0, 0.1, 0.5, 1]) {
      const w = new World();
      const engine = await w.open([trip(1), trip(2)]);
      expect(await engine.rollout('trip', { version: 2, share })).toMatchObject({ saga: 'trip', version: 2, share, rest: 1 });
      const versions = await startedOn(w, ids);
      shares.set(share, new Set(ids.filter((id) => versions.get(id) === 2)));
      await w.close();
    }
    const [none, few, half, all] = [...shares.values()] as [Set<string>, Set<string>, Set<string>, Set<string>];
    expect([none.size, all.size]).toEqual([0, 300]);
    expect(few.size).toBeGreaterThan(15);
    expect(few.size).toBeLessThan(50);
    expect(half.size).toBeGreaterThan(120);
    expect(half.size).toBeLessThan(180);
    expect([...few].filter((id) => !half.has(id))).toEqual([]);
  });

  it('is what everybody gets once its share is 1, and stays so when a newer one is there; without a rollout the newest is', async () => {
    const w = new World();
    const engine = await w.open([trip(1), trip(2), trip(3)]);
    expect((await startedOn(w, ['newest'])).get('newest')).toBe(3);
    await engine.rollout('trip', { version: 2, share: 1 });
    expect((await startedOn(w, ['pinned'])).get('pinned')).toBe(2);
    // The next one begins with nobody, and leaves the rest to the one before.
    expect(await engine.rollout('trip', { version: 3 })).toMatchObject({ share: 0, rest: 2 });
    expect((await startedOn(w, ['still'])).get('still')).toBe(2);
    // Who names a version, or gives the definition, means it.
    await engine.start(trip(1), null, { id: 'one' });
    expect(await engine.run('one').status()).toMatchObject({ version: 1 });
    await engine.rollout('trip', undefined);
    expect((await startedOn(w, ['over'])).get('over')).toBe(3);
    await w.close();
  });

  it('is taken back by itself when too many of its runs fail, and that is told once, with the figures', async () => {
    const w = new World();
    const engine = await w.open([trip(1), trip(2, fails)]);
    await engine.rollout('trip', { version: 2, share: 1, rest: 1, rollback: { failureRate: 0.2, after: 5 } });
    await startedOn(w, many('few', 4));
    await w.clock.advance(5_000);
    expect(engine.rollouts()).toMatchObject([{ share: 1, rolledBack: null }]);
    await startedOn(w, many('more', 3));
    await w.clock.advance(5_000);
    expect(engine.rollouts()).toMatchObject([{ version: 2, share: 0, rest: 1, rolledBack: { ended: 7, failed: 7 } }]);
    const told = w.alerts.filter(({ kind }) => kind === 'rollback');
    expect(told).toMatchObject([{ run: { saga: 'trip', version: 2 }, rollout: { version: 2, rest: 1, ended: 7, failed: 7, failureRate: 0.2 } }]);
    expect((await startedOn(w, ['after'])).get('after')).toBe(1);
    await w.clock.advance(60_000);
    await w.close();

    const next = new World(() => w.store);
    await next.open([trip(1), trip(2, fails)]);
    await next.clock.advance(60_000);
    expect(next.alerts).toEqual([]);
    expect(next.engine.rollouts()).toMatchObject([{ share: 0 }]);
    await next.close();
  });

  it('stays while enough of its runs succeed; runs that were canceled count neither way', async () => {
    const w = new World();
    let n = 0;
    const engine = await w.open([trip(1), trip(2, () => (n++ % 5 === 0 ? fails() : 1))]);
    await engine.rollout('trip', { version: 2, share: 1, rollback: { failureRate: 0.2, after: 5 } });
    await startedOn(w, many('r', 20));
    await w.clock.advance(5_000);
    expect(engine.rollouts()).toMatchObject([{ share: 1, rolledBack: null }]);
    await w.close();
  });

  it('is adjusted from another process, at once, and refused where nobody knows it', async () => {
    const w = new World();
    const engine = await w.open([trip(1), trip(2)]);
    await expect(engine.rollout('trip', { version: 4 })).rejects.toMatchObject({ code: 'SC_UNKNOWN_SAGA' });
    for (const wrong of [
      { share: 2 },
      { share: -1 },
      { share: '10%' },
      { rollback: { failureRate: 1 } },
      { rollback: { failureRate: 0.1, after: 0 } },
      { shared: 1 },
    ])
      await expect(engine.rollout('trip', { version: 2, ...wrong } as never), JSON.stringify(wrong)).rejects.toMatchObject({ code: 'SC_OPTION' });
    expect(engine.rollouts()).toEqual([]);
    await w.close();
  });
});
