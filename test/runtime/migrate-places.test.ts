import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const trip = (version: number, options: object = {}) => saga('trip', { version, input: z.any(), signals: { go: z.any() }, ...options });
const undo = { compensate: () => {} };

/** Why a run of one saga, which has come as far as it can, would not go on with another. */
async function why(before: unknown, after: unknown, meanwhile: (w: World) => unknown = () => {}): Promise<string | undefined> {
  const w = new World();
  const engine = await w.open([before, after] as never);
  await engine.start('trip', null, { id: 'r', version: 1 });
  await w.clock.settle();
  await meanwhile(w);
  await w.clock.settle();
  const { reasons } = await engine.migrate('trip', { dryRun: true });
  await w.close();
  return reasons[0]?.why;
}

type Trip = ReturnType<typeof trip>;
const at = (version: number, ...names: readonly string[]): Trip =>
  names.reduce<Trip>((all, name) => all.step(name as never, () => name, undo) as unknown as Trip, trip(version));
const stands = (...names: readonly string[]): Trip => at(1, ...names);

describe('a run is not carried over', () => {
  it('where an effect would lose its undo', async () => {
    expect(await why(stands('a').waitFor('go'), trip(2).waitFor('go'))).toBe('step a is gone, and what it has done could not be undone any more');
    expect(
      await why(
        stands('a').waitFor('go'),
        trip(2)
          .read('a', () => 1)
          .waitFor('go'),
      ),
    ).toBe('step a has no undo any more, and what it has done could not be undone');
    // Past a pivot nothing is undone.
    const before = trip(1)
      .step('a', () => 1, undo)
      .pivot('p', () => 1)
      .waitFor('go');
    expect(
      await why(
        before,
        trip(2)
          .read('a', () => 1)
          .pivot('p', () => 1)
          .waitFor('go'),
      ),
    ).toBe(undefined);
  });

  it('where it stands in what is gone, or is something else', async () => {
    expect(await why(stands('a').waitFor('go'), at(2, 'a', 'b'))).toBe('it stands in step go, which is gone');
    expect(await why(stands('a').waitFor('go'), at(2, 'a').sleep('go', '1h'))).toBe('it stands in step go, which was a wait, and is a sleep');
    const checked = { ...undo, check: () => new Promise<never>(() => {}), retry: { attempts: 2 } };
    const flaky = (): never => {
      throw new Error('lost');
    };
    expect(await why(trip(1).step('a', flaky, checked as never), at(2, 'a'))).toBe('it stands in running.a.checking.working, which version 2 does not have');
  });

  it('where what is done would be done again, or left out', async () => {
    expect(await why(stands('a', 'b').waitFor('go'), at(2, 'c', 'a', 'b').waitFor('go'))).toBe(
      'step c is new, and the run has come to a, which is behind it: say in `passed` what it counts as',
    );
    expect(
      await why(
        stands('a')
          .waitFor('go')
          .step('b', () => 1, undo),
        at(2, 'a', 'b').waitFor('go'),
      ),
    ).toBe('step b has not been done, and the run has come to go, which is behind it: say in `passed` what it counts as');
    expect(
      await why(
        stands('a').waitFor('go'),
        trip(2)
          .waitFor('go')
          .step('a', () => 1, undo),
      ),
    ).toBe('step go, which is under way, comes before a now, which the run has come to');
  });

  it('where its pivot is none any more, or its migration names what there is not', async () => {
    const before = trip(1)
      .step('a', () => 1, undo)
      .pivot('p', () => 1)
      .waitFor('go');
    expect(await why(before, at(2, 'a', 'p').waitFor('go'))).toBe('the run is past the pivot p, which is none any more');
    expect(await why(before, at(2, 'a').waitFor('go'))).toBe('the pivot p is gone, and the run has come to it');
    const naming = (steps: object) =>
      trip(2, { migrations: [{ from: 1, steps }] })
        .step('a', () => 1, undo)
        .waitFor('go');
    expect(await why(stands('a').waitFor('go'), naming({ x: 'a' }))).toBe('its migration names the step x, which the chart that it comes from does not have');
    expect(await why(stands('a').waitFor('go'), naming({ a: 'x' }))).toBe('its migration names the step x, which version 2 does not have');
  });

  it('where an attempt of a step is under way whose name changes, or its migration throws', async () => {
    const gate = new Gate();
    const renamed = trip(2, { migrations: [{ from: 1, steps: { a: 'b' } }] }).step('b', () => 1, undo);
    expect(await why(trip(1).step('a', gate.run, undo), renamed)).toBe('an attempt of a is under way, which is called b now: wait for its end');
    const throwing = trip(2, {
      migrations: [
        {
          from: 1,
          input: () => {
            throw new Error('no such field');
          },
        },
      ],
    })
      .step('a', () => 1, undo)
      .waitFor('go');
    expect(await why(stands('a').waitFor('go'), throwing)).toBe('its migration threw: no such field');
    const odd = trip(2, { migrations: [{ from: 1, passed: { c: () => () => 1 } }] })
      .step('c', () => 1, undo)
      .step('a', () => 1, undo)
      .waitFor('go');
    expect(await why(stands('a').waitFor('go'), odd)).toContain('cannot be stored: it is a function');
  });
});

describe('a run is carried over', () => {
  it('while it waits for a person, for its next attempt, and while it is paused or undone', async () => {
    const w = new World();
    let broken = true;
    const flaky = (): string => {
      if (broken) throw new HardError('broken');
      return 'mended';
    };
    const refused = (): never => {
      throw new HardError('refused');
    };
    const stuck = { compensate: () => void flaky() };
    const definition = (version: number, more: boolean) => {
      const first = trip(version)
        .step('a', () => 1, stuck)
        .step('b', refused, undo);
      return (more ? first.step('c', () => 1, undo) : first) as ReturnType<typeof trip>;
    };
    const engine = await w.open([definition(1, false), definition(2, true)]);
    await engine.start('trip', null, { id: 'r', version: 1 });
    await w.clock.settle();
    expect(await engine.run('r').status()).toMatchObject({ status: 'compensating', attention: true });
    await engine.run('r').pause();
    const alerts = w.alerts.length;
    expect(await engine.migrate('trip')).toMatchObject({ migrated: 1 });
    expect(await engine.run('r').status()).toMatchObject({ status: 'compensating', attention: true, paused: true, version: 2 });
    // It needs the same person as before: nobody is told a second time.
    expect(w.alerts.length).toBe(alerts);
    await engine.run('r').resume();
    broken = false;
    await engine.run('r').retry('a');
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'compensated', step: 'b' });
    await w.close();
  });

  it('before it has begun, and with another input', async () => {
    const w = new World();
    const gate = new Gate();
    const engine = await w.open(
      [
        trip(1).step('a', gate.run, undo),
        trip(2, { migrations: [{ from: 1, input: (n: number) => ({ n }) }] })
          .step('a', ({ input }) => input, undo)
          .output(({ results }) => results.a),
      ] as never,
      { limits: { runs: 1 } },
    );
    await engine.start('trip', 1, { id: 'held', version: 1 });
    await engine.start('trip', 2, { id: 'queued', version: 1 });
    await w.clock.settle();
    expect(await engine.run('queued').status()).toMatchObject({ status: 'queued' });
    expect(await engine.migrate('trip', { filter: { ids: ['queued'] } })).toMatchObject({ matched: 1, migrated: 1 });
    gate.last.resolve(1);
    await w.clock.advance(10_000);
    expect(await engine.run('queued').outcome()).toMatchObject({ output: { n: 2 } });
    await w.close();
  });
});
