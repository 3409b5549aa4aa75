import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, sagachartClient } from '../../src/index.ts';
import { Gate, World } from '../runtime/harness.ts';

const gate = new Gate();
const held = saga('held', { version: 1, input: z.number() }).step('a', gate.run, { compensate: () => {}, timeout: '1d' });
let w: World;
afterEach(async () => {
  await w.close();
});

async function world() {
  w = new World();
  gate.calls.length = 0;
  const client = await sagachartClient({ store: w.store, clock: w.clock, sagas: [held] });
  await w.open([held], { pollEvery: 20, queues: [{ name: 'q', concurrency: 1 }] });
  const meanwhile = async <T>(asked: Promise<T>): Promise<T> => {
    asked.catch(() => undefined);
    await w.clock.advance(1_000);
    return await asked;
  };
  return { client, meanwhile };
}

describe('a start through the inbox', () => {
  it('waits in its queue, with its key and priority, and after its delay from when it was asked for', async () => {
    const { client, meanwhile } = await world();
    for (const id of ['r1', 'r2']) await meanwhile(client.start(held, 1, { id, queue: 'q', key: 'k', priority: 2 }));
    expect(await w.store.find('r2')).toMatchObject({ status: 'queued', place: { queue: 'q', key: 'k', priority: 2, stage: 'waiting' } });
    const asked = w.clock.now();
    await client.start(held, 1, { id: 'late', delay: '10s' });
    await w.clock.advance(3_000);
    expect(await w.store.find('late')).toMatchObject({ status: 'queued', due: asked + 10_000 });
    const { id } = await client.start(held, 1, { queue: 'none' });
    await expect(meanwhile(client.run(id).status())).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await expect(client.start(held, 1, { key: 'k' })).rejects.toMatchObject({ code: 'SC_OPTION' });
    for (let n = 0; n < 3; n++) {
      for (const call of gate.calls) call.resolve(1);
      await w.clock.advance(10_000);
    }
    expect(await w.store.count()).toEqual({ completed: 3 });
  });

  it('comes to the run that has its singleton, of many at the same time from here and there', async () => {
    const { client, meanwhile } = await world();
    const all = [client.start(held, 1, { singleton: 'x' }), client.start(held, 1, { singleton: 'x' }), w.engine.start(held, 1, { singleton: 'x' })];
    const ids = new Set((await meanwhile(Promise.all(all))).map(({ id }) => id));
    expect(ids.size).toBe(1);
    await expect(meanwhile(client.start(held, 2, { singleton: 'x' }))).rejects.toMatchObject({ code: 'SC_SINGLETON_TAKEN' });
    expect(
      await meanwhile(
        client.startMany([
          { saga: held, input: 1, singleton: 'x' },
          { saga: held, input: 2, singleton: 'x' },
        ]),
      ),
    ).toMatchObject([
      { status: 'existing', id: [...ids][0] },
      { status: 'error', error: { code: 'SC_SINGLETON_TAKEN' } },
    ]);
    expect(await w.store.count()).toEqual({ running: 1 });
    gate.last.resolve(1);
    await w.clock.settle();
  });

  it('puts off the run that is debounced, and gives it', async () => {
    const { client, meanwhile } = await world();
    const debounce = { key: 'k', for: '10s' } as const;
    const first = await meanwhile(client.start(held, 1, { debounce }));
    const second = await meanwhile(client.start(held, 2, { debounce }));
    expect(second.id).toBe(first.id);
    await w.clock.advance(10_000);
    expect((await client.run(first.id).view()).input).toBe(2);
    expect(gate.calls.length).toBe(1);
    gate.last.resolve(1);
    await w.clock.settle();
  });

  it('says that nobody has answered which run it is, while there is no executor; it is handled all the same', async () => {
    w = new World();
    gate.calls.length = 0;
    const client = await sagachartClient({ store: w.store, clock: w.clock, sagas: [held] });
    const asked = client.start(held, 1, { singleton: 'x' });
    asked.catch(() => undefined);
    await w.clock.advance(11_000);
    await expect(asked).rejects.toMatchObject({ code: 'SC_UNANSWERED' });
    await w.open([held], { pollEvery: 20 });
    await w.clock.advance(100);
    expect(gate.calls.length).toBe(1);
    gate.last.resolve(1);
    await w.clock.settle();
  });
});
