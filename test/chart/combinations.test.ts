import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LOST } from '../../src/base/failure.ts';
import { foldedMermaid, mermaid } from '../../src/chart/diagram.ts';
import { leftBehind } from '../../src/chart/left.ts';
import { statelySource } from '../../src/chart/stately.ts';
import { dependency, HardError, saga } from '../../src/index.ts';
import { fails, ok, Scripted } from './scripted.ts';

const run = async (): Promise<number> => 1;
const undo = { compensate: async (): Promise<void> => {} };
const once = { ...undo, retry: 1 } as const;
const input = z.unknown();
const plain = saga('trip', { version: 1, input });
const returning = saga('trip', { version: 1, input, onFailure: 'toSavepoint' });
const lost = { code: LOST, type: 'x', message: 'gone', class: 'transient', effect: 'maybe' };
const no = () => fails(new HardError('no'));
const unheard = () => fails(new Error('reset'));

describe('a fallback that fails', () => {
  it('is gone on without where the step is optional', async () => {
    const s = new Scripted(plain.read('rate', run, { optional: true, fallback: run }).read('b', run));
    await s.answer('rate', no());
    await s.answer('rate.fallback', no());
    expect([s.states, s.context.degraded]).toEqual([['running.b.attempting.working'], true]);
  });

  it('asks a person past the pivot', async () => {
    const s = new Scripted(plain.pivot('p', run).read('rate', run, { fallback: run }));
    await s.answer('p', ok());
    await s.answer('rate', no());
    await s.answer('rate.fallback', no());
    expect(s.states).toEqual(['running.rate.attention']);
    s.send('rate.skip');
    expect(s.output).toMatchObject({ left: [{ step: 'rate', what: 'run skipped' }] });
  });
});

describe('a savepoint', () => {
  it('is returned to where there is nothing that could be undone', async () => {
    const s = new Scripted(returning.read('a', run).savepoint().read('b', run));
    await s.answer('a', ok());
    await s.answer('b', no());
    expect([s.states, s.context.steps[2]?.round]).toEqual([['running.b.attempting.working'], 2]);
    await s.answer('b', no());
    expect(s.states).toEqual(['failed']);
  });

  it('behind branches leaves them as they ended, and a loop before it, too', async () => {
    const wide = returning
      .loop((b) => b.step('l', run, undo), { until: ({ round }) => round === 2, most: 2 })
      .parallel(
        (b) => b.step('a', run, undo),
        (b) => b.step('b', run, undo),
      )
      .savepoint()
      .step('c', run, undo)
      .read('d', run);
    const s = new Scripted(wide);
    for (const step of ['l', 'l', 'a', 'b', 'c']) await s.answer(step, ok());
    await s.answer('d', no());
    expect(s.begun.at(-1)).toBe('c.undo');
    await s.answer('c.undo', ok());
    await s.answer('c', ok());
    await s.answer('d', ok());
    expect([s.states, s.begun.filter((source) => source.endsWith('.undo'))]).toEqual([['completed'], ['c.undo']]);
  });

  it('forgets that the run was degraded by what is done again', async () => {
    const s = new Scripted(
      returning
        .savepoint()
        .step('a', run, { ...once, optional: true })
        .read('b', run),
    );
    await s.answer('a', no());
    expect(s.context.degraded).toBe(true);
    await s.answer('b', no());
    expect(s.context.degraded).toBe(false);
  });
});

