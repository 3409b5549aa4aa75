import { z } from 'zod';
import type { AnySaga } from '../../saga/any-saga.ts';
import type { Random } from './random.ts';

/** The plan of a random saga: a graph of steps, then blocks in a row, then perhaps a pivot and what only goes forward. */
export interface Sketch {
  readonly options: SketchOptions;
  readonly steps: readonly GraphStep[];
  readonly blocks: readonly BlockSketch[];
  /** The step that settles it; without one everything can be undone. */
  readonly pivot: StepSketch | undefined;
  readonly tail: readonly (StepSketch | BlockSketch)[];
  /** Steps of the nested saga that its children are runs of. Default: one. */
  readonly nested?: readonly StepSketch[];
}

interface SketchOptions {
  readonly compensation: 'parallel' | 'serial';
  readonly onFailure: 'backward' | 'toSavepoint';
  readonly deadline?: string;
  readonly retryBudget?: number;
}

export interface StepSketch {
  readonly kind: 'step' | 'read' | 'sleep' | 'child';
  readonly check: boolean;
  readonly attempts: number;
  /** How the run goes on where it fails. */
  readonly graceful: 'no' | 'optional' | 'fallback';
  readonly within: boolean;
  /** It writes to the database of the store. */
  readonly transacts?: true;
  /** Of a step over many items, how many. */
  readonly items?: number;
}

interface GraphStep extends StepSketch {
  /** Numbers of the earlier steps it comes after. */
  readonly after: readonly number[];
}

export type BlockSketch =
  | { readonly kind: 'when'; readonly taken: boolean; readonly steps: readonly StepSketch[] }
  | { readonly kind: 'loop'; readonly rounds: number; readonly most: number; readonly atMost: 'fail' | 'goOn'; readonly steps: readonly StepSketch[] }
  | { readonly kind: 'race'; readonly runners: readonly ('step' | 'read' | 'sleep' | 'wait')[]; readonly step: StepSketch }
  | { readonly kind: 'wait'; readonly optional: boolean }
  | { readonly kind: 'approval'; readonly optional: boolean; readonly expires: boolean }
  | { readonly kind: 'savepoint'; readonly returns: number };

/** What makes sagas: given, so that what is simulated is the one of the package it is in. */
export type Begin = (name: string, options: never) => unknown;

export function randomSketch(random: Random): Sketch {
  const sketch = drawnSketch(random);
  // Drawn last, so that worlds without such a step stay as they are.
  if (!random.chance(0.4)) return sketch;
  const some = <T extends StepSketch>(one: T): T => (one.kind === 'step' && one.items === undefined && random.chance(0.5) ? { ...one, transacts: true } : one);
  const { steps, pivot, tail, nested } = sketch;
  return {
    ...sketch,
    steps: steps.map(some),
    pivot: pivot && some(pivot),
    tail: tail.map((one) => ('graceful' in one ? some(one) : one)),
    ...(nested ? { nested: nested.map(some) } : {}),
  };
}

