import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import type { RuntimeEvent } from '../../src/runtime/event.ts';
import { Observers } from '../../src/runtime/observers.ts';
import { Lines } from '../observe/lines.ts';
import { World } from './harness.ts';

const event = (type: 'store.recovered' | 'run.queued'): RuntimeEvent => ({ type, at: 1 }) as RuntimeEvent;

describe('observers', () => {
  it('are told what they want, and what nobody wants is not made', () => {
    const observers = new Observers(() => {});
    const seen: string[] = [];
    expect(observers.wants('run.queued')).toBe(false);
    const some = (): void => void seen.push('some');
    const all = (): void => void seen.push('all');
    observers.add(some, ['store.recovered']);
    expect([observers.wants('run.queued'), observers.wants('store.recovered')]).toEqual([false, true]);
    observers.add(all);
    expect(observers.wants('run.queued')).toBe(true);
    observers.emit(event('run.queued'));
    observers.emit(event('store.recovered'));
    expect(seen).toEqual(['all', 'some', 'all']);
    observers.delete(all);
    expect(observers.wants('run.queued')).toBe(false);
  });

  it('that throw do not keep the others from hearing', () => {
    const threw: unknown[] = [];
    const observers = new Observers((error, type) => threw.push([(error as Error).message, type]));
    const seen: string[] = [];
    observers.add(() => {
      throw new Error('mine');
    });
    observers.add(({ type }) => void seen.push(type));
    observers.emit(event('run.queued'));
    expect([threw, seen]).toEqual([[['mine', 'run.queued']], ['run.queued']]);
  });
});

describe('the observers of an engine', () => {
  let w: World;
  afterEach(async () => await w.close());
  const make = () =>
    saga('one', { version: 1, input: z.any() })
      .step('a', async () => 1, { compensate: async () => {}, dependency: 'bank' })
      .read('b', async () => {
        throw new HardError('no');
      });

  it('change nothing by throwing, and it is logged', async () => {
    w = new World();
    const lines = new Lines();
    const s = make();
    const engine = await w.open([s], { log: { level: 'error', to: lines } });
    engine.observe(() => {
      throw new Error('mine');
    });
    expect(await (await engine.start(s, null)).outcome()).toMatchObject({ status: 'compensated' });
    expect(lines.of('an observer threw').length).toBeGreaterThan(5);
    expect(lines.of('an observer threw')).toContainEqual(expect.objectContaining({ event: 'attempt.started', error: 'Error: mine' }));
  });

  it('hear the life of a run in order, with the step, the attempt and the number of the commit', async () => {
    w = new World();
    const s = make();
    const engine = await w.open([s]);
    await (await engine.start(s, null, { id: 'r' })).outcome();
    expect(w.types('r').filter((type) => type !== 'run.changed')).toEqual([
      ...['run.started', 'attempt.started', 'attempt.succeeded', 'attempt.started', 'attempt.failed', 'attempt.started', 'attempt.succeeded', 'run.ended'],
    ]);
    expect(w.events.filter(({ type }) => type === 'attempt.succeeded')).toMatchObject([
      { run: { id: 'r', saga: 'one', version: 1 }, seq: 2, step: 'a', kind: 'run', attempt: 1, dependency: 'bank', ms: 0 },
      { seq: 4, step: 'a', kind: 'undo', attempt: 1, dependency: 'bank' },
    ]);
    const changes = w.events.filter(({ type }) => type === 'run.changed') as (RuntimeEvent & { type: 'run.changed' })[];
    expect(changes.map(({ status, states }) => [status, ...states])).toEqual([
      ['running', 'running.a.attempting.working'],
      ['running', 'running.b.attempting.working'],
      ['compensating', 'compensating.a.attempting'],
      ['compensated', 'compensated'],
    ]);
  });

  it('hear nothing more once they have stopped', async () => {
    w = new World();
    const s = make();
    const engine = await w.open([s], { observers: [] });
    const ends: unknown[] = [];
    const stop = engine.observe((told) => ends.push(told.type), ['run.ended']);
    await (await engine.start(s, null)).outcome();
    stop();
    await (await engine.start(s, null)).outcome();
    expect(ends).toEqual(['run.ended']);
  });

  it('hear of a signal and of a terminate as what was sent', async () => {
    w = new World();
    const s = saga('slow', { version: 1, input: z.any() })
      .sleep('4s')
      .read('a', async () => 1);
    const engine = await w.open([s]);
    const run = await engine.start(s, null, { id: 'r' });
    await run.terminate();
    const other = await engine.start(s, null, { id: 'o' });
    await other.cancel();
    expect(w.events.filter(({ type }) => type === 'sent')).toMatchObject([
      { run: { id: 'r' }, event: 'terminate' },
      { run: { id: 'o' }, event: 'cancel' },
    ]);
  });
});
