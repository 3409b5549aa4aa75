import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { Migration } from '../../saga/migration.ts';
import type { Shape } from '../fingerprint.ts';
import { type StepOf, stepsByName } from '../shape-steps.ts';
import { NotCarried } from './carried.ts';

/** A step of the chart that a run comes from, and the one that takes its place. */
export interface Pair {
  readonly old: StepOf;
  /** Undefined: it is gone. */
  readonly step: StepDefinition | undefined;
}

/** Which step takes the place of which. */
export interface Names {
  readonly pairs: readonly Pair[];
  /** By the numbers of the old steps. */
  readonly byNumber: ReadonlyMap<number, Pair>;
  /** By the names of the new ones; without one it is new. */
  readonly byNewName: ReadonlyMap<string, Pair>;
  readonly byOldName: ReadonlyMap<string, Pair>;
}

/** @throws NotCarried where the migration names a step that there is not */
export function namesOf(from: Shape, { steps, version }: SagaDefinition, migration: Migration | undefined): Names {
  const old = stepsByName(from);
  const given = migration?.steps ?? {};
  for (const name of Object.keys(given))
    if (!old.has(name)) throw new NotCarried(`its migration names the step ${name}, which the chart that it comes from does not have`);
  const taken = new Set(Object.values(given));
  for (const name of taken)
    if (name !== null && !steps.some((step) => step.name === name))
      throw new NotCarried(`its migration names the step ${name}, which version ${version} does not have`);
  const pairs = [...old.values()].map((one): Pair => {
    const name = Object.hasOwn(given, one.name) ? given[one.name] : taken.has(one.name) ? null : one.name;
    return { old: one, step: steps.find((step) => step.name === name) };
  });
  return {
    pairs,
    byNumber: new Map(pairs.map((pair) => [pair.old.number, pair])),
    byOldName: new Map(pairs.map((pair) => [pair.old.name, pair])),
    byNewName: new Map(pairs.flatMap((pair) => (pair.step ? [[pair.step.name, pair] as const] : []))),
  };
}
