import { afterEach, describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { approval } from '../../machines/approval.ts';
import { StoreError } from '../../src/base/errors.ts';
import { BusyError, HardError, memory, saga, type, workflow } from '../../src/index.ts';
import type { Store } from '../../src/stores/store.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { Gate, World } from './harness.ts';

const compensate = async () => {};
const noop = async () => 1;
const worlds: World[] = [];
const world = (store?: ConstructorParameters<typeof World>[0]): World => {
  const made = new World(store);
  worlds.push(made);
  return made;
};
afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

const one = (gate: Gate, options: object = {}) =>
  saga('one', { version: 1, input: z.object({ n: z.number() }) }).step('a', gate.run, { compensate, ...options });

describe('start', () => {
  it('is idempotent by id: the same input gives the existing run, another an error', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    const engine = await w.open([s]);
    const [first, second] = await Promise.all([engine.start(s, { n: 1 }, { id: 'r' }), engine.start(s, { n: 1 }, { id: 'r' })]);
    expect([first.id, second.id]).toEqual(['r', 'r']);
    expect(gate.calls).toHaveLength(1);
    await expect(engine.start(s, { n: 2 }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
    gate.last.resolve(1);
    await first.outcome();
    expect((await engine.start(s, { n: 1 }, { id: 'r' })).id).toBe('r');
    expect(gate.calls).toHaveLength(1);
  });

  it('refuses what cannot be run, with nothing stored', async () => {
    const w = world();
    const s = one(new Gate());
    const engine = await w.open([s], { limits: { payloadBytes: 50 } });
    await expect(engine.start('nope', {})).rejects.toMatchObject({ code: 'SC_UNKNOWN_SAGA' });
    await expect(engine.start('one', {}, { version: 7 })).rejects.toMatchObject({ code: 'SC_UNKNOWN_SAGA' });
    await expect(engine.start(s, { n: 'x' } as never)).rejects.toMatchObject({ code: 'SC_INPUT_INVALID' });
    await expect(engine.start(s, { n: 1 }, { id: '' })).rejects.toMatchObject({ code: 'SC_RUN_ID' });
    const big = saga('big', { version: 1, input: z.any() }).read('a', noop);
    const other = world();
    const second = await other.open([big], { limits: { payloadBytes: 50 } });
    await expect(second.start(big, 'x'.repeat(60))).rejects.toMatchObject({ code: 'SC_PAYLOAD_TOO_LARGE' });
    await expect(second.start(big, { f: () => 1 })).rejects.toMatchObject({ code: 'SC_NOT_STORABLE' });
    expect(await w.store.list({})).toEqual([]);
    expect(await other.store.list({})).toEqual([]);
  });

  it('beyond capacity is stored as queued, and begins when there is room', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    const engine = await w.open([s], { limits: { runs: 2 } });
    const runs = await Promise.all([1, 2, 3, 4].map((n) => engine.start(s, { n }, { id: `r${n}` })));
    expect(await w.store.count()).toEqual({ running: 2, queued: 2 });
    for (const expected of [3, 4, 4, 4]) {
      const call = gate.calls.find((one) => !one.signal.aborted && !(one as { done?: true }).done);
      Object.assign(call ?? {}, { done: true });
      call?.resolve(1);
      await w.clock.advance(10);
      expect(gate.calls.length).toBe(expected);
    }
    for (const run of runs) expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });
});

describe('attempts', () => {
  it('get input, results, services, key, fence, run and log', async () => {
    const w = world();
    const seen: Record<string, unknown>[] = [];
    const s = saga('ctx', { version: 3, input: z.object({ n: z.number().default(7) }), services: type<{ readonly shop: string }>() })
      .step(
        'a',
        (context) => {
          seen.push({ ...context });
          return { a: 1 };
        },
        { compensate },
      )
      .read('b', ({ results, log }) => {
        log.info('hello', { password: 'x' });
        return results.a.a + 1;
      });
    const engine = await w.open([s], { services: { shop: 'tea' } as never });
    const run = await engine.start(s, {} as never, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect(seen[0]).toMatchObject({
      input: { n: 7 },
      services: { shop: 'tea' },
      key: 'sc1:ns/r/1/a/-/1/run',
      attempt: 1,
      fence: 1,
      run: { id: 'r', saga: 'ctx', version: 3, incarnation: 1 },
    });
  });

  it('that run too long are aborted, get their grace, and count if they answer within it', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate, { timeout: '1s', grace: '500ms' });
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 1 });
    await w.clock.advance(999);
    expect(gate.last.signal.aborted).toBe(false);
    await w.clock.advance(1);
    expect(gate.last.signal.aborted).toBe(true);
    expect(gate.last.signal.reason).toMatchObject({ code: 'SC_ATTEMPT_TIMEOUT' });
    await w.clock.advance(400);
    gate.last.resolve('late, but there');
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('that do not answer within their grace are unknown; the next waits for that, and what they say later is dropped', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate, { timeout: '1s', grace: '500ms', retry: { attempts: 2, from: '100ms', jitter: 'none' } });
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 1 }, { id: 'r' });
    await w.clock.advance(1_499);
    expect(w.types('r')).not.toContain('attempt.failed');
    await w.clock.advance(1);
    expect(w.events.find(({ type: t }) => t === 'attempt.failed')).toMatchObject({
      failure: { code: 'SC_ATTEMPT_TIMEOUT', effect: 'maybe', class: 'transient' },
    });
    expect(gate.calls).toHaveLength(1);
    await w.clock.advance(100);
    expect(gate.calls.map(({ attempt, key }) => [attempt, key])).toEqual([
      [1, 'sc1:ns/r/1/a/-/1/run'],
      [2, 'sc1:ns/r/1/a/-/1/run'],
    ]);
    gate.calls[0]?.resolve('much too late');
    await w.clock.settle();
    expect(w.engine.load().attempts).toBe(1);
    gate.last.resolve('second');
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('are bounded, and begin in the order in which they were asked for', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    const engine = await w.open([s], { limits: { attempts: 2 } });
    await Promise.all([1, 2, 3].map((n) => engine.start(s, { n }, { id: `r${n}` })));
    expect(engine.load()).toMatchObject({ attempts: 2, waitingAttempts: 1, runs: 3 });
    gate.calls[0]?.resolve(1);
    await w.clock.settle();
    expect(gate.last.key).toContain('/r3/');
    // One that waits and is told to stop ends as never begun: certainly nothing happened.
    gate.calls[1]?.resolve(1);
    await engine.start(s, { n: 4 }, { id: 'r4' });
    const waiting = await engine.start(s, { n: 5 }, { id: 'r5' });
    await waiting.cancel({ by: 'Ann' });
    expect(await waiting.outcome()).toMatchObject({ status: 'canceled', by: 'Ann' });
    expect(gate.calls.some(({ key }) => key.includes('/r5/'))).toBe(false);
  });

  it('fail for results that cannot be kept: the effect may have happened', async () => {
    const w = world();
    const undone: string[] = [];
    const make = (name: string, result: unknown, options: object = {}) =>
      saga(name, { version: 1, input: z.any() }).step('a', async () => result as never, {
        compensate: ({ outcome }) => undone.push(`${name} ${outcome.status}`),
        ...options,
      });
    const sagas = [
      make('odd', { at: { deep: [() => 1] } }),
      make('big', 'x'.repeat(500)),
      make('wrong', { ref: 1 }, { result: z.object({ ref: z.string() }) }),
    ];
    const engine = await w.open(sagas, { limits: { payloadBytes: 300 } });
    const codes: string[] = [];
    for (const { name } of sagas) {
      const end = (await (await engine.start(name, null)).outcome()) as { failure: { code: string; message: string } };
      codes.push(end.failure.code);
      if (name === 'odd') expect(end.failure.message).toContain('result of a.at.deep[0]');
    }
    expect(codes).toEqual(['SC_NOT_STORABLE', 'SC_PAYLOAD_TOO_LARGE', 'SC_RESULT_INVALID']);
    expect(undone).toEqual(['odd unknown', 'big unknown', 'wrong unknown']);
  });

  it('of a reusable step whose input cannot be made have certainly done nothing', async () => {
    const w = world();
    const s = saga('input', { version: 1, input: z.any() }).use(
      'a',
      { input: z.object({ guest: z.string() }), run: noop, options: { compensate } },
      () => ({ guest: 7 }) as never,
    );
    const engine = await w.open([s]);
    expect(await (await engine.start(s, null)).outcome()).toMatchObject({ status: 'failed', failure: { code: 'SC_STEP_INPUT', effect: 'none' } });
  });
});

