import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BREAKER_OPEN, BUDGET_SPENT, INTERRUPTED, LOST, NOT_BEGUN, PAUSED, RATE_LIMITED } from '../../src/base/failure.ts';
import type { StepMeta } from '../../src/chart/config.ts';
import { initialContext, stepRecord, withStep } from '../../src/chart/context.ts';
import { BusyError, didNotHappen, HardError, happened, saga } from '../../src/index.ts';
import { readVerdict } from '../../src/saga/verdict.ts';
import { fails, ok, Scripted } from './scripted.ts';

const run = async (): Promise<{ readonly ref: string }> => ({ ref: '' });
const compensate = async () => {};
const check = async () => undefined;
const begin = () => saga('trip', { version: 1, input: z.unknown() });
const lost = { code: LOST, type: 'x', message: 'gone', class: 'transient', effect: 'maybe' };
const notBegun = { code: NOT_BEGUN, type: 'x', message: 'no', class: 'transient', effect: 'none' };
const happenedNot = () => ok(readVerdict(didNotHappen));
const open = () => ok(readVerdict(undefined));

const chain = begin()
  .step('flight', run, { compensate, retry: { attempts: 2, jitter: 'none', from: '100ms' } })
  .step('hotel', run, { compensate, undo: { retry: { attempts: 2, jitter: 'none' } } })
  .pivot('charge', run, { check, retry: { attempts: 2 } })
  .step('tickets', run, { retry: { attempts: 1 } })
  .output(({ results }) => ({ names: Object.keys(results), has: 'flight' in results && !('nope' in results), flight: results.flight }));

const wide = begin()
  .parallel(
    (b) => b.step('flight', run, { compensate, check }).read('seat', run),
    (b) => b.step('hotel', run, { compensate }).sleep('1s'),
  )
  .pivot('charge', run);

