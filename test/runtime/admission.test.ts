import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memory, saga } from '../../src/index.ts';
import type { Store } from '../../src/stores/store.ts';
import { Lines } from '../observe/lines.ts';
import { Gate, World } from './harness.ts';

const noop = async () => 1;
let w: World;
afterEach(async () => await w.close());

const gated = (gate: Gate) => saga('gated', { version: 1, input: z.number() }).step('a', gate.run, { compensate: noop });
const begun = (gate: Gate): readonly string[] => gate.calls.map(({ key }) => key.split('/')[1] ?? '');

describe('runs beyond capacity', () => {
  it('begin in the order in which they were started, one for each that ends', async () => {
    w = new World();
    const gate = new Gate();
    const s = gated(gate);
    const engine = await w.open([s], { limits: { runs: 1 } });
    for (let n = 1; n <= 4; n++) {
      await engine.start(s, n, { id: `r${n}` });
      await w.clock.advance(1);
    }
    expect(w.types('r2')).toEqual(['run.queued', 'run.changed']);
    expect(await engine.run('r2').status()).toMatchObject({ status: 'queued' });
    for (let n = 1; n <= 4; n++) {
      expect(begun(gate)).toEqual(['r1', 'r2', 'r3', 'r4'].slice(0, n));
      expect(engine.load()).toMatchObject({ runs: 1, attempts: 1 });
      gate.last.resolve(n);
      await w.clock.advance(1);
    }
    expect(await w.store.count()).toEqual({ completed: 4 });
    expect(w.types('r4').filter((type) => type === 'run.queued' || type === 'run.started')).toEqual(['run.queued', 'run.started']);
  });

  it('that were queued when the process went down begin with the next one, those under way first', async () => {
    w = new World();
    const gate = new Gate();
    const s = gated(gate);
    const first = await w.open([s], { limits: { runs: 1 } });
    for (const n of [1, 2]) await first.start(s, n, { id: `r${n}` });
    const closing = first.close();
    gate.last.reject(new Error('reset'));
    await closing;
    await w.open([s], { limits: { runs: 1 } });
    await w.clock.advance(1_000);
    expect(begun(gate)).toEqual(['r1', 'r1']);
    gate.last.resolve(1);
    await w.clock.advance(1);
    expect(begun(gate)).toEqual(['r1', 'r1', 'r2']);
    gate.last.resolve(1);
  });

  it('can be canceled before they begin, and have done nothing', async () => {
    w = new World();
    const gate = new Gate();
    const s = gated(gate);
    const engine = await w.open([s], { limits: { runs: 1, attempts: 1 } });
    await engine.start(s, 1, { id: 'r1' });
    const second = await engine.start(s, 2, { id: 'r2' });
    await expect(second.retry()).rejects.toMatchObject({ code: 'SC_NOT_STUCK' });
    const third = await engine.start(s, 3, { id: 'r3' });
    await third.cancel({ by: 'Ann', reason: 'double' });
    expect(await third.outcome()).toMatchObject({ status: 'canceled', by: 'Ann', reason: 'double' });
    expect(begun(gate)).not.toContain('r3');
    gate.last.resolve(1);
    await w.clock.advance(1);
    gate.last.resolve(1);
  });
});

describe('sleeping runs', () => {
  const sleepy = saga('sleepy', { version: 1, input: z.number() }).sleep('nap', '1h').read('a', noop);
  const short = saga('short', { version: 1, input: z.number() }).sleep('nap', '4s').read('a', noop);

  it('leave memory, and come back in time, each at its own', async () => {
    w = new World();
    const engine = await w.open([sleepy, short], { limits: { runs: 2 } });
    for (let n = 0; n < 5; n++) {
      await engine.start(sleepy, n, { id: `r${n}` });
      await w.clock.advance(60_000);
    }
    expect(engine.load().runs).toBe(0);
    expect(await w.store.count()).toEqual({ sleeping: 5 });
    for (let n = 0; n < 5; n++) {
      await w.clock.advance(n === 0 ? 55 * 60_000 : 60_000);
      expect(await w.store.count()).toEqual({ ...(n < 4 ? { sleeping: 4 - n } : {}), completed: n + 1 });
    }
    // A wait too short to leave for.
    await engine.start(short, 1);
    await w.clock.settle();
    expect(engine.load().runs).toBe(1);
  });

  it('that are due together come back one after the other where there is room for one', async () => {
    w = new World();
    const engine = await w.open([sleepy], { limits: { runs: 1 } });
    for (let n = 0; n < 3; n++) {
      await engine.start(sleepy, n, { id: `r${n}` });
      await w.clock.settle();
    }
    await w.clock.advance(3_600_001);
    expect(await w.store.count()).toEqual({ completed: 3 });
  });

  it('that are due together come back all, also more of them than are taken over at a time', async () => {
    w = new World();
    const engine = await w.open([sleepy]);
    await Promise.all(Array.from({ length: 130 }, (_, n) => engine.start(sleepy, n)));
    await w.clock.settle();
    await engine.close();
    await w.clock.advance(3_600_000);
    await w.open([sleepy]);
    // Before any alarm: the claim at the opening has found them all.
    expect(w.engine.load().runs).toBe(130);
    await w.clock.advance(1);
    expect(await w.store.count()).toEqual({ completed: 130 });
  });

  it('come back also after the store could not be asked for a while', async () => {
    let broken = false;
    const lines = new Lines();
    w = new World((clock): Store => {
      const store = memory({ clock });
      const claim = store.claim.bind(store);
      store.claim = async (...asked) => {
        if (broken) throw new Error('no connection');
        return await claim(...asked);
      };
      return store;
    });
    const engine = await w.open([sleepy], { log: { level: 'error', to: lines } });
    await engine.start(sleepy, 1, { id: 'r' });
    broken = true;
    await w.clock.advance(3_601_500);
    expect(lines.of('due runs could not be taken over').length).toBeGreaterThan(0);
    expect(await engine.run('r').status()).toMatchObject({ status: 'sleeping' });
    broken = false;
    await w.clock.advance(2_000);
    expect(await engine.run('r').status()).toMatchObject({ status: 'completed' });
  });
});
