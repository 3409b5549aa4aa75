import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DefinitionError, saga, step } from '../../src/index.ts';

const run = async () => 1;
const compensate = async () => {};
const input = z.object({ n: z.number() });
const begin = (name = 'trip') => saga(name, { version: 1, input });
const dependencies = (s: { readonly definition: { readonly steps: readonly { readonly name: string; readonly after: readonly number[] }[] } }) =>
  Object.fromEntries(s.definition.steps.map((one) => [one.name, one.after]));

describe('what a saga depends on', () => {
  it('is a chain where nothing else is said', () => {
    expect(dependencies(begin().step('a', run, { compensate }).read('b', run).sleep('1s').pivot('c', run).step('d', run))).toEqual({
      a: [],
      b: [0],
      sleep: [1],
      c: [2],
      d: [3],
    });
  });

  it('forks and joins', () => {
    const s = begin()
      .read('a', run)
      .parallel(
        (b) => b.read('b1', run).read('b2', run),
        (b) => b.read('c', run),
        (b) => b,
      )
      .read('d', run);
    expect(dependencies(s)).toEqual({ a: [], b1: [0], b2: [1], c: [0], d: [2, 3] });
  });

  it('is what a graph says', () => {
    const s = begin()
      .read('z', run)
      .graph((g) => g.step('a', run, { compensate }).read('b', run).after('a', 'b').read('c', run).after('a').read('d', run).sleep('e', '1s'))
      .read('end', run);
    expect(dependencies(s)).toEqual({ z: [], a: [0], b: [0], c: [1, 2], d: [1], e: [0], end: [3, 4, 5] });
  });

  it('counts a graph inside a branch as that branch alone', () => {
    expect(
      dependencies(
        begin()
          .parallel(
            (b) => b.read('left', run),
            (b) => b.graph((g) => g.read('x', run).read('y', run).after('x', 'y').read('p', run)),
          )
          .read('end', run),
      ),
    ).toEqual({
      left: [],
      x: [],
      y: [],
      p: [1, 2],
      end: [0, 3],
    });
  });

  test.prop([fc.array(fc.array(fc.nat(100), { maxLength: 4 }), { minLength: 1, maxLength: 25 })])(
    'names nothing twice, nothing later and nothing that follows from the rest',
    (shape) => {
      const built = begin().graph((g) => {
        let graph = g as never as { after(...names: string[]): typeof graph; read(name: string, run: unknown): typeof graph };
        shape.forEach((deps, i) => {
          const names = i === 0 ? [] : [...new Set(deps.map((dep) => `s${dep % i}`))];
          graph = names.length > 0 ? graph.after(...names).read(`s${i}`, run) : graph.read(`s${i}`, run);
        });
        return graph as never;
      });
      const { steps } = built.definition;
      const reach = (from: number): Set<number> => new Set((steps[from]?.after ?? []).flatMap((before) => [before, ...reach(before)]));
      for (const { number, after: direct } of steps) {
        expect(direct.every((before) => before < number)).toBe(true);
        for (const before of direct) expect(direct.some((other) => other !== before && reach(other).has(before))).toBe(false);
      }
    },
  );
});

describe('a saga', () => {
  it('can be continued twice from one beginning', () => {
    const start = begin().step('a', run, { compensate });
    expect(dependencies(start.read('b', run))).toEqual({ a: [], b: [0] });
    expect(dependencies(start.read('c', run))).toEqual({ a: [], c: [0] });
  });

  it('names its sleeps', () => {
    expect(Object.keys(dependencies(begin().sleep('1s').sleep('2s').sleep('cooling-off', '24h')))).toEqual(['sleep', 'sleep2', 'cooling-off']);
  });

  it('goes only forward from the pivot on', () => {
    const { steps } = begin()
      .step('a', run, { compensate })
      .pivot('p', run)
      .parallel(
        (b) => b.step('x', run),
        (b) => b.read('y', run),
      ).definition;
    expect(steps.map(({ forward }) => forward)).toEqual([false, true, true, true]);
  });

  it('takes reusable steps with their own input and undo', () => {
    const hotel = step({ input: z.object({ guest: z.string() }) }, run, { compensate, dependency: 'hotel', timeout: '3s' });
    const { steps } = begin().use('hotel', hotel, ({ input: { n } }) => ({ guest: String(n) })).definition;
    expect(steps[0]).toMatchObject({ kind: 'step', dependency: 'hotel', policy: { timeoutMs: 3_000 } });
    expect(steps[0]?.mapInput?.({ input: { n: 4 }, results: {} })).toEqual({ guest: '4' });
  });
});

