import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { lanesOf } from '../../src/chart/lanes.ts';
import { HardError } from '../../src/index.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';
import { fails, ok, Scripted } from './scripted.ts';
import { ancestors, DIAMOND, graphSaga, Oracle, type Shape, shapes, WIDE } from './shapes.ts';

describe('random graphs', () => {
  test.prop([shapes(14), fc.nat(1_000), fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 })])(
    'run in the order of the graph, and are undone in the reverse order',
    async (shape, failing, picks) => {
      const s = new Scripted(graphSaga(shape));
      const oracle = new Oracle(shape);
      const failed = `s${failing % (shape.length + 1)}`;
      const open = new Set<string>();
      let seen = 0;
      for (let turn = 0; s.snapshot.status === 'active'; turn++) {
        for (const source of s.begun.slice(seen)) {
          open.add(source);
          expect(oracle.began(source)).toBeUndefined();
        }
        seen = s.begun.length;
        const source = [...open][(picks[turn % picks.length] ?? 0) % open.size] as string;
        open.delete(source);
        oracle.ended(source, source === failed ? 'refused' : 'succeeded');
        await s.answer(source, source === failed ? fails(new HardError('no')) : ok());
      }
      expect(s.states).toEqual([oracle.end]);
      expect(oracle.left).toBeUndefined();
    },
  );

  test.prop([shapes(30)])('are covered by chains of dependent steps, as few as there are independent ones', (shape) => {
    const { steps } = graphSaga(shape).definition;
    const lanes = lanesOf(steps);
    expect(lanes.flatMap((lane) => lane.map(({ number }) => number)).sort((a, b) => a - b)).toEqual(steps.map(({ number }) => number));
    for (const lane of lanes) for (let i = 1; i < lane.length; i++) expect(ancestors(shape, lane[i]?.number ?? 0).has(lane[i - 1]?.number ?? -1)).toBe(true);
    expect(lanes.length).toBe(widest(shape));
  });
});

/** The largest set of steps of which none depends on another, by trying all: only for what it can judge. */
function widest(shape: Shape): number {
  const related = shape.map((_, i) => ancestors(shape, i));
  const best = (from: number, chosen: readonly number[]): number => {
    if (from === shape.length) return chosen.length;
    const without = best(from + 1, chosen);
    return chosen.some((other) => related[from]?.has(other)) ? without : Math.max(without, best(from + 1, [...chosen, from]));
  };
  return shape.length > 16 ? lanesOf(graphSaga(shape).definition.steps).length : best(0, []);
}

describe('known graphs', () => {
  it('a diamond has two lanes', () => {
    expect(lanesOf(graphSaga(DIAMOND).definition.steps).map((lane) => lane.map(({ name }) => name))).toEqual([
      ['s0', 's1'],
      ['s2', 's3'],
    ]);
  });

  it('moves steps between chains where that saves one', () => {
    // s2 takes s0 first; only when s3 asks too does s2 have to follow s1.
    const { steps } = graphSaga([[], [], [0, 1], [0]]).definition as SagaDefinition;
    expect(lanesOf(steps)).toHaveLength(2);
    expect(lanesOf(graphSaga([[], [], [0, 1], [1], [0], [2]]).definition.steps)).toHaveLength(3);
  });

  it('50 steps, five side by side, have five lanes at most', () => {
    const s = graphSaga(WIDE);
    expect(lanesOf(s.definition.steps).length).toBeLessThanOrEqual(5);
    expect(s.machine.root.states.running?.type).toBe('parallel');
  });
});
