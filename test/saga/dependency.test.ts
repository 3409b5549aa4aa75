import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DefinitionError, dependency, saga } from '../../src/index.ts';

const noop = async (): Promise<void> => {};

describe('a dependency', () => {
  it('is complete, in milliseconds, and frozen', () => {
    const airline = dependency('airline', {
      concurrency: 8,
      rate: { limit: 100, per: '1s' },
      breaker: { failures: { ratio: 0.5, of: 20 }, openFor: '30s' },
      retryBudget: { retries: 10, per: '1m' },
      keyTtl: '24h',
      refusalSettles: true,
    });
    expect({ ...airline }).toMatchObject({
      name: 'airline',
      concurrency: 8,
      rate: { limit: 100, perMs: 1_000 },
      breaker: { failures: { ratio: 0.5, of: 20 }, openForMs: 30_000 },
      retryBudget: { retries: 10, perMs: 60_000 },
      keyTtlMs: 86_400_000,
      refusalSettles: true,
    });
    for (const part of [airline, airline.rate, airline.breaker, airline.breaker?.failures, airline.retryBudget]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('asks for nothing by default, nor where an option is undefined', () => {
    expect(Object.keys(dependency('airline'))).toEqual(['name']);
    expect(Object.keys(dependency('airline', { concurrency: undefined, keyTtl: undefined } as never))).toEqual(['name']);
    expect(dependency('airline', { breaker: { failures: 3, openFor: 1 } }).breaker).toEqual({ failures: 3, openForMs: 1 });
  });

  const refused: readonly [what: string, make: () => unknown, code: string, quotes: string][] = [
    ['a name that is none', () => dependency('an airline'), 'SC_DEFINITION_NAME', '"an airline"'],
    ['no name', () => dependency(undefined as never), 'SC_DEFINITION_NAME', 'undefined'],
    ['a name that JavaScript has', () => dependency('toString'), 'SC_DEFINITION_RESERVED', '"toString"'],
    ['options that are none', () => dependency('a', 5 as never), 'SC_DEFINITION_OPTION', 'options are 5'],
    ['an unknown option', () => dependency('a', { parallel: 5 } as never), 'SC_DEFINITION_OPTION', '"parallel" (it is 5)'],
    ['a concurrency of 0', () => dependency('a', { concurrency: 0 }), 'SC_DEFINITION_OPTION', 'concurrency is 0, not a whole number from 1'],
    ['half a place', () => dependency('a', { concurrency: 1.5 }), 'SC_DEFINITION_OPTION', '1.5'],
    ['endless places', () => dependency('a', { concurrency: Number.POSITIVE_INFINITY }), 'SC_DEFINITION_OPTION', 'Infinity'],
    ['a rate that is a number', () => dependency('a', { rate: 5 as never }), 'SC_DEFINITION_OPTION', 'rate is 5'],
    ['a rate without its limit', () => dependency('a', { rate: { per: '1s' } as never }), 'SC_DEFINITION_OPTION', 'rate.limit is undefined'],
    ['a rate without its time', () => dependency('a', { rate: { limit: 1 } as never }), 'SC_DEFINITION_DURATION', 'rate.per is undefined'],
    ['a rate for no time', () => dependency('a', { rate: { limit: 1, per: 0 } }), 'SC_DEFINITION_OPTION', 'rate.per is 0, not a length of time from 1 ms'],
    ['a rate with more', () => dependency('a', { rate: { limit: 1, per: 1, burst: 2 } as never }), 'SC_DEFINITION_OPTION', '"burst" (it is 2)'],
    ['a breaker without failures', () => dependency('a', { breaker: { openFor: '1s' } as never }), 'SC_DEFINITION_OPTION', 'breaker.failures is undefined'],
    ['a breaker of null', () => dependency('a', { breaker: { failures: null as never, openFor: 1 } }), 'SC_DEFINITION_OPTION', 'breaker.failures is null'],
    ['a breaker that never opens', () => dependency('a', { breaker: { failures: 1 } as never }), 'SC_DEFINITION_DURATION', 'breaker.openFor is undefined'],
    [
      'a part of 1',
      () => dependency('a', { breaker: { failures: { ratio: 1, of: 5 }, openFor: 1 } }),
      'SC_DEFINITION_OPTION',
      'ratio is 1, not a number between 0',
    ],
    ['a part of nothing', () => dependency('a', { breaker: { failures: { ratio: 0.5, of: 0 }, openFor: 1 } }), 'SC_DEFINITION_OPTION', 'of is 0'],
    ['a long memory', () => dependency('a', { breaker: { failures: { ratio: 0.5, of: 1e5 }, openFor: 1 } }), 'SC_DEFINITION_OPTION', 'from 1 to 10,000'],
    ['a budget of text', () => dependency('a', { retryBudget: 'x' as never }), 'SC_DEFINITION_OPTION', 'retryBudget is "x"'],
    ['a budget of nothing', () => dependency('a', { retryBudget: { retries: 0, per: 1 } }), 'SC_DEFINITION_OPTION', 'retryBudget.retries is 0'],
    ['a time to live that is none', () => dependency('a', { keyTtl: 'soon' as never }), 'SC_DEFINITION_DURATION', 'keyTtl is "soon"'],
    ['a maybe', () => dependency('a', { refusalSettles: 1 as never }), 'SC_DEFINITION_OPTION', 'refusalSettles is 1, not true or false'],
  ];
  for (const [what, make, code, quotes] of refused) {
    it(`with ${what} is refused`, () => {
      expect(make).toThrow(DefinitionError);
      expect(make).toThrow(expect.objectContaining({ code, message: expect.stringContaining(quotes), next: expect.any(String) }));
    });
  }
});

describe('a step', () => {
  const s = () => saga('s', { version: 1, input: z.any() });

  it('names it by its value, or by text alone', () => {
    const airline = dependency('airline', { concurrency: 1 });
    const { steps } = s()
      .read('a', noop, { dependency: airline })
      .read('b', noop, { dependency: 'airline' })
      .output(() => 1).definition;
    expect(steps).toMatchObject([{ dependency: 'airline', protection: airline }, { dependency: 'airline' }]);
    expect(steps[1]).not.toHaveProperty('protection');
  });

  it('takes nothing that only looks like one', () => {
    expect(() => s().read('a', noop, { dependency: { name: 'airline' } as never })).toThrow(
      'dependency is {"name":"airline"}, not text or what `dependency()` made',
    );
  });
});
