import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encode } from '../../src/base/encoding.ts';
import type { Definition } from '../../src/definitions.ts';
import { HardError, memory, saga, sqlite, type } from '../../src/index.ts';
import { viewRun } from '../../src/runtime/history.ts';
import { type FileWorld, happened, setting } from '../promises/setting.ts';
import { Books, withEachCrash } from './every-crash.ts';
import { Gate, World } from './harness.ts';

const stage = setting();

type Services = Pick<Books, 'run' | 'undo'>;
const services = type<Services>();
const input = z.object({ n: z.number() });

const run = (context: { readonly key: string; readonly services: Services }): string => context.services.run(context);
const compensate = (context: { readonly runKey: string; readonly services: Services }): void => context.services.undo(context);

const payment = saga('payment', { version: 1, nested: true, input, services })
  .step('reserve', run, { compensate })
  .step('book', run, { compensate })
  .output(({ input: { n }, results }) => ({ n, booked: results.book }));
const trip = saga('trip', { version: 1, input, services })
  .step('flight', run, { compensate })
  .child('payment', payment, ({ input: { n } }) => ({ n: n + 1 }))
  .step('last', run, { compensate })
  .output(({ results }) => results.payment.n);

async function opened(sagas: readonly Definition[] = [trip, payment], books = new Books()): Promise<{ readonly world: FileWorld; readonly books: Books }> {
  const world = stage.file();
  await world.open(sagas, { services: books });
  return { world, books };
}

async function statuses({ store }: FileWorld): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await store.list({})).map(({ id, status }) => [id, status]));
}

describe('a child', () => {
  it('is a run of its own, whose output is the result of the step', async () => {
    const { world, books } = await opened();
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r', labels: { tenant: 'x' } });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'reserve', 'book', 'last']);
    expect(await handle.outcome()).toEqual({ status: 'completed', output: 2, left: [] });
    expect(await world.store.list({})).toMatchObject([
      { id: 'r/payment', saga: 'payment', status: 'completed', labels: { tenant: 'x', parent: 'r' } },
      { id: 'r', status: 'completed' },
    ]);
    expect(world.engine.load()).toMatchObject({ runs: 0, behind: 0 });
  });

  it('is undone as a unit when its parent fails later, after what came after it and before what came before it', async () => {
    const books = new Books();
    books.refused.add('last');
    const { world } = await opened([trip, payment], books);
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'reserve', 'book', 'last', 'book.undo', 'reserve.undo', 'flight.undo']);
    expect(await handle.outcome()).toMatchObject({ status: 'compensated', step: 'last', left: [] });
    expect(await world.engine.run('r/payment').outcome()).toEqual({ status: 'compensated', step: '', failure: null, left: [] });
  });

  it('that its parent has undone has not failed itself: only the parent is told of', async () => {
    const books = new Books();
    books.refused.add('last');
    const { world } = await opened([trip, payment], books);
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect((await handle.outcome()).status).toBe('compensated');
    expect(world.alerts).toMatchObject([{ kind: 'failure', run: { id: 'r' }, step: 'last' }]);
  });

  it('that fails has its step refused, with its failure as the cause', async () => {
    const books = new Books();
    books.refused.add('book');
    const { world } = await opened([trip, payment], books);
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(books.calls).toEqual(['flight', 'reserve', 'book', 'reserve.undo', 'flight.undo']);
    expect(await handle.outcome()).toMatchObject({
      status: 'compensated',
      step: 'payment',
      failure: { code: 'SC_CHILD_FAILED', class: 'hard', effect: 'none', causes: ['HardError: book is refused'] },
      left: [],
    });
  });
});

