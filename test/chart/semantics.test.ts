import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LOST } from '../../src/base/failure.ts';
import { BusyError, dependency, HardError, happened, saga } from '../../src/index.ts';
import { readVerdict } from '../../src/saga/verdict.ts';
import { verify } from '../../src/testing/verify/verify.ts';
import { fails, ok, Scripted } from './scripted.ts';

const run = async (): Promise<number> => 1;
const compensate = async (): Promise<void> => {};
const check = async (): Promise<undefined> => undefined;
const undo = { compensate };
const quick = { retry: { attempts: 2, jitter: 'none', from: '10ms' } } as const;
const input = z.object({ big: z.boolean().default(false) });
const plain = saga('trip', { version: 1, input });
const signaled = saga('trip', { version: 1, input, signals: { go: z.object({ by: z.string() }) } });
const returning = saga('trip', { version: 1, input, onFailure: 'toSavepoint' });
const lost = { code: LOST, type: 'x', message: 'gone', class: 'transient', effect: 'maybe' };
const no = () => fails(new HardError('no'));
const unheard = () => fails(new Error('reset'));

describe('a wait for a signal', () => {
  const waiting = signaled
    .step('a', run, undo)
    .waitFor('go', { timeout: '1d' })
    .step('b', run, undo)
    .output(({ results }) => results.go.by);

  it('ends with the signal, whose payload is its result', async () => {
    const s = new Scripted(waiting);
    await s.answer('a', ok());
    expect(s.states).toEqual(['running.go.awaiting']);
    s.send('go', { payload: { by: 'Ann' } });
    expect(s.states).toEqual(['running.b.attempting.working']);
    await s.answer('b', ok());
    expect(s.output).toEqual({ output: 'Ann', left: [] });
  });

  it('takes at once what came before it, first in, first out', async () => {
    const twice = signaled.read('a', run).waitFor('go').waitFor('second', { signal: 'go' }).read('b', run);
    const s = new Scripted(twice).send('go', { payload: { by: '1' } }).send('go', { payload: { by: '2' } });
    expect(s.context.signals).toEqual({ go: [{ by: '1' }, { by: '2' }] });
    await s.answer('a', ok());
    expect(s.states).toEqual(['running.b.attempting.working']);
    expect(s.context.steps.map((step) => step?.result)).toEqual([undefined, { by: '1' }, { by: '2' }]);
    expect(s.context.signals).toEqual({});
  });

  it('fails when it times out, and what came before it is undone', async () => {
    const s = new Scripted(waiting);
    await s.answer('a', ok());
    s.tick();
    await s.answer('a.undo', ok());
    expect(s.states).toEqual(['compensated']);
    expect(s.output).toMatchObject({ step: 'go', failure: { code: 'SC_WAIT_TIMEOUT', message: 'the signal go did not come within 1d' } });
  });

  it('that is optional lets the run go on, degraded', async () => {
    const s = new Scripted(signaled.waitFor('go', { timeout: '1d', optional: true }).read('b', run));
    s.tick();
    expect(s.states).toEqual(['running.b.attempting.working']);
    expect(s.context).toMatchObject({ degraded: true, steps: [{ status: 'passed' }] });
  });

  it('past the pivot asks a person, who may wait again, or say what it would have carried', async () => {
    const settled = signaled.pivot('a', run).waitFor('go', { timeout: '1d' }).read('b', run);
    const s = new Scripted(settled);
    await s.answer('a', ok());
    s.tick();
    expect(s.states).toEqual(['running.go.attention']);
    s.send('go.retry');
    expect(s.states).toEqual(['running.go.awaiting']);
    s.tick().send('go.resolve', { result: { by: 'Ann' } });
    expect(s.context.steps[1]).toMatchObject({ status: 'resolved', result: { by: 'Ann' } });
    expect(s.states).toEqual(['running.b.attempting.working']);
  });
});

