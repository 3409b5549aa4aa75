import fc from 'fast-check';
import { sourcesOf } from '../../chart/implementations.ts';
import type { AnySaga } from '../../saga/saga.ts';
import { busy, refused, type ScriptedOutcome, stalls, succeeds, unanswered } from '../harness/script.ts';
import type { Sketch, StepSketch } from '../simulate/sketch.ts';

/** Plans of sagas: graphs of steps that can be undone, maybe a pivot, and what comes after it. They shrink to fewer, simpler steps. */
export function sketches({ steps: most = 6 }: { readonly steps?: number } = {}): fc.Arbitrary<Sketch> {
  const step = (dependencies: boolean): fc.Arbitrary<Omit<StepSketch, 'after'> & { readonly raw: readonly number[] }> =>
    fc.record({
      kind: fc.constantFrom<StepSketch['kind'][]>('step', 'step', 'step', 'read', 'sleep'),
      raw: dependencies ? fc.array(fc.nat(1_000), { maxLength: 2 }) : fc.constant([]),
      check: fc.boolean(),
      attempts: fc.integer({ min: 1, max: 3 }),
    });
  const plain = step(false).map(({ raw: _, ...rest }): StepSketch => ({ ...rest, after: [] }));
  return fc.record({
    steps: fc.array(step(true), { minLength: 1, maxLength: most }).map((raws) =>
      raws.map(
        ({ raw, ...rest }, number): StepSketch => ({
          ...rest,
          after: number === 0 ? [] : [...new Set(raw.map((one) => one % number))].sort((a, b) => a - b),
        }),
      ),
    ),
    pivot: fc.option(
      plain.map((one) => ({ ...one, kind: 'step' as const })),
      { nil: undefined },
    ),
    tail: fc.array(plain, { maxLength: 2 }),
  });
}

/**
 * Scripts for a harness: for every attempt of a saga how it goes, the last one as it should. They shrink to fewer faults.
 * @param faults most of them for each attempt. Default: 3
 */
export function faultPlans(
  saga: AnySaga,
  { faults = 3 }: { readonly faults?: number } = {},
): fc.Arbitrary<Readonly<Record<string, readonly ScriptedOutcome[]>>> {
  const ids = saga.definition.steps.flatMap(sourcesOf);
  const wrong = fc.constantFrom<(() => ScriptedOutcome)[]>(busy, unanswered, stalls, refused);
  const plan = fc
    .array(wrong, { maxLength: faults })
    .map((all) => [...all.map((make) => make()), ...Array.from({ length: MOST_ATTEMPTS }, () => succeeds<unknown>(undefined))]);
  return fc.record(Object.fromEntries(ids.filter((id) => !id.endsWith('.check')).map((id) => [id, plan])), { noNullPrototype: true });
}

/** More attempts than any policy of a test has. */
const MOST_ATTEMPTS = 30;
