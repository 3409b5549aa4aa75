import { type SagaContext, stepRecord } from '../../chart/context.ts';
import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import { didNotHappen, happened } from '../../saga/verdict.ts';
import type { WorldModel } from './world.ts';

/** One effect for each round of each step: what a saga comes to when its own functions are left out. */
export type Effects = Record<string, 'done' | 'undone' | 'done after its undo' | 'left'>;

interface EffectServices {
  readonly effects: { run(effect: string): void; undo(effect: string): void; find(effect: string): boolean };
}

/** Services that honor idempotency keys: a step is done once, and undone once. */
export const EFFECTS: WorldModel<Effects> = {
  make: () => ({}),
  services: (world): EffectServices => ({
    effects: {
      run: (effect) => {
        if (world[effect] === 'undone') world[effect] = 'done after its undo';
        world[effect] ??= 'done';
      },
      undo: (effect) => {
        // Nothing is there to undo: the service remembers the key all the same.
        world[effect] = 'undone';
      },
      find: (effect) => world[effect] === 'done',
    },
  }),
  effects: (world) =>
    Object.entries(world)
      .flatMap(([effect, state]) => (state === 'undone' || state === 'left' ? [] : [`${stepOf(effect)}: ${state}`]))
      .sort(),
};

/** Names the effect of one round of a step; each has a key of its own. */
export function effectOf(step: string, round: number, item?: number): string {
  const name = item === undefined ? step : `${step}[${item}]`;
  return round === 1 ? name : `${name}#${round}`;
}

function stepOf(effect: string): string {
  return effect.split('#')[0] ?? effect;
}

/** The effect that an invocation of the chart is about. */
export function effectAt(definition: SagaDefinition, context: SagaContext, name: string, item?: number): string {
  const step = definition.steps.find((one) => one.name === name);
  return step ? effectOf(name, stepRecord(context, step.number).round, item) : name;
}

/** What a person skipped or did by hand is theirs. */
export function leftTo(world: unknown, effects: readonly string[]): Effects {
  return { ...(world as Effects), ...Object.fromEntries(effects.map((effect) => [effect, 'left' as const])) };
}

/** What must be there when a run has gone forward to its end, by the records of its steps. */
export function effectsWanted({ steps }: SagaDefinition, { steps: records, rounds = [] }: SagaContext): readonly string[] {
  const has = (step: number, status: string | undefined): readonly string[] => {
    const { kind, name, map } = steps[step] as StepDefinition;
    if (map && kind === 'step') return status === 'succeeded' ? ITEMS.map((item) => `${effectOf(name, 1, item)}: done`) : [];
    return status === 'succeeded' && (kind === 'step' || kind === 'pivot') ? [`${name}: done`] : [];
  };
  // Of what can only be done, the rounds of a loop are not kept; a round that was refused and done again did nothing.
  const looped = new Set(steps.flatMap(({ loop }) => loop?.body ?? []));
  const times = (record: (typeof records)[number], step: number): number => (looped.has(step) && !steps[step]?.compensate ? (record?.round ?? 1) : 1);
  const now = records.flatMap((record, step) => Array.from({ length: times(record, step) }, () => has(step, record?.status)).flat());
  return [...now, ...rounds.flatMap((round) => round.steps.flatMap((step, i) => has(step, round.records[i]?.status)))].sort();
}

/** What the choices and loops of a saga say in place of its own functions: the input of a run. */
export interface Decisions {
  /** By the name of the choice. */
  readonly taken: Readonly<Record<string, boolean>>;
  /** After which round a loop is over, by its name. */
  readonly rounds: Readonly<Record<string, number>>;
}

/** Rounds that stand for any number of them. */
const ROUNDS = 2;
/** Beyond this many combinations each decision is varied by itself. */
const MOST_COMBINATIONS = 16;

/** Every way in which the choices and loops of a saga can be decided; where these are too many, each by itself. */
export function decisionsOf({ steps }: SagaDefinition): readonly (Decisions | undefined)[] {
  const choices = steps
    .filter(({ kind }) => kind === 'choice')
    .map(
      ({ name }) =>
        (taken: boolean): Decisions => ({ taken: { [name]: taken }, rounds: {} }),
    );
  const variants: (readonly Decisions[])[] = choices.map((choice) => [choice(true), choice(false)]);
  for (const { name, loop } of steps) {
    if (!loop) continue;
    const most = loop.most <= ROUNDS ? loop.most : ROUNDS;
    // One more than there may be: a loop that is never over.
    const never = loop.most <= ROUNDS ? [most + 1] : [];
    variants.push([...Array.from({ length: most }, (_, i) => i + 1), ...never].reverse().map((round) => ({ taken: {}, rounds: { [name]: round } })));
  }
  if (variants.length === 0) return [undefined];
  const plain = variants.map((all) => all[0] as Decisions);
  const combinations = variants.reduce((count, all) => count * all.length, 1);
  if (combinations > MOST_COMBINATIONS) return [merged(plain), ...variants.flatMap((all, i) => all.slice(1).map((one) => merged(plain.with(i, one))))];
  return variants.reduce<readonly (readonly Decisions[])[]>((all, next) => all.flatMap((before) => next.map((one) => [...before, one])), [[]]).map(merged);
}

function merged(all: readonly Decisions[]): Decisions {
  return { taken: Object.assign({}, ...all.map(({ taken }) => taken)), rounds: Object.assign({}, ...all.map(({ rounds }) => rounds)) };
}

/** What the items of a map are where its own function is left out: two stand for any number. */
const ITEMS: readonly number[] = [0, 1];

/** The saga with one effect in place of each of its functions: its chart, policies and order are what is looked at. */
export function withEffects({ output: _, ...definition }: SagaDefinition): SagaDefinition {
  return { ...definition, steps: definition.steps.map(effectStep) };
}

function effectStep({ mapInput: _, inputSchema: __, resultSchema: ___, classify: ____, ...step }: StepDefinition): StepDefinition {
  const { name } = step;
  const of = ({ services }: { readonly services: unknown }): EffectServices['effects'] => (services as EffectServices).effects;
  const effect = ({ round, index }: { readonly round: number; readonly index?: number }): string => effectOf(name, round, index);
  const check: StepDefinition['check'] = (context) => (of(context).find(effect(context)) ? happened(undefined) : didNotHappen);
  const decisions = (input: unknown): Decisions => input as Decisions;
  return {
    ...step,
    ...(step.run || step.child ? { run: step.kind === 'read' ? () => undefined : (context) => of(context).run(effect(context)) } : {}),
    ...(step.compensate ? { compensate: (context) => of(context).undo(effect(context)) } : {}),
    ...(step.check ? { check } : {}),
    ...(step.map ? { map: { ...step.map, items: () => ITEMS, ...(step.map.check ? { check } : {}) } } : {}),
    ...(step.fallback ? { fallback: () => undefined } : {}),
    ...(typeof step.sleepMs === 'function' ? { sleepMs: 1 } : {}),
    ...(step.wait && typeof step.wait.timeoutMs === 'function' ? { wait: { ...step.wait, timeoutMs: 1 } } : {}),
    ...(step.decide ? { decide: ({ input }) => decisions(input).taken[name] ?? true } : {}),
    ...(step.loop ? { loop: { ...step.loop, until: ({ input, round }) => round >= (decisions(input).rounds[name] ?? 1) } } : {}),
  };
}