describe('a chain', () => {
  it('goes from step to step, and completes with its output', async () => {
    const s = new Scripted(chain);
    expect(s.states).toEqual(['running.flight.attempting.working']);
    await s.answer('flight', ok({ ref: 'F' }));
    await s.answer('hotel', ok());
    await s.answer('charge', ok());
    await s.answer('tickets', ok());
    expect(s.states).toEqual(['completed']);
    expect(s.output).toEqual({ output: { names: ['flight', 'hotel', 'charge', 'tickets'], has: true, flight: { ref: 'F' } }, left: [] });
  });

  it('backs off after a failed attempt, tries again, and fails when the policy is exhausted', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', fails(new BusyError('later', { retryAfterMs: 700 })));
    expect(s.states).toEqual(['running.flight.backingOff']);
    expect(s.context.steps[0]).toMatchObject({ status: 'open', attempts: 1 });
    s.tick();
    await s.answer('flight', fails(new BusyError('later')));
    expect(s.states).toEqual(['failed']);
    expect(s.output).toMatchObject({ step: 'flight', failure: { code: 'BusyError' }, left: [] });
  });

  it('undoes in reverse what succeeded, when a later step is refused', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', ok());
    await s.answer('hotel', ok());
    await s.answer('charge', fails(new HardError('declined')));
    expect(s.states).toEqual(['compensating.hotel.attempting']);
    await s.answer('hotel.undo', ok());
    expect(s.states).toEqual(['compensating.flight.attempting']);
    await s.answer('flight.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('undoes an unknown step, and leaves one that did not happen alone', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', fails(new Error('reset')));
    s.tick();
    await s.answer('flight', fails(new HardError('no')));
    // The second attempt was refused, but the first may have happened: a refusal does not settle it.
    expect(s.context.steps[0]).toMatchObject({ status: 'unknown', attempts: 2, unknown: true });
    expect(s.states).toEqual(['compensating.flight.attempting']);
    await s.answer('flight.undo', ok());
    expect(s.output).toMatchObject({ step: 'flight' });
  });

  it('retries a compensation, asks a person, and takes each of the three answers', async () => {
    const stuck = async (): Promise<Scripted> => {
      const s = new Scripted(chain);
      await s.answer('flight', ok());
      await s.answer('hotel', ok());
      await s.answer('charge', fails(new HardError('declined')));
      await s.answer('hotel.undo', fails(new Error('reset')));
      expect(s.states).toEqual(['compensating.hotel.backingOff']);
      s.tick();
      await s.answer('hotel.undo', fails(new Error('reset')));
      expect(s.states).toEqual(['compensating.hotel.attention']);
      expect(s.snapshot.hasTag('attention')).toBe(true);
      return s;
    };
    const retried = (await stuck()).send('hotel.retry');
    await retried.answer('hotel.undo', fails(new Error('reset')));
    expect(retried.states).toEqual(['compensating.hotel.backingOff']);
    retried.tick();
    await retried.answer('hotel.undo', ok());
    await retried.answer('flight.undo', ok());
    expect(retried.output).toMatchObject({ left: [] });
    for (const [event, what] of [
      ['hotel.skip', 'undo skipped'],
      ['hotel.resolve', 'undo resolved by hand'],
    ] as const) {
      const s = (await stuck()).send(event);
      await s.answer('flight.undo', ok());
      expect(s.output).toMatchObject({ left: [{ step: 'hotel', what }] });
    }
  });

  it('asks a person at once when a compensation is refused, and at the third loss', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', ok());
    await s.answer('hotel', fails(new HardError('no')));
    await s.answer('flight.undo', fails(lost));
    await s.answer('flight.undo', fails(notBegun));
    expect(s.context.undos[0]).toMatchObject({ attempts: 1 });
    s.tick();
    await s.answer('flight.undo', fails(lost));
    await s.answer('flight.undo', fails(lost));
    expect(s.states).toEqual(['compensating.flight.attempting']);
    await s.answer('flight.undo', fails(lost));
    expect(s.states).toEqual(['compensating.flight.attention']);
    s.send('flight.retry');
    await s.answer('flight.undo', fails(new HardError('no')));
    expect(s.states).toEqual(['compensating.flight.attention']);
  });

  it('tries a lost attempt again at once, and asks a person at the third loss in a row', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', fails(lost));
    await s.answer('flight', fails(lost));
    expect(s.begun).toEqual(['flight', 'flight', 'flight']);
    await s.answer('flight', fails(lost));
    expect(s.states).toEqual(['running.flight.attention']);
    expect(s.context.steps[0]).toMatchObject({ attempts: 3, losses: 3 });
  });

  for (const [event, end] of [
    ['flight.retry', 'running.flight.attempting.working'],
    ['flight.resolve', 'running.hotel.attempting.working'],
    ['flight.skip', 'compensating.flight.attempting'],
    ['cancel', 'compensating.flight.attempting'],
  ] as const) {
    it(`goes on from there by ${event}`, async () => {
      const s = new Scripted(chain);
      for (let i = 0; i < 3; i++) await s.answer('flight', fails(lost));
      s.send(event, { result: { ref: 'by hand' } });
      expect(s.states).toEqual([end]);
    });
  }

  it('lists what a person resolved', async () => {
    const s = new Scripted(chain);
    for (let i = 0; i < 3; i++) await s.answer('flight', fails(lost));
    s.send('flight.resolve', { result: { ref: 'by hand' } });
    for (const step of ['hotel', 'charge', 'tickets']) await s.answer(step, ok());
    expect(s.output).toMatchObject({ output: { flight: { ref: 'by hand' } }, left: [{ step: 'flight', what: 'run resolved by hand' }] });
  });
});

describe('a check that is lost with its process', () => {
  const checked = begin().step('flight', run, { compensate, check, retry: 'forever' }).pivot('charge', run, { check, retry: 'forever' });
  const lose = async (s: Scripted, step: string): Promise<void> => {
    if (s.states.some((state) => state.endsWith('.backingOff'))) s.tick();
    await s.answer(step, fails(new Error('reset')));
    await s.answer(`${step}.check`, fails(lost));
  };

  it('three times in a row needs a person, after whose retry it is counted anew', async () => {
    const s = new Scripted(checked);
    for (const checkLosses of [1, 2]) {
      await lose(s, 'flight');
      expect(s.states).toEqual(['running.flight.backingOff']);
      expect(s.context.steps[0]).toMatchObject({ status: 'open', checkLosses });
    }
    await lose(s, 'flight');
    expect(s.states).toEqual(['running.flight.attention']);
    expect(s.context.steps[0]).toMatchObject({ status: 'open', checkLosses: 3, unknown: true });
    s.send('flight.retry');
    expect(s.context.steps[0]).not.toHaveProperty('checkLosses');
    await lose(s, 'flight');
    expect(s.states).toEqual(['running.flight.backingOff']);
    s.tick();
    await s.answer('flight', ok());
    expect(s.context.steps[0]).toEqual({ status: 'succeeded', attempts: 5, since: 3 });
  });

  for (const [what, answer] of [
    ['cannot tell', open()],
    ['says no', happenedNot()],
    ['throws', fails(new Error('down'))],
  ] as const) {
    it(`is counted anew once one of them ${what}`, async () => {
      const s = new Scripted(checked);
      await lose(s, 'flight');
      await lose(s, 'flight');
      s.tick();
      await s.answer('flight', fails(new Error('reset')));
      await s.answer('flight.check', answer);
      expect(s.states).toEqual(['running.flight.backingOff']);
      expect(s.context.steps[0]).not.toHaveProperty('checkLosses');
    });
  }

  it('while draining ends as unknown', async () => {
    const s = new Scripted(checked);
    await lose(s, 'flight');
    await lose(s, 'flight');
    s.tick();
    await s.answer('flight', fails(new Error('reset')));
    s.send('cancel');
    await s.answer('flight.check', fails(lost));
    expect(s.context.steps[0]).toMatchObject({ status: 'unknown', checkLosses: 3 });
    expect(s.states).toEqual(['compensating.flight.attempting']);
  });

  it('past the pivot asks, whatever the policy', async () => {
    const s = new Scripted(checked);
    await s.answer('flight', ok());
    for (let i = 0; i < 3; i++) await lose(s, 'charge');
    expect(s.states).toEqual(['running.charge.attention']);
  });
});

