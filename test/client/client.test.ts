import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { approval } from '../../machines/approval.ts';
import { StoreError } from '../../src/base/errors.ts';
import type { ClientOptions, SagachartClient } from '../../src/client/client.ts';
import type { Definition } from '../../src/definitions.ts';
import { HardError, saga, sagachartClient } from '../../src/index.ts';
import { Gate, World } from '../runtime/harness.ts';

const gate = new Gate();
const quick = saga('quick', { version: 1, input: z.object({ n: z.number() }) })
  .read('a', ({ input }) => input.n)
  .output(({ input }) => ({ n: input.n }));
const held = saga('held', { version: 1, input: z.any() }).step('a', gate.run, { compensate: () => {}, timeout: '1d' });
const stuck = saga('stuck', { version: 1, input: z.any() })
  .step('a', () => 1, {
    compensate: () => {
      throw new HardError('no undo');
    },
  })
  .pivot('p', () => {
    throw new HardError('declined');
  });
const asking = saga('asking', { version: 1, input: z.any(), signals: { go: z.number() } })
  .waitFor('go')
  .read('a', gate.run, { timeout: '1d' });
const refusing = saga('refusing', { version: 1, input: z.any() })
  .step('a', () => 1, {
    compensate: () => {
      throw new HardError('no undo');
    },
  })
  .pivot('p', gate.run, { timeout: '1d' });

let w: World;
let client: SagachartClient<readonly Definition[]>;
beforeEach(async () => {
  w = new World();
  gate.calls.length = 0;
  client = await connect();
});
afterEach(async () => {
  await client.close();
  if (w.engine) await w.close();
});

const connect = async (options: Partial<ClientOptions<readonly Definition[]>> = {}): Promise<SagachartClient<readonly Definition[]>> =>
  await sagachartClient<readonly Definition[]>({ store: w.store, clock: w.clock, sagas: [quick, held, stuck, asking, refusing, approval], ...options });
const execute = async () => await w.open([quick, held, stuck, asking, refusing, approval], { pollEvery: 20 });

/** What comes of it while time goes on. */
async function meanwhile<T>(asked: Promise<T>, ms = 1_000): Promise<T> {
  asked.catch(() => undefined);
  await w.clock.advance(ms);
  return await asked;
}