function drawnSketch(random: Random): Sketch {
  const many = <T>(least: number, most: number, make: (number: number) => T): readonly T[] =>
    Array.from({ length: random.between(least, most) }, (_, number) => make(number));
  const step = (): StepSketch => ({
    kind: random.chance(0.15) ? 'read' : random.chance(0.1) ? 'sleep' : 'step',
    check: random.chance(0.3),
    attempts: random.between(1, 4),
    graceful: random.chance(0.12) ? 'optional' : random.chance(0.12) ? 'fallback' : 'no',
    within: random.chance(0.1),
    ...(random.chance(0.15) ? { items: random.between(2, 4) } : {}),
  });
  const block = (isForward: boolean): BlockSketch => {
    const draw = random.next();
    if (draw < 0.25) return { kind: 'when', taken: random.chance(0.6), steps: many(1, 2, step) };
    if (draw < 0.5) {
      const most = random.between(1, 3);
      // Past the pivot a loop that fails would need a person in every run.
      const atMost = isForward || random.chance(0.5) ? 'goOn' : 'fail';
      return { kind: 'loop', rounds: random.between(1, 4), most, atMost, steps: many(1, 2, step) };
    }
    if (draw < 0.75 && !isForward)
      return { kind: 'race', runners: many(2, 3, () => random.pick(['step', 'step', 'read', 'sleep', 'wait'] as const)), step: step() };
    if (draw < 0.82) return { kind: 'approval', optional: isForward || random.chance(0.5), expires: random.chance(0.5) };
    if (draw < 0.9 || isForward) return { kind: 'wait', optional: isForward || random.chance(0.5) };
    return { kind: 'savepoint', returns: random.between(1, 2) };
  };
  const steps = many(1, 5, (number) => ({
    ...step(),
    after: number === 0 ? [] : [...new Set(many(0, 2, () => random.between(0, number - 1)))].sort((a, b) => a - b),
  }));
  const blocks = random.chance(0.6) ? many(1, 3, () => block(false)) : [];
  const pivot = random.chance(0.5) ? { ...step(), kind: 'step' as const } : undefined;
  const tail = pivot ? many(0, 2, () => (random.chance(0.3) ? block(true) : step())) : [];
  const options: SketchOptions = {
    compensation: random.chance(0.25) ? 'serial' : 'parallel',
    onFailure: blocks.some(({ kind }) => kind === 'savepoint') ? 'toSavepoint' : 'backward',
    ...(random.chance(0.1) ? { deadline: random.pick(['20s', '40m']) } : {}),
    ...(random.chance(0.1) ? { retryBudget: random.between(1, 3) } : {}),
  };
  const plan = { options, steps, blocks, pivot, tail };
  // Drawn last, so that worlds without a child stay as they are.
  if (!random.chance(0.4)) return plan;
  const nested = many(1, 3, step);
  const at = random.between(0, steps.length - 1);
  return { ...plan, nested, steps: steps.map((one, number) => (number === at ? { ...one, kind: 'child' as const } : one)) };
}

interface Chain {
  step(name: string, run: unknown, options?: unknown): Chain;
  transact(name: string, run: unknown, options?: unknown): Chain;
  read(name: string, run: unknown, options?: unknown): Chain;
  map(name: string, items: unknown, run: unknown, options?: unknown): Chain;
  mapRead(name: string, items: unknown, run: unknown, options?: unknown): Chain;
  pivot(name: string, run: unknown, options?: unknown): Chain;
  sleep(name: string, duration: string): Chain;
  waitFor(name: string, options: unknown): Chain;
  approval(name: string, ask: unknown, options: unknown): Chain;
  savepoint(name: string, options: unknown): Chain;
  when(name: string, condition: unknown, block: (chain: Chain) => Chain): Chain;
  loop(name: string, block: (chain: Chain) => Chain, options: unknown): Chain;
  child(name: string, saga: unknown, input: unknown): Chain;
  race(name: string, ...branches: ((chain: Chain) => Chain)[]): Chain;
  graph(build: (graph: Chain) => Chain): Chain;
  after(...names: string[]): Chain;
}

/** The signal that simulated sagas wait for. */
export const SIGNAL = 'go';

/** The saga of a sketch. */
export function sagaOf({ options, steps, blocks, pivot, tail, nested: inner = [ONE_STEP] }: Sketch, begin: Begin): AnySaga {
  const input = z.object({ n: z.number() });
  const begun = begin('simulated', { version: 1, input, signals: { [SIGNAL]: z.number() }, ...options } as never) as Chain;
  const nested = inner.reduce(
    (chain, step, number) => added(chain, `c${number}`, step, false),
    begin('nested', { version: 1, nested: true, input } as never) as Chain,
  );
  const graph = begun.graph((g) =>
    steps.reduce((chain, step, number) => {
      const at = step.after.length > 0 ? chain.after(...step.after.map((other) => `s${other}`)) : chain;
      return step.kind === 'child' ? at.child(`s${number}`, nested, passedOn) : added(at, `s${number}`, step, false);
    }, g),
  );
  const built = blocks.reduce((chain, block, number) => withBlock(chain, `b${number}`, block, false), graph);
  if (!pivot) return built as unknown as AnySaga;
  const settled = pivot.transacts
    ? built.transact('pivot', now, { ...retryOf(pivot), pivot: true })
    : built.pivot('pivot', run, { ...policy(pivot), ...checkOf(pivot) });
  return tail.reduce(
    (chain, one, number) => ('graceful' in one ? added(chain, `t${number}`, one, true) : withBlock(chain, `t${number}`, one, true)),
    settled,
  ) as unknown as AnySaga;
}

