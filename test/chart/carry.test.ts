import { describe, expect, it } from 'vitest';
import { compileSaga } from '../../src/chart/chart.ts';
import { programOf } from '../../src/definitions.ts';
import { saga } from '../../src/index.ts';
import { decide } from '../../src/kernel/decide.ts';
import type { RunEvent } from '../../src/kernel/event.ts';
import { migrated } from '../../src/kernel/migrate.ts';
import { EMPTY, type RunState } from '../../src/kernel/state.ts';
import type { Program } from '../../src/runtime/program.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';
import { Random } from '../../src/testing/simulate/random.ts';
import { randomSketch, sagaOf } from '../../src/testing/simulate/sketch.ts';

const SAGAS = 60;
const LONG = { timeout: 120_000 };

const failures = [
  { class: 'hard', effect: 'none' },
  { class: 'transient', effect: 'maybe' },
  { class: 'hard', effect: 'maybe' },
] as const;

/** What can happen next, in an order that does not depend on names. */
function possible({ data }: RunState, random: Random, failing = 0.3): RunEvent {
  const waits = Object.values(data.timers).map((timer): RunEvent => ({ type: 'due', timer: timer.id, at: timer.at }));
  const attempts = Object.entries(data.children).flatMap(([child, { at, items }]): RunEvent[] => {
    const fails = random.chance(failing);
    const error = { code: 'X', type: 'E', message: 'x', ...random.pick(failures) };
    if (items) {
      return items.open.flatMap((item): RunEvent[] => {
        if (!item) return [];
        if (item.due !== undefined) return [{ type: 'due', timer: `${child}[${item.index}]`, at: item.at }];
        const which = { child, at: item.at, item: item.index };
        return [
          fails
            ? { type: 'itemFailed', ...which, error }
            : { type: 'itemSucceeded', ...which, output: item.what === 'check' ? { verdict: 'didNotHappen' } : item.index },
        ];
      });
    }
    const map = data.value !== null && child.includes('map');
    if (map) return [{ type: 'planned', child, at, total: 3, most: null }];
    const output = child.endsWith('.check') ? { verdict: random.pick(['didNotHappen', 'open', 'happened'] as const), result: 1 } : 1;
    return [fails ? { type: 'failed', child, at, error } : { type: 'succeeded', child, at, output }];
  });
  const signal: RunEvent[] = random.chance(0.1) ? [{ type: 'sent', event: { type: 'go', payload: 1 } }] : [];
  const cancel: RunEvent[] = random.chance(0.02) ? [{ type: 'sent', event: { type: 'cancel' } }] : [];
  const all = [...attempts, ...waits, ...signal, ...cancel];
  return all.length === 0 ? { type: 'sent', event: { type: 'go', payload: 1 } } : random.pick(all);
}

function after(program: Program, state: RunState, event: RunEvent): RunState {
  const decision = decide(program.chart, state, event, state.seq * 1_000);
  return decision.kind === 'decided' ? decision.state : state;
}

function moved(from: Program, to: Program, state: RunState): RunState {
  const carrying = to.carry(state.data, { version: from.version, shape: from.shape() });
  const ref = ({ version, fingerprint }: Program) => ({ version, fingerprint });
  return migrated(to.chart, state, { type: 'migrated', from: ref(from), to: ref(to) }, carrying, state.seq * 1_000).state;
}

const definitionOf = (seed: number): SagaDefinition =>
  (sagaOf(randomSketch(new Random(seed)), saga as never) as unknown as { definition: SagaDefinition }).definition;
const programFor = (definition: SagaDefinition): Program =>
  programOf({ definition, machine: compileSaga(definition), name: definition.name, version: definition.version } as never);
const started = (program: Program): RunState => after(program, EMPTY, { type: 'started', run: 'r', input: { n: 1 } });

/** Where a run stands after some of what happens, from then on where it can be stopped, or at its end. */
function stopped(seed: number, program: Program, can: (state: RunState) => boolean, failing?: number): RunState {
  const random = new Random(seed);
  let state = started(program);
  const least = random.between(0, 15);
  for (let n = 0; state.data.status === 'active' && (n < least || (n < least + 20 && !can(state))); n++)
    state = after(program, state, possible(state, random, failing));
  return state;
}

