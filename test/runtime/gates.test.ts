import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusyError, dependency, didNotHappen, HardError, saga } from '../../src/index.ts';
import { readJournal, viewRun } from '../../src/runtime/history.ts';
import type { DependencyOptions } from '../../src/saga/dependency.ts';
import { Gate, World } from './harness.ts';

let w: World;
afterEach(async () => await w.close());

const input = z.any();
const refuse = async (): Promise<never> => {
  throw new Error('connection refused');
};

/** A saga of one step, on a gate that the test opens, with its dependency protected. */
function calling(name: string, options: DependencyOptions, more: object = {}) {
  const gate = new Gate();
  const airline = dependency('airline', options);
  const definition = saga(name, { version: 1, input }).step('a', gate.run, { compensate: async () => {}, dependency: airline, ...more });
  return { gate, definition };
}

const states = (run: string): string[] => w.events.flatMap((event) => (event.type === 'run.changed' && event.run.id === run ? event.states : []));
const health = () => w.engine.dependencies().find(({ name }) => name === 'airline');
const journal = async (run: string): Promise<string> => JSON.stringify(await readJournal(w.store, run));

describe('an open breaker', () => {
  const options = { breaker: { failures: 2, openFor: '30s' } } as const;

  it('delays attempts without spending them, as a state of the chart, and lets the run leave memory', async () => {
    w = new World();
    const { gate, definition } = calling('trip', options, { retry: { attempts: 3, from: '1ms', jitter: 'none' } });
    await w.open([definition]);
    const run = await w.engine.start(definition, null, { id: 'r' });
    gate.last.reject(new Error('down'));
    await w.clock.advance(10);
    gate.last.reject(new Error('down'));
    await w.clock.advance(10);
    expect(gate.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(states('r').at(-1)).toBe('running.a.backingOff');
    expect(await run.status()).toMatchObject({ status: 'sleeping' });
    expect(w.engine.load()).toMatchObject({ runs: 0, attempts: 0, waitingAttempts: 0 });
    expect(health()).toMatchObject({ state: 'open', running: 0, waiting: 0, successes: 0, failures: 2, openMs: expect.any(Number) });
    await w.clock.advance(32_000);
    // The third attempt is the one that finds out; the first two and what was put off count as they should.
    expect(gate.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(health()).toMatchObject({ state: 'halfOpen', running: 1 });
    gate.last.resolve('ok');
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
    expect(health()).toMatchObject({ state: 'closed', successes: 1, openMs: 0 });
    const attempts = (await viewRun(w.store, 'r')).timeline.map(({ attempt, outcome }) => [attempt, outcome]);
    expect(attempts).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'succeeded'],
    ]);
    expect(await journal('r')).toContain('SC_ATTEMPT_BREAKER_OPEN');
  });

  it('tells observers when it opens, tries and closes', async () => {
    w = new World();
    const { gate, definition } = calling('trip', { breaker: { failures: 1, openFor: '30s' } });
    await w.open([definition]);
    const run = await w.engine.start(definition, null);
    gate.last.reject(new Error('down'));
    await w.clock.advance(40_000);
    gate.last.resolve('ok');
    await run.outcome();
    expect(w.events.flatMap((event) => (event.type === 'dependency.changed' ? [[event.dependency, event.before, event.state]] : []))).toEqual([
      ['airline', 'closed', 'open'],
      ['airline', 'open', 'halfOpen'],
      ['airline', 'halfOpen', 'closed'],
    ]);
  });

  it('holds back the attempts of all runs, one finds out, and then they go on', async () => {
    w = new World();
    const { gate, definition } = calling('trip', options);
    await w.open([definition]);
    const runs = await Promise.all(['a', 'b'].map((id) => w.engine.start(definition, null, { id })));
    for (const call of gate.calls) call.reject(new Error('down'));
    await w.clock.advance(1_000);
    const later = await w.engine.start(definition, null, { id: 'c' });
    await w.clock.advance(1_000);
    expect([gate.calls.length, health()?.state]).toEqual([2, 'open']);
    await w.clock.advance(40_000);
    expect([gate.calls.length, health()?.state]).toEqual([3, 'halfOpen']);
    await w.clock.advance(9_000);
    expect(gate.calls.length).toBe(3);
    gate.last.resolve('ok');
    await w.clock.advance(30_000);
    expect(gate.calls.length).toBe(5);
    for (const call of gate.calls) call.resolve('ok');
    for (const run of [...runs, later]) expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('opens again when the one that finds out fails', async () => {
    w = new World();
    const { gate, definition } = calling('trip', options, { retry: 'forever' });
    await w.open([definition]);
    await w.engine.start(definition, null, { id: 'r' });
    for (let failures = 1; failures <= 4; failures++) {
      gate.last.reject(new Error('down'));
      await w.clock.advance(60_000);
      expect(gate.calls.length).toBe(failures + 1);
    }
    expect(w.events.filter((event) => event.type === 'dependency.changed' && event.state === 'open')).toHaveLength(3);
  });

  it('is not opened by refusals, and is opened by busy answers and timeouts', async () => {
    w = new World();
    const refused = calling('refused', options);
    const busy = calling('busy', options, { timeout: '1s', grace: '1s' });
    await w.open([refused.definition, busy.definition]);
    for (let i = 0; i < 5; i++) {
      await w.engine.start(refused.definition, null);
      refused.gate.last.reject(new HardError('declined'));
      await w.clock.settle();
    }
    expect(health()).toMatchObject({ state: 'closed', successes: 5, failures: 0 });
    await w.engine.start(busy.definition, null);
    busy.gate.last.reject(new BusyError('429'));
    await w.clock.advance(500);
    expect(health()).toMatchObject({ state: 'closed', failures: 1 });
    await w.clock.advance(3_000);
    expect(health()).toMatchObject({ state: 'open', failures: 2 });
  });

  it('hears nothing from attempts that were told to stop', async () => {
    w = new World();
    const { gate, definition } = calling('trip', { breaker: { failures: 1, openFor: '30s' } }, { grace: '1s' });
    await w.open([definition]);
    const run = await w.engine.start(definition, null);
    await run.cancel();
    gate.last.reject(new Error('aborted'));
    await run.outcome();
    expect(health()).toMatchObject({ state: 'closed', failures: 0, successes: 1 });
  });

  it('puts off an undo as it puts off a run, and nothing of it is spent', async () => {
    w = new World();
    const undo = new Gate<void>();
    const airline = dependency('airline', { breaker: { failures: 1, openFor: '30s' } });
    const definition = saga('undone', { version: 1, input })
      .step('a', async () => 1, { compensate: undo.run, undo: { retry: 2 }, dependency: airline })
      .read('b', async () => Promise.reject(new HardError('no')));
    await w.open([definition]);
    const run = await w.engine.start(definition, null, { id: 'r' });
    await w.clock.settle();
    undo.last.reject(new Error('down'));
    await w.clock.advance(1_000);
    expect(states('r').at(-1)).toBe('compensating.a.backingOff');
    await w.clock.advance(40_000);
    expect(undo.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
    undo.last.resolve();
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
  });

  it('makes a check wait, in memory, however few attempts are left, because a check that was not made answers nothing', async () => {
    w = new World();
    const airline = dependency('airline', { breaker: { failures: 1, openFor: '30s' } });
    let checks = 0;
    const check = async () => {
      checks++;
      return didNotHappen;
    };
    const definition = saga('checked', { version: 1, input }).step('a', refuse, { compensate: async () => {}, check, retry: 1, dependency: airline });
    await w.open([definition]);
    const run = await w.engine.start(definition, null, { id: 'r' });
    await w.clock.advance(20_000);
    expect([checks, states('r').at(-1)]).toEqual([0, 'running.a.checking.working']);
    expect(health()).toMatchObject({ state: 'open', waiting: 1 });
    await w.clock.advance(16_000);
    expect(checks).toBe(1);
    expect(await run.outcome()).toMatchObject({ status: 'failed', failure: { message: 'connection refused' } });
    expect(health()).toMatchObject({ state: 'closed', waiting: 0 });
  });
});

describe('a bulkhead', () => {
  it('lets so many run at a time, and does not hold up what depends on others', async () => {
    w = new World();
    const { gate, definition } = calling('trip', { concurrency: 2 });
    const other = new Gate();
    const hotel = saga('hotel', { version: 1, input }).step('b', other.run, { compensate: async () => {}, dependency: 'hotel' });
    await w.open([definition, hotel], { limits: { attempts: 3 } });
    for (let i = 0; i < 10; i++) await w.engine.start(definition, i);
    await w.engine.start(hotel, null);
    await w.clock.settle();
    expect([gate.calls.length, other.calls.length]).toEqual([2, 1]);
    expect(health()).toMatchObject({ running: 2, waiting: 8 });
    expect(w.engine.load()).toMatchObject({ attempts: 3, waitingAttempts: 8 });
    for (let done = 0; done < 10; done++) {
      gate.calls[done]?.resolve(done);
      await w.clock.settle();
      expect(gate.calls.length).toBe(Math.min(10, done + 3));
    }
    expect(health()).toMatchObject({ running: 0, waiting: 0, successes: 10 });
  });

  it('lets a run that waits in line be canceled, and the next one has the place', async () => {
    w = new World();
    const { gate, definition } = calling('trip', { concurrency: 1 });
    await w.open([definition]);
    const [, waits] = [await w.engine.start(definition, null, { id: 'a' }), await w.engine.start(definition, null, { id: 'b' })];
    await w.engine.start(definition, null, { id: 'c' });
    await waits.cancel();
    expect(await waits.outcome()).toMatchObject({ status: 'canceled' });
    gate.last.resolve(1);
    await w.clock.settle();
    expect(gate.calls.map(({ key }) => key.split('/')[1])).toEqual(['a', 'c']);
  });

  it('is of one process: what waits in line ends as not begun when it closes, and goes on in the next', async () => {
    w = new World();
    const { gate, definition } = calling('trip', { concurrency: 1 });
    await w.open([definition]);
    await w.engine.start(definition, null, { id: 'a' });
    await w.engine.start(definition, null, { id: 'b' });
    await w.close();
    await w.open([definition]);
    await w.clock.advance(10_000);
    expect(gate.calls.filter(({ key }) => key.includes('/b/')).map(({ attempt }) => attempt)).toEqual([]);
    gate.last.resolve(1);
    await w.clock.advance(1_000);
    expect(gate.calls.filter(({ key }) => key.includes('/b/')).map(({ attempt }) => attempt)).toEqual([1]);
  });
});

describe('a rate', () => {
  it('lets so many begin in a time, and the others when theirs has come, all with their first attempt', async () => {
    w = new World();
    const { gate, definition } = calling('trip', { rate: { limit: 2, per: '2s' } });
    await w.open([definition]);
    for (let i = 0; i < 6; i++) await w.engine.start(definition, null);
    await w.clock.settle();
    const begun: number[] = [];
    for (let second = 0; second < 6; second++) {
      begun.push(gate.calls.length);
      await w.clock.advance(1_000);
    }
    expect(begun).toEqual([2, 3, 4, 5, 6, 6]);
    expect(new Set(gate.calls.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  });
});

describe('a retry budget', () => {
  it('is shared by the sagas that name the dependency, and bounds their retries alone', async () => {
    w = new World();
    const retryBudget = { retries: 2, per: '1h' } as const;
    const retry = { retry: { attempts: 5, from: '1ms', jitter: 'none' } };
    const first = calling('first', { retryBudget }, retry);
    const second = calling('second', { retryBudget }, retry);
    await w.open([first.definition, second.definition]);
    for (const { definition } of [first, second]) {
      await w.engine.start(definition, null, { id: definition.name });
      await w.engine.start(definition, null);
    }
    for (const { gate } of [first, second]) for (const call of gate.calls) call.reject(new Error('down'));
    await w.clock.advance(1_000);
    expect([...first.gate.calls, ...second.gate.calls].map(({ attempt }) => attempt).sort()).toEqual([1, 1, 1, 1, 2, 2]);
    expect(await journal('second')).toContain('SC_ATTEMPT_BUDGET');
    await w.clock.advance(3_600_000);
    expect(first.gate.calls.length + second.gate.calls.length).toBe(8);
  });
});

describe('a retry budget that is used up', () => {
  it('holds back no check', async () => {
    w = new World();
    const airline = dependency('airline', { retryBudget: { retries: 1, per: '1h' } });
    let checks = 0;
    const check = async (): Promise<undefined> => {
      checks++;
    };
    const definition = saga('checked', { version: 1, input }).step('a', refuse, { compensate: async () => {}, check, retry: 3, dependency: airline });
    await w.open([definition]);
    await w.engine.start(definition, null, { id: 'r' });
    await w.clock.advance(60_000);
    expect([checks, states('r').at(-1)]).toEqual([2, 'running.a.backingOff']);
  });
});

describe('an engine', () => {
  it('refuses sagas that protect one dependency in two ways, and says which', async () => {
    const first = calling('first', { concurrency: 1 });
    const second = calling('second', { concurrency: 2 });
    w = new World();
    await expect(w.open([first.definition, second.definition])).rejects.toMatchObject({
      code: 'SC_DUPLICATE_DEPENDENCY',
      message:
        'dependency airline is protected in two ways: {"name":"airline","concurrency":1} in first version 1, {"name":"airline","concurrency":2} in second version 1',
    });
    await w.open([first.definition]);
  });

  it('takes two values that say the same for one, and a name alone for no protection', async () => {
    w = new World();
    const first = calling('first', { concurrency: 1 });
    const second = calling('second', { concurrency: 1 });
    const gate = new Gate();
    const named = saga('named', { version: 1, input }).step('a', gate.run, { compensate: async () => {}, dependency: 'airline' });
    await w.open([named, first.definition, second.definition]);
    for (const definition of [first.definition, second.definition, named, named]) await w.engine.start(definition, null);
    await w.clock.settle();
    expect([first.gate.calls.length, second.gate.calls.length, gate.calls.length]).toEqual([1, 0, 2]);
    expect(w.engine.dependencies()).toEqual([{ name: 'airline', state: 'closed', running: 3, waiting: 1, successes: 0, failures: 0, openMs: 0 }]);
  });
});
