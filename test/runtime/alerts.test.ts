import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusyError, HardError, saga } from '../../src/index.ts';
import type { Alert, AlertSink } from '../../src/runtime/alert.ts';
import type { AlertTarget } from '../../src/runtime/sinks.ts';
import { Lines } from '../observe/lines.ts';
import { Disk, setting } from '../promises/setting.ts';
import type { World } from './harness.ts';

const worlds = setting();
const refuse = (): never => {
  throw new HardError('declined');
};
const steps = (name: string) => saga(name, { version: 3, input: z.any() });
const failing = steps('failing').read('pay', refuse);
const undoing = steps('undoing')
  .step('room', async () => 7, { compensate: () => {} })
  .read('pay', refuse);
const stuck = steps('stuck')
  .step('room', async () => 7, { compensate: refuse })
  .read('pay', refuse);
const fine = steps('fine').read('a', async () => 1);
const all = [failing, undoing, stuck, fine];

/** A sink that does as it is told, and keeps what it was sent. */
class Told implements AlertSink {
  readonly name: string;
  readonly sent: Alert[] = [];
  readonly keys: string[] = [];
  answer: () => unknown = () => {};
  signal: AbortSignal | undefined;

  constructor(name: string) {
    this.name = name;
  }

  send(alert: Alert, { key, signal }: { readonly key: string; readonly signal: AbortSignal }): unknown {
    this.sent.push(alert);
    this.keys.push(key);
    this.signal = signal;
    return this.answer();
  }
}

const no = () => {
  throw new Error('not now');
};
const never = () => new Promise(() => {});

async function run(w: World, name: string, id = 'r'): Promise<void> {
  await w.engine.start(name, null, { id, labels: { team: 'trips' } });
  await w.clock.settle();
}

describe('an alert', () => {
  it('is written in the commit that ends a run as failed or compensated, and says what became of it', async () => {
    const w = worlds.memory();
    const disk = new Disk(w.store);
    await w.open(all);
    await run(w, 'failing', 'a');
    await run(w, 'undoing', 'b');
    const failure = { code: 'HardError', type: 'HardError', message: 'declined', class: 'hard', effect: 'none', step: 'pay', input: null };
    const about = { kind: 'failure', at: w.clock.now(), step: 'pay', failure, left: [] };
    const of = (id: string, name: string) => ({ id, saga: name, version: 3, incarnation: 1, labels: { team: 'trips' } });
    expect(w.alerts).toEqual([
      { ...about, key: 'ns/a/1/2/0', run: of('a', 'failing'), status: 'failed' },
      { ...about, key: 'ns/b/1/4/0', run: of('b', 'undoing'), status: 'compensated' },
    ]);
    const commits = disk.batches.flatMap(({ commits }) => commits).filter(({ outbox }) => outbox);
    expect(commits).toMatchObject(
      w.alerts.map((alert) => ({ standing: { status: alert.status }, outbox: [{ topic: 'failure', body: JSON.stringify(alert) }] })),
    );
    expect(await w.store.outbox(9)).toEqual([]);
  });

  it('says why a step needs a person, and then what was left', async () => {
    const w = worlds.memory();
    await w.open(all);
    await run(w, 'stuck');
    expect(w.alerts).toMatchObject([
      { kind: 'attention', key: 'ns/r/1/4/0', status: 'compensating', step: 'room', failure: { message: 'declined', step: 'room' }, left: [] },
    ]);
    await w.engine.run('r').skip('room', { reason: 'written off' });
    await w.clock.settle();
    expect(w.alerts[1]).toMatchObject({ kind: 'failure', status: 'compensated', step: 'pay', left: [{ step: 'room', what: 'undo skipped' }] });
  });

  it('is not written for a run that completes, is canceled or is terminated', async () => {
    const w = worlds.memory();
    const disk = new Disk(w.store);
    const waiting = steps('waiting').sleep('4s');
    await w.open([...all, waiting]);
    await run(w, 'fine', 'a');
    await run(w, 'waiting', 'b');
    await w.engine.run('b').cancel();
    await run(w, 'waiting', 'c');
    await w.engine.run('c').terminate();
    await w.clock.settle();
    expect(w.alerts).toEqual([]);
    expect(disk.batches.flatMap(({ commits }) => commits).filter(({ outbox, messages }) => outbox ?? messages)).toEqual([]);
  });

  it('tells of a fault of the chart without what is sensitive', async () => {
    const w = worlds.memory();
    const faulty = saga('faulty', { version: 1, input: z.object({ pin: z.string().meta({ sensitive: true }) }) })
      .read('a', async () => 1)
      .output(({ input }) => {
        throw new Error(`no output for ${input.pin}`);
      });
    await w.open([faulty]);
    await w.engine.start('faulty', { pin: '4711-secret' });
    await w.clock.settle();
    expect(w.alerts).toMatchObject([{ kind: 'attention', step: 'fault 1 (Error)', failure: { message: 'no output for [redacted]' } }]);
    expect(JSON.stringify(w.alerts)).not.toContain('4711');
  });

  it('has no stack, and is plain JSON whatever the failure holds', async () => {
    const w = worlds.memory();
    await w.open([
      steps('odd').read('a', ({ input }) => {
        throw Object.assign(new HardError('odd'), { input });
      }),
    ]);
    await w.engine.start('odd', { n: 5n, at: new Date(0), not: Number.NaN, gone: undefined });
    await w.clock.settle();
    expect(w.alerts[0]?.failure).not.toHaveProperty('stack');
    expect(JSON.parse(JSON.stringify(w.alerts[0]))).toEqual(w.alerts[0]);
  });
});

