import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { lanesOf } from '../../src/chart/lanes.ts';
import { HardError, saga } from '../../src/index.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';
import { fails, ok, Scripted } from './scripted.ts';

const run = async () => 1;
const compensate = async () => {};

/** For each step the earlier ones it comes after. */
type Shape = readonly (readonly number[])[];
const shapes = (most: number) =>
  fc
    .array(fc.array(fc.nat(1_000), { maxLength: 3 }), { minLength: 1, maxLength: most })
    .map((raw): Shape => raw.map((deps, i) => (i === 0 ? [] : [...new Set(deps.map((dep) => dep % i))])));

function graphSaga(shape: Shape) {
  return saga('graph', { version: 1, input: z.unknown() }).graph((g) => {
    let graph = g as never as { after(...names: string[]): typeof graph; step(name: string, f: unknown, options: unknown): typeof graph };
    shape.forEach((deps, i) => {
      const at = deps.length > 0 ? graph.after(...deps.map((dep) => `s${dep}`)) : graph;
      graph = at.step(`s${i}`, run, { compensate, retry: { attempts: 1 } });
    });
    return graph as never;
  });
}

/** What must come before what, worked out from the shape alone. */
function ancestors(shape: Shape, step: number): ReadonlySet<number> {
  const all = new Set<number>();
  const visit = (at: number): void => {
    for (const dep of shape[at] ?? []) {
      if (all.has(dep)) continue;
      all.add(dep);
      visit(dep);
    }
  };
  visit(step);
  return all;
}

const numberOf = (source: string): number => Number(/^s(\d+)/.exec(source)?.[1]);

describe('random graphs', () => {
  test.prop([shapes(14), fc.nat(1_000), fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 })])(
    'run in the order of the graph, and are undone in the reverse order',
    async (shape, failing, picks) => {
      const s = new Scripted(graphSaga(shape));
      const failed = failing % (shape.length + 1);
      const done: number[] = [];
      const undone: number[] = [];
      const open = new Set<string>();
      let seen = 0;
      for (let turn = 0; s.snapshot.status === 'active'; turn++) {
        for (const source of s.begun.slice(seen)) {
          open.add(source);
          const number = numberOf(source);
          // Judged when an invocation begins: everything it must wait for has ended by then.
          if (source.endsWith('.undo')) for (const later of done) if (ancestors(shape, later).has(number)) expect(undone).toContain(later);
          if (!source.endsWith('.undo')) for (const earlier of ancestors(shape, number)) expect(done).toContain(earlier);
        }
        seen = s.begun.length;
        const waiting = [...open];
        const source = waiting[(picks[turn % picks.length] ?? 0) % waiting.length] as string;
        open.delete(source);
        const number = numberOf(source);
        if (source.endsWith('.undo')) undone.push(number);
        else if (number !== failed) done.push(number);
        await s.answer(source, !source.endsWith('.undo') && number === failed ? fails(new HardError('no')) : ok());
      }
      const didFail = failed < shape.length;
      expect(s.states).toEqual([didFail ? (done.length > 0 ? 'compensated' : 'failed') : 'completed']);
      expect([...undone].sort()).toEqual(didFail ? [...done].sort() : []);
      expect(new Set(s.begun).size).toBe(s.begun.length);
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
    expect(lanesOf(graphSaga([[], [0], [0], [1, 2]]).definition.steps).map((lane) => lane.map(({ name }) => name))).toEqual([
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
    const shape: Shape = Array.from({ length: 50 }, (_, i) => (i < 5 ? [] : i % 7 === 0 ? [i - 5, i - 4] : [i - 5]));
    const s = graphSaga(shape);
    expect(lanesOf(s.definition.steps).length).toBeLessThanOrEqual(5);
    expect(s.machine.root.states.running?.type).toBe('parallel');
  });
});