function withBlock(chain: Chain, name: string, block: BlockSketch, forward: boolean): Chain {
  const within = (steps: readonly StepSketch[]) => (inner: Chain) =>
    steps.reduce((built, step, number) => added(built, `${name}s${number}`, step, forward), inner);
  switch (block.kind) {
    case 'when':
      return chain.when(name, () => block.taken, within(block.steps));
    case 'loop': {
      const { rounds, most, atMost } = block;
      return chain.loop(name, within(block.steps), { until: ({ round }: { round: number }) => round >= rounds, most, atMost });
    }
    case 'race':
      return chain.race(
        name,
        ...block.runners.map((kind, number) => (inner: Chain) => {
          const runner = `${name}r${number}`;
          if (kind === 'wait') return inner.waitFor(runner, { signal: SIGNAL, timeout: '10m' });
          const { items: _, ...one } = block.step;
          return added(inner, runner, { ...one, kind, graceful: 'no' }, forward);
        }),
      );
    case 'wait':
      return chain.waitFor(name, { signal: SIGNAL, timeout: '10m', optional: block.optional });
    case 'approval': {
      const expires = block.expires ? { expires: '10m' } : {};
      return chain.approval(name, run, { ...quick, retry: { attempts: 3, from: '10ms', to: '1s' }, optional: block.optional, ...expires });
    }
    case 'savepoint':
      return chain.savepoint(name, { returns: block.returns });
  }
}

const ONE_STEP: StepSketch = { kind: 'step', check: false, attempts: 2, graceful: 'no', within: false };
const passedOn = ({ input }: { readonly input: unknown }): unknown => input;
const run = async (): Promise<void> => {};
const compensate = (): void => {};
const now = (): void => {};
const UNDO = { attempts: 4, from: '10ms', to: '1s' };
const quick = { timeout: '10s', grace: '2s' };

/** What its functions do is of no account: in a simulation a call of a service stands for each. */
function added(chain: Chain, name: string, step: StepSketch, forward: boolean): Chain {
  if (step.kind === 'sleep') return chain.sleep(name, '20m');
  const endless = step.graceful === 'no' ? { retry: 'forever' } : {};
  const within = step.within ? { within: '30s' } : {};
  const undoable = { ...checkOf(step), compensate, undo: { ...quick, retry: UNDO } };
  if (step.items !== undefined) {
    const items = (): readonly number[] => Array.from({ length: step.items ?? 0 }, (_, index) => index);
    const options = { ...policy(step), concurrency: 2 };
    if (step.kind === 'read') return chain.mapRead(name, items, run, options);
    return chain.map(name, items, run, forward ? { ...options, retry: 'forever' } : { ...options, ...undoable });
  }
  if (step.transacts) {
    const options = { ...retryOf(step), ...gracefulOf(step) };
    return chain.transact(name, now, forward ? { ...options, ...endless } : { ...options, ...within, compensate: now, undo: { retry: UNDO } });
  }
  const options = { ...policy(step), ...gracefulOf(step) };
  if (step.kind === 'read') return chain.read(name, run, options);
  return chain.step(name, run, forward ? { ...options, ...endless } : { ...options, ...within, ...undoable });
}

function policy(step: StepSketch): object {
  return { ...quick, ...retryOf(step) };
}

function retryOf({ attempts }: StepSketch): object {
  return { retry: { attempts, from: '10ms', to: '1s' } };
}

function gracefulOf({ graceful }: StepSketch): object {
  return graceful === 'no' ? {} : graceful === 'optional' ? { optional: true } : { fallback: run };
}

function checkOf({ check }: StepSketch): object {
  return check ? { check: () => undefined } : {};
}