describe('definition errors name the saga, the step and the value', () => {
  const s = () => begin() as never as Record<string, (...args: unknown[]) => never>;
  const wrong: readonly [what: string, make: () => unknown, code: string, named: string][] = [
    ['a saga name', () => begin('1trip'), 'SC_DEFINITION_NAME', '"1trip"'],
    ['a step name', () => s().read?.('a.b', run), 'SC_DEFINITION_NAME', '"a.b"'],
    ['a name that is no text', () => s().read?.(7, run), 'SC_DEFINITION_NAME', '7'],
    ['a long name', () => s().read?.('x'.repeat(65), run), 'SC_DEFINITION_NAME', 'xxx'],
    ['a reserved name', () => s().read?.('attempting', run), 'SC_DEFINITION_RESERVED', '"attempting"'],
    ['the name of a lane', () => s().read?.('fastLane', run), 'SC_DEFINITION_RESERVED', '"fastLane"'],
    [
      'a duplicate',
      () =>
        begin()
          .read('a', run)
          .read('a' as never, run),
      'SC_DEFINITION_DUPLICATE',
      '"a"',
    ],
    [
      'an unknown dependency',
      () =>
        begin().graph((g) =>
          g
            .read('a', run)
            .after('nope' as never)
            .read('b', run),
        ),
      'SC_DEFINITION_AFTER',
      '"nope"',
    ],
    ['a bad timeout', () => s().read?.('a', run, { timeout: '5 minutes' }), 'SC_DEFINITION_DURATION', '"5 minutes"'],
    ['a negative grace', () => s().read?.('a', run, { grace: -1 }), 'SC_DEFINITION_DURATION', '-1'],
    ['a bad sleep', () => s().sleep?.('soon'), 'SC_DEFINITION_DURATION', '"soon"'],
    ['negative attempts', () => s().read?.('a', run, { retry: { attempts: -1 } }), 'SC_DEFINITION_RETRY', '-1'],
    ['half an attempt', () => s().read?.('a', run, { retry: { attempts: 1.5 } }), 'SC_DEFINITION_RETRY', '1.5'],
    ['a shrinking factor', () => s().read?.('a', run, { retry: { factor: 0.5 } }), 'SC_DEFINITION_RETRY', '0.5'],
    ['an unknown jitter', () => s().read?.('a', run, { retry: { jitter: 'some' } }), 'SC_DEFINITION_RETRY', '"some"'],
    ['a wait that ends before it begins', () => s().read?.('a', run, { retry: { from: '5s', to: '1s' } }), 'SC_DEFINITION_RETRY', '"1s"'],
    ['a forgotten undo', () => s().step?.('a', run), 'SC_DEFINITION_COMPENSATE', 'step a'],
    ['an undo of a read', () => s().read?.('a', run, { compensate }), 'SC_DEFINITION_COMPENSATE', 'step a'],
    [
      'an undo after the pivot',
      () =>
        begin()
          .pivot('p', run)
          .step('late', run, { compensate } as never),
      'SC_DEFINITION_COMPENSATE',
      'step late',
    ],
    ['a second pivot', () => begin().pivot('p', run).pivot('again', run), 'SC_DEFINITION_PIVOT', 'step again'],
    [
      'a step beside the pivot',
      () =>
        begin().parallel(
          (b) => b.pivot('p', run),
          (b) => b.read('beside', run),
        ),
      'SC_DEFINITION_PIVOT',
      'step beside',
    ],
    [
      'a pivot beside a step',
      () =>
        begin().parallel(
          (b) => b.read('beside', run),
          (b) => b.pivot('p', run),
        ),
      'SC_DEFINITION_PIVOT',
      'step beside',
    ],
    ['an option nobody knows', () => s().read?.('a', run, { timout: '1s' }), 'SC_DEFINITION_OPTION', '"timout"'],
    ['a run that is no function', () => s().read?.('a', 'run'), 'SC_DEFINITION_OPTION', 'string'],
    ['a check that is no function', () => s().read?.('a', run, { check: 1 }), 'SC_DEFINITION_OPTION', 'check is 1'],
    ['no branches', () => s().parallel?.(), 'SC_DEFINITION_OPTION', '(parallel)'],
    ['no steps', () => begin().definition, 'SC_DEFINITION_OPTION', 'no steps'],
    ['version 0', () => saga('a', { version: 0, input }), 'SC_DEFINITION_OPTION', 'version is 0'],
    ['no schema', () => saga('a', { version: 1, input: {} as never }), 'SC_DEFINITION_OPTION', 'input'],
    ['an unknown saga option', () => saga('a', { version: 1, input, retries: 3 } as never), 'SC_DEFINITION_OPTION', 'retries'],
  ];
  for (const [what, make, code, named] of wrong) {
    it(`${what}: ${code}`, () => {
      let error: unknown;
      try {
        make();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(DefinitionError);
      expect(error).toMatchObject({ code, next: expect.stringMatching(/./) });
      expect((error as Error).message).toContain(named);
    });
  }
});