describe('a child that is done', () => {
  const slow = saga('slow', { version: 1, input, services, signals: { go: z.object({}) } })
    .child('payment', payment, ({ input: own }) => own)
    .waitFor('go')
    .step('last', run, { compensate });

  it('is held, out of memory, until its parent has ended, and is told then that it stays done', async () => {
    const { world } = await opened([slow, payment]);
    const handle = await world.engine.start(slow, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect(await world.engine.run('r/payment').status()).toMatchObject({ status: 'sleeping', due: null, endedAt: null });
    expect(await handle.status()).toMatchObject({ status: 'sleeping', due: null });
    expect(world.engine.load().runs).toBe(0);
    await handle.signal('go', {});
    await world.clock.advance(10);
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/payment': 'completed' });
  });

  it('takes no cancel of its own, and no undo from anybody else', async () => {
    const { world } = await opened([slow, payment]);
    await world.engine.start(slow, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    const child = world.engine.run('r/payment');
    await expect(child.cancel()).rejects.toMatchObject({ code: 'SC_EVENT_NOT_ACCEPTED' });
    await expect(child.signal('undo')).rejects.toMatchObject({ code: 'SC_SIGNAL_UNKNOWN' });
  });

  it('is undone when its parent is canceled', async () => {
    const { world, books } = await opened([slow, payment]);
    const handle = await world.engine.start(slow, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await handle.cancel({ by: 'Ann' });
    await world.clock.advance(10);
    expect(await statuses(world)).toEqual({ r: 'canceled', 'r/payment': 'compensated' });
    expect(books.standing).toEqual([]);
  });

  it('stays done when its parent is terminated, which lists it as left', async () => {
    const { world, books } = await opened([slow, payment]);
    const handle = await world.engine.start(slow, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await handle.terminate({ by: 'Ann' });
    await world.clock.advance(10);
    expect(await statuses(world)).toEqual({ r: 'terminated', 'r/payment': 'completed' });
    expect(await handle.outcome()).toEqual({ status: 'terminated', left: [{ step: 'payment', what: 'not undone' }] });
    expect(books.standing).toEqual(['r/payment: book', 'r/payment: reserve']);
  });

  it('and is terminated by a person leaves what its parent can no longer undo', async () => {
    const { world, books } = await opened([slow, payment]);
    const handle = await world.engine.start(slow, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await world.engine.run('r/payment').terminate({ by: 'Ann' });
    await handle.cancel();
    await world.clock.advance(10);
    expect(await handle.outcome()).toEqual({
      status: 'canceled',
      by: null,
      reason: null,
      left: [
        { step: 'payment/reserve', what: 'not undone' },
        { step: 'payment/book', what: 'not undone' },
      ],
    });
    expect(books.standing).toHaveLength(2);
  });

  it('and has a deadline does not fail when that passes', async () => {
    const hasty = saga('hasty', { version: 1, nested: true, input, services, deadline: '1m' }).step('a', run, { compensate });
    const parent = saga('parent', { version: 1, input, services, signals: { go: z.object({}) } })
      .child('hasty', hasty, ({ input: own }) => own)
      .waitFor('go');
    const { world, books } = await opened([parent, hasty]);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    await world.clock.advance(120_000);
    expect((await viewRun(world.store, 'r/hasty')).data).toMatchObject({ value: 'held', context: { cause: null } });
    await handle.cancel();
    await world.clock.advance(10);
    expect(await statuses(world)).toEqual({ r: 'canceled', 'r/hasty': 'compensated' });
    expect(books.standing).toEqual([]);
  });

  it('whose undo needs a person holds its parent up, and what that person leaves is listed there', async () => {
    const stubborn = saga('stubborn', { version: 1, nested: true, input, services }).step('a', run, {
      compensate: () => {
        throw new Error('no');
      },
      undo: { retry: 1 },
    });
    const parent = saga('parent', { version: 1, input, services, signals: { go: z.object({}) } })
      .child('stubborn', stubborn, ({ input: own }) => own)
      .waitFor('go');
    const { world } = await opened([parent, stubborn]);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await handle.cancel();
    await world.clock.advance(60_000);
    const child = world.engine.run('r/stubborn');
    expect(await child.status()).toMatchObject({ status: 'compensating', attention: true });
    expect(await handle.status()).toMatchObject({ status: 'compensating', attention: false, due: null });
    expect((await viewRun(world.store, 'r')).children).toEqual([{ step: 'stubborn', kind: 'undo', run: 'r/stubborn' }]);
    await child.skip('a', { reason: 'by hand' });
    await world.clock.advance(10);
    expect(await handle.outcome()).toMatchObject({ status: 'canceled', left: [{ step: 'stubborn/a', what: 'undo skipped' }] });
  });
});

describe('a child that is under way', () => {
  const gate = new Gate<number>();
  const gated = saga('gated', { version: 1, nested: true, input, services })
    .step('first', run, { compensate })
    .step('gate', gate.run as never, { compensate });
  const parent = saga('parent', { version: 1, input, services })
    .step('before', run, { compensate })
    .child('gated', gated, ({ input: own }) => own);

  async function underWay(): Promise<Awaited<ReturnType<typeof opened>>> {
    const all = await opened([parent, gated]);
    await all.world.engine.start(parent, { n: 1 }, { id: 'r' });
    await all.world.clock.advance(10);
    return all;
  }

  it('is canceled with its parent, which waits for it without a limit', async () => {
    const { world, books } = await underWay();
    await world.engine.run('r').cancel({ by: 'Ann' });
    await world.clock.advance(1);
    expect(gate.last.signal.aborted).toBe(true);
    expect(await statuses(world)).toEqual({ r: 'sleeping', 'r/gated': 'running' });
    await world.clock.advance(10_000);
    expect(await statuses(world)).toEqual({ r: 'canceled', 'r/gated': 'canceled' });
    expect(books.standing).toEqual([]);
    expect(await world.engine.run('r/gated').outcome()).toMatchObject({ by: 'run r' });
  });

  it('that is done all the same counts, and is undone then', async () => {
    const { world, books } = await underWay();
    await world.engine.run('r').cancel();
    gate.last.resolve(1);
    await world.clock.advance(10_000);
    expect(await world.engine.run('r').outcome()).toMatchObject({ status: 'canceled', left: [] });
    expect(books.standing).toEqual([]);
  });

  it('and is canceled by somebody else fails its step', async () => {
    const { world } = await underWay();
    await world.engine.run('r/gated').cancel({ by: 'Ann', reason: 'no' });
    await world.clock.advance(10_000);
    expect(await world.engine.run('r').outcome()).toMatchObject({
      status: 'compensated',
      step: 'gated',
      failure: { code: 'SC_CHILD_FAILED', message: 'the run r/gated of gated ended as canceled' },
      left: [],
    });
  });

  it('and is terminated by somebody else fails its step, and what it leaves is listed', async () => {
    const { world, books } = await underWay();
    await world.engine.run('r/gated').terminate();
    await world.clock.advance(10_000);
    expect(await world.engine.run('r').outcome()).toMatchObject({
      status: 'compensated',
      failure: { code: 'SC_CHILD_FAILED', effect: 'maybe' },
      left: [
        { step: 'gated/first', what: 'not undone' },
        { step: 'gated/gate', what: 'may have happened' },
      ],
    });
    expect(books.standing).toEqual(['r/gated: first']);
    // What has ended for good is not asked to undo anything.
    expect(await happened(world.store, 'r')).not.toContain('succeeded gated.undo');
  });

  it('is terminated with its parent, which lists it', async () => {
    const { world } = await underWay();
    await world.engine.run('r').terminate();
    await world.clock.advance(10_000);
    expect(await statuses(world)).toEqual({ r: 'terminated', 'r/gated': 'terminated' });
    expect(await world.engine.run('r').outcome()).toMatchObject({
      left: [
        { step: 'before', what: 'not undone' },
        { step: 'gated', what: 'may have happened' },
      ],
    });
  });

  it('of an earlier life of its parent is not listened to any more', async () => {
    const world = stage.file();
    await world.open([parent, gated], { services: new Books(), pollEvery: '1s' });
    await world.engine.start(parent, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await world.engine.run('r').terminate();
    await world.clock.advance(1_000);
    expect(await statuses(world)).toEqual({ r: 'terminated', 'r/gated': 'terminated' });
    await world.engine.restart('r');
    await world.clock.advance(10);
    const at = (await viewRun(world.store, 'r')).data.children.gated?.at;
    const other = sqlite(world.path);
    await other.open();
    const said = async (id: string, life: { readonly life?: number }): Promise<string | null | undefined> => {
      const message = { type: 'ended', ...life, child: 'gated', at, run: 'r/gated', saga: 'gated', end: { status: 'completed', output: 9, left: [] } };
      await other.send({ id, run: 'r', body: encode(message), at: world.clock.now() });
      await world.clock.advance(1_000);
      return (await world.store.inbox(id))?.answer;
    };
    expect(await said('sagachart:9.1.0', {})).toContain('SC_RUN_ENDED');
    expect((await viewRun(world.store, 'r')).data.children.gated?.at).toEqual(at);
    expect(await said('sagachart:9.1.1', { life: 2 })).toContain('"ok":true');
    expect((await viewRun(world.store, 'r')).data.children).not.toHaveProperty('gated');
    await other.close();
  });

  it('goes on while its parent is paused', async () => {
    const { world } = await underWay();
    await world.engine.run('r').pause();
    gate.last.resolve(1);
    await world.clock.advance(10);
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/gated': 'completed' });
  });

  it('is no attempt: nothing of it is lost in a crash', async () => {
    const { world } = await underWay();
    const after = await stage.crashed(world);
    await after.open([parent, gated], { services: new Books() });
    await after.clock.advance(10);
    expect(await happened(after.store, 'r')).not.toContain('lost gated');
    gate.last.resolve(1);
    await after.clock.advance(10);
    expect(await statuses(after)).toEqual({ r: 'completed', 'r/gated': 'completed' });
  });

  it('of a parent that was paused before it began is begun when that goes on, or never if it is canceled', async () => {
    const first = new Gate<number>();
    const waits = saga('waits', { version: 1, input, services })
      .step('first', first.run as never, { compensate })
      .child('payment', payment, ({ input: own }) => own);
    const { world, books } = await opened([waits, payment]);
    for (const id of ['r', 's']) {
      const handle = await world.engine.start(waits, { n: 1 }, { id });
      await world.clock.advance(1);
      await handle.pause();
      first.last.resolve(1);
      await world.clock.advance(10);
      expect(await world.store.find(`${id}/payment`)).toBeUndefined();
      if (id === 's') await handle.cancel();
      await handle.resume();
      await world.clock.advance(10);
    }
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/payment': 'completed', s: 'canceled' });
    expect(books.calls.filter((call) => call === 'reserve')).toHaveLength(1);
  });
});

describe('a child that cannot be begun', () => {
  it('because its input does not fit, or cannot be made, fails its step', async () => {
    const wrong = saga('wrong', { version: 1, input, services }).child('payment', payment, () => ({ n: 'x' }) as never);
    const throws = saga('throws', { version: 1, input, services }).child('payment', payment, () => {
      throw new Error('no input');
    });
    const { world } = await opened([wrong, throws, payment]);
    const ends = [];
    for (const one of [wrong, throws]) ends.push(await (await world.engine.start(one, { n: 1 }, { id: one.name })).outcome());
    expect(ends).toMatchObject([
      { status: 'failed', failure: { code: 'SC_CHILD_FAILED', causes: [expect.stringContaining('SC_INPUT_INVALID')] } },
      { status: 'failed', failure: { code: 'SC_CHILD_FAILED', causes: [expect.stringContaining('no input')] } },
    ]);
  });

  it('because its id is taken fails its step, and leaves the other run alone', async () => {
    const { world } = await opened();
    await world.engine.start(payment, { n: 2 }, { id: 'r/payment' });
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    expect(await handle.outcome()).toMatchObject({ status: 'compensated', step: 'payment', failure: { causes: [expect.stringContaining('SC_RUN_EXISTS')] } });
    expect(await statuses(world)).toEqual({ r: 'compensated', 'r/payment': 'completed' });
  });

  it('because its saga is not registered keeps the engine from opening', async () => {
    const world = stage.file();
    await expect(world.open([trip], { services: new Books() })).rejects.toMatchObject({
      code: 'SC_UNKNOWN_SAGA',
      message: 'step payment of trip version 1 is a run of the saga "payment", which is not registered',
    });
    const changed = saga('payment', { version: 2, input, services }).step('reserve', run, { compensate });
    await expect(world.open([trip, payment, changed], { services: new Books() })).rejects.toMatchObject({ code: 'SC_DEFINITION_CHILD' });
  });

  it('because this process does not know its saga waits for one that does', async () => {
    const { world } = await opened();
    await world.close();
    const after = await stage.crashed(world);
    await after.store.open();
    const message = { type: 'start', saga: 'payment', input: { n: 1 }, labels: {}, parent: { run: 'nobody', child: 'payment', at: [1, 0], holds: true } };
    await after.store.send({ id: 'sagachart:1.1.0', run: 'c', body: JSON.stringify(message), at: 0 });
    await after.store.send({ id: 'sagachart:1.1.1', run: 'c', body: JSON.stringify({ type: 'cancel' }), at: 0 });
    await after.store.close();
    await after.open([saga('other', { version: 1, input }).read('a', () => 1)]);
    await after.clock.advance(10_000);
    expect(await after.store.pending(0, 10)).toHaveLength(2);
    const last = await stage.crashed(after);
    const napping = saga('payment', { version: 1, nested: true, input, services }).step('reserve', run, { compensate }).sleep('1h');
    await last.open([napping], { services: new Books() });
    await last.clock.advance(10_000);
    expect(await statuses(last)).toEqual({ c: 'canceled' });
    expect(await last.store.pending(0, 10)).toEqual([]);
  });

  it('or whose parent this process does not know tells it when another does', async () => {
    const books = new Books();
    const gate = new Gate<number>();
    const gated = saga('payment', { version: 1, nested: true, input, services })
      .step('gate', gate.run as never, { compensate })
      .output(() => ({ n: 7, booked: '' }));
    const { world } = await opened([trip, gated], books);
    await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    const after = await stage.crashed(world);
    await after.open([gated], { services: books });
    await after.clock.advance(10);
    gate.last.resolve(1);
    await after.clock.advance(10_000);
    expect(await statuses(after)).toEqual({ r: 'sleeping', 'r/payment': 'sleeping' });
    const last = await stage.crashed(after);
    await last.open([trip, gated], { services: books });
    await last.clock.advance(10_000);
    expect(await last.engine.run('r').outcome()).toMatchObject({ status: 'completed', output: 7 });
    expect(await statuses(last)).toEqual({ r: 'completed', 'r/payment': 'completed' });
  });
});

describe('where a child stands', () => {
  const pays = saga('pays', { version: 1, input, services }).step('a', run, { compensate }).pivot('b', run);

  it('as the pivot, it settles the run: refused, the rest is undone; done, it stays', async () => {
    const parent = saga('parent', { version: 1, input, services })
      .step('before', run, { compensate })
      .child('pays', pays, ({ input: own }) => own, { pivot: true })
      .step('after', run);
    for (const refused of ['b', 'none']) {
      const books = new Books();
      books.refused.add(refused);
      const { world } = await opened([parent, pays], books);
      const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
      await world.clock.advance(10);
      expect(await handle.outcome()).toMatchObject({ status: refused === 'b' ? 'compensated' : 'completed', left: [] });
      expect(books.standing).toEqual(refused === 'b' ? [] : ['r/pays: a', 'r/pays: b', 'r: after', 'r: before']);
      await world.close();
    }
  });

  it('past the pivot it needs a person when it fails; tried again it is another run', async () => {
    const parent = saga('parent', { version: 1, input, services })
      .pivot('settle', run)
      .child('pays', pays, ({ input: own }) => own);
    const books = new Books();
    books.refused.add('b');
    const { world } = await opened([parent, pays], books);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    expect(await handle.until('attention')).toEqual(['pays']);
    books.refused.clear();
    await handle.retry();
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/pays': 'compensated', 'r/pays.1.2': 'completed' });
  });

  it('optional, or with a fallback, it is gone on without', async () => {
    const parent = saga('parent', { version: 1, input, services })
      .child('first', payment, ({ input: own }) => own, { optional: true })
      .child('second', payment, ({ input: own }) => own, { fallback: () => ({ n: 0, booked: 'instead' }) })
      .output(({ results }) => [results.first?.n, results.second.booked]);
    const books = new Books();
    books.refused.add('book');
    const { world } = await opened([parent, payment], books);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    expect(await handle.outcome()).toEqual({ status: 'completed', output: [undefined, 'instead'], left: [] });
    expect(await handle.status()).toMatchObject({ degraded: true });
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/first': 'compensated', 'r/second': 'compensated' });
  });

  it('in a loop it is a run of its own in each round, and all of them are undone, the last one first', async () => {
    const parent = saga('parent', { version: 1, input, services })
      .loop((b) => b.child('payment', payment, ({ input: own }) => own), { until: ({ round }) => round === 3, most: 3 })
      .step('last', run, { compensate });
    for (const refused of ['last', 'none']) {
      const books = new Books();
      books.refused.add(refused);
      const { world } = await opened([parent, payment], books);
      await world.engine.start(parent, { n: 1 }, { id: 'r' });
      await world.clock.advance(10);
      const end = refused === 'last' ? 'compensated' : 'completed';
      expect(await statuses(world)).toEqual({ r: end, 'r/payment': end, 'r/payment.2': end, 'r/payment.3': end });
      expect(books.standing).toHaveLength(refused === 'last' ? 0 : 7);
      await world.close();
    }
  });

  it('behind a savepoint it is undone, and begun again as another run', async () => {
    let tries = 0;
    const parent = saga('parent', { version: 1, input, services, onFailure: 'toSavepoint' })
      .savepoint()
      .child('payment', payment, ({ input: own }) => own)
      .read('check', () => {
        if (tries++ === 0) throw new HardError('not yet');
      });
    const { world, books } = await opened([parent, payment]);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    await world.clock.advance(10);
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/payment': 'compensated', 'r/payment.2': 'completed' });
    expect(books.standing).toEqual(['r/payment.2: book', 'r/payment.2: reserve']);
  });

  it('in a race the slower one is canceled, or undone', async () => {
    const gate = new Gate<number>();
    const slow = saga('slow', { version: 1, nested: true, input, services })
      .step('a', run, { compensate })
      .step('gate', gate.run as never, { compensate });
    const parent = saga('parent', { version: 1, input, services })
      .race(
        'race',
        (b) => b.child('slow', slow, ({ input: own }) => own),
        (b) => b.child('payment', payment, ({ input: own }) => own),
      )
      .output(({ results }) => results.race);
    const { world, books } = await opened([parent, slow, payment]);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    await world.clock.advance(10_000);
    expect(await handle.outcome()).toEqual({ status: 'completed', output: 'payment', left: [] });
    expect(await statuses(world)).toEqual({ r: 'completed', 'r/slow': 'canceled', 'r/payment': 'completed' });
    expect(books.standing).toEqual(['r/payment: book', 'r/payment: reserve']);
  });

  it('that takes longer than it may is canceled', async () => {
    const gate = new Gate<number>();
    const slow = saga('slow', { version: 1, nested: true, input, services }).step('gate', gate.run as never, { compensate });
    const parent = saga('parent', { version: 1, input, services }).child('slow', slow, ({ input: own }) => own, { within: '1h' });
    const patient = { timeout: '10h' } as const;
    const patiently = saga('slow', { version: 2, nested: true, input, services }).step('gate', gate.run as never, { compensate, ...patient });
    const { world } = await opened([parent, slow, patiently]);
    const handle = await world.engine.start(parent, { n: 1 }, { id: 'r' });
    await world.clock.advance(2 * 3_600_000);
    expect(await handle.outcome()).toMatchObject({ status: 'failed', failure: { code: 'SC_STEP_LATE' } });
    expect(await world.engine.run('r/slow').status()).toMatchObject({ status: 'canceled', version: 2 });
  });

  it('nested in another child it is undone with that', async () => {
    const middle = saga('middle', { version: 1, nested: true, input, services })
      .step('m', run, { compensate })
      .child('payment', payment, ({ input: own }) => own);
    const outer = saga('outer', { version: 1, input, services })
      .child('middle', middle, ({ input: own }) => own)
      .step('last', run, { compensate });
    for (const refused of ['last', 'none']) {
      const { plain, crashed } = await withEachCrash(stage, {
        sagas: [outer, middle, payment],
        refused: [refused],
        tell: async ({ engine }) => void (await engine.start(outer, { n: 1 }, { id: 'r' })),
      });
      const end = refused === 'last' ? 'compensated' : 'completed';
      expect(plain.ends).toEqual({ r: end, 'r/middle': end, 'r/middle/payment': end });
      expect(plain.standing).toHaveLength(refused === 'last' ? 0 : 4);
      for (const came of crashed) expect(came).toEqual(plain);
    }
  });

  it('under a long id it has one that ends in a hash', async () => {
    const { world } = await opened();
    const id = 'ä'.repeat(98);
    const handle = await world.engine.start(trip, { n: 1 }, { id });
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
    const [child] = await world.store.list({ saga: 'payment' });
    expect(child?.id).toMatch(/^ä{83}~[0-9a-f]{32}$/);
    expect(child?.labels).toEqual({ parent: id });
  });

  it('beyond what memory has room for it is queued', async () => {
    const world = stage.file();
    await world.open([trip, payment], { services: new Books(), limits: { runs: 1 } });
    const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10_000);
    expect(await handle.outcome()).toMatchObject({ status: 'completed' });
  });
});

describe('two workers on one store', () => {
  it('share parents and children, and each effect is there once', async () => {
    const store = memory();
    const books = new Books();
    const worlds = [new World(() => store), new World(() => store)];
    for (const world of worlds) await world.open([trip, payment], { services: books, pollEvery: '10ms' });
    const ids = Array.from({ length: 20 }, (_, i) => `r${i}`);
    await Promise.all(ids.map((id, i) => worlds[i % 2]?.engine.start(trip, { n: i }, { id })));
    for (let i = 0; i < 300; i++) for (const { clock } of worlds) await clock.advance(10);
    const rows = await store.list({});
    expect(rows.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 'completed'));
    expect(books.calls).toHaveLength(80);
    for (const world of worlds) await world.close();
  });
});

describe('after a crash at any commit', () => {
  const go = async ({ engine }: FileWorld): Promise<void> => void (await engine.start(trip, { n: 1 }, { id: 'r' }));

  it('parent and child complete, each effect once', async () => {
    const { plain, crashed } = await withEachCrash(stage, { sagas: [trip, payment], tell: go });
    expect(plain).toEqual({
      ends: { r: 'completed', 'r/payment': 'completed' },
      standing: ['r/payment: book', 'r/payment: reserve', 'r: flight', 'r: last'],
    });
    expect(crashed.length).toBeGreaterThan(6);
    for (const came of crashed) expect(came).toEqual(plain);
  });

  it('nothing of either stands when the parent fails', async () => {
    const { plain, crashed } = await withEachCrash(stage, { sagas: [trip, payment], refused: ['last'], tell: go });
    expect(plain).toEqual({ ends: { r: 'compensated', 'r/payment': 'compensated' }, standing: [] });
    for (const came of crashed) expect(came).toEqual(plain);
  });

  it('nothing of either stands when the child fails', async () => {
    const { plain, crashed } = await withEachCrash(stage, { sagas: [trip, payment], refused: ['book'], tell: go });
    expect(plain).toEqual({ ends: { r: 'compensated', 'r/payment': 'compensated' }, standing: [] });
    for (const came of crashed) expect(came).toEqual(plain);
  });

  it('a cancel while the child is under way leaves nothing, or comes too late for both', async () => {
    const { crashed } = await withEachCrash(stage, {
      sagas: [trip, payment],
      tell: async (world) => {
        const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
        await handle.cancel().catch(() => undefined);
      },
    });
    for (const { ends, standing } of crashed) {
      const isOver = ends.r === 'completed';
      expect(standing).toHaveLength(isOver ? 4 : 0);
      if (ends['r/payment'] !== undefined) expect(ends['r/payment']).toMatch(isOver ? /completed/ : /canceled|compensated|failed/);
    }
  });

  it('a terminated parent ends its child', async () => {
    const { crashed } = await withEachCrash(stage, {
      sagas: [trip, payment],
      tell: async (world) => {
        const handle = await world.engine.start(trip, { n: 1 }, { id: 'r' });
        await handle.terminate().catch(() => undefined);
      },
    });
    for (const { ends } of crashed) expect(Object.values(ends).every((end) => end === 'terminated' || end === 'completed')).toBe(true);
  });
});

describe('a parent that is begun again', () => {
  it('has another life of its child, which is undone or stays done with it', async () => {
    const books = new Books();
    books.refused.add('last');
    const { world } = await opened([trip, payment], books);
    await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    books.refused.clear();
    const again = await world.engine.restart('r');
    await world.clock.advance(10);
    expect(await again.outcome()).toEqual({ status: 'completed', output: 2, left: [] });
    expect((await world.store.list({})).map(({ id, incarnation, status }) => [id, incarnation, status])).toEqual([
      ['r/payment', 2, 'completed'],
      ['r', 2, 'completed'],
      ['r/payment', 1, 'compensated'],
      ['r', 1, 'compensated'],
    ]);
  });

  it('has one where the child of the last life was purged', async () => {
    const { world } = await opened();
    await world.engine.start(trip, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    await world.engine.purge({});
    const again = await world.engine.restart('r', { input: { n: 4 } });
    await world.clock.advance(10);
    expect(await again.outcome()).toEqual({ status: 'completed', output: 5, left: [] });
    expect(await world.store.find('r/payment')).toMatchObject({ incarnation: 2, status: 'completed' });
  });

  it('is told of the end of a child by the same commit that starts the remedy of that', async () => {
    const fix = saga('fix', { version: 1, input: z.any() }).read('fix', () => 'fixed');
    const late = saga('late', { version: 1, input, services })
      .child('payment', payment, ({ input }) => input)
      .step('last', run, { compensate });
    const books = new Books();
    const world = stage.file();
    await world.open([late, payment, fix], { services: books, remedies: [{ of: payment, on: 'failure', start: fix }] });
    books.refused.add('book');
    const handle = await world.engine.start(late, { n: 1 }, { id: 'r' });
    await world.clock.advance(10);
    expect((await handle.outcome()).status).toBe('failed');
    expect(await statuses(world)).toMatchObject({ r: 'failed', 'r/payment': 'compensated' });
    expect(await world.store.list({ saga: 'fix' })).toMatchObject([{ status: 'completed', labels: { remedyOf: 'r/payment' } }]);
  });
});
