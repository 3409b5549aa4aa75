import { describe, expect, it } from 'vitest';
import { fromPromise, sendTo, setup } from 'xstate';
import { isUnderWay, waitingTimers } from '../../src/kernel/pending.ts';
import { standingOf } from '../../src/kernel/standing.ts';
import { KernelRun } from './run.ts';

const work = fromPromise(async () => 1);
const machine = setup({ actors: { work } }).createMachine({
  id: 'm',
  initial: 'idle',
  states: {
    idle: { on: { go: 'busy' }, after: { 1000: 'late' } },
    busy: {
      invoke: { id: 'w', src: 'work', onDone: 'done', onError: 'failed' },
      initial: 'working',
      states: { working: { on: { stop: 'stopping' } }, stopping: { entry: sendTo('w', { type: 'abort' }) } },
      on: { leave: 'idle', again: { target: 'busy', reenter: true } },
    },
    late: {},
    done: {},
    failed: {},
  },
});
const begin = (): KernelRun => new KernelRun(machine);

describe('a run that is paused', () => {
  it('holds back what begins, keeps it over a crash, and begins it when it is resumed', () => {
    const run = begin();
    run.do({ type: 'paused', by: 'Ann', reason: 'a deploy' });
    expect(run.state.data.paused).toEqual({ by: 'Ann', reason: 'a deploy' });
    expect(run.send('go').effects.start).toEqual([]);
    run.reload();
    expect(run.state.data.children.w).toMatchObject({ held: true, at: [3, 0] });
    expect([isUnderWay(run.state.data, 'w'), standingOf(run.state, { now: 0, sleepMs: 1 }).due]).toEqual([false, null]);
    const { effects } = run.do({ type: 'resumed' });
    expect(effects.start).toMatchObject([{ id: 'w', child: { at: [3, 0] } }]);
    expect([run.state.data.paused, run.state.data.children.w?.held]).toEqual([undefined, undefined]);
    run.done('w');
    expect(run.value).toBe('done');
  });

  it('lets what runs end, and holds back what that begins', () => {
    const run = begin();
    run.send('go');
    run.do({ type: 'paused' });
    expect(run.send('again').effects).toMatchObject({ start: [], stop: [{ id: 'w', at: [2, 0] }] });
    expect(run.send('leave').effects.stop).toEqual([]);
    run.send('go');
    run.do({ type: 'resumed' });
    expect(run.lost('w').effects.start).toHaveLength(1);
    run.do({ type: 'paused' });
    expect(run.lost('w').effects.start).toEqual([]);
    expect(run.state.data.children.w).toMatchObject({ held: true, losses: 2 });
  });

  it('tells what never began to stop at once: it will say that it did not', () => {
    const run = begin();
    run.do({ type: 'paused' });
    run.send('go');
    const { effects } = run.send('stop');
    expect(effects.start).toMatchObject([{ id: 'w', child: { stopping: true } }]);
    expect(effects.abort).toEqual([]);
  });

  it('lets no timer be due', () => {
    const run = begin();
    const [timer] = waitingTimers(run.state.data);
    run.do({ type: 'paused' });
    expect(waitingTimers(run.state.data)).toEqual([]);
    expect(run.decide({ type: 'due', timer: timer?.id ?? '', at: timer?.at ?? [0, 0] }).kind).toBe('discarded');
    run.do({ type: 'resumed' });
    expect(waitingTimers(run.state.data)).toEqual([timer]);
  });

  it('is paused once, and resumed once; past its end neither', () => {
    const run = begin();
    expect(run.decide({ type: 'resumed' }).kind).toBe('discarded');
    run.do({ type: 'paused' });
    expect(run.decide({ type: 'paused' }).kind).toBe('discarded');
    run.do({ type: 'terminated' });
    expect(run.decide({ type: 'paused' })).toMatchObject({ kind: 'refused', reason: 'ended' });
  });

  it('may not have begun yet', () => {
    const run = new KernelRun(machine, { queued: true });
    run.do({ type: 'paused' });
    run.do({ type: 'started', run: 'r' });
    run.send('go');
    expect(run.state.data.children.w?.held).toBe(true);
  });
});

describe('how far an attempt has come', () => {
  it('is kept with it, and what an older one says is discarded', () => {
    const run = begin();
    run.send('go');
    const at = run.at('w');
    run.do({ type: 'progressed', child: 'w', at, progress: { done: 'x'.repeat(50) } });
    expect(run.state.data.children.w?.progress).toEqual({ done: 'x'.repeat(50) });
    expect(run.entries.at(-1)?.change).toEqual([['@', ['children', 'w', 'progress'], 'progress']]);
    expect(run.decide({ type: 'progressed', child: 'w', at: [1, 0], progress: 1 }).kind).toBe('discarded');
    run.lost('w');
    expect(run.state.data.children.w?.progress).toEqual({ done: 'x'.repeat(50) });
  });
});

describe('ids under which events come', () => {
  it('are remembered, the last thousand of them', () => {
    const run = new KernelRun(machine, { persist: false });
    const send = (once: string, type = 'go') => run.decide({ type: 'sent', event: { type }, once });
    for (let i = 0; i < 1_000; i++) run.do({ type: 'sent', event: { type: i % 2 === 0 ? 'go' : 'leave' }, once: `id ${i}` });
    expect(send('id 0').kind).toBe('discarded');
    run.do({ type: 'sent', event: { type: 'go' }, once: 'one more' });
    expect(Object.keys(run.state.data.seen ?? {})).toHaveLength(1_000);
    expect([send('id 0', 'leave').kind, send('id 1').kind]).toEqual(['decided', 'discarded']);
  });
});
