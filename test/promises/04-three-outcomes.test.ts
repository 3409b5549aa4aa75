import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusyError, didNotHappen, HardError, saga } from '../../src/index.ts';
import type { StepOptions } from '../../src/saga/types.ts';
import { Gate } from '../runtime/harness.ts';
import { Disk, happened, setting } from './setting.ts';

const worlds = setting();
const once = { retry: { attempts: 1 } } as const;
const twice = { retry: { attempts: 2, from: '100ms', jitter: 'none' } } as const;

/** One step; what its undo is told of its outcome is kept. */
const single = (run: Gate['run'], options: StepOptions & { readonly check?: (scope: { readonly runKey: string }) => never } = {}) => {
  const undone: string[] = [];
  const s = saga('single', { version: 1, input: z.any() })
    .step('a', run, { compensate: ({ outcome }) => undone.push(outcome.status), ...options })
    .output(({ results }) => results.a);
  return { s, undone };
};

describe('4. three outcomes, honestly', () => {
  const thrown: readonly [what: string, error: unknown, options: StepOptions, end: 'failed' | 'compensated'][] = [
    ['a HardError', new HardError('declined'), {}, 'failed'],
    ['a BusyError', new BusyError('429'), {}, 'failed'],
    ['what classify knows to be without effect', new Error('sold out'), { classify: () => ({ class: 'hard', effect: 'none' }) }, 'failed'],
    ['a reset connection', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), {}, 'compensated'],
    ['a defect in the step', new TypeError('x is undefined'), {}, 'compensated'],
    ['something that is no error', 'oops', {}, 'compensated'],
    ['a hard error that may have had an effect', new Error('500'), { classify: () => ({ class: 'hard', effect: 'maybe' }) }, 'compensated'],
  ];
  for (const [what, error, options, status] of thrown) {
    it(`${what}: ${status === 'failed' ? 'refused, so nothing is undone' : 'unknown, so it is undone'}`, async () => {
      const w = worlds.memory();
      const { s, undone } = single(() => Promise.reject(error), { ...once, ...options });
      const engine = await w.open([s]);
      expect(await (await engine.start(s, null)).outcome()).toMatchObject({ status, step: 'a' });
      expect(undone).toEqual(status === 'failed' ? [] : ['unknown']);
    });
  }

  it('a timeout and an abort are unknown', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const { s, undone } = single(gate.run, { ...once, timeout: '1s', grace: '1s' });
    const engine = await w.open([s]);
    const slow = await engine.start(s, null);
    await w.clock.advance(2_000);
    expect(await slow.outcome()).toMatchObject({ status: 'compensated', failure: { code: 'SC_ATTEMPT_TIMEOUT', effect: 'maybe' } });
    const stopped = await engine.start(s, null);
    await stopped.cancel();
    gate.last.reject(gate.last.signal.reason);
    expect(await stopped.outcome()).toMatchObject({ status: 'canceled' });
    expect(undone).toEqual(['unknown', 'unknown']);
  });

  it('a refusal does not settle an earlier attempt that is still unknown', async () => {
    const w = worlds.memory();
    const gate = new Gate();
    const { s, undone } = single(gate.run, twice);
    const engine = await w.open([s]);
    const run = await engine.start(s, null);
    gate.last.reject(new Error('socket hang up'));
    await w.clock.advance(100);
    gate.last.reject(new HardError('a reservation under this key exists'));
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(undone).toEqual(['unknown']);
  });

  const verdicts: readonly [what: string, answers: readonly unknown[], end: object, attempts: number, undone: readonly string[]][] = [
    ['it happened: that is the result, and it is not attempted again', ['found'], { status: 'completed', output: 'found' }, 1, []],
    ['open: it is attempted again, and then stays unknown', [undefined, undefined], { status: 'compensated' }, 2, ['unknown']],
    ['it did not happen: it is attempted again, and then counts as refused', [didNotHappen, didNotHappen], { status: 'failed' }, 2, []],
    ['check fails: as open', [new Error('no answer'), new Error('no answer')], { status: 'compensated' }, 2, ['unknown']],
  ];
  for (const [what, answers, end, attempts, expected] of verdicts) {
    it(`a lost answer is asked after under the key of the attempt. ${what}`, async () => {
      const w = worlds.memory();
      const [gate, asked] = [new Gate(), [] as string[]];
      const check = ({ runKey }: { readonly runKey: string }): never => {
        const answer = answers[asked.push(runKey) - 1];
        if (answer instanceof Error) throw answer;
        return answer as never;
      };
      const { s, undone } = single(gate.run, { ...twice, check } as never);
      const engine = await w.open([s]);
      const run = await engine.start(s, null);
      for (let attempt = 1; attempt <= attempts; attempt++) {
        expect(gate.calls).toHaveLength(attempt);
        gate.last.reject(new Error('read ECONNRESET'));
        await w.clock.advance(100);
      }
      expect(await run.outcome()).toMatchObject(end);
      expect(new Set([...asked, ...gate.calls.map(({ key }) => key)]).size).toBe(1);
      expect([asked.length, gate.calls.length, undone]).toEqual([attempts, attempts, expected]);
    });
  }

  it('after a crash every attempt under way first gets one committed lost event', async () => {
    const w = worlds.file();
    const both = (gate: Gate) => {
      const undo = { compensate: () => {} };
      return saga('both', { version: 1, input: z.any() }).parallel(
        (b) => b.step('a', gate.run, undo),
        (b) => b.step('b', gate.run, undo),
      );
    };
    const engine = await w.open([both(new Gate())]);
    await engine.start('both', null, { id: 'r' });
    const after = await worlds.crashed(w);
    const disk = new Disk(after.store);
    const gate = new Gate();
    disk.hold();
    await after.open([both(gate)]);
    await after.clock.settle();
    expect(gate.calls).toHaveLength(0);
    await disk.release(after.clock);
    expect(await happened(after.store, 'r')).toEqual(['started', 'lost a', 'lost b']);
    expect(gate.calls.map(({ attempt }) => attempt)).toEqual([2, 2]);
    for (const call of gate.calls) call.reject(new HardError('refused'));
    expect(await after.engine.run('r').outcome()).toMatchObject({ status: 'compensated' });
  });
});