describe('a start', () => {
  it('is durable before there is an executor, and its outcome is waited for', async () => {
    const run = await client.start(quick, { n: 3 }, { id: 'r', labels: { of: 'Ann' } });
    expect((await w.store.pending(0, 9)).map(({ run: id }) => id)).toEqual(['r']);
    const outcome = run.outcome();
    await w.clock.advance(60_000);
    await execute();
    expect(await meanwhile(outcome)).toEqual({ status: 'completed', output: { n: 3 }, left: [] });
    expect(await run.status()).toMatchObject({ status: 'completed', labels: { of: 'Ann' }, version: 1 });
    expect((await run.view()).input).toEqual({ n: 3 });
  });

  it('is one, however often it is asked for', async () => {
    await execute();
    const runs = await Promise.all([client.start('quick', { n: 3 }, { id: 'r' }), client.start(quick, { n: 3 }, { id: 'r' })]);
    await Promise.all(runs.map((run) => meanwhile(run.outcome())));
    await meanwhile((await client.start(quick, { n: 3 }, { id: 'r' })).outcome());
    expect(w.types('r').filter((type) => type === 'run.started')).toHaveLength(1);
    await expect(client.start(quick, { n: 4 }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
    await expect(client.start(held, { n: 3 }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
  });

  it('is checked before it is stored', async () => {
    for (const [asked, code] of [
      [client.start(quick, { n: 'x' } as never), 'SC_INPUT_INVALID'],
      [client.start(quick, { n: 1 }, { id: '' }), 'SC_RUN_ID'],
      [client.start(held, new Map() as never), 'SC_NOT_STORABLE'],
      [client.start(held, 'x'.repeat(2_000_000)), 'SC_PAYLOAD_TOO_LARGE'],
      [client.start('other', 'x'.repeat(2_000_000)), 'SC_PAYLOAD_TOO_LARGE'],
      [client.start(held, null, { labels: { n: 1 } as never }), 'SC_OPTION'],
    ] as const)
      await expect(asked).rejects.toMatchObject({ code });
    expect(await w.store.pending(0, 9)).toEqual([]);
  });

  it('that the executor refuses is heard of by whoever waits', async () => {
    await execute();
    const run = await client.start('other', null);
    const refused = { code: 'SC_UNKNOWN_SAGA' };
    await expect(meanwhile(run.outcome())).rejects.toMatchObject(refused);
    await expect(meanwhile(run.status())).rejects.toMatchObject(refused);
    // Two starts of one id at once: one of them is refused, and does not get the outcome of the other.
    const one = await client.start(quick, { n: 1 }, { id: 'r' });
    const other = await client.start(quick, { n: 2 }, { id: 'r' });
    expect(await meanwhile(one.outcome())).toMatchObject({ output: { n: 1 } });
    await expect(meanwhile(other.outcome())).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
  });

  it('by a definition that was not listed is checked, and its outcome read, as that of a listed one', async () => {
    const bare = await connect({ sagas: [] });
    await expect(bare.start(quick, { n: 'x' } as never)).rejects.toMatchObject({ code: 'SC_INPUT_INVALID' });
    const run = await bare.start(approval, { title: 'pen', cents: 100 });
    await execute();
    expect(await meanwhile(run.outcome())).toMatchObject({ status: 'completed', left: [] });
  });
});

describe('startMany', () => {
  it('stores many in one transaction, and answers in order', async () => {
    const batches: number[] = [];
    const sendAll = w.store.sendAll.bind(w.store);
    w.store.sendAll = async (entries) => {
      batches.push(entries.length);
      return await sendAll(entries);
    };
    await client.start(quick, { n: 0 }, { id: 'r0' });
    const entries = Array.from({ length: 250 }, (_, n) => ({ saga: quick, input: { n }, id: `r${n}` }));
    const answers = await client.startMany([...entries, { saga: quick, input: { n: 'x' as never } }, null as never]);
    expect(batches).toEqual([200, 50]);
    expect(answers.map((answer) => (answer.status === 'error' ? answer.error.code : answer.status))).toEqual([
      'existing',
      ...Array.from({ length: 249 }, () => 'started'),
      'SC_INPUT_INVALID',
      'SC_INTERNAL',
    ]);
    await execute();
    const last = answers[249];
    expect(last?.status === 'started' && (await meanwhile(last.run.outcome()))).toMatchObject({ output: { n: 249 } });
    const again = await client.startMany(entries.slice(0, 3));
    expect(again.map(({ status }) => status)).toEqual(['existing', 'existing', 'existing']);
  });
});

describe('a command', () => {
  it('resolves with its commit once it is handled, and reads can wait for that', async () => {
    await execute();
    const run = await client.start(approval, { title: 'desk', cents: 90_000 }, { id: 'r' });
    const { seq } = await meanwhile(run.signal('approve', { by: 'Ann' }));
    expect(seq).toBe(2);
    expect(await run.view({ after: seq })).toMatchObject({ data: { context: { trail: ['approved by Ann'] } } });
    expect((await run.status({ after: seq })).seq).toBeGreaterThanOrEqual(2);
    await meanwhile(run.outcome());
    const last = (await run.status()).seq;
    await expect(meanwhile(run.status({ after: last + 1 }))).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    await expect(run.signal('approve', { by: 'Ann' })).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
  });

  it('that is sent twice with one id is one', async () => {
    await execute();
    const run = await client.start(approval, { title: 'desk', cents: 90_000 }, { id: 'r' });
    const approve = async (of: typeof run) => await of.signal('approve', { by: 'Ann' }, { id: 'once' });
    const answers = await meanwhile(Promise.all([approve(run), approve(run)]));
    expect(answers).toEqual([{ seq: 2 }, { seq: 2 }]);
    expect(await w.store.inbox('signal:r/1/once')).toMatchObject({ run: 'r' });
    // It is one of this run: another takes it too.
    const other = await client.start(approval, { title: 'desk', cents: 90_000 }, { id: 's' });
    await meanwhile(approve(other));
    await w.clock.settle();
    expect(w.events.filter((event) => event.type === 'sent').map(({ run }) => run.id)).toEqual(['r', 's']);
  });

  it('that is a signal is one with what came under its id by another way', async () => {
    const engine = await execute();
    const run = await client.start(asking, null, { id: 'r' });
    await meanwhile(run.status());
    await engine.run('r').signal('go', 1, { id: 'x' });
    await meanwhile(run.signal('go', 2, { id: 'x' }));
    expect(w.types('r').filter((type) => type === 'discarded')).toHaveLength(1);
    expect((await run.view()).data.context).toHaveProperty('signals', {});
    await meanwhile(run.terminate());
  });

  it('that was refused may be sent again with its id', async () => {
    await execute();
    const run = await client.start(refusing, null, { id: 'r' });
    await expect(meanwhile(run.retry('a', { id: 'again' }))).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    gate.last.reject(new HardError('declined'));
    expect(await meanwhile(run.until('attention'))).toEqual(['a']);
    await meanwhile(run.retry('a', { id: 'again' }));
    expect(await meanwhile(run.until('attention'))).toEqual(['a']);
    await meanwhile(run.terminate());
  });

  it('pauses a run, and lets it go on', async () => {
    await execute();
    const run = await client.start(approval, { title: 'desk', cents: 90_000 }, { id: 'r' });
    const { seq } = await meanwhile(run.pause({ by: 'Ann' }));
    expect(await run.status({ after: seq })).toMatchObject({ paused: true });
    await meanwhile(run.resume({ by: 'Ann' }));
    expect(await run.status()).toMatchObject({ paused: false });
    await expect(meanwhile(client.run('nobody').pause())).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });

  it('says what was refused, here or there', async () => {
    await execute();
    const run = await client.start(held, null, { id: 'r' });
    await meanwhile(run.status());
    await expect(run.signal('nothing' as never)).rejects.toMatchObject({ code: 'SC_SIGNAL_UNKNOWN' });
    await expect(run.skip('a', { reason: ' ' })).rejects.toMatchObject({ code: 'SC_REASON_MISSING' });
    await expect(meanwhile(run.retry('a'))).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    await expect(client.run('nobody').cancel()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(client.run('nobody').outcome()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(client.run('nobody').status()).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    const canceled = run.cancel({ by: 'Ann', reason: 'moved' });
    await w.clock.advance(100);
    gate.last.resolve(1);
    await meanwhile(canceled);
    expect(await meanwhile(run.outcome())).toMatchObject({ status: 'canceled', by: 'Ann', reason: 'moved' });
  });

  it('operates on what is stuck', async () => {
    await execute();
    const run = await client.start(stuck, null, { id: 'r' });
    expect(await meanwhile(run.until('attention'))).toEqual(['a']);
    await meanwhile(run.retry());
    expect(await meanwhile(run.until('attention'))).toEqual(['a']);
    await meanwhile(run.resolve('a', undefined, { by: 'Ann' }));
    expect(await meanwhile(run.outcome())).toMatchObject({ status: 'compensated', left: [{ step: 'a', what: 'undo resolved by hand' }] });
    await expect(run.until('attention')).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    const other = await client.start(stuck, null, { id: 's' });
    await meanwhile(other.until('attention'));
    await meanwhile(other.terminate());
    expect(await meanwhile(other.outcome())).toMatchObject({ status: 'terminated' });
    const third = await client.start(stuck, null, { id: 't' });
    await meanwhile(third.until('attention'));
    await meanwhile(third.skip('a', { reason: 'by phone' }));
    expect(await meanwhile(third.outcome())).toMatchObject({ left: [{ what: 'undo skipped' }] });
  });

  it('that nobody handles in time stays stored, and says so', async () => {
    const run = await client.start(held, null, { id: 'r' });
    const canceled = run.cancel();
    await expect(meanwhile(canceled, 10_000)).rejects.toMatchObject({ code: 'SC_UNANSWERED', retryable: true, details: { run: 'r' } });
    await expect(meanwhile(run.status(), 10_000)).rejects.toMatchObject({ code: 'SC_UNANSWERED' });
    await execute();
    expect(await meanwhile(run.outcome(), 20_000)).toMatchObject({ status: 'canceled' });
  });
});

describe('runs that have ended', () => {
  it('are restarted and purged by the executor', async () => {
    await execute();
    const run = await client.start(quick, { n: 1 }, { id: 'r' });
    await meanwhile(run.outcome());
    const again = await meanwhile(client.restart('r', { input: { n: 2 } }));
    expect(await meanwhile(again.outcome())).toMatchObject({ output: { n: 2 } });
    await meanwhile(client.purge('r'));
    expect(await w.store.tombstone('r')).toMatchObject({ incarnation: 2 });
    await expect(client.purge('r')).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
    await expect(run.outcome()).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
    await expect(client.start(quick, { n: 2 }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
    await expect(client.start(quick, { n: 9 }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
  });

  it('and those that go on are found, and operated on, many at once', async () => {
    await execute();
    for (const n of [1, 2, 3]) await client.start(quick, { n }, { id: `q${n}`, labels: { n: `${n}` } });
    for (const n of [1, 2]) await client.start(held, null, { id: `h${n}` });
    await w.clock.advance(1_000);
    expect((await client.list({ saga: 'held' })).map(({ id }) => id).sort()).toEqual(['h1', 'h2']);
    const found: string[] = [];
    for await (const { id } of client.runs({ labels: { n: '2' } })) found.push(id);
    expect(found).toEqual(['q2']);
    expect(await meanwhile(client.bulk('terminate', { saga: 'held' }, { by: 'Ann', reason: 'over' }))).toMatchObject({ matched: 2, done: 2 });
    expect(await meanwhile(client.bulk('purge', {}))).toMatchObject({ matched: 5, done: 5, failures: [] });
    await expect(client.list({ nothing: 1 } as never)).rejects.toMatchObject({ code: 'SC_OPTION' });
  });
});

describe('waiting', () => {
  it('asks the store one small question at a time, however many wait, and none when nobody does', async () => {
    let asked = 0;
    let found = 0;
    const revision = w.store.revision.bind(w.store);
    const inbox = w.store.inbox.bind(w.store);
    w.store.revision = () => {
      asked++;
      return revision();
    };
    w.store.inbox = async (id) => {
      found++;
      return await inbox(id);
    };
    const runs = [];
    for (const n of [1, 2, 3]) runs.push(await client.start(held, n, { id: `r${n}` }));
    const outcomes = runs.map((run) => run.outcome({ signal: AbortSignal.any([stop.signal]) }));
    for (const outcome of outcomes) outcome.catch(() => undefined);
    await w.clock.settle();
    asked = 0;
    expect(found).toBe(3);
    await w.clock.advance(1_000);
    expect(asked).toBe(20);
    expect(found).toBe(3);
    await w.store.send({ id: 'other', run: 'other', body: '{}', at: 1 });
    await w.clock.advance(1_000);
    expect(found).toBe(6);
    stop.abort(new Error('enough'));
    await Promise.all(outcomes.map(async (outcome) => await expect(outcome).rejects.toThrow('enough')));
    asked = 0;
    await w.clock.advance(1_000);
    expect(asked).toBe(0);
    expect(w.clock.alarms).toBe(0);
  });
  const stop = new AbortController();

  it('is not put off by others who begin to wait', async () => {
    await execute();
    const run = await client.start(quick, { n: 1 }, { id: 'r' });
    let ended = false;
    const outcome = run.outcome().then(() => {
      ended = true;
    });
    const others: Promise<unknown>[] = [];
    for (let n = 0; n < 20 && !ended; n++) {
      others.push((await client.start(held, n, { id: `h${n}` })).outcome().catch(() => undefined));
      await w.clock.advance(30);
    }
    expect(ended).toBe(true);
    await outcome;
  });

  it('goes on over a store that fails for a moment, and ends with one that fails for good', async () => {
    const run = await client.start(held, null, { id: 'r' });
    const outcome = run.outcome();
    const inbox = w.store.inbox.bind(w.store);
    w.store.inbox = async () => {
      throw new StoreError('SC_STORE_BUSY', 'busy', { retryable: true });
    };
    await execute();
    await w.clock.advance(200);
    w.store.inbox = inbox;
    gate.last.resolve(1);
    expect(await meanwhile(outcome)).toMatchObject({ status: 'completed' });

    const second = (await client.start(held, null, { id: 's' })).outcome();
    const caught = expect(second).rejects.toMatchObject({ code: 'SC_STORE_CORRUPT' });
    await w.clock.settle();
    const revision = w.store.revision.bind(w.store);
    w.store.revision = () => {
      throw new StoreError('SC_STORE_CORRUPT', 'damaged');
    };
    await w.clock.advance(100);
    await caught;
    w.store.revision = revision;
  });

  it('ends when the client is closed', async () => {
    const other = await connect();
    const run = await other.start(held, null, { id: 'r' });
    const waiting = expect(run.outcome()).rejects.toMatchObject({ code: 'SC_CLIENT_CLOSED' });
    await w.clock.settle();
    await other.close();
    await waiting;
    const aborted = AbortSignal.abort(new Error('never'));
    await expect(client.run('r').outcome({ signal: aborted })).rejects.toThrow('never');
  });
});

describe('its options', () => {
  it('are checked, with the value that is wrong', async () => {
    for (const options of [{ store: undefined }, { pollEvery: 0 }, { pollEvery: '2m' }, { payloadBytes: 0 }, { sagas: [1] }, { poll: 1 }])
      await expect(connect(options as never), JSON.stringify(options)).rejects.toMatchObject({ code: 'SC_OPTION' });
    await expect(connect({ answerWithin: 'soon' as never })).rejects.toMatchObject({ code: 'SC_DEFINITION_DURATION' });
    await expect(connect({ sagas: [quick, quick] })).rejects.toMatchObject({ code: 'SC_DUPLICATE_SAGA' });
  });
});