const END = 400;

function ended(seed: number, program: Program, from: RunState, failing?: number): RunState {
  const random = new Random(seed + 10_000);
  let state = from;
  for (let left = END; left > 0 && state.data.status === 'active'; left--) state = after(program, state, possible(state, random, failing));
  return state;
}

/** Where runs stood: so that what is shown is known to be about all kinds of places. */
function placeOf({ value, children, timers }: RunState['data']): readonly string[] {
  const [phase = ''] = typeof value === 'string' ? [value] : Object.keys(value as object);
  return [
    phase,
    ...(Object.keys(children).length > 0 ? [`${phase} with an attempt`] : []),
    ...(Object.keys(timers).length > 0 ? [`${phase} with a wait`] : []),
  ];
}

describe('a run that is carried over', () => {
  it('to the same chart is the same run, wherever it stands', LONG, () => {
    const places = new Set<string>();
    for (let seed = 1; seed <= SAGAS; seed++) {
      const definition = definitionOf(seed);
      const before = programFor(definition);
      const next = programFor({ ...definition, version: 2 });
      const random = new Random(seed);
      let state = started(before);
      for (let left = END; left > 0 && state.data.status === 'active'; left--) {
        const { order: _, ...data } = state.data;
        const { order: __, ...there } = moved(before, next, state).data;
        expect(there, `saga ${seed} at ${state.seq}`).toEqual(data);
        for (const place of placeOf(state.data)) places.add(place);
        state = after(before, state, possible(state, random));
      }
    }
    const both = ['running', 'compensating'].flatMap((phase) => [phase, `${phase} with an attempt`, `${phase} with a wait`]);
    expect([...places].sort()).toEqual(expect.arrayContaining(both));
  });

  it('to one with other names of steps comes to the same end', LONG, () => {
    const places = new Set<string>();
    for (let seed = 1; seed <= SAGAS; seed++) {
      const definition = definitionOf(seed);
      const before = programFor(definition);
      const steps = Object.fromEntries(definition.steps.map(({ name }) => [name, `${name}Two`]));
      const renamed = definition.steps.map((step) => ({ ...step, name: `${step.name}Two` }));
      const next = programFor({ ...definition, version: 2, steps: renamed, migrations: [{ from: 1, steps }] });
      const state = stopped(seed, before, ({ data }) => Object.keys(data.children).length === 0);
      if (state.data.status !== 'active') continue;
      if (Object.keys(state.data.children).length > 0) {
        expect(() => moved(before, next, state)).toThrow('is under way, which is called');
        continue;
      }
      for (const place of placeOf(state.data)) places.add(place);
      const end = ended(seed, before, state).data;
      const other = ended(seed, next, moved(before, next, state)).data;
      expect(JSON.parse(JSON.stringify(other.value).replaceAll('Two', '')), `saga ${seed}`).toEqual(end.value);
      expect(other.status).toBe(end.status);
    }
    expect([...places].sort()).toEqual(['compensating', 'compensating with a wait', 'running', 'running with a wait']);
  });

  it('to one with more steps behind it comes to the same end, and does those too', LONG, () => {
    let longer = 0;
    for (let seed = 1; seed <= SAGAS; seed++) {
      const definition = definitionOf(seed);
      const before = programFor(definition);
      const number = definition.steps.length;
      const { policy, undoPolicy, forward } = definition.steps.at(-1) as SagaDefinition['steps'][number];
      const after = definition.steps.map((step) => step.number).filter((one) => !definition.steps.some((step) => step.after.includes(one)));
      const added = { number, name: 'added', kind: 'read', forward, after, policy, undoPolicy, run: () => 1 } as const;
      const next = programFor({ ...definition, version: 2, steps: [...definition.steps, added] });
      const state = stopped(seed, before, () => true, 0.02);
      if (state.data.status !== 'active') continue;
      const end = ended(seed, before, state, 0.02).data;
      const other = ended(seed, next, moved(before, next, state), 0.02).data;
      if (end.value !== 'completed') continue;
      expect((other.context as { steps: unknown[] }).steps[number] ?? null, `saga ${seed}`).not.toBe(null);
      longer++;
    }
    expect(longer).toBeGreaterThan(5);
  });
});