describe('a shutdown', () => {
  const interrupted = { code: INTERRUPTED, type: 'x', message: 'bye', class: 'transient', effect: 'maybe' };
  const once = begin()
    .step('flight', run, { compensate, retry: { attempts: 1 }, undo: { retry: { attempts: 1 } } })
    .pivot('charge', run);

  it('that interrupts an attempt exhausts no policy, and is no loss', async () => {
    const s = new Scripted(once);
    for (let i = 0; i < 4; i++) {
      await s.answer('flight', fails(interrupted));
      expect(s.states).toEqual(['running.flight.backingOff']);
      s.tick();
    }
    await s.answer('flight', fails(new BusyError('later')));
    expect(s.states).toEqual(['compensating.flight.attempting']);
    for (const one of [interrupted, notBegun]) {
      await s.answer('flight.undo', fails(one));
      expect(s.states).toEqual(['compensating.flight.backingOff']);
      s.tick();
    }
    await s.answer('flight.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });
});

describe('past the pivot', () => {
  const paid = async (): Promise<Scripted> => {
    const s = new Scripted(chain);
    await s.answer('flight', ok());
    await s.answer('hotel', ok());
    return s;
  };

  it('asks what became of an unknown attempt, and goes on with the answer', async () => {
    const s = await paid();
    await s.answer('charge', fails(new Error('reset')));
    expect(s.states).toEqual(['running.charge.checking.working']);
    await s.answer('charge.check', ok(readVerdict(happened({ ref: 'C' }))));
    expect(s.states).toEqual(['running.tickets.attempting.working']);
    expect(s.context.steps[2]).toMatchObject({ status: 'succeeded', attempts: 1, result: { ref: 'C' } });
  });

  it('tries again where the check leaves it open, and asks a person when the policy is exhausted', async () => {
    const s = await paid();
    await s.answer('charge', fails(new Error('reset')));
    await s.answer('charge.check', open());
    expect(s.states).toEqual(['running.charge.backingOff']);
    s.tick();
    await s.answer('charge', fails(new Error('reset')));
    await s.answer('charge.check', fails(new Error('check failed too')));
    expect(s.states).toEqual(['running.charge.attention']);
    s.send('charge.skip', { by: 'Ann', reason: 'the bank says no' });
    expect(s.states).toEqual(['compensating.hotel.attempting']);
    expect(s.context.steps[2]).toMatchObject({ status: 'refused' });
    await s.answer('hotel.undo', ok());
    await s.answer('flight.undo', ok());
    // Nobody but a person has said that the pivot did not happen.
    expect(s.output).toMatchObject({ left: [{ step: 'charge', what: 'run skipped' }] });
  });

  it('undoes everything when the check says that it did not happen and the policy is exhausted', async () => {
    const s = await paid();
    await s.answer('charge', fails(new Error('reset')));
    await s.answer('charge.check', happenedNot());
    expect(s.states).toEqual(['running.charge.backingOff']);
    s.tick();
    await s.answer('charge', fails(new Error('reset')));
    await s.answer('charge.check', happenedNot());
    expect(s.states).toEqual(['compensating.hotel.attempting']);
  });

  it('asks even after a refusal, if an earlier attempt is unknown', async () => {
    const s = await paid();
    await s.answer('charge', fails(new Error('reset')));
    await s.answer('charge.check', open());
    s.tick();
    await s.answer('charge', fails(new HardError('declined')));
    expect(s.states).toEqual(['running.charge.checking.working']);
    await s.answer('charge.check', open());
    expect(s.states).toEqual(['running.charge.attention']);
    s.send('charge.resolve', { result: { ref: 'seen at the bank' } });
    expect(s.states).toEqual(['running.tickets.attempting.working']);
  });

  it('tries a lost check again with the step', async () => {
    const s = await paid();
    await s.answer('charge', fails(lost));
    await s.answer('charge.check', open());
    expect(s.states).toEqual(['running.charge.attempting.working']);
  });

  it('only asks a person, and goes on without the step if it is skipped', async () => {
    const s = await paid();
    await s.answer('charge', ok());
    await s.answer('tickets', fails(new HardError('no')));
    expect(s.states).toEqual(['running.tickets.attention']);
    s.send('tickets.retry');
    await s.answer('tickets', fails(new Error('reset')));
    s.send('tickets.skip', { reason: 'by mail' });
    expect(s.states).toEqual(['completed']);
    expect(s.output).toMatchObject({ left: [{ step: 'tickets', what: 'run skipped' }] });
  });

  it('begins its policy anew when a person has it tried again', async () => {
    const s = new Scripted(
      begin()
        .pivot('charge', run)
        .step('tickets', run, { retry: { attempts: 2 } }),
    );
    await s.answer('charge', ok());
    await s.answer('tickets', fails(new BusyError('later')));
    s.tick();
    await s.answer('tickets', fails(new BusyError('later')));
    expect(s.states).toEqual(['running.tickets.attention']);
    s.send('tickets.retry');
    await s.answer('tickets', fails(new BusyError('later')));
    expect(s.states).toEqual(['running.tickets.backingOff']);
  });

  it('completes without an output that needs what a person skipped, and throws at any other', async () => {
    const needy = new Scripted(
      begin()
        .pivot('charge', run)
        .step('tickets', run)
        .output(({ results }) => results.tickets.ref),
    );
    await needy.answer('charge', ok());
    await needy.answer('tickets', fails(new HardError('no')));
    needy.send('tickets.skip', { reason: 'by mail' });
    expect(needy.output).toEqual({ output: undefined, left: [{ step: 'tickets', what: 'run skipped' }] });

    const broken = begin()
      .read('a', run)
      .output(() => {
        throw new Error('broken');
      });
    const errors: unknown[] = [];
    const s = new Scripted(broken);
    s.actor.subscribe({ error: (error) => errors.push(error) });
    await s.answer('a', ok());
    expect(errors).toEqual([new Error('broken')]);
  });

  it('takes no cancel while it sleeps', async () => {
    const s = new Scripted(begin().pivot('charge', run).sleep('rest', '1d').read('done', run));
    await s.answer('charge', ok());
    expect(s.states).toEqual(['running.rest.sleeping']);
    expect(s.snapshot.can({ type: 'cancel' })).toBe(false);
    expect(s.snapshot.hasTag('pastPivot')).toBe(true);
    expect(s.tick().states).toEqual(['running.done.attempting.working']);
  });

  it('takes a check that answers nothing for one that cannot tell', async () => {
    const s = await paid();
    await s.answer('charge', fails(new Error('reset')));
    await s.answer('charge.check', ok());
    expect(s.states).toEqual(['running.charge.backingOff']);
  });

  it('takes no cancel, in any of its states', async () => {
    const s = await paid();
    expect(s.snapshot.can({ type: 'cancel' })).toBe(false);
    await s.answer('charge', fails(new Error('reset')));
    expect(s.snapshot.can({ type: 'cancel' })).toBe(false);
    await s.answer('charge.check', open());
    expect(s.snapshot.can({ type: 'cancel' })).toBe(false);
    expect(s.snapshot.hasTag('pastPivot')).toBe(true);
  });
});

describe('cancel', () => {
  it('lets the running attempt end, and undoes it if it succeeded', async () => {
    const s = new Scripted(chain);
    s.send('cancel', { by: 'Ann', reason: 'changed her mind' });
    expect(s.states).toEqual(['running.flight.attempting.stopping']);
    await s.answer('flight', ok());
    expect(s.states).toEqual(['compensating.flight.attempting']);
    s.send('cancel');
    await s.answer('flight.undo', ok());
    expect(s.states).toEqual(['canceled']);
    expect(s.output).toEqual({ by: 'Ann', reason: 'changed her mind', left: [] });
  });

  it('ends at once when nothing has happened', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', fails(new BusyError('later')));
    s.send('cancel');
    expect(s.states).toEqual(['canceled']);
    expect(s.output).toEqual({ by: null, reason: null, left: [] });
  });

  it('undoes what may have happened while it waited for the next attempt', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', fails(new Error('reset')));
    s.send('cancel');
    expect(s.states).toEqual(['compensating.flight.attempting']);
  });

  it('stays the cause when the attempt it stopped is refused', async () => {
    const s = new Scripted(chain);
    s.send('cancel');
    await s.answer('flight', fails(new HardError('no')));
    expect(s.states).toEqual(['canceled']);
  });

  it('counts an attempt that was never begun as nothing', async () => {
    const s = new Scripted(chain);
    s.send('cancel');
    await s.answer('flight', fails(notBegun));
    expect(s.context.steps[0]).toMatchObject({ status: 'refused', attempts: 0 });
    expect(s.states).toEqual(['canceled']);
  });

  it.each([NOT_BEGUN, BREAKER_OPEN, RATE_LIMITED, BUDGET_SPENT, PAUSED])(
    'puts an attempt off that was not begun (%s), however often, and spends none',
    async (code) => {
      const s = new Scripted(chain);
      for (let i = 0; i < 12; i++) {
        await s.answer('flight', fails({ ...notBegun, code }));
        expect([s.states, s.context.steps[0]?.attempts]).toEqual([['running.flight.backingOff'], 0]);
        s.tick();
      }
      await s.answer('flight', ok());
      await s.answer('hotel', fails(new HardError('no')));
      for (let i = 0; i < 12; i++) {
        await s.answer('flight.undo', fails({ ...notBegun, code }));
        expect([s.states, s.context.undos[0]?.attempts]).toEqual([['compensating.flight.backingOff'], 0]);
        s.tick();
      }
      await s.answer('flight.undo', ok());
      expect(s.states).toEqual(['compensated']);
    },
  );
});

describe('the record of a step', () => {
  it('leaves out what has its usual value, and reads it back', () => {
    const record = { status: 'open', attempts: 2, since: 1, losses: 1, checkLosses: 1, unknown: true, round: 2 } as const;
    const context = withStep(initialContext({ runId: 'r', input: 1 }), 1, record);
    expect(context.steps).toEqual([null, record]);
    expect(stepRecord(context, 1)).toEqual(record);
    const usual = { status: 'succeeded', attempts: 1, since: 0, losses: 0, checkLosses: 0, unknown: false, round: 1 } as const;
    expect(withStep(context, 0, usual).steps[0]).toEqual({ status: 'succeeded', attempts: 1 });
  });
});

describe('terminate', () => {
  it('ends at once, undoes nothing, and lists what is left', async () => {
    const s = new Scripted(chain);
    await s.answer('flight', ok());
    s.send('terminate');
    expect(s.states).toEqual(['terminated']);
    expect(s.output).toEqual({ left: [{ step: 'flight', what: 'not undone' }] });
  });
});

describe('steps side by side', () => {
  it('drain each other after a failure, and are undone side by side', async () => {
    const s = new Scripted(wide);
    expect(s.states).toEqual(['running.flight.attempting.working', 'running.hotel.attempting.working']);
    await s.answer('hotel', ok());
    expect(s.states).toContain('running.sleep.sleeping');
    await s.answer('flight', ok());
    await s.answer('seat', fails(new HardError('none left')));
    expect(s.states).toEqual(['compensating.flight.attempting', 'compensating.hotel.attempting']);
    await s.answer('flight.undo', ok());
    await s.answer('hotel.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('wait for each other before the pivot', async () => {
    const s = new Scripted(wide);
    await s.answer('flight', ok());
    await s.answer('seat', ok());
    expect(s.states.some((state) => state.includes('charge'))).toBe(false);
    await s.answer('hotel', ok());
    s.tick();
    expect(s.states).toContain('running.charge.attempting.working');
    await s.answer('charge', ok());
    expect(s.states).toEqual(['completed']);
    expect(s.output).toEqual({ output: undefined, left: [] });
  });

  it('end by the cause that began the undoing: a cancel after it changes nothing', async () => {
    const s = new Scripted(wide);
    await s.answer('hotel', fails(new HardError('full')));
    s.send('cancel', { by: 'Ann' });
    await s.answer('flight', ok());
    s.send('cancel', { by: 'Ann' });
    await s.answer('flight.undo', ok());
    expect(s.states).toEqual(['compensated']);
    expect(s.output).toMatchObject({ step: 'hotel', failure: { message: 'full' } });
  });

  it('a late success while draining is undone', async () => {
    const s = new Scripted(wide);
    await s.answer('hotel', fails(new HardError('full')));
    expect(s.states).toContain('running.flight.attempting.stopping');
    await s.answer('flight', ok());
    expect(s.states).toEqual(['compensating.flight.attempting', 'compensating.ended']);
    await s.answer('flight.undo', ok());
    expect(s.states).toEqual(['compensated']);
  });

  it('a check that runs while draining may still settle the step', async () => {
    for (const [answer, end] of [
      [happenedNot(), 'failed'],
      [open(), 'compensating.flight.attempting'],
      [ok(readVerdict({ ref: 1 })), 'compensating.flight.attempting'],
    ] as const) {
      const s = new Scripted(wide);
      await s.answer('flight', fails(new Error('reset')));
      await s.answer('hotel', fails(new HardError('full')));
      expect(s.states).toContain('running.flight.checking.stopping');
      await s.answer('flight.check', answer);
      expect(s.states[0]).toBe(end);
    }
  });

  it('a step that waits for other chains is not begun after a failure', async () => {
    const s = new Scripted(
      begin()
        .parallel(
          (b) => b.read('a', run),
          (b) => b.read('b', run),
        )
        .read('c', run),
    );
    await s.answer('b', ok());
    await s.answer('a', fails(new HardError('no')));
    expect(s.begun).toEqual(['a', 'b']);
    expect(s.states).toEqual(['failed']);
  });
});

describe('an abort from outside', () => {
  it('moves nothing: only a run that drains tells its steps to stop', async () => {
    const beside = begin()
      .parallel(
        (b) => b.step('a', run, { compensate }),
        (b) => b.read('b', run, { retry: { attempts: 9 } }),
        (b) => b.sleep('c', '1h').step('d', run, { compensate }),
      )
      .read('e', run);
    const s = new Scripted(beside);
    const unmoved = (): void => {
      const before = s.states;
      expect(s.snapshot.can({ type: 'abort' })).toBe(false);
      expect(s.send('abort').states).toEqual(before);
    };
    unmoved();
    await s.answer('a', fails(new Error('reset')));
    await s.answer('b', fails(new BusyError('later')));
    expect(s.states).toEqual(expect.arrayContaining(['running.a.backingOff', 'running.b.backingOff', 'running.c.sleeping']));
    unmoved();
    s.tick().tick();
    for (let i = 0; i < 3; i++) await s.answer('a', fails(lost));
    expect(s.states).toContain('running.a.attention');
    await s.answer('b', ok());
    unmoved();
    s.send('cancel');
    expect(s.states).toEqual(['compensating.a.attempting', 'compensating.ended']);
  });
});

describe('what a step says of itself', () => {
  it('names what it waits for, wherever that is', () => {
    const nodes = [...(wide.machine as never as { idMap: Map<string, { meta?: StepMeta }> }).idMap.values()];
    const waits = Object.fromEntries(nodes.flatMap(({ meta }) => (meta?.waitsFor ? [[meta.step, meta.waitsFor]] : [])));
    expect(waits).toEqual({ flight: [], seat: ['flight'], hotel: [], sleep: ['hotel'], charge: ['seat', 'sleep'] });
  });
});

describe('every state', () => {
  for (const { name, machine } of [chain, wide]) {
    it(`of ${name} has a description`, () => {
      const nodes = [...(machine as never as { idMap: Map<string, { id: string; description?: string }> }).idMap.values()];
      expect(nodes.filter((node) => !node.description).map((node) => node.id)).toEqual([]);
    });
  }

  it('says clearly that an actor is missing', async () => {
    const { createActor } = await import('xstate');
    const actor = createActor(chain.machine);
    await new Promise<void>((resolve) => {
      actor.subscribe((snapshot) => {
        const { failure } = (snapshot.context as { steps: { failure?: { code: string; message: string } }[] }).steps[0] ?? {};
        if (!failure) return;
        expect(failure).toMatchObject({ code: 'SC_ACTOR_MISSING', message: expect.stringContaining("'flight'") });
        actor.stop();
        resolve();
      });
      actor.start();
    });
  });
});
