import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decode } from '../../src/base/encoding.ts';
import type { Definition } from '../../src/definitions.ts';
import { HardError, type Remedy, saga } from '../../src/index.ts';
import { Disk, setting } from '../promises/setting.ts';
import { Gate, type World } from './harness.ts';

const worlds = setting();
const refuse = (): never => {
  throw new HardError('declined');
};
const trip = saga('book-trip', { version: 2, input: z.any() })
  .step('room', async () => 7, { compensate: () => {} })
  .read('pay', refuse);
const stuck = saga('stuck-trip', { version: 1, input: z.any() })
  .step('room', async () => 7, { compensate: refuse })
  .read('pay', refuse);
const fine = saga('fine-trip', { version: 1, input: z.any() }).read('a', async () => 1);

/** A remedy that keeps its inputs. */
function fixing(run: (input: unknown) => unknown = () => 'fixed', input: z.ZodType = z.any()) {
  const inputs: unknown[] = [];
  const fix = saga('fix-trip', { version: 1, input }).read('fix', async (context) => {
    inputs.push(context.input);
    return (await run(context.input)) as string;
  });
  return { fix, inputs };
}

const open = async (w: World, sagas: readonly Definition[], remedies: readonly Remedy[]) => await w.open(sagas, { remedies });
const started = async (w: World): Promise<readonly string[]> => (await w.store.list({ saga: 'fix-trip' })).map(({ id }) => id);

