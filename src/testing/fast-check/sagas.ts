import fc from 'fast-check';
import { sourcesOf } from '../../chart/implementations.ts';
import type { AnySaga } from '../../saga/any-saga.ts';
import { busy, refused, type ScriptedOutcome, stalls, succeeds, unanswered } from '../harness/script.ts';
import type { BlockSketch, Sketch, StepSketch } from '../simulate/sketch.ts';

/**
 * Plans of sagas: graphs of steps, some of which the run can go on without, then conditions, loops, races, waits and
 * savepoints, maybe a pivot, and what comes after it. They shrink to fewer, simpler steps, without blocks.
 */
export function sketches({ steps: most = 6 }: { readonly steps?: number } = {}): fc.Arbitrary<Sketch> {
  const step: fc.Arbitrary<StepSketch> = fc.record({
    kind: fc.constantFrom<StepSketch['kind'][]>('step', 'step', 'step', 'read', 'sleep'),
    check: fc.boolean(),
    attempts: fc.integer({ min: 1, max: 3 }),
    graceful: fc.constantFrom<StepSketch['graceful'][]>('no', 'no', 'no', 'optional', 'fallback'),
    within: fc.boolean(),
  });
  const graph = fc
    .array(fc.tuple(step, fc.array(fc.nat(1_000), { maxLength: 2 })), { minLength: 1, maxLength: most })
    .map((all) => all.map(([one, raw], number) => ({ ...one, after: number === 0 ? [] : [...new Set(raw.map((n) => n % number))].sort((a, b) => a - b) })));
  const few = fc.array(step, { minLength: 1, maxLength: 2 });
  const round = fc.integer({ min: 1, max: 3 });
  const block: fc.Arbitrary<BlockSketch> = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), optional: fc.boolean() }),
    fc.record({ kind: fc.constant('approval' as const), optional: fc.boolean(), expires: fc.constant(true) }),
    fc.record({ kind: fc.constant('when' as const), taken: fc.boolean(), steps: few }),
    fc.record({ kind: fc.constant('savepoint' as const), returns: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ kind: fc.constant('loop' as const), rounds: round, most: round, atMost: fc.constantFrom('fail' as const, 'goOn' as const), steps: few }),
    fc.record({
      kind: fc.constant('race' as const),
      runners: fc.array(fc.constantFrom('step' as const, 'read' as const, 'sleep' as const, 'wait' as const), { minLength: 2, maxLength: 3 }),
      step,
    }),
  );
  return fc
    .record({
      compensation: fc.constantFrom('parallel' as const, 'serial' as const),
      steps: graph,
      blocks: fc.array(block, { maxLength: 2 }),
      pivot: fc.option(
        step.map((one) => ({ ...one, kind: 'step' as const })),
        { nil: undefined },
      ),
      tail: fc.array(step, { maxLength: 2 }),
    })
    .map(({ compensation, ...rest }) => {
      const onFailure = rest.blocks.some(({ kind }) => kind === 'savepoint') ? ('toSavepoint' as const) : ('backward' as const);
      return { ...rest, options: { compensation, onFailure } };
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
