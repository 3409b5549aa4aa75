import { describe, expect, it } from 'vitest';
import { BREAKER_OPEN, BUDGET_SPENT, PAUSED, RATE_LIMITED } from '../../src/base/failure.ts';
import { dependency, memory, saga } from '../../src/index.ts';
import { pauseControl } from '../../src/policies/pause.ts';
import type { AnySaga } from '../../src/saga/any-saga.ts';
import { DANGERS, type MakeStore, shrink, simulate } from '../../src/testing/index.ts';
import { Random } from '../../src/testing/simulate/random.ts';
import { randomSketch, sagaOf } from '../../src/testing/simulate/sketch.ts';

const sagaFor = (seed: number) => sagaOf(randomSketch(new Random(seed)), saga as never);
const input = { n: 1 };
const SEEDS = 150;
const LONGEST_MS = 60_000;

describe('simulated worlds', () => {
  it(
    `${SEEDS} seeds violate nothing`,
    async () => {
      const totals = { crashes: 0, freezes: 0, calls: 0 };
      const ends = new Set<string>();
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { wrong, trace, crashes, freezes, calls, ends: how } = await simulate(sagaFor(seed), { seed, input });
        expect(wrong, `seed ${seed}\n${trace.join('\n')}`).toEqual([]);
        totals.crashes += crashes;
        totals.freezes += freezes;
        totals.calls += calls;
        for (const status of Object.keys(how)) ends.add(status);
      }
      // Worlds in which nothing happens would show nothing.
      expect(totals.crashes).toBeGreaterThan(SEEDS);
      expect(totals.freezes).toBeGreaterThan(SEEDS / 2);
      expect(totals.calls).toBeGreaterThan(SEEDS * 10);
      expect([...ends].sort()).toEqual(['canceled', 'compensated', 'completed', 'failed', 'terminated']);
    },
    LONGEST_MS,
  );

  it('are the same for the same seed, to the last line of their trace', async () => {
    const once = await simulate(sagaFor(7), { seed: 7, dangers: DANGERS, input });
    expect(await simulate(sagaFor(7), { seed: 7, dangers: DANGERS, input })).toEqual(once);
    expect(once.trace.length).toBeGreaterThan(20);
    expect(await simulate(sagaFor(7), { seed: 8, dangers: DANGERS, input })).not.toEqual(once);
  });

  it('shrink to what it takes to go wrong', { timeout: LONGEST_MS }, async () => {
    // A store that says that it has what it only writes a moment later.
    const hasty: MakeStore = (options) => {
      const store = memory(options);
      const commit = store.commit.bind(store);
      store.commit = async (batch) => {
        // Who has lost the role in that moment does not hear of it.
        options.clock.after(5, () => void commit(batch).catch(() => undefined));
        return batch.commits.map(() => 'applied' as const);
      };
      return store;
    };
    const { plan, simulated } = await shrink(sagaFor(11), { seed: 11, dangers: DANGERS, runs: 8, workers: 3, input, store: hasty });
    expect(simulated.wrong.length).toBeGreaterThan(0);
    expect(plan.runs).toBeLessThan(8);
    expect(plan.workers).toBe(1);
    expect(plan.dangers.length).toBeLessThan(DANGERS.length);
  });
});

describe('simulated worlds whose services are protected, and paused now and then', () => {
  const guarded = (seed: number): AnySaga => {
    const random = new Random(seed);
    const service = dependency('service', {
      concurrency: random.between(1, 4),
      ...(random.chance(0.5) ? { rate: { limit: random.between(1, 5), per: '1s' } } : {}),
      breaker: { failures: random.chance(0.5) ? random.between(1, 5) : { ratio: 0.5, of: random.between(2, 10) }, openFor: random.between(100, 20_000) },
      retryBudget: { retries: random.between(1, 2), per: '30s' },
    });
    const { definition } = sagaFor(seed);
    return {
      definition: { ...definition, steps: definition.steps.map((step) => ({ ...step, dependency: service.name, protection: service })) },
    } as unknown as AnySaga;
  };
  const putOff = new Map<string, number>();
  const pausing: MakeStore = (options) => {
    const store = memory(options);
    const commit = store.commit.bind(store);
    store.commit = async (batch) => {
      for (const { entry } of batch.commits) {
        const code = /"type":"failed".*?"code":"(SC_ATTEMPT_\w+)"/.exec(entry.text)?.[1];
        if (code !== undefined) putOff.set(code, (putOff.get(code) ?? 0) + 1);
      }
      return await commit(batch);
    };
    const what = ['everything', { saga: 'simulated' }, { dependency: 'service' }] as const;
    for (const [i, one] of what.entries()) {
      const { name, body } = pauseControl({ what: one, at: options.clock.now(), by: null, reason: null });
      options.clock.after(5_000 + 30_000 * i, () => void store.setControl(name, body));
      options.clock.after(20_000 + 40_000 * i, () => void store.setControl(name, undefined));
    }
    return store;
  };

  it(
    'violate nothing either',
    async () => {
      for (let seed = 1; seed <= 60; seed++) {
        const { wrong, trace } = await simulate(guarded(seed), { seed, input, store: pausing });
        expect(wrong, `seed ${seed}\n${trace.join('\n')}`).toEqual([]);
      }
      // Worlds in which nothing is put off would show nothing.
      for (const code of [BREAKER_OPEN, RATE_LIMITED, BUDGET_SPENT, PAUSED]) expect(putOff.get(code), code).toBeGreaterThan(10);
    },
    LONGEST_MS,
  );
});

describe('chance', () => {
  it('is the same for the same seed, spread evenly, and within its bounds', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.next()
        )(new Random(seed)),
      );
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const random = new Random(5);
    const counts = new Map<number, number>();
    for (let i = 0; i < 6_000; i++) counts.set(random.between(1, 6), (counts.get(random.between(1, 6)) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