describe('a remedy', () => {
  it('is started by a message in the commit that ends the run, with the alert as its input', async () => {
    const w = worlds.file();
    const disk = new Disk(w.store);
    const { fix, inputs } = fixing();
    await open(w, [trip, fix], [{ of: trip, on: 'failure', start: fix }]);
    await w.engine.start('book-trip', null, { id: 'trip-7' });
    await w.clock.settle();
    const id = 'remedy:trip-7/1/failure/pay/fix-trip';
    expect(await w.store.find(id)).toMatchObject({ status: 'completed', labels: { remedyOf: 'trip-7' } });
    expect(inputs).toEqual(w.alerts);
    expect(inputs).toMatchObject([{ kind: 'failure', run: { id: 'trip-7', version: 2 }, step: 'pay', failure: { message: 'declined' } }]);
    const commits = disk.batches.flatMap(({ commits }) => commits).filter(({ messages }) => messages);
    expect(commits).toMatchObject([{ standing: { status: 'compensated' }, outbox: [{ topic: 'failure' }], messages: [{ id, run: id }] }]);
    expect((await w.store.inbox(id))?.answer).toContain('"ok":true');
  });

  it('is started when a step needs a person, once for that step however often it is stuck', async () => {
    const w = worlds.memory();
    const { fix, inputs } = fixing();
    await open(w, [stuck, fix], [{ of: 'stuck-trip', on: 'attention', start: 'fix-trip', input: ({ run, step }) => `${run.id} ${step}` }]);
    await w.engine.start('stuck-trip', null, { id: 'r' });
    await w.clock.settle();
    await w.engine.run('r').retry();
    await w.clock.settle();
    expect(w.alerts.map(({ kind }) => kind)).toEqual(['attention', 'attention']);
    expect(inputs).toEqual(['r room']);
    expect(await started(w)).toEqual(['remedy:r/1/attention/room/fix-trip']);
  });

  it('is not started for a run that completes, for another saga, or for another reason', async () => {
    const w = worlds.memory();
    const { fix, inputs } = fixing();
    await open(
      w,
      [trip, fine, stuck, fix],
      [
        { of: fine, on: 'failure', start: fix },
        { of: stuck, on: 'failure', start: fix },
        { of: trip, on: 'attention', start: fix },
      ],
    );
    for (const name of ['book-trip', 'fine-trip', 'stuck-trip']) await w.engine.start(name, null);
    await w.clock.settle();
    expect(inputs).toEqual([]);
  });

  it('is started once, whenever the process dies: before the message is read, and while the remedy runs', async () => {
    const w = worlds.file();
    const gate = new Gate();
    const calls = () => gate.calls.map(({ key, attempt }) => [key, attempt]);
    const fix = saga('fix-trip', { version: 1, input: z.any() }).step('fix', gate.run, { compensate: () => {} });
    const remedies: readonly Remedy[] = [{ of: trip, on: 'failure', start: fix }];
    const { pending } = w.store;
    w.store.pending = async () => [];
    await open(w, [trip, fix], remedies);
    await w.engine.start('book-trip', null, { id: 'r' });
    await w.clock.settle();
    expect(await started(w)).toEqual([]);
    w.store.pending = pending;
    const second = await worlds.crashed(w);
    await open(second, [trip, fix], remedies);
    await second.clock.settle();
    const key = 'sc1:ns/remedy%3Ar%2F1%2Ffailure%2Fpay%2Ffix-trip/1/fix/-/1/run';
    expect(calls()).toEqual([[key, 1]]);
    const third = await worlds.crashed(second);
    await open(third, [trip, fix], remedies);
    await third.clock.settle();
    expect(calls()).toEqual([
      [key, 1],
      [key, 2],
    ]);
    expect(await started(third)).toHaveLength(1);
    for (const call of gate.calls) call.resolve(1);
    await third.clock.settle();
    expect(await third.store.list({ saga: 'fix-trip', status: ['completed'] })).toHaveLength(1);
    expect(await third.store.pending(0, 9)).toEqual([]);
  });

  it('that fails is told of like any run, may have a remedy of its own, and never starts itself', async () => {
    const w = worlds.memory();
    const last = saga('last-resort', { version: 1, input: z.any() }).read('give-up', refuse);
    const fix = saga('fix-trip', { version: 1, input: z.any() }).read('fix', refuse);
    await open(
      w,
      [trip, fix, last],
      [
        { of: trip, on: 'failure', start: fix },
        { of: fix, on: 'failure', start: last },
      ],
    );
    await w.engine.start('book-trip', null, { id: 'r' });
    await w.clock.advance(60_000);
    expect(w.alerts.map(({ kind, run, step }) => [kind, run.saga, step])).toEqual([
      ['failure', 'book-trip', 'pay'],
      ['failure', 'fix-trip', 'fix'],
      ['failure', 'last-resort', 'give-up'],
    ]);
    expect((await w.store.list({ saga: 'last-resort' })).map(({ id }) => id)).toEqual(['remedy:remedy:r/1/failure/pay/fix-trip/1/failure/fix/last-resort']);
  });

  it('has an id within 200 bytes, however long that of the run is', async () => {
    const w = worlds.memory();
    const { fix } = fixing();
    await open(w, [trip, fix], [{ of: trip, on: 'failure', start: fix }]);
    for (const id of ['ä'.repeat(100), 'b'.repeat(200)]) await w.engine.start('book-trip', null, { id });
    await w.clock.settle();
    const ids = await started(w);
    expect(new Set(ids.filter((id) => /^remedy:[0-9a-f]{64}$/.test(id))).size).toBe(2);
  });

  const unfit: readonly [what: string, remedy: Partial<Remedy>, message: string][] = [
    ['its input does not fit', { input: () => ({ room: 'seven' }) }, 'the input does not fit the schema of fix-trip'],
    ['its input cannot be stored', { input: () => ({ room: 7, why: () => {} }) }, 'cannot be stored'],
    [
      'making it throws',
      {
        input: () => {
          throw new TypeError('no room');
        },
      },
      'no room',
    ],
  ];
  for (const [what, remedy, message] of unfit) {
    it(`that cannot be started because ${what} is an alert of the same commit, and the run ends as it would`, async () => {
      const w = worlds.memory();
      const disk = new Disk(w.store);
      const { fix } = fixing(undefined, z.looseObject({ room: z.number() }));
      await open(w, [trip, fix], [{ of: trip, on: 'failure', start: fix, ...remedy }]);
      const run = await w.engine.start('book-trip', null, { id: 'r' });
      expect(await run.outcome()).toMatchObject({ status: 'compensated' });
      await w.clock.settle();
      expect(w.alerts).toMatchObject([
        { kind: 'failure', key: 'ns/r/1/4/0' },
        {
          kind: 'remedy',
          key: 'ns/r/1/4/1',
          run: { id: 'r', saga: 'book-trip' },
          step: 'pay',
          remedy: { saga: 'fix-trip', run: 'remedy:r/1/failure/pay/fix-trip' },
          failure: { message: expect.stringContaining(message) },
        },
      ]);
      expect(disk.batches.flatMap(({ commits }) => commits).filter(({ outbox }) => outbox)).toHaveLength(1);
      expect(await started(w)).toEqual([]);
    });
  }

  it('that a later deploy does not know any more is an alert, written with the answer', async () => {
    const w = worlds.file();
    const { fix } = fixing();
    const { pending } = w.store;
    w.store.pending = async () => [];
    await open(w, [trip, fix], [{ of: trip, on: 'failure', start: fix }]);
    await w.engine.start('book-trip', null, { id: 'r', labels: { team: 'trips' } });
    await w.clock.settle();
    w.store.pending = pending;
    const next = await worlds.crashed(w);
    await open(next, [trip], []);
    await next.clock.settle();
    const id = 'remedy:r/1/failure/pay/fix-trip';
    const answered = await next.store.inbox(id);
    expect(decode(answered?.answer ?? '')).toMatchObject({ ok: false, error: { code: 'SC_UNKNOWN_SAGA' } });
    expect(next.alerts).toMatchObject([
      {
        kind: 'remedy',
        key: `ns/r/1/inbox-${answered?.number}/0`,
        run: { id: 'r', labels: { team: 'trips' } },
        status: 'compensated',
        step: 'pay',
        remedy: { saga: 'fix-trip', run: id },
        failure: { code: 'SC_UNKNOWN_SAGA' },
      },
    ]);
  });

  it('whose id is taken by another run is an alert too', async () => {
    const w = worlds.memory();
    const { fix } = fixing();
    await open(w, [trip, fine, fix], [{ of: trip, on: 'failure', start: fix }]);
    await w.engine.start('fine-trip', null, { id: 'remedy:r/1/failure/pay/fix-trip' });
    await w.engine.start('book-trip', null, { id: 'r' });
    await w.clock.settle();
    expect(w.alerts).toMatchObject([{ kind: 'failure' }, { kind: 'remedy', failure: { code: 'SC_RUN_EXISTS' } }]);
  });
});

