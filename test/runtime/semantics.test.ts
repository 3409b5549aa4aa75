import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { BusyError, HardError, saga, sagachartClient, withUndo } from '../../src/index.ts';
import { setting } from '../promises/setting.ts';
import { Gate } from './harness.ts';

const input = z.object({}).default({});
const run = (): number => 1;
const compensate = (): void => {};
const stage = setting();

describe('signals', () => {
  const approved = saga('approved', { version: 1, input, signals: { approve: z.object({ by: z.string().default('nobody') }) } })
    .step('a', run, { compensate })
    .waitFor('approve')
    .output(({ results }) => results.approve.by);

  it('are typed, parsed, and end a wait that sleeps outside of memory, after a crash too', async () => {
    const world = stage.file();
    const first = await (await world.open([approved])).start(approved, {}, { id: 'r' });
    await world.clock.advance(10);
    expect(await first.status()).toMatchObject({ status: 'sleeping', due: null });
    expect(world.engine.load().runs).toBe(0);
    const after = await stage.crashed(world);
    const handle = await (await after.open([approved])).start(approved, {}, { id: 'r' });
    expectTypeOf(handle.signal<'approve'>)
      .parameter(1)
      .toEqualTypeOf<{ by?: string | undefined } | undefined>();
    await expect(handle.signal('approve', { by: 7 } as never)).rejects.toMatchObject({ code: 'SC_SIGNAL_INVALID' });
    await handle.signal('approve', {});
    expect(await handle.outcome()).toMatchObject({ status: 'completed', output: 'nobody' });
  });

  it('are kept until a wait takes them, each once', async () => {
    const gate = new Gate();
    const twice = saga('twice', { version: 1, input, signals: { go: z.number() } })
      .read('a', gate.run as never)
      .waitFor('go')
      .waitFor('again', { signal: 'go' })
      .output(({ results }) => [results.go, results.again]);
    const world = stage.file();
    const handle = await (await world.open([twice])).start(twice, {}, { id: 'r' });
    await handle.signal('go', 1);
    const after = await stage.crashed(world);
    const again = (await after.open([twice])).run('r');
    await after.clock.advance(10);
    await again.signal('go', 2);
    gate.last.resolve(undefined);
    expect(await again.outcome()).toMatchObject({ output: [1, 2] });
  });

  it('with an id are taken once, however often they are sent', async () => {
    const world = stage.file();
    const handle = await (await world.open([approved])).start(approved, {}, { id: 'r' });
    await world.clock.advance(10);
    const counted = saga('counted', { version: 1, input, signals: { go: z.number() } })
      .waitFor('go')
      .waitFor('again', { signal: 'go' })
      .output(({ results }) => [results.go, results.again]);
    await world.close();
    const after = await stage.crashed(world);
    await after.open([counted, approved]);
    const other = await after.engine.start(counted, {}, { id: 'c' });
    const { seq } = await other.signal('go', 1, { id: 'x' });
    expect((await other.signal('go', 1, { id: 'x' })).seq).toBeGreaterThanOrEqual(seq);
    const last = await stage.crashed(after);
    await last.open([counted, approved]);
    const third = last.engine.run('c');
    await third.signal('go', 1, { id: 'x' });
    expect(await third.status()).toMatchObject({ endedAt: null });
    await third.signal('go', 2, { id: 'y' });
    expect(await third.outcome()).toMatchObject({ output: [1, 2] });
    await handle.cancel().catch(() => undefined);
  });
});

describe('a signal that is sent again after the end', () => {
  const going = saga('going', { version: 1, input, signals: { go: z.number() } }).waitFor('go');

  it('is answered as it was if it had been taken, by an engine and by a client; any other is told that the run has ended', async () => {
    const world = stage.memory();
    await world.open([going], { pollEvery: 20 });
    const run = await world.engine.start(going, {}, { id: 'r' });
    const first = await run.signal('go', 1, { id: 'x' });
    await run.outcome();
    expect(await run.signal('go', 1, { id: 'x' })).toEqual(first);
    for (const again of [run.signal('go', 1, { id: 'y' }), run.signal('go', 1), run.cancel()])
      await expect(again).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    const client = await sagachartClient({ store: world.store, clock: world.clock, sagas: [going] });
    expect(await client.run('r').signal('go', 1, { id: 'x' })).toEqual(first);
    await expect(client.run('r').signal('go', 1, { id: 'y' })).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    await client.close();
  });
});

