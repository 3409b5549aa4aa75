import { describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { approval } from '../../machines/approval.ts';
import { StoreError } from '../../src/base/errors.ts';
import { BusyError, HardError, memory, saga, workflow } from '../../src/index.ts';
import { encodeCommand } from '../../src/runtime/command.ts';
import { Gate, World } from './harness.ts';

const undo = { compensate: async () => {} };
const desk = { title: 'desk', cents: 90_000 };

describe('a queued run', () => {
  for (const how of ['terminate', 'cancel'] as const) {
    it(`begins nothing when the first it hears is ${how}`, async () => {
      const w = new World();
      const gate = new Gate();
      const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, undo);
      const engine = await w.open([s], { limits: { runs: 1 } });
      await engine.start(s, 1, { id: 'first' });
      const second = await engine.start(s, 2, { id: 'second' });
      expect(await second.status()).toMatchObject({ status: 'queued' });
      await second[how]({ by: 'Ann' });
      await w.clock.settle();
      expect(await second.status()).toMatchObject({ status: how === 'cancel' ? 'canceled' : 'terminated' });
      expect(gate.calls).toHaveLength(1);
      gate.last.resolve(1);
      await w.close();
    });
  }
});

describe('a sleeping run', () => {
  it('goes back to sleep when what it is brought into memory for is refused', async () => {
    const w = new World();
    await w.open([approval]);
    await w.engine.start(approval, desk, { id: 'r' });
    await w.close();
    const engine = await w.open([approval]);
    await expect(engine.run('r').retry()).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    expect(engine.load().runs).toBe(0);
    await w.close();
  });
});

describe('what a later event of the same commit ends', () => {
  it('is never begun', async () => {
    const w = new World();
    const gate = new Gate();
    const blocker = saga('blocker', { version: 1, input: z.any() }).read('a', gate.run);
    const calls: unknown[] = [];
    const work = fromPromise(async ({ input }: { readonly input: unknown }) => {
      calls.push(input);
      return await new Promise<number>(() => {});
    });
    const machine = setup({ actors: { work } }).createMachine({
      id: 'again',
      initial: 'a',
      states: {
        a: {
          invoke: { id: 'w', src: 'work', input: ({ event }: { readonly event: { readonly type: string } }) => event.type },
          on: { again: { target: 'a', reenter: true } },
        },
      },
    });
    const again = workflow(machine, { version: 1, events: { again: z.object({}) } });
    const engine = await w.open([again, blocker], { limits: { runs: 1 } });
    await engine.start(blocker, 1, { id: 'b' });
    const run = await engine.start(again, undefined, { id: 'r' });
    await run.signal('again');
    await w.clock.settle();
    expect(calls).toEqual(['again']);
    gate.last.resolve(1);
    await w.close();
  });
});

describe('a run that two ask for at once', () => {
  it('is brought into memory once', async () => {
    let asks: (() => void) | undefined;
    const w = new World((clock) => {
      const store = memory({ clock });
      const load = store.load.bind(store);
      store.load = async (number) => {
        asks?.();
        asks = undefined;
        await new Promise<void>((resolve) => setImmediate(resolve));
        return await load(number);
      };
      return store;
    });
    const gate = new Gate();
    const first = new Gate();
    const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, undo);
    const blocker = saga('blocker', { version: 1, input: z.any() }).read('a', first.run);
    const engine = await w.open([s, blocker], { limits: { runs: 1 } });
    await engine.start(blocker, 1, { id: 'b' });
    const run = await engine.start(s, 1, { id: 'r' });
    // It is being read for a place in memory when somebody asks for it.
    let refused: Promise<unknown> | undefined;
    asks = () => {
      refused = run.signal('nope' as never).catch((error: { code: string }) => error.code);
    };
    first.last.resolve(1);
    await w.clock.advance(100);
    expect(await refused).toBe('SC_SIGNAL_UNKNOWN');
    expect(gate.calls).toHaveLength(1);
    expect(w.types('r')).not.toContain('attempt.lost');
    gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    await w.close();
  });
});