describe('a condition', () => {
  const chosen = plain
    .step('a', run, undo)
    .when(
      ({ input, results }) => input.big && results.a === 1,
      (b) => b.step('b', run, undo).step('c', run, undo),
    )
    .step('d', run, undo)
    .output(({ results }) => [results.b, results.d]);

  it('that holds has its steps done, and undone', async () => {
    const s = new Scripted(chosen, { big: true });
    for (const step of ['a', 'b', 'c']) await s.answer(step, ok(1));
    await s.answer('d', no());
    for (const step of ['c', 'b', 'a']) await s.answer(`${step}.undo`, ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('that does not hold has them passed over: they have no results, and nothing to undo', async () => {
    const s = new Scripted(chosen, { big: false });
    await s.answer('a', ok(1));
    expect(s.begun).toEqual(['a', 'd']);
    await s.answer('d', ok(2));
    expect(s.output).toEqual({ output: [undefined, 2], left: [] });
  });

  it('is asked once', async () => {
    let asked = 0;
    const once = plain.when(
      () => asked++ === 0,
      (b) => b.step('a', run, { ...undo, ...quick }),
    );
    const s = new Scripted(once);
    await s.answer('a', unheard());
    s.tick();
    await s.answer('a', ok());
    expect([asked, s.states]).toEqual([1, ['completed']]);
  });

  it.each([
    ['throws', () => [].at(0 as never) as never, 'true or false, not undefined'],
    ['is async', async () => true, 'true or false, not a promise: it is asked at once'],
  ])('that %s fails the run', (_, condition, message) => {
    const s = new Scripted(plain.when(condition as never, (b) => b.step('a', run, undo)));
    expect(s.states).toEqual(['failed']);
    expect(s.output).toMatchObject({ step: 'when', failure: { code: 'SC_CONDITION', message: expect.stringContaining(message) } });
  });

  it('past the pivot asks a person, who decides', async () => {
    const settled = plain.pivot('a', run).when(
      'maybe',
      () => null as never,
      (b) => b.step('b', run),
    );
    for (const [result, states] of [
      [true, ['running.b.attempting.working']],
      [false, ['completed']],
    ] as const) {
      const s = new Scripted(settled);
      await s.answer('a', ok());
      expect(s.states).toEqual(['running.maybe.attention']);
      s.send('maybe.retry');
      expect(s.states).toEqual(['running.maybe.attention']);
      s.send('maybe.resolve', { result });
      expect(s.states).toEqual(states);
    }
    const s = new Scripted(settled);
    await s.answer('a', ok());
    s.send('maybe.skip');
    expect(s.output).toMatchObject({ left: [{ step: 'maybe', what: 'run skipped' }] });
  });
});

describe('an optional step', () => {
  const optional = plain
    .step('a', run, undo)
    .step('b', run, { ...undo, ...quick, optional: true })
    .step('c', run, undo)
    .output(({ results }) => [results.a, results.b, results.c]);

  it('that is refused is gone on without, and the run is degraded', async () => {
    const s = new Scripted(optional);
    await s.answer('a', ok(1));
    await s.answer('b', no());
    await s.answer('c', ok(3));
    expect(s.output).toEqual({ output: [1, undefined, 3], left: [] });
    expect(s.context.degraded).toBe(true);
  });

  it('that may have happened is undone first', async () => {
    const s = new Scripted(optional);
    await s.answer('a', ok(1));
    await s.answer('b', unheard());
    s.tick();
    await s.answer('b', unheard());
    expect(s.states).toEqual(['running.b.undoing.attempting']);
    await s.answer('b.undo', unheard());
    s.tick();
    await s.answer('b.undo', ok());
    expect(s.states).toEqual(['running.c.attempting.working']);
    await s.answer('c', no());
    await s.answer('a.undo', ok());
    expect([s.states, s.begun.filter((source) => source === 'b.undo').length]).toEqual([['compensated'], 2]);
  });

  it('ends the run as compensated where its undo was the only one', async () => {
    const s = new Scripted(plain.step('a', run, { ...undo, retry: 1, optional: true }).read('b', run, { retry: 1 }));
    await s.answer('a', unheard());
    await s.answer('a.undo', ok());
    await s.answer('b', no());
    expect(s.states).toEqual(['compensated']);
  });

  it('may be given up by a person, who is listed with the run', async () => {
    const s = new Scripted(plain.step('a', run, { ...undo, optional: true }).read('b', run));
    for (let i = 0; i < 3; i++) await s.answer('a', fails(lost));
    expect(s.states).toEqual(['running.a.attention']);
    s.send('a.skip');
    await s.answer('a.undo', ok());
    await s.answer('b', ok());
    expect(s.output).toMatchObject({ left: [{ step: 'a', what: 'run skipped' }] });
  });

  it('past the pivot is gone on without, and what may have happened stays listed', async () => {
    const s = new Scripted(plain.pivot('a', run).step('b', run, { retry: 1, optional: true }).step('c', run));
    await s.answer('a', ok());
    await s.answer('b', unheard());
    await s.answer('c', ok());
    expect(s.output).toMatchObject({ left: [{ step: 'b', what: 'may have happened' }] });
  });
});

describe('a fallback', () => {
  const replaced = plain
    .read('rate', run, { ...quick, fallback: () => 'yesterday' })
    .step('b', run, undo)
    .output(({ results }) => results.rate);

  it('gives the result where the step fails', async () => {
    const s = new Scripted(replaced);
    await s.answer('rate', no());
    expect(s.states).toEqual(['running.rate.fallingBack.working']);
    await s.answer('rate.fallback', ok('yesterday'));
    await s.answer('b', ok());
    expect(s.output).toEqual({ output: 'yesterday', left: [] });
    expect(s.context.degraded).toBe(true);
  });

  it('comes after the undo of what may have happened, and has no undo of its own', async () => {
    const s = new Scripted(plain.step('a', run, { ...undo, retry: 1, fallback: () => 2 }).read('b', run));
    await s.answer('a', unheard());
    await s.answer('a.undo', ok());
    await s.answer('a.fallback', ok(2));
    await s.answer('b', no());
    expect([s.states, s.begun]).toEqual([['compensated'], ['a', 'a.undo', 'a.fallback', 'b']]);
  });

  it('that fails fails the step, with both reasons', async () => {
    const s = new Scripted(replaced);
    await s.answer('rate', no());
    await s.answer('rate.fallback', fails(new Error('no cache')));
    expect(s.output).toMatchObject({ step: 'rate', failure: { message: 'no cache', causes: ['the step itself: no'] } });
  });

  it('is begun again when its process dies, three times at most', async () => {
    const s = new Scripted(replaced);
    await s.answer('rate', no());
    for (let i = 0; i < 2; i++) await s.answer('rate.fallback', fails(lost));
    expect(s.states).toEqual(['running.rate.fallingBack.working']);
    await s.answer('rate.fallback', fails(lost));
    expect(s.states).toEqual(['failed']);
  });

  it('is not begun while the run drains', async () => {
    const wide = plain.parallel(
      (b) => b.step('a', run, { ...undo, retry: 1, fallback: () => 2 }),
      (b) => b.step('b', run, undo),
    );
    const s = new Scripted(wide);
    await s.answer('a', unheard());
    await s.answer('b', no());
    await s.answer('a.undo', ok());
    expect([s.states, s.begun.includes('a.fallback')]).toEqual([['compensated'], false]);
  });
});

describe('a loop', () => {
  const around = plain
    .step('a', run, undo)
    .loop((b) => b.step('b', async ({ round }) => round, undo).step('c', run, undo), { until: ({ results, round }) => results.b === 9 || round === 3, most: 5 })
    .step('d', run, undo)
    .output(({ results }) => results.b);

  it('goes around until its condition holds, each time in a new round', async () => {
    const s = new Scripted(around);
    await s.answer('a', ok());
    for (const b of [1, 9]) {
      await s.answer('b', ok(b));
      await s.answer('c', ok());
    }
    expect(s.states).toEqual(['running.d.attempting.working']);
    expect(s.context.steps[1]).toMatchObject({ result: 9, round: 2 });
  });

  it('is undone round by round, the last one first', async () => {
    const s = new Scripted(around);
    await s.answer('a', ok());
    for (let round = 1; round <= 3; round++) for (const step of ['b', 'c']) await s.answer(step, ok(round));
    await s.answer('d', no());
    const undone: unknown[] = [];
    for (let round = 3; round >= 1; round--) {
      for (const [number, step] of [[2, 'c'] as const, [1, 'b'] as const]) {
        expect(s.states).toEqual([`compensating.${step}.attempting`]);
        undone.push([step, s.context.steps[number]?.round ?? 1, s.context.steps[number]?.result]);
        await s.answer(`${step}.undo`, ok());
      }
    }
    expect(undone).toEqual(
      [3, 2, 1].flatMap((round) => [
        ['c', round, round],
        ['b', round, round],
      ]),
    );
    await s.answer('a.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('that reaches its bound fails, or goes on', async () => {
    const until = () => false;
    const failing = new Scripted(plain.loop((b) => b.step('a', run, undo), { until, most: 1 }));
    await failing.answer('a', ok());
    await failing.answer('a.undo', ok());
    expect(failing.output).toMatchObject({ step: 'loop', failure: { code: 'SC_LOOP_BOUND', message: expect.stringContaining('1 times') } });
    const going = new Scripted(plain.loop('tries', (b) => b.read('a', run), { until, most: 2, atMost: 'goOn' }));
    await going.answer('a', ok());
    await going.answer('a', ok());
    expect(going.states).toEqual(['completed']);
  });

  it('keeps what a person left in a round that is over', async () => {
    const s = new Scripted(plain.pivot('p', run).loop((b) => b.step('a', run, { retry: 1 }), { until: ({ round }) => round === 2, most: 2 }));
    await s.answer('p', ok());
    await s.answer('a', no());
    s.send('a.skip', { reason: 'x' });
    await s.answer('a', ok());
    expect(s.output).toMatchObject({ left: [{ step: 'a', what: 'run skipped' }] });
  });
});

describe('a race', () => {
  const raced = plain
    .step('a', run, undo)
    .race(
      (b) => b.step('b', async () => 'B', { ...undo, ...quick }),
      (b) => b.step('c', async () => 'C', { ...undo, ...quick }),
    )
    .step('d', run, undo)
    .output(({ results }) => [results.race, results.b, results.c]);

  it('is won by the first that succeeds; the other is told to stop, and undone', async () => {
    const s = new Scripted(raced);
    await s.answer('a', ok());
    await s.answer('c', ok('C'));
    expect(s.states).toContain('running.b.attempting.stopping');
    await s.answer('b', ok('B'));
    expect(s.states).toContain('running.b.undoing.attempting');
    expect(s.begun).not.toContain('d');
    await s.answer('b.undo', ok());
    await s.answer('d', ok());
    expect(s.output).toEqual({ output: ['c', undefined, 'C'], left: [] });
    expect(s.context.degraded).toBeUndefined();
  });

  it('goes on while one is left, and fails when none is', async () => {
    const s = new Scripted(raced);
    await s.answer('a', ok());
    await s.answer('b', no());
    expect(s.states).toContain('running.c.attempting.working');
    await s.answer('c', fails(new BusyError('later')));
    s.tick();
    await s.answer('c', no());
    await s.answer('a.undo', ok());
    expect(s.output).toMatchObject({ step: 'race', failure: { code: 'SC_RACE_LOST', message: expect.stringContaining('b: no; c: no') } });
  });

  it('does not try a loser again, and undoes it if it may have happened', async () => {
    const s = new Scripted(raced);
    await s.answer('a', ok());
    await s.answer('b', unheard());
    expect(s.states).toContain('running.b.backingOff');
    await s.answer('c', ok('C'));
    expect(s.states).toContain('running.b.undoing.attempting');
  });

  it('lets a signal race the clock', async () => {
    const decided = signaled.race(
      'answer',
      (b) => b.waitFor('go'),
      (b) => b.sleep('tooLate', '2d'),
    );
    const told = new Scripted(decided).send('go', { payload: { by: 'Ann' } });
    expect([told.states, told.context.steps[2]?.result]).toEqual([['completed'], 'go']);
    const late = new Scripted(decided).tick();
    expect([late.states, late.context.steps[2]?.result]).toEqual([['completed'], 'tooLate']);
  });

  it('counts what a check finds too late as lost', async () => {
    const checked = plain.race(
      (b) => b.step('b', run, { ...undo, check }),
      (b) => b.step('c', run, undo),
    );
    const s = new Scripted(checked);
    await s.answer('b', unheard());
    await s.answer('c', ok());
    await s.answer('b.check', ok(readVerdict(happened(7))));
    await s.answer('b.undo', ok());
    expect(s.states).toEqual(['completed']);
  });
});

describe('a savepoint', () => {
  const saved = returning
    .step('a', run, undo)
    .savepoint({ returns: 2 })
    .step('b', run, undo)
    .step('c', run, { ...undo, retry: 1 });

  it('is returned to: what came after it is undone, and done again in a new round', async () => {
    const s = new Scripted(saved);
    await s.answer('a', ok());
    await s.answer('b', ok(1));
    await s.answer('c', no());
    expect(s.states).toEqual(['compensating.b.attempting']);
    await s.answer('b.undo', ok());
    expect(s.states).toEqual(['running.b.attempting.working']);
    expect(s.context).toMatchObject({ cause: null, steps: [{}, { round: 2 }, { round: 2, status: 'open' }, { round: 2 }] });
    await s.answer('b', ok());
    await s.answer('c', ok());
    expect(s.states).toEqual(['completed']);
  });

  it('is returned to so often, and then everything is undone', async () => {
    const s = new Scripted(saved);
    await s.answer('a', ok());
    for (let round = 1; round <= 3; round++) {
      await s.answer('b', ok());
      await s.answer('c', no());
      await s.answer('b.undo', ok());
    }
    expect(s.states).toEqual(['compensating.a.attempting']);
    await s.answer('a.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('is not returned to by a run that is canceled, nor by one that is canceled on its way', async () => {
    const s = new Scripted(saved);
    await s.answer('a', ok());
    await s.answer('b', ok());
    await s.answer('c', no());
    s.send('cancel', { by: 'Ann' });
    await s.answer('b.undo', ok());
    await s.answer('a.undo', ok());
    expect([s.states, s.output]).toEqual([['canceled'], { by: 'Ann', reason: null, left: [] }]);
  });
});

describe('a saga that only goes forward', () => {
  it('asks a person where another would fail, and undoes nothing', async () => {
    const forward = saga('trip', { version: 1, input, onFailure: 'forward' }).step('a', run).step('b', run, { retry: 1 });
    const s = new Scripted(forward);
    await s.answer('a', ok());
    await s.answer('b', no());
    expect(s.states).toEqual(['running.b.attention']);
    expect(s.snapshot.can({ type: 'cancel' })).toBe(false);
    s.send('b.retry');
    await s.answer('b', ok());
    expect(s.states).toEqual(['completed']);
    expect(Object.keys(forward.machine.states)).toEqual(['running', 'completed', 'terminated']);
  });
});

describe('serial compensation', () => {
  it('undoes one step at a time, the last that ended first', async () => {
    const serial = saga('trip', { version: 1, input, compensation: 'serial' })
      .parallel(
        (b) => b.step('a', run, undo).step('b', run, undo),
        (b) => b.step('c', run, undo),
      )
      .read('d', run);
    for (const order of [
      ['a', 'c', 'b'],
      ['c', 'a', 'b'],
      ['a', 'b', 'c'],
    ]) {
      const s = new Scripted(serial);
      for (const step of order) await s.answer(step, ok());
      await s.answer('d', no());
      for (const step of order.toReversed()) {
        expect(s.begun.filter((source) => source.endsWith('.undo')).at(-1)).toBe(`${step}.undo`);
        await s.answer(`${step}.undo`, ok());
      }
      expect(s.states).toEqual(['compensated']);
    }
  });
});

describe('a bound', () => {
  it('on a step over all its attempts stops it where it waits', async () => {
    const s = new Scripted(plain.step('a', run, { ...undo, retry: { attempts: 9, from: '1h', jitter: 'none' }, within: '1m' }));
    await s.answer('a', fails(new BusyError('later')));
    s.tick();
    expect(s.output).toMatchObject({ step: 'a', failure: { code: 'SC_STEP_LATE', message: 'step a was not done within 1m: later' } });
  });

  it('tells a running attempt to stop, whose result still counts', async () => {
    const hurried = plain.step('a', run, { ...undo, within: '1m' }).read('b', run);
    const s = new Scripted(hurried).tick();
    expect(s.states).toEqual(['running.a.attempting.stopping']);
    await s.answer('a', ok(1));
    expect(s.states).toEqual(['running.b.attempting.working']);
    const t = new Scripted(hurried).tick();
    await t.answer('a', unheard());
    await t.answer('a.undo', ok());
    expect(t.output).toMatchObject({ failure: { code: 'SC_STEP_LATE' } });
  });

  it('past the pivot asks a person, and begins anew with a retry', async () => {
    const s = new Scripted(plain.pivot('a', run).step('b', run, { within: '1m', retry: { from: '1h', jitter: 'none' } }));
    await s.answer('a', ok());
    await s.answer('b', unheard());
    s.tick();
    expect(s.states).toEqual(['running.b.attention']);
    s.send('b.retry');
    await s.answer('b', unheard());
    expect(s.states).toEqual(['running.b.backingOff']);
    s.tick();
    expect(s.states).toEqual(['running.b.attention']);
  });

  it('on the run undoes it before the pivot, and is only noted past it', async () => {
    const bounded = saga('trip', { version: 1, input, deadline: '1h' }).step('a', run, undo).pivot('p', run).step('b', run);
    const s = new Scripted(bounded);
    await s.answer('a', ok());
    s.tick();
    expect(s.context).toMatchObject({ overdue: true, cause: null });
    const t = new Scripted(bounded).tick();
    await t.answer('a', ok());
    await t.answer('a.undo', ok());
    expect(t.output).toMatchObject({ failure: { code: 'SC_RUN_DEADLINE', message: 'the run took longer than 1h' } });
  });

  it('on retries is shared by all steps of a run', async () => {
    const s = new Scripted(saga('trip', { version: 1, input, retryBudget: 2 }).step('a', run, undo).read('b', run));
    await s.answer('a', unheard());
    s.tick();
    await s.answer('a', ok());
    await s.answer('b', unheard());
    s.tick();
    await s.answer('b', unheard());
    await s.answer('a.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });
});

describe('a key that its dependency forgets', () => {
  const bank = dependency('bank', { keyTtl: '1h' });
  const slow = { retry: { attempts: 9, from: '50m', factor: 1, jitter: 'none' }, dependency: bank } as const;
  const doubtful = async (s: Scripted, id: string): Promise<Scripted> => {
    await s.answer(id, unheard());
    s.tick();
    await s.answer(id, unheard());
    return s.tick();
  };

  it('is not used again blindly: what may have happened is undone', async () => {
    const s = await doubtful(new Scripted(plain.step('a', run, { ...undo, ...slow })), 'a');
    expect(s.states).toEqual(['compensating.a.attempting']);
    await s.answer('a.undo', ok());
    expect(s.output).toMatchObject({ step: 'a', failure: { message: 'reset' } });
  });

  it('is asked for, and what stays open past the pivot waits for a person', async () => {
    const s = new Scripted(plain.pivot('a', run, { ...slow, check }));
    await s.answer('a', unheard());
    await s.answer('a.check', ok(readVerdict(undefined)));
    s.tick();
    await s.answer('a', unheard());
    await s.answer('a.check', ok(readVerdict(undefined)));
    s.tick();
    expect(s.states).toEqual(['running.a.checking.working']);
    await s.answer('a.check', ok(readVerdict(undefined)));
    expect(s.states).toEqual(['running.a.attention']);
  });

  it('does not matter where certainly nothing happened', async () => {
    const s = new Scripted(plain.step('a', run, { ...undo, ...slow }));
    await s.answer('a', fails(new BusyError('later')));
    s.tick();
    await s.answer('a', fails(new BusyError('later')));
    s.tick();
    expect(s.states).toEqual(['running.a.backingOff']);
    s.tick();
    await s.answer('a', ok());
    expect(s.states).toEqual(['completed']);
  });

  it('may settle earlier attempts by a refusal, where the dependency promises so', async () => {
    const firm = dependency('firm', { refusalSettles: true });
    for (const [of, states] of [
      [firm, ['failed']],
      ['soft', ['compensating.a.attempting']],
    ] as const) {
      const s = new Scripted(plain.step('a', run, { ...undo, ...quick, dependency: of }));
      await s.answer('a', unheard());
      s.tick();
      await s.answer('a', no());
      expect(s.states).toEqual(states);
    }
  });
});

describe('a block refuses what cannot stand in it', () => {
  const w = returning.step('a', run, undo);
  it.each([
    [
      'a pivot in a condition',
      () =>
        plain.when(
          () => true,
          (b) => b.pivot('p', run),
        ),
      'step p: a pivot stands in a .when',
    ],
    ['a savepoint in a loop', () => w.loop((b) => b.savepoint('s'), { until: () => true, most: 1 }), 'step s: a savepoint stands in a .loop'],
    ['branches in a loop', () => plain.loop((b) => b.parallel((c) => c.read('x', run)), { until: () => true, most: 1 }), '.parallel stands in a .loop'],
    [
      'branches in a condition in a loop',
      () =>
        plain.loop(
          (b) =>
            b.when(
              () => true,
              (c) => c.parallel((d) => d.read('x', run)),
            ),
          { until: () => true, most: 1 },
        ),
      '.parallel stands in a .loop',
    ],
    [
      'two steps in a branch of a race',
      () =>
        plain.race(
          (b) => b.read('x', run).read('y', run),
          (b) => b.read('z', run),
        ),
      'a branch has more or less than one step',
    ],
    ['a race of one', () => (plain as never as { race(b: unknown): unknown }).race((b: typeof plain) => b.read('x', run)), 'it has one branch'],
    [
      'a step in a race past the pivot',
      () =>
        plain.pivot('p', run).race(
          (b) => b.step('x', run),
          (b) => b.read('y', run),
        ),
      'a loser cannot be undone',
    ],
    [
      'an optional step in a race',
      () =>
        plain.race(
          (b) => b.read('x', run, { optional: true }),
          (b) => b.read('y', run),
        ),
      'is optional or has a fallback',
    ],
    ['a savepoint that nothing returns to', () => plain.savepoint(), "onFailure is 'backward'"],
    [
      'a savepoint in a branch',
      () =>
        w.parallel(
          (b) => b.savepoint('s').step('b', run, undo),
          (b) => b.step('c', run, undo),
        ),
      'it may run beside the savepoint s',
    ],
    ['a savepoint past the pivot', () => w.savepoint().pivot('p', run).savepoint('late'), 'past the pivot'],
    ['a return without a savepoint', () => w.definition, 'it has no savepoint'],
    ['an empty loop', () => plain.loop((b) => b, { until: () => true, most: 1 }), 'it has no steps'],
    ['a loop without a bound', () => plain.loop((b) => b.read('x', run), { until: () => true } as never), 'most is undefined'],
    ['an optional pivot', () => plain.pivot('p', run, { optional: true } as never), 'a run cannot go on without its pivot'],
    ['a pivot where nothing is undone', () => saga('t', { version: 1, input, onFailure: 'forward' }).pivot('p', run), "onFailure is 'forward'"],
    ['a signal named like an event of the chart', () => saga('t', { version: 1, input, signals: { cancel: z.any() } }), 'the name "cancel" is reserved'],
    ['a wait for a signal that nobody declared', () => plain.waitFor('stop' as never).definition, 'the signal "stop", which is not declared'],
  ])('%s', (_, make, message) => expect(make).toThrow(message));
});

describe('every path of it', () => {
  const until = (): boolean => true;
  const one = { compensate, retry: 1 } as const;
  it.each([
    ['a wait', signaled.step('a', run, one).waitFor('go', { timeout: '1d' })],
    [
      'two waits for one signal',
      signaled.parallel(
        (b) => b.step('a', run, one).waitFor('go', { timeout: '1d' }),
        (b) => b.waitFor('other', { signal: 'go' }),
      ),
    ],
    ['an approval', plain.step('a', run, one).approval('manager', run, { expires: '1d', retry: 1 })],
    [
      'a race of approvals',
      plain.race(
        (b) => b.approval('chief', run, { retry: 1 }),
        (b) => b.approval('deputy', run, { retry: 1 }),
      ),
    ],
    ['a condition', plain.when(until, (b) => b.step('a', run, one)).step('b', run, one)],
    ['an optional step', plain.step('a', run, { ...one, optional: true, check }).step('b', run, one)],
    ['a fallback', plain.step('a', run, { ...one, fallback: run }).read('b', run)],
    ['a loop', plain.loop((b) => b.step('a', run, one), { until, most: 2 }).read('b', run)],
    [
      'a race',
      plain.race(
        (b) => b.step('a', run, one),
        (b) => b.read('b', run),
      ),
    ],
    ['a savepoint', returning.step('a', run, one).savepoint().step('b', run, one).read('c', run)],
    ['going forward only', saga('trip', { version: 1, input, onFailure: 'forward' }).step('a', run).read('b', run)],
    [
      'serial undo',
      saga('trip', { version: 1, input, compensation: 'serial' })
        .parallel(
          (b) => b.step('a', run, one),
          (b) => b.step('b', run, one),
        )
        .read('c', run),
    ],
    [
      'bounds',
      saga('trip', { version: 1, input, deadline: '1h', retryBudget: 1 })
        .step('a', run, { ...undo, within: '1m' })
        .pivot('p', run, { check }),
    ],
  ])('%s', { timeout: 60_000 }, async (_, definition) => {
    const { violations, states } = await verify(definition, { limits: { states: 20_000, faults: 3 } });
    expect(violations).toEqual([]);
    expect(states).toBeGreaterThan(20);
  });
});

describe('a length that is worked out', () => {
  it('is asked for when the run comes to it, and kept', async () => {
    let asked = 0;
    const dynamic = plain
      .read('a', async () => 90)
      .sleep('pause', ({ results }) => {
        asked++;
        return `${results.a}s`;
      })
      .read('b', run);
    const s = new Scripted(dynamic);
    await s.answer('a', ok(90));
    expect([s.states, s.context.steps[1]?.waitMs, asked]).toEqual([['running.pause.sleeping'], 90_000, 1]);
    s.tick();
    expect(s.states).toEqual(['running.b.attempting.working']);
  });

  it('bounds a wait, which may go on with something else', async () => {
    const wait = signaled.waitFor('go', { timeout: () => '1m', otherwise: null }).output(({ results }) => results.go?.by ?? 'nobody');
    const late = new Scripted(wait).tick();
    expect([late.output, late.context.degraded]).toEqual([{ output: 'nobody', left: [] }, undefined]);
    const told = new Scripted(wait).send('go', { payload: { by: 'Ann' } });
    expect(told.output).toEqual({ output: 'Ann', left: [] });
  });

  it.each([
    ['no length', () => 'soon' as never, 'sleep is "soon", which is not a duration'],
    ['an error', () => [].at(0 as never)?.['x' as never] as never, 'could not be worked out'],
  ])('that is %s fails the run, or asks a person past the pivot', async (_, length, message) => {
    const before = new Scripted(plain.sleep('pause', length));
    expect(before.output).toMatchObject({ step: 'pause', failure: { code: 'SC_CONDITION', message: expect.stringContaining(message) } });
    const past = new Scripted(plain.pivot('p', run).sleep('pause', length).read('b', run));
    await past.answer('p', ok());
    expect(past.states).toEqual(['running.pause.attention']);
    past.send('pause.skip');
    expect(past.states).toEqual(['running.b.attempting.working']);
    const raced = new Scripted(
      signaled.race(
        (b) => b.sleep('x', length),
        (b) => b.waitFor('go'),
      ),
    ).send('go', { payload: { by: 'A' } });
    expect(raced.states).toEqual(['completed']);
  });

  it('or something else to go on with, and being optional exclude each other', () => {
    expect(() => signaled.waitFor('go', { optional: true, otherwise: 1 })).toThrow('it is optional, and says what to go on with otherwise');
  });
});