describe('the delivery of alerts', () => {
  const open = async (w: World, alerts: readonly AlertTarget[]) => await w.open(all, { alerts });

  it('goes on after a crash between the commit and the delivery', async () => {
    const w = worlds.file();
    const hook = new Told('hook');
    hook.answer = never;
    await open(w, [hook]);
    await run(w, 'failing');
    expect(hook.sent).toHaveLength(1);
    const next = await worlds.crashed(w);
    const again = new Told('hook');
    await open(next, [again]);
    // Somebody may be sending it still.
    await next.clock.advance(59_999);
    expect(again.sent).toEqual([]);
    await next.clock.advance(1);
    expect(again.sent).toEqual(hook.sent);
    expect(again.keys).toEqual(['ns/r/1/2/0']);
    await next.clock.advance(600_000);
    expect(again.sent).toHaveLength(1);
    expect(await next.store.outbox(9)).toEqual([]);
  });

  it('goes on after a crash right after the commit, at once', async () => {
    const w = worlds.file();
    const hook = new Told('hook');
    w.store.takeOutbox = never as never;
    await open(w, [hook]);
    await run(w, 'failing');
    const next = await worlds.crashed(w);
    const again = new Told('hook');
    await open(next, [again]);
    await next.clock.settle();
    expect([hook.sent.length, again.sent.length]).toEqual([0, 1]);
  });

  it('tries a sink again that fails, after ever longer waits, and others are not held up', async () => {
    const w = worlds.file();
    const [hook, log] = [new Told('hook'), new Told('log')];
    hook.answer = no;
    await open(w, [hook, log]);
    await run(w, 'failing', 'a');
    const tries: number[] = [];
    const begun = w.clock.now();
    for (let second = 0; second < 1_000; second++) {
      if (hook.sent.length > tries.length) tries.push((w.clock.now() - begun) / 1_000);
      await w.clock.advance(1_000);
    }
    expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]);
    expect(log.sent).toHaveLength(1);
    await run(w, 'failing', 'b');
    expect(log.sent).toHaveLength(2);
    hook.answer = () => {};
    await w.clock.advance(300_000);
    expect(
      hook.sent
        .slice(tries.length)
        .map(({ run: { id } }) => id)
        .toSorted(),
    ).toEqual(['a', 'b']);
    expect(await w.store.outboxCount()).toEqual({});
  });

  it('remembers over a restart when a sink is to be tried again', async () => {
    const w = worlds.file();
    const hook = new Told('hook');
    hook.answer = no;
    await open(w, [hook]);
    await run(w, 'failing');
    await w.clock.advance(7_000);
    expect(hook.sent).toHaveLength(4);
    await w.engine.close();
    await open(w, [hook]);
    await w.clock.settle();
    expect(hook.sent).toHaveLength(4);
    expect(await w.store.outbox(9)).toMatchObject([{ sink: 'hook', attempts: 4 }]);
    hook.answer = () => {};
    await w.clock.advance(8_000);
    expect(hook.sent).toHaveLength(5);
    expect(new Set(hook.keys).size).toBe(1);
  });

  it('asks a sink that is gone for one alert at a time, and for all of them once it is back', async () => {
    const w = worlds.memory();
    const hook = new Told('hook');
    hook.answer = no;
    await open(w, [hook]);
    await run(w, 'failing', 'r0');
    for (let i = 1; i < 40; i++) await run(w, 'failing', `r${i}`);
    expect(hook.sent).toHaveLength(1);
    await w.clock.advance(3_000);
    expect(hook.sent).toHaveLength(3);
    hook.answer = () => {};
    await w.clock.advance(4_000);
    expect(new Set(hook.keys).size).toBe(40);
    expect(await w.store.outboxCount()).toEqual({});
  });

  it('has at most 16 on their way to a sink, and runs go on meanwhile', async () => {
    const w = worlds.memory();
    const [hook, log] = [new Told('hook'), new Told('log')];
    hook.answer = never;
    await open(w, [hook, log]);
    for (let i = 0; i < 20; i++) await run(w, 'failing', `r${i}`);
    expect([hook.sent.length, log.sent.length]).toEqual([16, 20]);
    await run(w, 'fine', 'last');
    expect(await w.engine.run('last').outcome()).toMatchObject({ status: 'completed' });
  });

  it('gives a try up that takes too long, by its signal', async () => {
    const w = worlds.memory();
    const lines = new Lines();
    const hook = Object.assign(new Told('hook'), { timeout: '10s' as const });
    hook.answer = never;
    await w.open(all, { alerts: [hook], log: { to: lines } });
    await run(w, 'failing');
    await w.clock.advance(9_999);
    expect(hook.signal?.aborted).toBe(false);
    await w.clock.advance(1);
    expect(hook.signal?.aborted).toBe(true);
    expect(lines.of('an alert could not be delivered')).toMatchObject([
      { sink: 'hook', attempts: 1, error: 'it did not answer within 10000 ms', retryInMs: 1_000 },
    ]);
    hook.answer = () => {};
    await w.clock.advance(1_000);
    expect(hook.sent).toHaveLength(2);
  });

  it('leaves a sink alone for as long as it asks, an hour at most', async () => {
    const w = worlds.memory();
    const hook = new Told('hook');
    hook.answer = () => {
      throw new BusyError('later', { retryAfterMs: hook.sent.length === 1 ? 60_000 : 1e9 });
    };
    await open(w, [hook]);
    await run(w, 'failing');
    await w.clock.advance(59_999);
    expect(hook.sent).toHaveLength(1);
    await w.clock.advance(1);
    expect(hook.sent).toHaveLength(2);
    await w.clock.advance(3_600_000);
    expect(hook.sent).toHaveLength(3);
  });

  it('waits at a close for what is on its way, and gives it up at the deadline: it is not lost', async () => {
    const w = worlds.memory();
    const hook = new Told('hook');
    hook.answer = never;
    const engine = await open(w, [hook]);
    await run(w, 'failing');
    const closing = engine.close({ deadlineMs: 2_000 });
    await w.clock.advance(1_999);
    expect(hook.signal?.aborted).toBe(false);
    await w.clock.advance(1);
    await closing;
    expect(hook.signal?.reason).toMatchObject({ message: 'the engine closes' });
    hook.answer = () => {};
    await open(w, [hook]);
    await w.clock.settle();
    expect(hook.sent).toHaveLength(2);
  });

  it('hands out what the last commits wrote before a close', async () => {
    const w = worlds.file();
    const hook = new Told('hook');
    const engine = await open(w, [hook]);
    await engine.start('failing', null);
    await w.close();
    expect(hook.sent).toHaveLength(1);
  });

  it('of two workers sends it once; what a dead one had taken the other sends', async () => {
    const w = worlds.memory();
    const [first, second] = [new Told('hook'), new Told('hook')];
    first.answer = never;
    const frozen = await worlds.worker(w.store, w.clock);
    await open(frozen, [first]);
    await open(w, [second]);
    await run(frozen, 'failing', 'a');
    await run(w, 'failing', 'b');
    expect([first, second].map(({ sent }) => sent.map(({ run: { id } }) => id))).toEqual([['a'], ['b']]);
    await w.clock.advance(70_000);
    expect(second.sent.map(({ run: { id } }) => id)).toEqual(['b', 'a']);
  });

  it('of a worker that died right after its commit is left to the others: they look whenever they renew their lease', async () => {
    const w = worlds.memory();
    const hook = new Told('hook');
    await open(w, [hook]);
    const at = w.clock.now();
    const { fence } = await w.store.join({ name: 'dead', pid: 1, host: 'here', since: at, leaseMs: 30_000 });
    const run = await w.store.reserve(1);
    const create = { id: 'r', saga: 'failing', version: 3, fingerprint: 'f', incarnation: 1, inputHash: 'h', createdAt: at };
    const standing = { status: 'failed', attention: false, paused: false, degraded: false, due: null, endedAt: at, labels: {} } as const;
    const outbox = [{ topic: 'failure', body: '{"key":"k","run":{"id":"r"}}', sinks: ['hook'] }];
    await w.store.commit({ fence, commits: [{ run, seq: 1, fence, at, create, standing, entry: { format: 1, codec: 0, text: '{}' }, outbox }] });
    await w.clock.advance(9_999);
    expect(hook.keys).toEqual([]);
    await w.clock.advance(1);
    expect(hook.keys).toEqual(['k']);
  });

  it('survives a store that fails', async () => {
    const w = worlds.memory();
    const hook = new Told('hook');
    const lines = new Lines();
    const { takeOutbox, markOutbox } = w.store;
    const fail = async () => {
      throw new Error('no disk');
    };
    w.store.takeOutbox = fail;
    await w.open(all, { alerts: [hook], log: { to: lines } });
    await run(w, 'failing');
    w.store.takeOutbox = takeOutbox;
    w.store.markOutbox = fail;
    await w.clock.advance(5_000);
    expect(hook.sent).toHaveLength(1);
    w.store.markOutbox = markOutbox;
    await w.clock.advance(60_000);
    expect(new Set(hook.keys).size).toBe(1);
    expect(hook.sent).toHaveLength(2);
    expect(lines.text).toContain('alerts could not be taken from the store');
    expect(lines.text).toContain('delivered alerts could not be marked');
  });

  it('says at opening what waits for a sink that is gone, and keeps it', async () => {
    const w = worlds.file();
    const hook = new Told('hook');
    hook.answer = no;
    await open(w, [hook]);
    await run(w, 'failing');
    await w.close();
    const lines = new Lines();
    await w.open(all, { alerts: [new Told('other')], log: { to: lines } });
    await w.clock.advance(5_000);
    expect(lines.all).toMatchObject([{ level: 50, sink: 'hook', alerts: 1 }]);
    expect(await w.store.outboxCount()).toEqual({ hook: 1 });
  });
});

