import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { type WorkflowMigration, workflow } from '../../src/index.ts';
import { Gate, World } from './harness.ts';

const gate = new Gate<string>();

/** Asks somebody, and waits an hour for an answer. */
function asking(
  version: number,
  { extra = false, renamed = false, migrations = [] }: { extra?: boolean; renamed?: boolean; migrations?: readonly WorkflowMigration[] } = {},
) {
  const waiting = renamed ? 'pending' : 'waiting';
  const machine = setup({
    types: {} as { context: { trail: string[]; unit?: string } },
    actors: { ask: fromPromise<string>(gate.run as never) },
    delays: { hour: 3_600_000 },
  }).createMachine({
    id: 'asking',
    context: { trail: [] },
    initial: 'asking',
    states: {
      asking: {
        invoke: { id: 'ask', src: 'ask', onDone: { target: waiting, actions: assign({ trail: ({ context, event }) => [...context.trail, event.output] }) } },
      },
      [waiting]: { on: { answer: extra ? 'noting' : 'done' }, ...(renamed ? {} : { after: { hour: 'late' } }) },
      ...(extra ? { noting: { always: { target: 'done', actions: assign({ trail: ({ context }) => [...context.trail, 'noted'] }) } } } : {}),
      late: { type: 'final' },
      done: { type: 'final' },
    },
    output: ({ context }: { context: unknown }) => context,
  } as never);
  return workflow(machine as never, { version, events: { answer: z.object({}) }, migrations });
}

describe('a run of a hand-written machine that is migrated', () => {
  it('stays where it stands, with what is under way and its waits, and goes on as the new version has it', async () => {
    const w = new World();
    const engine = await w.open([asking(1), asking(2, { extra: true })]);
    for (const id of ['early', 'late', 'asked']) await engine.start('asking', undefined, { id, version: 1 });
    await w.clock.settle();
    expect(await engine.migrate('asking')).toMatchObject({ migrated: 3 });
    for (const call of gate.calls.splice(0)) call.resolve('asked');
    await w.clock.settle();
    await engine.run('early').signal('answer', {});
    expect(await engine.run('early').outcome()).toMatchObject({ output: { trail: ['asked', 'noted'] } });
    // Back again, with half of the hour over: the rest of it is what is left.
    await w.clock.advance(1_800_000);
    expect(await engine.migrate('asking', { to: 1 })).toMatchObject({ migrated: 2 });
    await w.clock.advance(1_799_000);
    expect(await engine.run('late').status()).toMatchObject({ status: 'sleeping', version: 1 });
    await w.clock.advance(2_000);
    expect(await engine.run('late').outcome()).toMatchObject({ status: 'completed', output: { trail: ['asked'] } });
    await w.close();
  });

  it('has the state and the context that its migration says', async () => {
    const w = new World();
    const carry: NonNullable<WorkflowMigration['carry']> = ({ value, context }) => ({
      value: value === 'waiting' ? 'pending' : value,
      context: { ...(context as object), unit: 'EUR' },
    });
    const engine = await w.open([asking(1), asking(2, { renamed: true, migrations: [{ from: 1, carry }] }), asking(3, { renamed: true })]);
    await engine.start('asking', undefined, { id: 'r', version: 1 });
    await w.clock.settle();
    for (const call of gate.calls.splice(0)) call.resolve('asked');
    await w.clock.settle();
    await expect(engine.migrate('asking', { to: 3 })).rejects.toMatchObject({
      message: expect.stringContaining('it stands in waiting, which version 3 does not have'),
    });
    expect(await engine.migrate('asking', { to: 2 })).toMatchObject({ migrated: 1 });
    // What it waited for in the state before is over.
    await w.clock.advance(7_200_000);
    await engine.run('r').signal('answer', {});
    expect(await engine.run('r').outcome()).toMatchObject({ output: { trail: ['asked'], unit: 'EUR' } });
    await w.close();
  });

  it('is refused a state that nothing would bring on its way', async () => {
    const w = new World();
    const back: WorkflowMigration = { from: 1, carry: ({ context }) => ({ value: 'asking', context }) };
    const engine = await w.open([asking(1), asking(2, { migrations: [back] })]);
    await engine.start('asking', undefined, { id: 'r', version: 1 });
    await w.clock.settle();
    expect(await engine.migrate('asking', { dryRun: true })).toMatchObject({ migrated: 1 });
    for (const call of gate.calls.splice(0)) call.resolve('asked');
    await w.clock.settle();
    expect(await engine.migrate('asking', { dryRun: true })).toMatchObject({
      reasons: [{ why: expect.stringContaining('which invokes ask in version 2, and nothing would begin that') }],
    });
    await w.close();
  });
});