describe('a run that is paused', () => {
  it('begins nothing new until it is resumed, in another process too, and spends no attempt on it', async () => {
    const gate = new Gate();
    const two = saga('two', { version: 1, input })
      .step('a', gate.run as never, { compensate })
      .step('b', gate.run as never, { compensate, retry: 1 });
    const world = stage.file();
    const handle = await (await world.open([two])).start(two, {}, { id: 'r' });
    await world.clock.advance(1);
    await handle.pause({ by: 'Ann', reason: 'a deploy' });
    gate.last.resolve(1);
    await world.clock.advance(10_000);
    expect([gate.calls.length, await handle.status(), world.engine.load().runs]).toMatchObject([1, { paused: true, due: null }, 0]);
    const after = await stage.crashed(world);
    const again = (await after.open([two])).run('r');
    await after.clock.advance(60_000);
    expect(gate.calls.length).toBe(1);
    await again.resume({ by: 'Ann' });
    await after.clock.advance(1);
    expect(gate.calls.map(({ attempt, key }) => [attempt, key.split('/')[3]])).toEqual([
      [1, 'a'],
      [1, 'b'],
    ]);
    expect(await again.status()).toMatchObject({ paused: false });
    gate.last.resolve(2);
    expect(await again.outcome()).toMatchObject({ status: 'completed' });
    expect((await again.pause().catch((error: unknown) => error)) as object).toMatchObject({ code: 'SC_RUN_ENDED' });
  });

  it('keeps its timers, which are due when it is resumed, and its deadline', async () => {
    const sleepy = saga('sleepy', { version: 1, input }).sleep('1h').read('a', run);
    const world = stage.file();
    const handle = await (await world.open([sleepy])).start(sleepy, {}, { id: 'r' });
    await handle.pause();
    await handle.pause();
    await world.clock.advance(2 * 3_600_000);
    expect(await handle.status()).toMatchObject({ endedAt: null, paused: true });
    await handle.resume();
    await handle.resume().catch(() => undefined);
    await world.clock.advance(1);
    expect(await handle.status()).toMatchObject({ status: 'completed' });
  });

  it('takes a cancel, and undoes once it is resumed', async () => {
    const gate = new Gate();
    const undone: string[] = [];
    const one = saga('one', { version: 1, input })
      .step('a', run, { compensate: () => void undone.push('a') })
      .step('b', gate.run as never, { compensate });
    const world = stage.file();
    const handle = await (await world.open([one])).start(one, {}, { id: 'r' });
    await world.clock.advance(1);
    await handle.pause();
    await handle.cancel();
    gate.last.reject(new HardError('stopped'));
    await world.clock.advance(1_000);
    expect([undone, await handle.status()]).toMatchObject([[], { status: 'compensating', paused: true }]);
    await handle.resume();
    expect(await handle.outcome()).toMatchObject({ status: 'canceled' });
    expect(undone).toEqual(['a']);
  });
});

