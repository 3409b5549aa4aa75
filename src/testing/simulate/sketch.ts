import { z } from 'zod';
import type { AnySaga } from '../../saga/saga.ts';
import type { Random } from './random.ts';

/** The plan of a random saga. */
export interface Sketch {
  readonly steps: readonly StepSketch[];
  /** The step that settles it; without one everything can be undone. */
  readonly pivot: StepSketch | undefined;
  readonly tail: readonly StepSketch[];
  /** Steps of the nested saga that its children are runs of. Default: one. */
  readonly nested?: readonly StepSketch[];
}

export interface StepSketch {
  readonly kind: 'step' | 'read' | 'sleep' | 'child';
  /** Numbers of the earlier steps it comes after. */
  readonly after: readonly number[];
  readonly check: boolean;
  readonly attempts: number;
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
  // Drawn last, so that worlds without a child stay as they are.
  if (!random.chance(0.4)) return { steps, pivot, tail };
  const nested = Array.from({ length: random.between(1, 3) }, () => step(0));
  const at = random.between(0, steps.length - 1);
  return { steps: steps.map((one, number) => (number === at ? { ...one, kind: 'child' as const } : one)), pivot, tail, nested };
}

interface Chain {
  step(name: string, run: unknown, options?: unknown): Chain;
  read(name: string, run: unknown, options?: unknown): Chain;
  pivot(name: string, run: unknown, options?: unknown): Chain;
  sleep(name: string, duration: string): Chain;
  child(name: string, saga: unknown, input: unknown): Chain;
  graph(build: (graph: Chain) => Chain): Chain;
  after(...names: string[]): Chain;
}

/** The saga of a sketch. */
export function sagaOf(sketch: Sketch, begin: Begin): AnySaga {
  const input = z.object({ n: z.number() });
  const begun = begin('simulated', { version: 1, input } as never) as Chain;
  const inner = sketch.nested ?? [ONE_STEP];
  const nested = inner.reduce(
    (chain, step, number) => added(chain, `c${number}`, step, false),
    begin('nested', { version: 1, nested: true, input } as never) as Chain,
  );
  const graph = begun.graph((g) =>
    sketch.steps.reduce((chain, step, number) => {
      const at = step.after.length > 0 ? chain.after(...step.after.map((other) => `s${other}`)) : chain;
      return step.kind === 'child' ? at.child(`s${number}`, nested, passedOn) : added(at, `s${number}`, step, false);
    }, g),
  );
  if (!sketch.pivot) return graph as unknown as AnySaga;
  const settled = graph.pivot('pivot', run, { ...policy(sketch.pivot), ...checkOf(sketch.pivot) });
  return sketch.tail.reduce((chain, step, number) => added(chain, `t${number}`, step, true), settled) as unknown as AnySaga;
}

const ONE_STEP: StepSketch = { kind: 'step', after: [], check: false, attempts: 2 };
const passedOn = ({ input }: { readonly input: unknown }): unknown => input;
const run = async (): Promise<void> => {};
const compensate = (): void => {};
const quick = { timeout: '10s', grace: '2s' };

/** What its functions do is of no account: in a simulation a call of a service stands for each. */
function added(chain: Chain, name: string, step: StepSketch, forward: boolean): Chain {
  if (step.kind === 'sleep') return chain.sleep(name, '20m');
  if (step.kind === 'read') return chain.read(name, run, policy(step));
  if (forward) return chain.step(name, run, { ...policy(step), retry: 'forever' });
  return chain.step(name, run, { ...policy(step), ...checkOf(step), compensate, undo: { ...quick, retry: { attempts: 4, from: '10ms', to: '1s' } } });
}

function policy({ attempts }: StepSketch): object {
  return { ...quick, retry: { attempts, from: '10ms', to: '1s' } };
}

function checkOf({ check }: StepSketch): object {
  return check ? { check: () => undefined } : {};
}