describe('a crash', () => {
  it('gives every attempt under way one lost event, and the first retry does not wait', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    await w.open([s], { clock: new ManualClock() });
    await w.engine.start(s, { n: 1 }, { id: 'r' });
    // Another engine takes over after the lease: the clock of the first one stands still, as in a frozen process.
    await w.clock.advance(31_000);
    const second = await w.open([s]);
    await w.clock.settle();
    expect(w.types('r').filter((t) => t === 'attempt.lost')).toHaveLength(1);
    expect(gate.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
    gate.calls[0]?.resolve('from the frozen one');
    await w.clock.settle();
    expect((await second.run('r').status()).status).toBe('running');
    gate.last.resolve('ok');
    expect(await second.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it('does not touch runs whose version or chart it does not know', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    await w.open([s], { clock: new ManualClock() });
    await w.engine.start(s, { n: 1 }, { id: 'r' });
    await w.clock.advance(31_000);
    const changed = saga('one', { version: 1, input: z.object({ n: z.number() }) })
      .step('a', noop, { compensate })
      .read('b', noop);
    for (const sagas of [[changed], [saga('other', { version: 1, input: z.any() }).read('a', noop)]]) {
      const before = await w.store.journal((await w.store.find('r'))?.number ?? 0);
      const engine = await w.open(sagas);
      expect(engine.load().blocked).toBe(1);
      await expect(engine.run('r').outcome()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
      await expect(engine.run('r').cancel()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
      expect((await engine.run('r').status()).status).toBe('running');
      expect(await w.store.journal((await w.store.find('r'))?.number ?? 0)).toEqual(before);
      await w.close();
    }
  });
});

describe('timers', () => {
  it('keep their deadline over a restart, and a sleeping run is not in memory', async () => {
    const w = world();
    const s = saga('sleepy', { version: 1, input: z.any() }).sleep('1h').read('a', noop);
    await w.open([s]);
    const began = w.clock.now();
    await w.engine.start(s, null, { id: 'r' });
    await w.clock.settle();
    expect(w.engine.load().runs).toBe(0);
    expect(await w.engine.run('r').status()).toMatchObject({ status: 'sleeping', due: began + 3_600_000 });
    await w.engine.close();
    await w.clock.advance(1_800_000);
    await w.open([s]);
    const end = w.engine.run('r').outcome();
    await w.clock.advance(1_799_000);
    expect((await w.engine.run('r').status()).status).toBe('sleeping');
    await w.clock.advance(1_001);
    expect(await end).toMatchObject({ status: 'completed' });
    expect((await w.engine.run('r').status()).endedAt).toBe(began + 3_600_000);
  });
});

describe('signals and commands', () => {
  it('reach a workflow, parsed, and are refused where nobody takes them', async () => {
    const w = world();
    const engine = await w.open([approval]);
    const run = await engine.start(approval, { title: 'Trip', cents: 90_000 }, { id: 'r' });
    await expect(run.signal('approve', {})).rejects.toMatchObject({ code: 'SC_SIGNAL_INVALID' });
    await expect(run.signal('nope', {})).rejects.toMatchObject({ code: 'SC_SIGNAL_UNKNOWN' });
    await expect(run.signal('xstate.done.actor.recordApproval', {})).rejects.toMatchObject({ code: 'SC_EVENT_RESERVED' });
    await expect(run.cancel()).rejects.toMatchObject({ code: 'SC_EVENT_NOT_ACCEPTED' });
    await expect(run.retry('recordApproval')).rejects.toMatchObject({ code: 'SC_UNKNOWN_STEP' });
    await w.clock.advance(86_400_000);
    expect(await run.signal('approve', { by: 'Grace' })).toEqual({ seq: 3 });
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: { decision: 'approved', receipt: 'approved:Trip' } });
    await expect(run.signal('approve', { by: 'Grace' })).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    await expect(engine.run('nope').cancel()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(engine.run('nope').outcome()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(engine.run('nope').status()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });

  it('act on what is stuck, and only on that', async () => {
    const w = world();
    const s = saga('stuck', { version: 1, input: z.any() })
      .step('a', noop, {
        compensate: () => {
          throw new HardError('no undo');
        },
      })
      .pivot('p', () => {
        throw new HardError('declined');
      });
    const engine = await w.open([s]);
    const run = await engine.start(s, null, { id: 'r' });
    expect(await run.until('attention')).toEqual(['a']);
    expect(await run.status()).toMatchObject({ status: 'compensating', attention: true });
    await w.clock.settle();
    expect(w.alerts).toMatchObject([{ kind: 'attention' }]);
    await expect(run.skip('a', { reason: ' ' })).rejects.toMatchObject({ code: 'SC_REASON_MISSING' });
    await expect(run.retry('p')).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    await expect(run.resolve('nope', 1)).rejects.toMatchObject({ code: 'SC_UNKNOWN_STEP' });
    await run.retry();
    expect(await run.until('attention')).toEqual(['a']);
    await run.skip('a', { by: 'Ann', reason: 'written off' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', step: 'p', left: [{ step: 'a', what: 'undo skipped' }] });
    await expect(engine.run('r').until('attention')).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
  });

  it('cancel past the pivot is an error that says so, and the run goes on', async () => {
    const w = world();
    const gate = new Gate();
    const s = saga('paid', { version: 1, input: z.any() }).pivot('p', gate.run);
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    await expect(run.cancel()).rejects.toMatchObject({ code: 'SC_CANCEL_PAST_PIVOT' });
    gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('terminate ends at once, and what the attempt says later is discarded, visibly', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 1 }, { id: 'r' });
    await run.terminate({ by: 'Ann' });
    expect(await run.outcome()).toMatchObject({ status: 'terminated' });
    expect(gate.last.signal.aborted).toBe(true);
    gate.last.resolve(1);
    await w.clock.settle();
    expect(w.types('r')).toContain('discarded');
  });

  it('come through the inbox from elsewhere, once each, and are answered', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate);
    const engine = await w.open([s], { pollEvery: '50ms' });
    const send = async (id: string, run: string, command: object) => {
      await w.store.send({ id, run, body: JSON.stringify(command), at: 0 });
      await w.clock.advance(100);
      return JSON.parse((await w.store.inbox(id))?.answer ?? 'null') as { ok: boolean; seq?: number; error?: { code: string } } | null;
    };
    expect(await send('1', 'r', { type: 'start', saga: 'one', input: { n: 1 } })).toEqual({ ok: true, seq: 1 });
    expect(await send('2', 'r', { type: 'start', saga: 'one', input: { n: 1 } })).toEqual({ ok: true, seq: 0 });
    expect(await send('3', 'r', { type: 'start', saga: 'one', input: { n: 2 } })).toMatchObject({ ok: false, error: { code: 'SC_RUN_EXISTS' } });
    expect(await send('4', 'x', { type: 'start', saga: 'nope', input: {} })).toMatchObject({ ok: false, error: { code: 'SC_UNKNOWN_SAGA' } });
    expect(await send('5', 'x', { type: 'cancel' })).toMatchObject({ ok: false, error: { code: 'SC_UNKNOWN_RUN' } });
    expect(await send('6', 'r', { type: 'retry', step: 'a' })).toMatchObject({ ok: false, error: { code: 'SC_NOT_STUCK' } });
    expect(await send('7', 'r', { type: 'cancel', by: 'Ann' })).toMatchObject({ ok: true, seq: 2 });
    gate.last.resolve(1);
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'canceled', by: 'Ann' });
  });
});

describe('a fault in the chart’s own code', () => {
  it('keeps the event, asks a person, and goes on when the event is applied again', async () => {
    const w = world();
    let broken = true;
    const s = saga('out', { version: 1, input: z.any() })
      .read('a', noop)
      .output(() => {
        if (broken) throw new Error('no output');
        return 'fine';
      });
    const engine = await w.open([s]);
    const run = await engine.start(s, null, { id: 'r' });
    await run.until('attention');
    broken = false;
    await run.retry();
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: 'fine' });
  });

  it('also where a context cannot be stored', async () => {
    const w = world();
    const machine = setup({ actors: { work: fromPromise(async () => 1) }, actions: { spoil: ({ context }) => context } }).createMachine({
      id: 'spoiled',
      context: {},
      initial: 'a',
      states: { a: { on: { go: { target: 'b' } } }, b: {} },
    });
    const spoiled = machine.provide({});
    const { assign } = await import('xstate');
    const spoiling = setup({}).createMachine({ id: 'spoiled', context: {}, on: { go: { actions: assign({ map: () => new Map() }) } } });
    expect(spoiled.id).toBe('spoiled');
    const flow = workflow(spoiling as never, { version: 1, events: { go: z.object({}) } });
    const engine = await w.open([flow]);
    const run = await engine.start(flow, undefined, { id: 'r' });
    await run.signal('go');
    expect(await run.status()).toMatchObject({ attention: true });
    const { number = 0 } = (await w.store.find('r')) ?? {};
    expect((await w.store.journal(number)).at(-1)?.text).toContain('SC_NOT_STORABLE');
  });
});