describe('a heartbeat', () => {
  it('tells the next attempt how far the last one came, after a crash too', async () => {
    const seen: unknown[] = [];
    const gate = new Gate();
    const long = saga('long', { version: 1, input }).read('copy', (context) => {
      const { heartbeat, progress, attempt } = context;
      seen.push(progress);
      heartbeat({ done: attempt * 100 });
      return attempt < 3 ? (gate.run(context) as Promise<number>) : attempt;
    });
    const world = stage.file();
    await (await world.open([long])).start(long, {}, { id: 'r' });
    await world.clock.advance(1_000);
    const after = await stage.crashed(world);
    const handle = (await after.open([long])).run('r');
    await after.clock.advance(1_000);
    expect(seen).toEqual([undefined, { done: 100 }]);
    await after.clock.advance(60_000);
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    expect(seen).toEqual([undefined, { done: 100 }, { done: 200 }]);
  });

  it('keeps an attempt alive, and ends one that falls silent', async () => {
    const attempts: { attempt: number; signal: AbortSignal; beat: () => void }[] = [];
    const alive = saga('alive', { version: 1, input }).read(
      'a',
      ({ heartbeat, attempt, signal }) =>
        new Promise<number>((_, reject) => {
          attempts.push({ attempt, signal, beat: () => heartbeat() });
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      { heartbeat: '10s', timeout: '1h', retry: { attempts: 2, from: '1s', jitter: 'none' } },
    );
    const world = stage.memory();
    const handle = await (await world.open([alive])).start(alive, {}, { id: 'r' });
    await world.clock.advance(8_000);
    attempts[0]?.beat();
    await world.clock.advance(8_000);
    expect(attempts[0]?.signal.aborted).toBe(false);
    await world.clock.advance(3_000);
    expect(attempts[0]?.signal.reason).toMatchObject({ code: 'SC_ATTEMPT_SILENT', message: expect.stringContaining('for 10s') });
    attempts[0]?.beat();
    await world.clock.advance(20_000);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await handle.outcome()).toMatchObject({ status: 'failed', failure: { code: 'SC_ATTEMPT_SILENT' } });
  });

  it('is stored at most once a second, the last one said', async () => {
    let beat: (progress: unknown) => void = () => {};
    const gate = new Gate();
    const chatty = saga('chatty', { version: 1, input }).read('a', (context) => {
      beat = context.heartbeat;
      return (gate.run as never as (c: unknown) => number)(context);
    });
    const world = stage.memory();
    const handle = await (await world.open([chatty])).start(chatty, {}, { id: 'r' });
    await world.clock.advance(1);
    const { seq } = await handle.status();
    for (let i = 0; i < 100; i++) beat(i);
    await world.clock.advance(2_500);
    expect((await handle.status()).seq).toBe(seq + 2);
    gate.last.resolve(1);
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
  });
});

describe('what an undo needs besides', () => {
  it('is stored with the result, and later steps do not see it', async () => {
    const undone: unknown[] = [];
    const renamed = saga('renamed', { version: 1, input })
      .step('rename', () => withUndo({ name: 'new' }, { was: 'old' }), {
        compensate: ({ outcome }) => {
          expectTypeOf(outcome.undoData).toEqualTypeOf<{ was: string } | undefined>();
          expectTypeOf(outcome.result).toEqualTypeOf<{ name: string } | undefined>();
          undone.push([outcome.undoData?.was, outcome.result?.name]);
        },
      })
      .read('fail', ({ results }) => {
        expectTypeOf(results.rename).toEqualTypeOf<{ name: string }>();
        undone.push(results.rename);
        throw new HardError('no');
      });
    const world = stage.file();
    const handle = await (await world.open([renamed])).start(renamed, {}, { id: 'r' });
    expect(await handle.outcome()).toMatchObject({ status: 'compensated' });
    expect(undone).toEqual([{ name: 'new' }, ['old', 'new']]);
  });
});

describe('a run that goes on without something', () => {
  it('is flagged as degraded', async () => {
    const calls: string[] = [];
    const poor = saga('poor', { version: 1, input })
      .read(
        'rate',
        ({ key }) => {
          calls.push(key);
          throw new HardError('closed');
        },
        { fallback: ({ key }) => `by hand ${key}` },
      )
      .step(
        'mail',
        () => {
          throw new BusyError('full');
        },
        { compensate, optional: true, retry: 1 },
      )
      .output(({ results }) => {
        expectTypeOf(results.rate).toEqualTypeOf<string>();
        expectTypeOf(results.mail).toEqualTypeOf<undefined>();
        return results;
      });
    const world = stage.file();
    const handle = await (await world.open([poor])).start(poor, {}, { id: 'r' });
    expect(await handle.outcome()).toMatchObject({ status: 'completed', output: { rate: 'by hand sc1:ns/r/1/rate/-/1/run' } });
    expect(await handle.status()).toMatchObject({ degraded: true });
  });
});

describe('a run past its deadline', () => {
  it('goes on past the pivot, and an alert says so once', async () => {
    const gate = new Gate();
    const slow = saga('slow', { version: 1, input, deadline: '1h' })
      .pivot('pay', run)
      .read('mail', gate.run as never, { timeout: '2d', retry: 'forever' });
    const world = stage.file();
    const handle = await (await world.open([slow])).start(slow, {}, { id: 'r' });
    await world.clock.advance(3_600_100);
    expect(world.alerts.map(({ kind, run: of }) => [kind, of.id])).toEqual([['deadline', 'r']]);
    gate.last.resolve(1);
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    expect(world.alerts).toHaveLength(1);
  });
});

describe('rounds', () => {
  it('have keys of their own, in a loop and after a return to a savepoint', async () => {
    const keys: string[] = [];
    const note = ({ key }: { readonly key: string }): void => void keys.push(key.split('/').slice(3).join('/'));
    const looped = saga('looped', { version: 1, input, onFailure: 'toSavepoint' })
      .savepoint()
      .loop((b) => b.step('a', note, { compensate: ({ undoKey }) => note({ key: undoKey }) }), { until: ({ round }) => round % 2 === 0, most: 4 })
      .read('b', ({ round }) => {
        if (round === 1) throw new HardError('once');
      });
    const world = stage.file();
    const handle = await (await world.open([looped])).start(looped, {}, { id: 'r' });
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    expect(keys).toEqual(['a/-/1/run', 'a/-/2/run', 'a/-/2/undo', 'a/-/1/undo', 'a/-/3/run', 'a/-/4/run']);
  });
});