describe('a command that is refused', () => {
  it('lets a waiting run go again', async () => {
    const w = new World();
    const engine = await w.open([approval], { limits: { runs: 2 } });
    for (let i = 0; i < 5; i++) await engine.start(approval, desk, { id: `r${i}` });
    await w.clock.advance(60_000);
    for (let i = 0; i < 5; i++) await expect(engine.run(`r${i}`).signal('shout')).rejects.toMatchObject({ code: 'SC_SIGNAL_UNKNOWN' });
    expect(engine.load().runs).toBe(0);
    await w.close();
  });

  it('does not swallow one that comes just after it', async () => {
    const w = new World();
    const engine = await w.open([approval]);
    for (let turns = 0; turns < 20; turns++) {
      const run = await engine.start(approval, desk, { id: `r${turns}` });
      await w.clock.advance(10_000);
      const refused = run.cancel();
      refused.catch(() => {});
      for (let i = 0; i < turns; i++) await Promise.resolve();
      await run.signal('approve', { by: 'Ann' });
      await expect(refused).rejects.toMatchObject({ code: 'SC_EVENT_NOT_ACCEPTED' });
    }
    await w.close();
  });

  it('says what is wrong with who asks, why, and with labels', async () => {
    const w = new World();
    const gate = new Gate();
    const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, undo);
    const engine = await w.open([s]);
    const run = await engine.start(s, 1, { id: 'r' });
    await expect(run.cancel({ reason: new Error('x') as never })).rejects.toMatchObject({ code: 'SC_OPTION', message: expect.stringContaining('reason') });
    await expect(run.cancel({ by: 'x'.repeat(4_001) })).rejects.toMatchObject({ code: 'SC_OPTION' });
    await expect(engine.start(s, 1, { labels: { n: 1n as never } })).rejects.toMatchObject({ code: 'SC_OPTION', message: expect.stringContaining('label n') });
    gate.last.resolve(1);
    await w.close();
  });
});

describe('the inbox', () => {
  it('keeps what cannot be handled while the store fails, and handles it in order', async () => {
    const state = { down: true };
    const w = new World((clock) => {
      const store = memory({ clock });
      const reserve = store.reserve.bind(store);
      store.reserve = async (count) => {
        if (state.down) throw new StoreError('SC_STORE_BUSY', 'busy', { retryable: true });
        return await reserve(count);
      };
      return store;
    });
    const gate = new Gate();
    const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, undo);
    await w.store.send({ id: 'i1', run: 'r', body: encodeCommand({ type: 'start', saga: 'one', input: 1 }), at: 1 });
    await w.store.send({ id: 'i2', run: 'r', body: encodeCommand({ type: 'cancel', by: 'Ann' }), at: 2 });
    await w.open([s]);
    await w.clock.advance(2_000);
    expect((await w.store.inbox('i1'))?.answer).toBeNull();
    expect((await w.store.inbox('i2'))?.answer).toBeNull();
    state.down = false;
    await w.clock.advance(2_000);
    expect((await w.store.inbox('i1'))?.answer).toContain('"ok":true');
    expect((await w.store.inbox('i2'))?.answer).toContain('"ok":true');
    gate.last.reject(new BusyError('stopped'));
    await w.clock.settle();
    expect((await w.store.find('r'))?.status).toBe('canceled');
    await w.close();
  });

  it('leaves what is for a run of another worker to that worker', async () => {
    const w = new World();
    const gate = new Gate();
    const s = saga('one', { version: 1, input: z.any() }).step('a', gate.run, undo);
    const first = await w.open([s], { pollEvery: '1s' });
    await first.start(s, 1, { id: 'r' });
    const second = await new World(() => w.store).open([s], { clock: w.clock, pollEvery: '10ms' });
    await w.store.send({ id: 'i', run: 'r', body: encodeCommand({ type: 'cancel', by: 'Ann' }), at: 1 });
    await w.clock.advance(200);
    expect((await w.store.inbox('i'))?.answer).toBeNull();
    await w.clock.advance(1_000);
    expect((await w.store.inbox('i'))?.answer).toContain('"ok":true');
    gate.last.reject(new BusyError('stopped'));
    await w.clock.settle();
    expect((await w.store.find('r'))?.status).toBe('canceled');
    await second.close();
    await w.close();
  });
});

describe('a run that needs a person', () => {
  it('writes an alert for each step that does, in the commit that says so', async () => {
    const w = new World();
    const never = {
      compensate: () => {
        throw new HardError('no undo');
      },
    };
    const s = saga('two', { version: 1, input: z.any() })
      .parallel(
        (b) => b.step('a', async () => 1, never),
        (b) => b.step('b', async () => 1, never),
      )
      .pivot('p', () => {
        throw new HardError('declined');
      });
    const engine = await w.open([s]);
    await engine.start(s, 1, { id: 'r' });
    await w.clock.settle();
    expect(w.alerts.map(({ step }) => step).sort()).toEqual(['a', 'b']);
    expect(w.events.flatMap((event) => (event.type === 'run.attention' ? event.needs : [])).sort()).toEqual(['a', 'b']);
    await w.close();
  });

  it('takes a result for a stuck step only as its schema has it', async () => {
    const w = new World();
    const s = saga('one', { version: 1, input: z.any() })
      .pivot(
        'p',
        async (): Promise<{ readonly ref: string }> => {
          throw new HardError('who knows');
        },
        { classify: () => ({ class: 'hard', effect: 'maybe' }), result: z.object({ ref: z.string() }) },
      )
      .output(({ results }) => results.p.ref);
    const engine = await w.open([s]);
    const run = await engine.start(s, 1, { id: 'r' });
    expect(await run.until('attention')).toEqual(['p']);
    await expect(run.resolve('p', { wrong: 1 })).rejects.toMatchObject({ code: 'SC_RESULT_INVALID' });
    await run.resolve('p', { ref: 'seen' });
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: 'seen' });
    await w.close();
  });
});
