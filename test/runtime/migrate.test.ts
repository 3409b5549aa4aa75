import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const trip = (version: number, options: object = {}) => saga('trip', { version, input: z.any(), ...options });
const undo = { compensate: () => {} };

describe('a run that is migrated', () => {
  it('goes on with the steps of the new version, and has done what it has done', async () => {
    const w = new World();
    const hotel = new Gate();
    const calls: string[] = [];
    const v1 = trip(1)
      .step('flight', () => 'LH', undo)
      .step('hotel', hotel.run, undo);
    const v2 = trip(2)
      .step('flight', () => calls.push('flight'), undo)
      .step('hotel', hotel.run, undo)
      .step('car', () => 'VW', undo)
      .output(({ results }) => results);
    const engine = await w.open([v1, v2]);
    await engine.start('trip', null, { id: 'r', version: 1 });
    await w.clock.settle();

    expect(await engine.migrate('trip', { dryRun: true })).toEqual({ saga: 'trip', to: 2, dryRun: true, matched: 1, migrated: 1, refused: 0, reasons: [] });
    expect(await engine.run('r').status()).toMatchObject({ version: 1 });
    expect(await engine.migrate('trip', { by: 'Ada' })).toMatchObject({ matched: 1, migrated: 1, refused: 0 });
    expect(await engine.run('r').status()).toMatchObject({ version: 2, status: 'running' });
    // The attempt under way goes on, and counts.
    hotel.last.resolve('Ritz');
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'completed', output: { flight: 'LH', hotel: 'Ritz', car: 'VW' } });
    expect(calls).toEqual([]);
    expect(hotel.calls).toHaveLength(1);
    await w.close();
  });

  it('has a new step before and another one after where it stands', async () => {
    const w = new World();
    const hotel = new Gate();
    const v1 = trip(1)
      .step('flight', () => 'LH', undo)
      .step('hotel', hotel.run, undo);
    const wider = (version: number, options: object) =>
      trip(version, options)
        .step('insurance', () => 'new', undo)
        .step('flight', () => 'no', undo)
        .step('hotel', hotel.run, undo)
        .output(({ results }) => results);
    const engine = await w.open([v1, wider(2, {}), wider(3, { migrations: [{ from: 1, passed: { insurance: () => 'none' } }] })]);
    await engine.start('trip', null, { id: 'r', version: 1 });
    await w.clock.settle();
    await expect(engine.migrate('trip', { to: 2 })).rejects.toMatchObject({
      code: 'SC_MIGRATION_REFUSED',
      message: expect.stringContaining('step insurance is new, and the run has come to flight'),
    });
    expect(await engine.run('r').status()).toMatchObject({ version: 1 });

    expect(await engine.migrate('trip')).toMatchObject({ to: 3, migrated: 1 });
    hotel.last.resolve('Ritz');
    expect(await engine.run('r').outcome()).toMatchObject({ output: { insurance: 'none', flight: 'LH', hotel: 'Ritz' } });
    await w.close();
  });

  it('keeps the keys of a step that has another name, and undoes it by them', async () => {
    const w = new World();
    const pay = new Gate();
    const keys: unknown[] = [];
    const note = {
      compensate: ({ runKey, undoKey, outcome }: { runKey: string; undoKey: string; outcome: unknown }) => void keys.push(runKey, undoKey, outcome),
    };
    const v1 = trip(1)
      .step('hotel', ({ key }) => key, note)
      .step('pay', pay.run, undo);
    const v2 = trip(2, { migrations: [{ from: 1, steps: { hotel: 'room' } }] })
      .step('room', ({ key }) => key, note)
      .step('pay', pay.run, undo)
      .step('hotel', ({ key }) => void keys.push(key), undo);
    const engine = await w.open([v1, v2]);
    await engine.start('trip', null, { id: 'r', version: 1 });
    await w.clock.settle();
    await engine.migrate('trip');
    pay.last.resolve('paid');
    await w.clock.settle();
    // A new step of the old name asks under a key that nobody has used.
    expect(keys).toEqual(['sc1:ns/r/1/hotel/-/2/run']);
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    await engine.start('trip', null, { id: 's', version: 1 });
    await w.clock.settle();
    await engine.migrate('trip');
    await engine.run('s').cancel();
    pay.last.reject(new Error('aborted'));
    await w.clock.advance(60_000);
    expect(keys.slice(1)).toEqual(['sc1:ns/s/1/hotel/-/1/run', 'sc1:ns/s/1/hotel/-/1/undo', { status: 'succeeded', result: 'sc1:ns/s/1/hotel/-/1/run' }]);
    await w.close();
  });
});
