import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, sagachartClient } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const gate = new Gate<number>();
const s = saga('three', { version: 1, input: z.any(), signals: { go: z.number() } })
  .read('a', gate.run, { timeout: '1d' })
  .waitFor('go')
  .queries({ a: ({ results }) => results.a ?? null });

let w: World;
afterEach(async () => await w.close());

const sides = {
  engine: async () => w.engine.run('r'),
  client: async () => (await sagachartClient({ store: w.store, clock: w.clock, sagas: [s], answerWithin: '1h' })).run('r'),
} as const;

type Reading = Awaited<ReturnType<(typeof sides)[keyof typeof sides]>>;
const reads: Readonly<Record<string, (run: Reading, after: number) => Promise<unknown>>> = {
  status: async (run, after) => (await run.status({ after })).seq,
  view: async (run, after) => (await run.view({ after })).seq,
  query: async (run, after) => await run.query('a', { after }),
};

describe.for(Object.entries(sides))('a read of the %s', ([, handle]) => {
  it.for(Object.entries(reads))('waits for the commit it is to hold, and no longer: %s', async ([name, read]) => {
    w = new World();
    const run = await (await w.open([s], { pollEvery: 20 })).start(s, null, { id: 'r' });
    await w.clock.settle();
    const before = read(await handle(), 1);
    await w.clock.advance(100);
    expect(await before).toBe(name === 'query' ? null : 1);
    let answered = false;
    const asked = read(await handle(), 2).finally(() => {
      answered = true;
    });
    await w.clock.advance(1_000);
    expect(answered).toBe(false);
    gate.last.resolve(7);
    await w.clock.advance(100);
    expect(await asked).toBe(name === 'query' ? 7 : 2);
    const { seq } = await run.signal('go', 1);
    await w.clock.advance(100);
    // It has ended, and will come no further.
    const late = read(await handle(), seq + 1);
    late.catch(() => undefined);
    await w.clock.advance(100);
    await expect(late).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
  });
});
