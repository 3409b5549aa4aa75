import { expect, it } from 'vitest';
import { compile, errorsOf } from './compile.ts';

const STEPS = 100;
const BUDGET = 300_000;

/** A chain in which each step can be undone and reads the result of the one before. */
function longSaga(): string {
  const steps = Array.from({ length: STEPS }, (_, i) => {
    const run = i === 0 ? '({ input }) => ({ total: input.n })' : `({ results }) => ({ total: results.s${i - 1}.total + 1 })`;
    return `  .step('s${i}', ${run}, { compensate: ({ outcome, undoKey }) => [outcome.result?.total, undoKey] })`;
  });
  return [
    `import { z } from 'zod';`,
    `import { saga } from './sagachart/index.js';`,
    `export const long = saga('long', { version: 1, input: z.object({ n: z.number() }) })`,
    ...steps,
    `  .output(({ results }) => results.s${STEPS - 1}.total);`,
    "declare const total: NonNullable<(typeof long)['types']>['output'];",
    // A result that went astray as `any` would be cheap.
    '// @ts-expect-error a number',
    'export const text: string = total;',
  ].join('\n');
}

it(`a saga of ${STEPS} steps stays within the budget of the type checker`, { timeout: 120_000 }, () => {
  // With checkers side by side the figure would depend on how the files are shared out.
  const output = compile({ 'long.ts': longSaga() }, '--extendedDiagnostics', '--singleThreaded');
  expect(errorsOf(output, 'long.ts')).toEqual([]);
  const instantiations = Number(/^Instantiations:\s+(\d+)$/m.exec(output)?.[1]);
  expect(instantiations, `${STEPS} steps took ${instantiations} instantiations`).toBeLessThan(BUDGET);
});
