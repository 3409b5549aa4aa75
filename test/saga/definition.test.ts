import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DefinitionError, saga, step } from '../../src/index.ts';

const run = async () => 1;
const compensate = async () => {};
const input = z.object({ n: z.number() });
const begin = (name = 'trip') => saga(name, { version: 1, input });
/** A saga as plain JavaScript sees it. */
type Loose = {
  readonly [verb in 'step' | 'read' | 'use' | 'pivot' | 'sleep' | 'parallel' | 'graph' | 'output' | 'queries' | 'after']: (...given: unknown[]) => Loose;
};
const s = () => begin() as unknown as Loose;
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

  it('names its sleeps, by names that are free', () => {
    expect(Object.keys(dependencies(begin().sleep('1s').sleep('2s').sleep('cooling-off', '24h')))).toEqual(['sleep', 'sleep2', 'cooling-off']);
    expect(Object.keys(dependencies(begin().read('sleep2', run).sleep('1s').sleep('1s')))).toEqual(['sleep2', 'sleep', 'sleep3']);
    expect(
      Object.keys(
        dependencies(
          begin().parallel(
            (b) => b.sleep('1s'),
            (b) => b.sleep('1s'),
          ),
        ),
      ),
    ).toEqual(['sleep', 'sleep2']);
  });

  it('may have a name that a step may not have', () => {
    for (const name of ['running', 'attempting', 'fastLane']) expect(begin(name).read('a', run).machine.id).toBe(name);
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

  it('takes a reusable step after the pivot without its undo, so that one definition serves on both sides', () => {
    const hotel = step({ input: z.object({ guest: z.string() }) }, run, { compensate, check: run, undo: { retry: 3 }, dependency: 'hotel' });
    const guest = () => ({ guest: 'Ada' });
    const { steps, name } = begin()
      .use('before', hotel, guest)
      .pivot('p', run)
      .use('late', hotel, guest)
      .graph((g) => g.use('later', hotel, guest)).definition;
    expect(name).toBe('trip');
    expect(steps.map(({ name, kind, forward, undoPolicy, ...one }) => [name, kind, forward, one.compensate, undoPolicy.retry.attempts])).toEqual([
      ['before', 'step', false, compensate, 3],
      ['p', 'pivot', true, undefined, 10],
      ['late', 'step', true, undefined, 10],
      ['later', 'step', true, undefined, 10],
    ]);
    expect(steps.every((one) => one.kind === 'pivot' || one.check === run)).toBe(true);
    expect(steps.some((one) => 'reusable' in one)).toBe(false);
  });

  it('goes only forward after a graph, and after branches, with the pivot inside: no step takes an undo there', () => {
    const graph = begin()
      .graph((g) => g.step('a', run, { compensate }).read('b', run).after('a', 'b').pivot('p', run))
      .step('t', run);
    const branches = begin()
      .parallel(
        (b) => b.pivot('p', run),
        (b) => b,
      )
      .step('t', run);
    const nested = begin()
      .parallel((b) => b.graph((g) => g.pivot('p', run)))
      .step('t', run);
    for (const { definition } of [graph, branches, nested]) expect(definition.steps.at(-1)).toMatchObject({ name: 't', forward: true });
    expect(() =>
      begin()
        .graph((g) => g.pivot('p', run))
        // @ts-expect-error past the pivot there is no undo
        .step('t', run, { compensate }),
    ).toThrow(DefinitionError);
    expect(() =>
      begin()
        .parallel((b) => b.pivot('p', run))
        // @ts-expect-error past the pivot there is no undo
        .step('t', run, { compensate }),
    ).toThrow(DefinitionError);
    expect(() =>
      begin()
        .graph((g) => g.read('a', run))
        // @ts-expect-error before the pivot there must be one
        .step('t', run),
    ).toThrow(DefinitionError);
    expect(() =>
      begin()
        .parallel((b) => b.read('a', run))
        // @ts-expect-error before the pivot there must be one
        .step('t', run),
    ).toThrow(DefinitionError);
  });

  it('takes a number of attempts for a policy', () => {
    const { steps } = begin().step('a', run, { retry: 3, compensate, undo: { retry: 'forever' } }).definition;
    expect(steps[0]).toMatchObject({ policy: { retry: { attempts: 3, tiers: [{ fromMs: 200 }] } }, undoPolicy: { retry: { attempts: 'forever' } } });
  });
});