describe('loops', () => {
  it('in loops are undone round by round, each within the round around it', async () => {
    const nested = plain
      .loop((b) => b.step('a', run, undo).loop('inner', (c) => c.step('b', run, undo), { until: ({ round }) => round % 2 === 0, most: 9 }), {
        until: ({ round }) => round === 2,
        most: 2,
      })
      .read('c', run);
    const s = new Scripted(nested);
    for (const step of ['a', 'b', 'b', 'a', 'b', 'b']) await s.answer(step, ok());
    await s.answer('c', no());
    for (const step of ['b', 'b', 'a', 'b', 'b', 'a']) {
      expect(s.begun.at(-1)).toBe(`${step}.undo`);
      await s.answer(`${step}.undo`, ok());
    }
    expect(s.states).toEqual(['compensated']);
  });

  it('are undone whole before what they depend on, in another chain', async () => {
    const wide = plain
      .parallel(
        (b) => b.step('a', run, undo),
        (b) => b.step('b', run, undo),
      )
      .loop((b) => b.step('c', run, undo), { until: ({ round }) => round === 2, most: 2 })
      .read('d', run);
    const s = new Scripted(wide);
    for (const step of ['a', 'b', 'c', 'c']) await s.answer(step, ok());
    await s.answer('d', no());
    expect(s.begun.filter((source) => source.endsWith('.undo'))).toEqual(['c.undo']);
    await s.answer('c.undo', ok());
    expect(s.begun.filter((source) => source.endsWith('.undo'))).toEqual(['c.undo', 'c.undo']);
    await s.answer('c.undo', ok());
    expect(
      s.begun
        .filter((source) => source.endsWith('.undo'))
        .slice(2)
        .sort(),
    ).toEqual(['a.undo', 'b.undo']);
  });

  it('are undone in the order in which their rounds ended, one at a time', async () => {
    const serial = saga('trip', { version: 1, input, compensation: 'serial' })
      .parallel(
        (b) => b.step('a', run, undo),
        (b) => b.loop((c) => c.step('l', run, undo), { until: ({ round }) => round === 2, most: 2 }),
      )
      .read('d', run);
    for (const order of [
      ['l', 'a', 'l'],
      ['a', 'l', 'l'],
      ['l', 'l', 'a'],
    ]) {
      const s = new Scripted(serial);
      for (const step of order) await s.answer(step, ok());
      await s.answer('d', no());
      for (const step of order.toReversed()) {
        expect(s.begun.at(-1)).toBe(`${step}.undo`);
        await s.answer(`${step}.undo`, ok());
      }
      expect(s.states).toEqual(['compensated']);
    }
  });
});

it('a step waits with its undo for those behind one that was passed over', async () => {
  const wide = plain
    .step('a', run, undo)
    .when(
      () => false,
      (b) => b.step('b', run, undo),
    )
    .parallel(
      (b) => b.step('c', run, undo),
      (b) => b.step('d', run, undo),
    )
    .read('e', run);
  const s = new Scripted(wide);
  for (const step of ['a', 'c', 'd']) await s.answer(step, ok());
  await s.answer('e', no());
  expect(s.begun.filter((source) => source.endsWith('.undo')).sort()).toEqual(['c.undo', 'd.undo']);
  await s.answer('c.undo', ok());
  expect(s.begun).not.toContain('a.undo');
  await s.answer('d.undo', ok());
  expect(s.begun.at(-1)).toBe('a.undo');
});

