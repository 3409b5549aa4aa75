import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, step } from '../../src/index.ts';

const noop = async () => 1;
const options = { version: 1, input: z.object({ who: z.string() }) } as const;
const reusable = step({ input: z.object({ guest: z.string() }) }, async ({ input }) => input.guest, { compensate: noop });

/** Kind, and the names of what it directly comes after. */
const shape = ({
  definition: { steps },
}: {
  readonly definition: { readonly steps: readonly { name: string; kind: string; after: readonly number[]; forward: boolean }[] };
}) => Object.fromEntries(steps.map(({ name, kind, after, forward }) => [name, [kind, after.map((number) => steps[number]?.name), forward]]));

describe('a graph', () => {
  it('has all verbs of a chain, and what follows waits for its ends', () => {
    const s = saga('graph', options)
      .read('before', noop)
      .graph((g) =>
        g
          .step('a', noop, { compensate: noop })
          .use('b', reusable, ({ input }) => ({ guest: input.who }))
          .after('a')
          .sleep('nap', '1s')
          .after('a', 'b', 'nap')
          .pivot('p', noop)
          .after('p')
          .step('q', noop)
          .after('p')
          .read('r', noop),
      )
      .read('last', noop);
    expect(shape(s)).toEqual({
      before: ['read', [], false],
      a: ['step', ['before'], false],
      b: ['step', ['before'], false],
      nap: ['sleep', ['a'], false],
      p: ['pivot', ['b', 'nap'], true],
      q: ['step', ['p'], true],
      r: ['read', ['p'], true],
      last: ['read', ['q', 'r'], true],
    });
  });

  it('without a step changes nothing', () => {
    const s = saga('empty', options)
      .read('a', noop)
      .graph((g) => g)
      .read('b', noop);
    expect(shape(s)).toEqual({ a: ['read', [], false], b: ['read', ['a'], false] });
  });

  it('names the steps there are when it is told of one that is not', () => {
    const build = (): unknown =>
      saga('wrong', options).graph((g) =>
        g
          .step('a', noop, { compensate: noop })
          .after('nope' as never)
          .read('b', noop),
      );
    expect(build).toThrow(expect.objectContaining({ code: 'SC_DEFINITION_AFTER', next: 'Steps so far: a.' }));
  });
});