describe('definition errors name the saga, the step and the value', () => {
  const bare = step({ input: z.unknown() }, run, {} as never);
  const hotel = step({ input: z.unknown() }, run, { compensate });
  const wrong: readonly (readonly [what: string, make: () => unknown, code: string, ...named: string[]])[] = [
    ['a saga name', () => begin('1trip'), 'SC_DEFINITION_NAME', 'saga 1trip: "1trip"'],
    ['a saga name that JavaScript has taken', () => begin('constructor'), 'SC_DEFINITION_RESERVED', 'saga constructor: '],
    ['a step name', () => s().read('a.b', run), 'SC_DEFINITION_NAME', '"a.b"'],
    ['a name that is no text', () => s().read(7, run), 'SC_DEFINITION_NAME', '7'],
    ['a name that is a symbol', () => s().read(Symbol('x'), run), 'SC_DEFINITION_NAME', 'Symbol(x)'],
    ['a name without text', () => s().sleep(Object.create(null), '1s'), 'SC_DEFINITION_NAME', '{}'],
    ['a long name', () => s().read('x'.repeat(65), run), 'SC_DEFINITION_NAME', 'xxx'],
    ['a reserved name', () => s().read('attempting', run), 'SC_DEFINITION_RESERVED', 'step attempting', '"attempting"'],
    ['the name of a lane', () => s().read('fastLane', run), 'SC_DEFINITION_RESERVED', '"fastLane"'],
    ...Object.getOwnPropertyNames(Object.prototype).map(
      (name) => [`the name ${name} of JavaScript`, () => s().read(name, run), 'SC_DEFINITION_RESERVED', `step ${name}`] as const,
    ),
    ['a duplicate', () => s().read('a', run).read('a', run), 'SC_DEFINITION_DUPLICATE', '"a"'],
    ['the name of a sleep that has none', () => s().sleep('1s').read('sleep', run), 'SC_DEFINITION_DUPLICATE', '"sleep"'],

    ['an unknown dependency', () => s().graph((g: Loose) => g.read('a', run).after('nope').read('b', run)), 'SC_DEFINITION_AFTER', '"nope"'],
    ['a dependency that is no name', () => s().graph((g: Loose) => g.read('a', run).after(1n).read('b', run)), 'SC_DEFINITION_AFTER', '1n'],
    [
      'no dependency',
      () =>
        s()
          .read('pre', run)
          .graph((g: Loose) => g.read('a', run).after().read('b', run)),
      'SC_DEFINITION_AFTER',
      '.after()',
    ],
    [
      'a dependency from before the graph',
      () =>
        s()
          .read('pre', run)
          .graph((g: Loose) => g.after('pre').read('a', run)),
      'SC_DEFINITION_AFTER',
      '"pre"',
    ],
    [
      'a dependency on a sibling branch',
      () =>
        s().parallel(
          (b: Loose) => b.read('l', run),
          (b: Loose) => b.graph((g: Loose) => g.after('l').read('r', run)),
        ),
      'SC_DEFINITION_AFTER',
      '"l"',
    ],
    [
      'dependencies in two parts',
      () => s().graph((g: Loose) => g.read('a', run).read('b', run).after('a').after('b').read('c', run)),
      'SC_DEFINITION_AFTER',
      '.after("b")',
    ],

    ['a bad timeout', () => s().read('a', run, { timeout: '5 minutes' }), 'SC_DEFINITION_DURATION', 'step a: timeout is "5 minutes"'],
    ['an infinite timeout', () => s().read('a', run, { timeout: Number.POSITIVE_INFINITY }), 'SC_DEFINITION_DURATION', 'timeout is Infinity'],
    ['a bigint for a timeout', () => s().read('a', run, { timeout: 10n }), 'SC_DEFINITION_DURATION', 'timeout is 10n'],
    ['a symbol for a timeout', () => s().read('a', run, { timeout: Symbol('long') }), 'SC_DEFINITION_DURATION', 'timeout is Symbol(long)'],
    ['a negative grace', () => s().read('a', run, { grace: -1 }), 'SC_DEFINITION_DURATION', '-1'],
    ['a bad sleep', () => s().sleep('soon'), 'SC_DEFINITION_DURATION', 'step sleep: ', '"soon"'],
    ['a bad sleep with a name', () => s().sleep('cooling-off', 'soon'), 'SC_DEFINITION_DURATION', 'step cooling-off: ', '"soon"'],
    ['a sleep without a duration', () => s().sleep('cooling-off', undefined), 'SC_DEFINITION_DURATION', 'step cooling-off: ', 'undefined'],
    ['a bad sleep in a graph', () => s().graph((g: Loose) => g.sleep('nap', Number.NaN)), 'SC_DEFINITION_DURATION', 'step nap: ', 'NaN'],
    ['a bad wait of an undo', () => s().step('a', run, { compensate, undo: { retry: { from: 'x' } } }), 'SC_DEFINITION_DURATION', 'undo.retry.from is "x"'],

    ['negative attempts', () => s().read('a', run, { retry: { attempts: -1 } }), 'SC_DEFINITION_RETRY', 'retry.attempts is -1'],
    ['half an attempt', () => s().read('a', run, { retry: { attempts: 1.5 } }), 'SC_DEFINITION_RETRY', '1.5'],
    ['infinite attempts', () => s().read('a', run, { retry: { attempts: Number.POSITIVE_INFINITY } }), 'SC_DEFINITION_RETRY', 'retry.attempts is Infinity'],
    ['a bigint of attempts', () => s().read('a', run, { retry: { attempts: 3n } }), 'SC_DEFINITION_RETRY', 'retry.attempts is 3n'],
    ['no attempt at all', () => s().read('a', run, { retry: 0 }), 'SC_DEFINITION_RETRY', 'retry is 0'],
    ['a policy by a word nobody knows', () => s().read('a', run, { retry: 'never' }), 'SC_DEFINITION_RETRY', 'retry is "never"'],
    ['a list for a policy', () => s().read('a', run, { retry: [3] }), 'SC_DEFINITION_RETRY', 'retry[0] is 3'],
    ['no tiers', () => s().read('a', run, { retry: [] }), 'SC_DEFINITION_RETRY', 'retry is []'],
    ['a tier without attempts', () => s().read('a', run, { retry: [{ from: '1s' }] }), 'SC_DEFINITION_RETRY', 'retry[0] is {"from":"1s"}'],
    [
      'a tier after an endless one',
      () => s().read('a', run, { retry: [{ attempts: 'forever' }, { attempts: 2 }] }),
      'SC_DEFINITION_RETRY',
      'retry[0].attempts is "forever"',
    ],
    ['nothing for a policy', () => s().read('a', run, { retry: null }), 'SC_DEFINITION_RETRY', 'retry is null'],
    ['a policy with a typo', () => s().read('a', run, { retry: { attempt: -1 } }), 'SC_DEFINITION_RETRY', '"attempt"', '-1'],
    ['a shrinking factor', () => s().read('a', run, { retry: { factor: 0.5 } }), 'SC_DEFINITION_RETRY', '0.5'],
    ['an unknown jitter', () => s().read('a', run, { retry: { jitter: 'some' } }), 'SC_DEFINITION_RETRY', '"some"'],
    ['a wait that ends before it begins', () => s().read('a', run, { retry: { from: '5s', to: '1s' } }), 'SC_DEFINITION_RETRY', '"1s"', '"5s"'],
    ['an undo with a bad policy', () => s().step('a', run, { compensate, undo: { retry: -3 } }), 'SC_DEFINITION_RETRY', 'undo.retry is -3'],

    ['a forgotten undo', () => s().step('a', run), 'SC_DEFINITION_COMPENSATE', 'step a'],
    ['a reusable step without an undo', () => s().use('a', bare, run), 'SC_DEFINITION_COMPENSATE', 'step a'],
    ['an undo of a read', () => s().read('a', run, { compensate }), 'SC_DEFINITION_COMPENSATE', 'step a', 'function compensate'],
    ['a policy for undoing a read', () => s().read('a', run, { undo: { retry: 3 } }), 'SC_DEFINITION_COMPENSATE', 'step a', '{"retry":3}'],
    ['an undo after the pivot', () => s().pivot('p', run).step('late', run, { compensate }), 'SC_DEFINITION_COMPENSATE', 'step late'],
    ['a policy for undoing after the pivot', () => s().pivot('p', run).step('late', run, { undo: {} }), 'SC_DEFINITION_COMPENSATE', 'step late', '{}'],
    ['a policy for undoing the pivot', () => s().pivot('p', run, { undo: {} }), 'SC_DEFINITION_COMPENSATE', 'step p'],

    ['a second pivot', () => begin().pivot('p', run).pivot('again', run), 'SC_DEFINITION_PIVOT', 'step again'],
    [
      'a step beside the pivot',
      () =>
        s().parallel(
          (b: Loose) => b.pivot('p', run),
          (b: Loose) => b.read('beside', run),
        ),
      'SC_DEFINITION_PIVOT',
      'step beside',
    ],
    [
      'a pivot beside a step',
      () =>
        s().parallel(
          (b: Loose) => b.read('beside', run),
          (b: Loose) => b.pivot('p', run),
        ),
      'SC_DEFINITION_PIVOT',
      'step beside',
    ],

    ['an option nobody knows', () => s().read('a', run, { timout: '1s' }), 'SC_DEFINITION_OPTION', '"timout"', '"1s"'],
    ['an option of an undo nobody knows', () => s().step('a', run, { compensate, undo: { retries: 3 } }), 'SC_DEFINITION_OPTION', '"retries"', '3'],
    ['an undo that is a word', () => s().step('a', run, { compensate, undo: 'forever' }), 'SC_DEFINITION_OPTION', 'undo is "forever"'],
    ['no options at all', () => s().read('a', run, null), 'SC_DEFINITION_OPTION', 'null'],
    ['options that are a function', () => s().step('a', run, compensate), 'SC_DEFINITION_OPTION', 'function compensate'],
    ['a run that is no function', () => s().read('a', 'run'), 'SC_DEFINITION_OPTION', 'run is "run"'],
    ['a check that is no function', () => s().pivot('a', run, { check: 1 }), 'SC_DEFINITION_OPTION', 'check is 1'],
    ['a compensate that is no function', () => s().step('a', run, { compensate: 2n }), 'SC_DEFINITION_OPTION', 'compensate is 2n'],
    ['a classify that is no function', () => s().read('a', run, { classify: null }), 'SC_DEFINITION_OPTION', 'classify is null'],
    ['a check of a read', () => s().read('a', run, { check: run }), 'SC_DEFINITION_OPTION', 'function run'],
    ['a result that is no schema', () => s().read('a', run, { result: 5 }), 'SC_DEFINITION_OPTION', 'result is 5'],
    ['a dependency that is no text', () => s().read('a', run, { dependency: 5 }), 'SC_DEFINITION_OPTION', 'dependency is 5'],
    ['a reason that is no text', () => s().read('a', run, { why: {} }), 'SC_DEFINITION_OPTION', 'why is {}'],

    ['no reusable step', () => s().use('a', undefined, run), 'SC_DEFINITION_OPTION', 'undefined'],
    ['a reusable step without its parts', () => s().use('a', { run }, run), 'SC_DEFINITION_OPTION', '{"run":function run}'],
    ['no input of a reusable step', () => s().use('a', hotel), 'SC_DEFINITION_OPTION', 'input is undefined'],
    ['an input of a reusable step that is no function', () => s().use('a', hotel, { guest: 'Ada' }), 'SC_DEFINITION_OPTION', '{"guest":"Ada"}'],

    ['no branches', () => s().parallel(), 'SC_DEFINITION_OPTION', '.parallel'],
    ['a branch that is no function', () => s().parallel((b: Loose) => b, 5), 'SC_DEFINITION_OPTION', 'branch 2 is 5'],
    ['a branch that returns nothing', () => s().parallel(() => {}), 'SC_DEFINITION_OPTION', 'branch 1', 'undefined'],
    ['a branch that returns another saga', () => s().parallel(() => begin('other').read('a', run)), 'SC_DEFINITION_OPTION', 'branch 1', 'saga other'],
    ['a branch with an output', () => s().parallel((b: Loose) => b.read('a', run).output(run)), 'SC_DEFINITION_OPTION', 'branch 1', 'function run'],
    ['a graph that is no function', () => s().graph(5), 'SC_DEFINITION_OPTION', '.graph', '5'],
    ['a graph that returns nothing', () => s().graph(() => {}), 'SC_DEFINITION_OPTION', '.graph', 'undefined'],
    ['a graph that returns a saga', () => s().graph(() => begin('other').read('a', run)), 'SC_DEFINITION_OPTION', '.graph', 'saga other'],
    [
      'a graph that returns another graph',
      () => {
        let first: unknown;
        s().graph((g: Loose) => {
          first = g.read('a', run);
          return first;
        });
        return s()
          .read('b', run)
          .graph(() => first);
      },
      'SC_DEFINITION_OPTION',
      '.graph',
      'another graph',
    ],
    ['a branch with queries', () => s().parallel((b: Loose) => b.read('a', run).queries({})), 'SC_DEFINITION_OPTION', 'branch 1 has queries'],
    ['queries that are no object', () => s().read('a', run).queries([run]), 'SC_DEFINITION_OPTION', 'queries are [function run]'],
    ['a query that is no function', () => s().read('a', run).queries({ position: 5 }), 'SC_DEFINITION_OPTION', 'queries.position is 5'],
    ['a query without a name', () => s().read('a', run).queries({ 'a b': run }), 'SC_DEFINITION_NAME', '"a b"'],
    ['a query that every object has', () => s().read('a', run).queries({ toString: run }), 'SC_DEFINITION_RESERVED', '"toString"'],
    ['a step after the queries', () => s().read('a', run).queries({}).read('b', run), 'SC_DEFINITION_OPTION', 'something follows its queries'],
    ['an output after the queries', () => s().read('a', run).queries({}).output(run), 'SC_DEFINITION_OPTION', 'something follows its queries'],
    ['queries after the queries', () => s().read('a', run).queries({}).queries({}), 'SC_DEFINITION_OPTION', 'something follows its queries'],
    ['an output that is no function', () => s().read('a', run).output(5), 'SC_DEFINITION_OPTION', 'output is 5'],

    ['no steps', () => begin().definition, 'SC_DEFINITION_OPTION', 'no steps'],
    ['no options of a saga', () => saga('a', undefined as never), 'SC_DEFINITION_OPTION', 'saga a: ', 'undefined'],
    ['version 0', () => saga('a', { version: 0, input }), 'SC_DEFINITION_OPTION', 'version is 0'],
    ['a version that is no number', () => saga('a', { version: Number.NaN, input }), 'SC_DEFINITION_OPTION', 'version is NaN'],
    ['a version that is a bigint', () => saga('a', { version: 1n as never, input }), 'SC_DEFINITION_OPTION', 'version is 1n'],
    ['no schema', () => saga('a', { version: 1, input: {} as never }), 'SC_DEFINITION_OPTION', 'input is {}'],
    ['a reason of a saga that is no text', () => saga('a', { version: 1, input, why: 5 as never }), 'SC_DEFINITION_OPTION', 'why is 5'],
    ['an unknown saga option', () => saga('a', { version: 1, input, retries: 3 } as never), 'SC_DEFINITION_OPTION', '"retries"', '3'],
  ];
  for (const [what, make, code, ...named] of wrong) {
    it(`${what}: ${code}`, () => {
      let error: unknown;
      try {
        make();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(DefinitionError);
      expect(error).toMatchObject({ code, next: expect.stringMatching(/\w.*\.$/), details: { saga: expect.any(String) } });
      for (const part of ['saga ', ...named]) expect((error as Error).message).toContain(part);
      // Whoever prints details as JSON must not fail because of the value they are about.
      expect(JSON.stringify((error as DefinitionError).details)).toMatch(/"saga"/);
    });
  }

  it('are errors of the definition where a reusable step is wrong, too', () => {
    expect(() => step(undefined as never, run, { compensate })).toThrow(DefinitionError);
    expect(() => step({ input: 5 as never }, run, { compensate })).toThrow(/input is 5/);
    expect(() => step({ input }, 5 as never, { compensate })).toThrow(/run is 5/);
    expect(() => step({ input }, run, null as never)).toThrow(/options are null/);
  });
});

describe('types', () => {
  it('refuse an .after() without names, and a number of attempts is fine', () => {
    // @ts-expect-error at least one name
    expect(() => begin().graph((g) => g.read('a', run).after().read('b', run))).toThrow(DefinitionError);
    // @ts-expect-error at least one name, at the beginning too
    expect(() => begin().graph((g) => g.after().read('b', run))).toThrow(DefinitionError);
    // @ts-expect-error not a policy
    expect(() => begin().read('a', run, { retry: 'never' })).toThrow(DefinitionError);
    // @ts-expect-error no option of a policy
    expect(() => begin().read('a', run, { retry: { attempt: 3 } })).toThrow(DefinitionError);
  });
});

describe('an approval', () => {
  const begun = saga('expense', { version: 1, input: z.unknown() });
  const ask = (): void => {};
  it.each([
    ['not a function', () => begun.approval('manager', 7 as never), 'run is 7'],
    ['an option that there is not', () => begun.approval('manager', ask, { within: '1h' } as never), 'within'],
    ['no schema', () => begun.approval('manager', ask, { decision: {} as never }), 'decision is'],
    ['no duration', () => begun.approval('manager', ask, { expires: 'soon' as never }), 'soon'],
    ['another answer for what never expires', () => begun.approval('manager', ask, { otherwise: 1 }), 'it never does'],
    [
      'two ways to go on',
      () => begun.approval('manager', ask, { expires: '1h', otherwise: 1, optional: true }),
      'it is optional, and says what to go on with otherwise',
    ],
    ['an undo', () => begun.approval('manager', ask, { compensate: ask } as never), 'compensate is'],
    ['a name that the chart needs', () => begun.approval('attempting', ask), 'reserved'],
  ])('with %s is refused', (_, define, message) => {
    expect(define).toThrow(message);
  });
});
