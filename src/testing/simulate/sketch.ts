import { z } from 'zod';
import type { AnySaga } from '../../saga/saga.ts';
import type { Random } from './random.ts';

/** The plan of a random saga. */
export interface Sketch {
  readonly steps: readonly StepSketch[];
  /** The step that settles it; without one everything can be undone. */
  readonly pivot: StepSketch | undefined;
  readonly tail: readonly StepSketch[];
}

export interface StepSketch {
  readonly kind: 'step' | 'read' | 'sleep';
  /** Numbers of the earlier steps it comes after. */
  readonly after: readonly number[];
  readonly check: boolean;
  readonly attempts: number;
  /** Of a step over many items, how many. */
  readonly items?: number;
}

/** What makes sagas: given, so that what is simulated is the one of the package it is in. */
export type Begin = (name: string, options: never) => unknown;

export function randomSketch(random: Random): Sketch {
  const step = (number: number): StepSketch => ({
    kind: random.chance(0.15) ? 'read' : random.chance(0.1) ? 'sleep' : 'step',
    after: number === 0 ? [] : [...new Set(Array.from({ length: random.between(0, 2) }, () => random.between(0, number - 1)))].sort((a, b) => a - b),
    check: random.chance(0.3),
    attempts: random.between(1, 4),
  });
  const steps = Array.from({ length: random.between(1, 5) }, (_, number) => step(number));
  const pivot = random.chance(0.6) ? { ...step(0), kind: 'step' as const } : undefined;
  const tail = pivot ? Array.from({ length: random.between(0, 2) }, () => step(0)) : [];
  // Drawn last, so that a seed that is known for its steps keeps them.
  const several = (one: StepSketch): StepSketch => (one.kind !== 'sleep' && random.chance(0.2) ? { ...one, items: random.between(2, 4) } : one);
  return { steps: steps.map(several), pivot, tail: tail.map(several) };
}

interface Chain {
  step(name: string, run: unknown, options?: unknown): Chain;
  read(name: string, run: unknown, options?: unknown): Chain;
  map(name: string, items: unknown, run: unknown, options?: unknown): Chain;
  mapRead(name: string, items: unknown, run: unknown, options?: unknown): Chain;
  pivot(name: string, run: unknown, options?: unknown): Chain;
  sleep(name: string, duration: string): Chain;
  graph(build: (graph: Chain) => Chain): Chain;
  after(...names: string[]): Chain;
}

/** The saga of a sketch. */
export function sagaOf(sketch: Sketch, begin: Begin): AnySaga {
  const begun = begin('simulated', { version: 1, input: z.object({ n: z.number() }) } as never) as Chain;
  const graph = begun.graph((g) =>
    sketch.steps.reduce((chain, step, number) => {
      const at = step.after.length > 0 ? chain.after(...step.after.map((other) => `s${other}`)) : chain;
      return added(at, `s${number}`, step, false);
    }, g),
  );
  if (!sketch.pivot) return graph as unknown as AnySaga;
  const settled = graph.pivot('pivot', run, { ...policy(sketch.pivot), ...checkOf(sketch.pivot) });
  return sketch.tail.reduce((chain, step, number) => added(chain, `t${number}`, step, true), settled) as unknown as AnySaga;
}

const run = async (): Promise<void> => {};
const compensate = (): void => {};
const quick = { timeout: '10s', grace: '2s' };

/** What its functions do is of no account: in a simulation a call of a service stands for each. */
function added(chain: Chain, name: string, step: StepSketch, forward: boolean): Chain {
  if (step.kind === 'sleep') return chain.sleep(name, '20m');
  const undoable = { ...policy(step), ...checkOf(step), compensate, undo: { ...quick, retry: { attempts: 4, from: '10ms', to: '1s' } } };
  const endless = { ...policy(step), retry: 'forever' };
  if (step.items !== undefined) {
    const items = (): readonly number[] => Array.from({ length: step.items ?? 0 }, (_, index) => index);
    const two = { concurrency: 2 };
    if (step.kind === 'read') return chain.mapRead(name, items, run, { ...policy(step), ...two });
    return chain.map(name, items, run, { ...(forward ? endless : undoable), ...two });
  }
  if (step.kind === 'read') return chain.read(name, run, policy(step));
  return chain.step(name, run, forward ? endless : undoable);
}

function policy({ attempts }: StepSketch): object {
  return { ...quick, retry: { attempts, from: '10ms', to: '1s' } };
}

function checkOf({ check }: StepSketch): object {
  return check ? { check: () => undefined } : {};
}