describe('the sinks of an engine', () => {
  it('are the log where none are given', async () => {
    const w = worlds.memory();
    const lines = new Lines();
    await w.open(all, { alerts: undefined, log: { to: lines } } as never);
    await run(w, 'stuck');
    await w.engine.run('r').resolve('room');
    await w.clock.settle();
    expect(lines.of('alert: a run needs a person')).toMatchObject([
      { level: 50, key: 'ns/r/1/4/0', run: 'r', saga: 'stuck', version: 3, labels: { team: 'trips' }, status: 'compensating', step: 'room', error: 'declined' },
    ]);
    expect(lines.of('alert: a run has failed')).toMatchObject([{ level: 40, step: 'pay', left: [{ what: 'undo resolved by hand' }], correlation: 'r' }]);
  });

  it('may be named functions', async () => {
    const w = worlds.memory();
    const seen: string[] = [];
    async function pager(alert: Alert): Promise<void> {
      seen.push(alert.run.id);
    }
    await w.open(all, { alerts: [pager] });
    await run(w, 'failing');
    expect(seen).toEqual(['r']);
  });

  const send = () => {};
  const refused: readonly [what: string, alerts: unknown, message: string][] = [
    ['none', [], 'alerts is "[]": it must be a list of at least one sink'],
    ['no list', 'log', 'must be a list'],
    ['nothing', [null], 'alerts[0] is "null": it must be a sink'],
    ['what sends nothing', [{ name: 'a' }], 'it must be a sink'],
    ['a function without a name', [() => () => {}].map((make) => make()), 'alerts[0].name is "": it must be text of 1 to 100 characters'],
    ['a name that is too long', [{ name: 'x'.repeat(101), send }], '1 to 100 characters'],
    [
      'a name twice',
      [
        { name: 'a', send },
        { name: 'a', send },
      ],
      'alerts[1].name is "a": another sink has that name',
    ],
    ['no time', [{ name: 'a', send, timeout: 0 }], 'alerts[0].timeout is 0: it must be more than 0'],
    ['a day', [{ name: 'a', send, timeout: '1d' }], '10 min at most'],
    ['a timeout that is none', [{ name: 'a', send, timeout: 'soon' }], 'alerts[0].timeout is "soon"'],
  ];
  for (const [what, alerts, message] of refused) {
    it(`cannot be ${what}`, async () => {
      await expect(worlds.memory().open(all, { alerts: alerts as never })).rejects.toThrow(message);
    });
  }
});
