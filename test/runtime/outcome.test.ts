import { afterEach, describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { z } from 'zod';
import type { Definition } from '../../src/definitions.ts';
import { HardError, saga, workflow } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const noop = async () => 1;
const refuse = async () => {
  throw new HardError('declined');
};
let w: World;
afterEach(async () => await w.close());

async function started(definition: Definition) {
  w = new World();
  const engine = await w.open([definition]);
  const run = await engine.start(definition.name, undefined, { id: 'r' });
  await w.clock.settle();
  return run;
}

/** What is said while it runs must be what is read back later, from the store alone. */
async function ends(definition: Definition): Promise<unknown> {
  const end = await w.engine.run('r').outcome();
  expect(w.engine.load().runs).toBe(0);
  await w.close();
  await w.open([definition]);
  expect(await w.engine.run('r').outcome()).toEqual(end);
  await w.close();
  await w.open([]);
  expect(await w.engine.run('r').outcome()).toMatchObject({ status: (end as { status: string }).status });
  return end;
}

describe('the outcome of a saga', () => {
  const options = { version: 1, input: z.any() } as const;

  it('completed has its output', async () => {
    const s = saga('good', options)
      .read('a', noop)
      .output(({ results }) => results.a + 1);
    await started(s);
    expect(await ends(s)).toEqual({ status: 'completed', output: 2, left: [] });
  });

  it('compensated has the step and the failure', async () => {
    const s = saga('backwards', options).step('a', noop, { compensate: noop }).step('b', refuse, { compensate: noop, dependency: 'bank' });
    await started(s);
    const failure = { code: 'HardError', message: 'declined', class: 'hard', effect: 'none', step: 'b', dependency: 'bank', stack: expect.any(String) };
    expect(await ends(s)).toMatchObject({ status: 'compensated', step: 'b', failure, left: [] });
  });

  it('failed had nothing to undo', async () => {
    const s = saga('bad', options).read('a', refuse);
    await started(s);
    expect(await ends(s)).toMatchObject({ status: 'failed', step: 'a', failure: { message: 'declined' }, left: [] });
  });

  it('canceled has who and why, or null', async () => {
    const gate = new Gate();
    const s = saga('halted', options).step('a', gate.run, { compensate: noop });
    const run = await started(s);
    await run.cancel();
    gate.last.resolve(1);
    await w.clock.settle();
    expect(await ends(s)).toMatchObject({ status: 'canceled', by: null, reason: null, left: [] });
  });

  it('terminated lists what stands', async () => {
    const gate = new Gate();
    const s = saga('cut', options).step('a', noop, { compensate: noop }).step('b', gate.run, { compensate: noop });
    const run = await started(s);
    await run.terminate({ by: 'Ann', reason: 'fire' });
    gate.last.resolve(1);
    expect(await ends(s)).toMatchObject({
      status: 'terminated',
      left: [
        { step: 'a', what: 'not undone' },
        { step: 'b', what: 'may have happened' },
      ],
    });
  });
});

describe('the outcome of a workflow', () => {
  const machine = setup({ actors: { work: fromPromise(refuse) } }).createMachine({
    id: 'flow',
    initial: 'idle',
    output: 'done',
    states: {
      idle: { on: { work: 'working', stop: 'canceled', finish: 'finished' } },
      working: { invoke: { id: 'w', src: 'work' } },
      canceled: { type: 'final' },
      finished: { type: 'final' },
    },
  });
  const flow = workflow(machine, { version: 1, events: { work: z.object({}), stop: z.object({}), finish: z.object({}) } });

  it.each([
    ['finish', { status: 'completed', output: 'done', left: [] }],
    ['stop', { status: 'canceled', by: null, reason: null, left: [] }],
    ['work', { status: 'failed', step: '', failure: { message: 'declined', step: 'w', dependency: 'work' }, left: [] }],
  ] as const)('after %s', async (signal, end) => {
    const run = await started(flow as never);
    await run.signal(signal);
    await w.clock.settle();
    expect(await ends(flow as never)).toMatchObject(end);
  });

  it('after terminate', async () => {
    await (await started(flow as never)).terminate();
    expect(await ends(flow as never)).toEqual({ status: 'terminated', left: [] });
  });
});