describe('a store that fails', () => {
  /** Refuses commits while `down`. */
  const failing =
    (state: { down: boolean; code?: string }) => (clock: ConstructorParameters<typeof World>[0] extends ((c: infer C) => Store) | undefined ? C : never) => {
      const store = memory({ clock });
      const commit = store.commit.bind(store);
      store.commit = async (batch) => {
        if (state.down) throw new StoreError(state.code ?? 'SC_STORE_FULL', 'disk full', { retryable: true });
        return await commit(batch);
      };
      return store;
    };

  it('keeps results in memory, refuses new starts, and goes on by itself', async () => {
    const state = { down: false };
    const w = world(failing(state));
    const gate = new Gate();
    const s = one(gate).read('b', noop);
    const engine = await w.open([s]);
    const run = await engine.start(s, { n: 1 }, { id: 'r' });
    state.down = true;
    gate.last.resolve(1);
    await w.clock.advance(50);
    expect(w.types()).toContain('store.failed');
    // Observers see committed state only.
    expect(w.types('r')).not.toContain('attempt.succeeded');
    await expect(engine.start(s, { n: 2 }, { id: 'x' })).rejects.toMatchObject({ code: 'SC_STORE_FULL' });
    await expect(run.cancel()).rejects.toMatchObject({ code: 'SC_STORE_FULL' });
    expect(await w.store.find('x')).toBeUndefined();
    state.down = false;
    await w.clock.advance(10_000);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect(w.types()).toContain('store.recovered');
    expect(gate.calls).toHaveLength(1);
  });

  it('tells a caller whose start was in the batch, and drops the run that never was', async () => {
    const state = { down: true, code: 'SC_STORE_READONLY' };
    const w = world(failing(state));
    const gate = new Gate();
    const s = one(gate);
    const engine = await w.open([s]);
    await expect(engine.start(s, { n: 1 }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_STORE_READONLY' });
    state.down = false;
    await w.clock.advance(1_000);
    expect(engine.load().runs).toBe(0);
    await engine.start(s, { n: 1 }, { id: 'r' });
    expect(gate.calls).toHaveLength(1);
  });
});

describe('closing', () => {
  it('lets attempts end, aborts them at the deadline, and leaves the rest for the next engine', async () => {
    const w = world();
    const gate = new Gate();
    const s = one(gate, { retry: { attempts: 3, from: '10ms', jitter: 'none' } });
    const engine = await w.open([s], { limits: { attempts: 1 } });
    await engine.start(s, { n: 1 }, { id: 'r1' });
    await engine.start(s, { n: 2 }, { id: 'r2' });
    const waiting = engine.run('r1').outcome();
    waiting.catch(() => {});
    const closing = engine.close({ deadlineMs: 1_000 });
    await expect(engine.start(s, { n: 3 })).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    await w.clock.advance(999);
    expect(gate.last.signal.aborted).toBe(false);
    await w.clock.advance(1);
    expect(gate.last.signal.reason).toMatchObject({ code: 'SC_ATTEMPT_INTERRUPTED' });
    gate.last.reject(new BusyError('stopped'));
    await closing;
    await expect(waiting).rejects.toMatchObject({ code: 'SC_ENGINE_CLOSED' });
    await w.open([s]);
    await w.clock.advance(300);
    expect(w.types().filter((t) => t === 'attempt.lost')).toEqual([]);
    for (const call of gate.calls) call.resolve(1);
    expect(await w.engine.run('r1').outcome()).toMatchObject({ status: 'completed' });
    expect(await w.engine.run('r2').outcome()).toMatchObject({ status: 'completed' });
  });
});

describe('options', () => {
  it('are checked', async () => {
    const w = world();
    const s = one(new Gate());
    await expect(w.open([s], { limits: { runs: 0 } })).rejects.toMatchObject({ code: 'SC_OPTION' });
    await expect(w.open([s], { sleepAfter: 'soon' as never })).rejects.toMatchObject({ code: 'SC_DEFINITION_DURATION' });
    await expect(w.open([s, s])).rejects.toMatchObject({ code: 'SC_DUPLICATE_SAGA' });
    await w.open([s]);
  });
});
