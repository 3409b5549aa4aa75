import { fc } from '@fast-check/vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import type { AnySaga } from '../../src/saga/any-saga.ts';

/** For each step the earlier ones it comes after. */
export type Shape = readonly (readonly number[])[];

export const shapes = (most: number) =>
  fc
    .array(fc.array(fc.nat(1_000), { maxLength: 3 }), { minLength: 1, maxLength: most })
    .map((raw): Shape => raw.map((deps, i) => (i === 0 ? [] : [...new Set(deps.map((dep) => dep % i))])));

export const DIAMOND: Shape = [[], [0], [0], [1, 2]];
/** 50 steps, five side by side. */
export const WIDE: Shape = Array.from({ length: 50 }, (_, i) => (i < 5 ? [] : i % 7 === 0 ? [i - 5, i - 4] : [i - 5]));

/** The saga of a shape: step `s3` is done by `work('s3')`, and undone by `work('s3.undo')`. */
export function graphSaga(shape: Shape, work: (source: string) => Promise<unknown> = async () => 1): AnySaga {
  return saga('graph', { version: 1, input: z.unknown() }).graph((g) => {
    let graph = g as never as { after(...names: string[]): typeof graph; step(name: string, f: unknown, options: unknown): typeof graph };
    shape.forEach((deps, i) => {
      const at = deps.length > 0 ? graph.after(...deps.map((dep) => `s${dep}`)) : graph;
      graph = at.step(`s${i}`, () => work(`s${i}`), { compensate: () => work(`s${i}.undo`), retry: { attempts: 1 } });
    });
    return graph as never;
  }) as unknown as AnySaga;
}

/** What must come before what, worked out from the shape alone. */
export function ancestors(shape: Shape, step: number): ReadonlySet<number> {
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

/**
 * Judges a run of a shape from outside, by the shape alone: told in which order attempts began and ended, it says what
 * was wrong with it.
 */
export class Oracle {
  readonly #shape: Shape;
  /** Steps that may have had an effect, in the order in which they ended. */
  readonly done: number[] = [];
  readonly undone: number[] = [];
  readonly #begun = new Set<string>();
  #refused = false;

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  /** To be told when an attempt begins: everything it must wait for has ended by then. */
  began(source: string): string | undefined {
    if (this.#begun.has(source)) return `${source} began twice`;
    this.#begun.add(source);
    const step = numberOf(source);
    if (!source.endsWith('.undo')) {
      const missing = [...ancestors(this.#shape, step)].find((earlier) => !this.done.includes(earlier));
      if (missing !== undefined) return `${source} began before s${missing} was done`;
      return this.#refused ? `${source} began after a failure` : undefined;
    }
    if (!this.done.includes(step)) return `${source} undoes what did not happen`;
    const early = this.done.find((later) => ancestors(this.#shape, later).has(step) && !this.undone.includes(later));
    return early === undefined ? undefined : `${source} began before s${early} was undone`;
  }

  ended(source: string, how: 'succeeded' | 'refused' | 'unknown'): void {
    const step = numberOf(source);
    if (source.endsWith('.undo')) this.undone.push(step);
    else if (how !== 'refused') this.done.push(step);
    if (how !== 'succeeded') this.#refused = true;
  }

  /** How the run must end. */
  get end(): 'completed' | 'compensated' | 'failed' {
    if (!this.#refused) return 'completed';
    return this.done.length > 0 ? 'compensated' : 'failed';
  }

  /** What ought to have happened and did not. */
  get left(): string | undefined {
    const missing = this.#refused
      ? this.done.filter((step) => !this.undone.includes(step))
      : this.#shape.map((_, i) => i).filter((i) => !this.done.includes(i));
    return missing.length === 0 ? undefined : `${this.#refused ? 'not undone' : 'not done'}: ${missing.map((step) => `s${step}`).join(', ')}`;
  }
}

function numberOf(source: string): number {
  return Number(/^s(\d+)/.exec(source)?.[1]);
}
