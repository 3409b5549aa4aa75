import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { encodeCommand } from '../../src/runtime/command.ts';
import { setting } from '../promises/setting.ts';
import { Gate } from './harness.ts';

const worlds = setting();
const trip = (version = 1) => saga('trip', { version, input: z.any() });
const undo = { compensate: () => {} };

async function blocked(edited: ReturnType<typeof trip>, options: object) {
  const w = worlds.file();
  const gate = new Gate();
  const engine = await w.open([
    trip()
      .step('flight', () => 'LH', undo)
      .step('hotel', gate.run, undo),
  ]);
  await engine.start('trip', null, { id: 'r' });
  await w.clock.settle();
  const after = await worlds.crashed(w);
  const lines: string[] = [];
  const to = { write: (line: string) => void lines.push(line) };
  await after.open([edited as never], { log: { to, level: 'warn' }, ...options } as never);
  await after.clock.settle();
  return { after, log: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('a chart that was edited under a run', () => {
  it('blocks the run, and the error says what was edited', async () => {
    const edited = trip()
      .step('flight', () => 'LH', undo)
      .step('insurance', () => 1, undo)
      .step('hotel', async () => 'Ritz', undo);
    const { after } = await blocked(edited as never, {});
    const error = await after.engine
      .run('r')
      .outcome()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'SC_RUN_BLOCKED',
      message:
        'run r is blocked: the chart of trip version 1 has changed since it was started: ' +
        'step insurance was added after flight; step hotel came after flight, and comes after insurance',
    });
    expect(await after.engine.run('r').status()).toMatchObject({ version: 1, status: 'running' });
  });

  it('in development mode does not: the run goes on with it, and the log says so', async () => {
    const edited = trip()
      .step('flight', () => 'no', undo)
      .step('hotel', async () => 'Ritz', undo)
      .step('car', () => 'VW', undo)
      .output(({ results }) => results);
    const { after, log } = await blocked(edited as never, { development: true });
    expect(await after.engine.run('r').outcome()).toMatchObject({ output: { flight: 'LH', hotel: 'Ritz', car: 'VW' } });
    expect(log.slice(0, 2)).toMatchObject([
      { msg: 'development mode: runs go on with charts that are edited under them' },
      { msg: 'development: the chart was edited, and a run of it goes on with the new one', run: 'r', changed: 'step car was added after hotel' },
    ]);
    expect((await after.engine.run('r').view()).timeline.filter(({ step }) => step === 'hotel')).toMatchObject([{ outcome: 'lost' }, { outcome: 'succeeded' }]);
  });

  it('in development mode does all the same where it is not clear what becomes of the run, and the log says why', async () => {
    const edited = trip().step('hotel', async () => 'Ritz', undo);
    const { after, log } = await blocked(edited as never, { development: true });
    await expect(after.engine.run('r').outcome()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
    expect(log[1]).toMatchObject({ run: 'r', why: 'step flight is gone, and what it has done could not be undone any more' });
    expect(after.engine.load().blocked).toBe(1);
    const { after: gone, log: told } = await blocked(trip(2).step('hotel', async () => 'Ritz', undo) as never, { development: true });
    expect(told[1]).toMatchObject({ msg: 'development: a run stays blocked: its version is not there', run: 'r', version: 1 });
    expect(gone.engine.load().blocked).toBe(1);
  });
});

describe('a run that is blocked', () => {
  it('is migrated, to the edited chart of its version or to another version, and what was under way counts as lost', async () => {
    for (const version of [1, 2]) {
      const edited = trip(version)
        .step('flight', () => 'no', undo)
        .step('hotel', async () => 'Ritz', undo)
        .step('car', () => 'VW', undo)
        .output(({ results }) => results);
      const { after } = await blocked(edited as never, {});
      expect(await after.engine.migrate('trip', { from: 1, dryRun: true })).toMatchObject({ matched: 1, migrated: 1 });
      expect(after.engine.load().blocked).toBe(1);
      expect(await after.engine.migrate('trip', { from: 1, to: version, by: 'Ada', reason: 'a car' })).toMatchObject({ matched: 1, migrated: 1 });
      expect(after.engine.load().blocked).toBe(0);
      expect(await after.engine.run('r').outcome()).toMatchObject({ output: { flight: 'LH', hotel: 'Ritz', car: 'VW' } });
      expect(await after.engine.migrate('trip')).toMatchObject({ matched: 0 });
    }
  });

  it('is migrated on the word of another process, which is answered with the commit or with why not', async () => {
    const good = trip(2)
      .step('flight', () => 'no', undo)
      .step('hotel', async () => 'Ritz', undo);
    for (const [edited, answer] of [
      [good, { ok: true }],
      [trip(2).step('hotel', async () => 'Ritz', undo), { ok: false, error: { code: 'SC_RUN_NOT_MIGRATED' } }],
    ] as const) {
      const { after } = await blocked(edited as never, { pollEvery: '1s' });
      await after.store.send({ id: 'asked', run: 'r', body: encodeCommand({ type: 'migrate', by: 'Ada' }), at: 1 });
      const next = await worlds.crashed(after);
      await next.open([edited] as never);
      await next.clock.advance(10_000);
      expect(JSON.parse((await next.store.inbox('asked'))?.answer ?? 'null')).toMatchObject(answer);
      expect(await next.engine.run('r').status()).toMatchObject({ version: answer.ok ? 2 : 1 });
    }
  });

  it('stays so where it cannot be', async () => {
    const { after } = await blocked(trip(2).step('hotel', async () => 'Ritz', undo) as never, {});
    await expect(after.engine.migrate('trip')).rejects.toMatchObject({ code: 'SC_MIGRATION_REFUSED' });
    const gone = 'step flight is gone, and what it has done could not be undone any more';
    expect(await after.engine.migrate('trip', { skip: true })).toMatchObject({ migrated: 0, refused: 1, reasons: [{ why: gone, count: 1, runs: ['r'] }] });
    expect(after.engine.load().blocked).toBe(1);
    await expect(after.engine.run('r').outcome()).rejects.toMatchObject({ code: 'SC_RUN_BLOCKED' });
    await expect(after.engine.migrate('trip', { dry: true } as never)).rejects.toMatchObject({ code: 'SC_OPTION' });
  });
});