describe('remedies as options', () => {
  const other = saga('other', { version: 4, input: z.any() }).read('a', async () => 1);
  const good = { of: trip, on: 'failure', start: other } as const;
  const refused: readonly [what: string, remedies: unknown, message: string][] = [
    ['no list', 'fix-trip', 'remedies is "\\"fix-trip\\"": it must be a list'],
    ['nothing', [null], 'remedies[0] is "null": it must be { of, on, start, input }'],
    ['an unknown option', [{ ...good, when: 1 }], 'remedies[0].when is 1: there is no such option'],
    [
      'a saga that is not there',
      [{ ...good, of: 'book-flight' }],
      'remedies[0].of is "book-flight": it must be one of the sagas of this engine: book-trip, other',
    ],
    ['a remedy that is not there', [{ ...good, start: fine }], 'remedies[0].start is "fine-trip"'],
    ['no remedy', [{ of: trip, on: 'failure' }], 'remedies[0].start is undefined'],
    ['another version', [{ ...good, start: { name: 'other', version: 5 } }], 'remedies[0].version is 5'],
    ['another occasion', [{ ...good, on: 'success' }], "remedies[0].on is \"success\": it must be 'failure' or 'attention'"],
    ['an input that is no function', [{ ...good, input: {} }], 'remedies[0].input is "{}": it must be a function'],
    ['itself', [{ ...good, start: trip }], 'remedies is "book-trip → book-trip": a remedy that fails would start itself again'],
    ['a circle', [good, { of: other, on: 'attention', start: trip }], 'book-trip → other → book-trip'],
  ];
  for (const [what, remedies, message] of refused) {
    it(`cannot be ${what}`, async () => {
      await expect(worlds.memory().open([trip, other], { remedies: remedies as never })).rejects.toThrow(message);
    });
  }
});
