import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { fromPromise } from 'xstate/actors';
import { z } from 'zod';
import { HardError, saga, workflow } from '../../src/index.ts';
import { type InterceptedAttempt, type Interceptor, intercepted } from '../../src/runtime/interceptor.ts';
import { World } from './harness.ts';
import { planOf } from './plans.ts';

let w: World;
let calls: string[];
beforeEach(() => {
  w = new World();
  calls = [];
});
afterEach(async () => await w.close());

const context = new AsyncLocalStorage<string>();
const order = saga('order', { version: 1, input: z.object({ sku: z.string() }) })
  .step(
    'reserve',
    ({ key }) => {
      calls.push(`reserve in ${context.getStore()}`);
      return key;
    },
    {
      dependency: 'stock',
      retry: { attempts: 2, from: 0, to: 0 },
      compensate: ({ undoKey, outcome }) => {
        calls.push(`release ${undoKey} ${outcome.status}`);
      },
    },
  )
  .pivot('pay', ({ input }) => {
    if (input.sku === 'dear') throw new HardError('declined');
    return 'paid';
  });

const run = async (interceptors: readonly Interceptor[], sku = 'tea') => {
  const engine = await w.open([order], { interceptors });
  const started = await engine.start(order, { sku }, { id: 'r' });
  const outcome = started.outcome();
  await w.clock.advance(60_000);
  return await outcome;
};

describe('interceptors', () => {
  it('stand around what is done instead, too', async () => {
    const seen: (readonly unknown[])[] = [];
    const watching: Interceptor = async (attempt, next) => {
      seen.push([attempt.kind, attempt.key, attempt.input]);
      return await next();
    };
    const refuse = (): never => {
      throw new HardError('closed');
    };
    const rate = saga('rate', { version: 1, input: z.number() }).read('ask', refuse, { fallback: ({ key }) => `by hand ${key}` });
    const engine = await w.open([rate], { interceptors: [watching] });
    const outcome = (await engine.start(rate, 7, { id: 'r' })).outcome();
    await w.clock.advance(60_000);
    expect(await outcome).toMatchObject({ status: 'completed' });
    const key = 'sc1:ns/r/1/ask/-/1/run';
    expect(seen).toEqual([
      ['run', key, 7],
      ['fallback', key, 7],
    ]);
  });

  it('stand around each attempt, the first outermost, and are told what it is', async () => {
    const seen: InterceptedAttempt[] = [];
    const traced: Interceptor = async (attempt, next) => {
      seen.push(attempt);
      calls.push(`> ${attempt.step} ${attempt.kind}`);
      await context.run('a trace', next);
      calls.push(`< ${attempt.step} ${attempt.kind}`);
    };
    const inner: Interceptor = async (_, next) => {
      calls.push('inner');
      return await next();
    };
    expect(await run([traced, inner], 'dear')).toMatchObject({ status: 'compensated', failure: { message: 'declined' } });
    expect(calls).toEqual([
      '> reserve run',
      'inner',
      'reserve in a trace',
      '< reserve run',
      '> pay run',
      'inner',
      '> reserve undo',
      'inner',
      'release sc1:ns/r/1/reserve/-/1/undo succeeded',
      '< reserve undo',
    ]);
    const [first, , undo] = seen;
    expect({ ...first }).toEqual({
      run: { id: 'r', saga: 'order', version: 1, incarnation: 1 },
      step: 'reserve',
      kind: 'run',
      attempt: 1,
      dependency: 'stock',
      key: 'sc1:ns/r/1/reserve/-/1/run',
      input: { sku: 'dear' },
    });
    expect(undo?.key).toBe('sc1:ns/r/1/reserve/-/1/undo');
    expect(() => Object.assign(first as object, { step: 'other' })).toThrow(TypeError);
  });

  it('make no other result, by what they return or by what they swallow', async () => {
    const quiet: Interceptor = async (_, next) => {
      await next().catch(() => undefined);
      return 'something else';
    };
    expect(await run([quiet], 'dear')).toMatchObject({ status: 'compensated', failure: { message: 'declined' } });
    expect(calls).toEqual(['reserve in undefined', expect.stringMatching(/^release .* succeeded$/)]);
  });

  it('refuse an attempt by what they throw before it', async () => {
    const denied: Interceptor = ({ step }, next) => {
      if (step === 'reserve') throw new HardError('not allowed');
      return next();
    };
    expect(await run([denied])).toMatchObject({ status: 'failed', step: 'reserve', failure: { message: 'not allowed', effect: 'none' } });
    expect(calls).toEqual([]);
  });

  it('cannot make a success a refusal: it counts as unknown, and is undone', async () => {
    const late: Interceptor = async ({ kind, step }, next) => {
      await next();
      if (step === 'reserve' && kind === 'run') throw new HardError('too late');
    };
    expect(await run([late])).toMatchObject({
      status: 'compensated',
      failure: { code: 'SC_INTERCEPTOR', effect: 'maybe', message: expect.stringContaining('too late') },
    });
    expect(calls).toEqual(['reserve in undefined', 'reserve in undefined', expect.stringMatching(/^release .* unknown$/)]);
  });

  it('that do not call next() have run nothing; that call it twice have run it once', async () => {
    const lazy: Interceptor = () => 'nothing';
    expect(await run([lazy])).toMatchObject({ status: 'failed', failure: { code: 'SC_INTERCEPTOR_SKIPPED', effect: 'none' } });
    await w.close();
    w = new World();
    const twice: Interceptor = async ({ step, kind }, next) => {
      await next();
      if (step === 'reserve' && kind === 'run') await next();
    };
    expect(await run([twice])).toMatchObject({ status: 'compensated', failure: { code: 'SC_INTERCEPTOR' } });
    expect(calls.filter((call) => call.startsWith('reserve'))).toHaveLength(2);
  });

  it('are waited for by the attempt they stand around, and it by them', async () => {
    const hasty: Interceptor = (_, next) => {
      void next();
    };
    expect(await run([hasty])).toMatchObject({ status: 'completed' });
  });

  it('stand around the actors of a workflow, too', async () => {
    const machine = createMachine({
      id: 'flow',
      initial: 'a',
      states: { a: { invoke: { src: 'fetch', input: { n: 1 }, onDone: 'completed' } }, completed: { type: 'final' } },
    }).provide({ actors: { fetch: fromPromise(async () => 1) } });
    const flow = workflow(machine, { version: 1 });
    const seen: InterceptedAttempt[] = [];
    const engine = await w.open([flow], {
      interceptors: [
        (attempt, next) => {
          seen.push({ ...attempt });
          return next();
        },
      ],
    });
    expect(await (await engine.start(flow, null, { id: 'r' })).outcome()).toMatchObject({ status: 'completed' });
    expect(seen).toMatchObject([{ kind: 'run', attempt: 1, input: { n: 1 }, key: expect.stringMatching(/^sc1:ns\/r\/1\//) }]);
  });

  it('cost nothing where there are none: the plan is the same object', async () => {
    await w.open([order]);
    const plan = planOf();
    expect(intercepted(plan, [])).toBe(plan);
    expect(intercepted(plan, [(_, next) => next()])).not.toBe(plan);
  });

  it('must be functions', async () => {
    await expect(w.open([order], { interceptors: ['trace'] as never })).rejects.toMatchObject({ code: 'SC_OPTION' });
    await w.open([order]);
  });
});