describe('a deadline', () => {
  const bounded = (onFailure: 'backward' | 'forward') => saga('trip', { version: 1, input, deadline: '1h', onFailure });

  it('of a saga without a pivot undoes it at any time', async () => {
    const s = new Scripted(bounded('backward').step('a', run, undo)).tick();
    await s.answer('a', ok());
    await s.answer('a.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('of one that only goes forward is noted', () => {
    const s = new Scripted(bounded('forward').step('a', run as never, {} as never)).tick();
    expect(s.context).toMatchObject({ overdue: true, cause: null });
  });

  it('that passes while a refused pivot is undone is noted', async () => {
    const s = new Scripted(bounded('backward').step('a', run, undo).pivot('p', run));
    await s.answer('a', ok());
    await s.answer('p', no());
    s.tick();
    expect([s.states, s.context.overdue]).toEqual([['compensating.a.attempting'], true]);
  });
});

it('a condition that throws what is no error says what it threw', () => {
  const throwing = (): never => {
    throw 'nonsense';
  };
  expect(new Scripted(plain.when(throwing, (b) => b.read('a', run))).output).toMatchObject({ failure: { message: expect.stringContaining('nonsense') } });
});

describe('pictures', () => {
  const everything = saga('trip', { version: 1, input, onFailure: 'toSavepoint', signals: { go: z.unknown() } })
    .savepoint()
    .when(
      () => true,
      (b) => b.step('a', run, undo),
    )
    .loop((b) => b.step('b', run, { ...undo, optional: true }), { until: () => true, most: 2 })
    .race(
      (b) => b.waitFor('go'),
      (b) => b.sleep('1d'),
    )
    .read('c', run, { fallback: run })
    .map('bags', () => [1], run, { ...undo, why: 'they are heavy', dependency: dependency('airport') })
    .pivot('p', run);

  it('fold each kind of step to a shape of its own', () => {
    const folded = foldedMermaid(everything.definition);
    for (const shape of [
      's0[("savepoint")]',
      's1{"when"}',
      's2("a")',
      's3("b (optional)")',
      's4{"loop"}',
      's5>"go (signal go)"]',
      's6>"sleep"]',
      's7{"race"}',
      's8("c (has a fallback)")',
      's9[["bags (each item)"]]',
      's10{{"p (pivot)"}}',
      's4 -- "another round" --> s3',
    ])
      expect(folded).toContain(shape);
  });

  it('name what there is, whole and for the Stately editor', () => {
    const text = JSON.stringify(everything.machine.config);
    expect(text).toContain('does bags for each of its items: they are heavy (airport)');
    expect(text).toContain('undoes the items of bags, the last one first (airport)');
    expect(mermaid(everything.machine)).toContain('goesAround');
    expect(statelySource(everything.machine)).toContain('keepSignal');
  });
});

it('what a run has left of very many items is named in part', () => {
  const { definition } = plain.map('bags', () => [], run, undo);
  const left = [{ what: 'undo skipped', count: 3, items: [0, 1] }];
  const context = {
    runId: 'r',
    input: {},
    steps: [{ status: 'succeeded', attempts: 1 }],
    undos: [{ status: 'undone', attempts: 1, leftItems: left }],
    cause: null,
  };
  expect(leftBehind(definition, context as never, false)).toEqual([{ step: 'bags', what: 'undo skipped', items: [0, 1], more: 1 }]);
});

it('what is lost three times in a fallback that may be gone on without is gone on without', async () => {
  const s = new Scripted(plain.read('rate', run, { optional: true, fallback: run, retry: 1 }).read('b', run));
  await s.answer('rate', unheard());
  for (let i = 0; i < 3; i++) await s.answer('rate.fallback', fails(lost));
  expect(s.states).toEqual(['running.b.attempting.working']);
});

describe('two waits for one signal', () => {
  const signals = { go: z.number() };
  const two = (options: { readonly timeout?: '1h' } = {}) =>
    saga('trip', { version: 1, input, signals })
      .parallel(
        (b) => b.waitFor('a', { signal: 'go', ...options }),
        (b) => b.waitFor('b', { signal: 'go', ...options }),
      )
      .output(({ results }) => [results.a, results.b]);

  it('each take one of their own: the other waits on', () => {
    const s = new Scripted(two());
    s.send('go', { payload: 1 });
    expect([s.states, s.context.signals]).toEqual([['running.ended', 'running.b.awaiting'], {}]);
    s.send('go', { payload: 2 });
    expect([s.states, s.output]).toEqual([['completed'], { output: [1, 2], left: [] }]);
  });

  it('leave a signal that came before both to one of them', async () => {
    const early = saga('trip', { version: 1, input, signals })
      .read('first', run)
      .parallel(
        (b) => b.waitFor('a', { signal: 'go' }),
        (b) => b.waitFor('b', { signal: 'go' }),
      );
    const s = new Scripted(early);
    s.send('go', { payload: 1 });
    await s.answer('first', ok());
    expect([s.states, s.context.steps[2]?.result, s.context.signals]).toEqual([['running.a.awaiting', 'running.ended'], 1, {}]);
    s.send('go', { payload: 2 });
    expect([s.states, s.context.steps[1]?.result]).toEqual([['completed'], 2]);
  });

  it('keep their time: the one that is left is not given more of it', () => {
    const s = new Scripted(two({ timeout: '1h' }));
    s.send('go', { payload: 1 });
    s.tick();
    expect(s.states).toEqual(['failed']);
  });

  it('race for it: the first has won, and the signal is gone', () => {
    const race = saga('trip', { version: 1, input, signals })
      .race(
        (b) => b.waitFor('a', { signal: 'go' }),
        (b) => b.waitFor('b', { signal: 'go' }),
      )
      .output(({ results }) => [results.race, results.a, results.b]);
    const s = new Scripted(race);
    s.send('go', { payload: 1 });
    expect([s.states, s.output, s.context.signals]).toEqual([['completed'], { output: ['a', 1, undefined], left: [] }, {}]);
  });
});
