import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MUTANTS } from '../../tools/mutant-list.ts';

it('every mutant changes a text that stands in its file, once', () => {
  const edits = MUTANTS.flatMap((mutant) => [mutant, ...(mutant.also ?? [])].map((edit) => ({ name: mutant.name, ...edit })));
  const lost = edits.filter(({ file, from }) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split(from).length !== 2);
  expect(lost).toEqual([]);
});
