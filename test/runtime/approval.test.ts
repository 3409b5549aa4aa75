import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga, sagachartClient } from '../../src/index.ts';
import { setting } from '../promises/setting.ts';
import { type Books, withEachCrash } from './every-crash.ts';
import { World } from './harness.ts';

const stage = setting();
const undo = { compensate: (): void => {} };
const decision = z.object({ limit: z.number(), pin: z.string().meta({ sensitive: true }).optional() });

/** A saga that asks, and what it handed out. */
function asking() {
  const tokens: string[] = [];
  const definition = saga('expense', { version: 1, input: z.unknown() })
    .step('book', () => 1, undo)
    .approval('manager', ({ token }) => void tokens.push(token), { decision, expires: '2d' })
    .output(({ results }) => results.manager.limit);
  return { tokens, definition };
}

describe('a token', () => {
  it('entitles whoever shows it to approve, from another process and after a crash too', async () => {
    const { tokens, definition } = asking();
    const world = stage.file();
    await (await world.open([definition])).start(definition, null, { id: 'r' });
    await world.clock.advance(10);
    expect(await world.engine.run('r').status()).toMatchObject({ status: 'sleeping' });
    const after = await stage.crashed(world);
    const engine = await after.open([definition]);
    expect(await engine.approve(tokens[0] as string, { limit: 7 }, { by: 'Ada' })).toEqual({ run: 'r', seq: expect.any(Number) });
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'completed', output: 7 });
    expect(tokens).toHaveLength(1);
  });

  it('is the same for every attempt, and another in each life of the run', async () => {
    const tokens: string[] = [];
    let failed = false;
    const flaky = saga('flaky', { version: 1, input: z.unknown() }).approval('manager', ({ token }) => {
      tokens.push(token);
      if (failed) return;
      failed = true;
      throw new Error('no answer');
    });
    const world = new World();
    const engine = await world.open([flaky]);
    await engine.start(flaky, null, { id: 'r' });
    await world.clock.advance(60_000);
    expect([tokens.length, tokens[0]]).toEqual([2, tokens[1]]);
    await engine.deny(tokens[0] as string, { by: 'Ada', reason: 'no' });
    expect(await engine.run('r').outcome()).toMatchObject({
      status: 'failed',
      failure: { code: 'SC_APPROVAL_DENIED', message: 'manager was denied by Ada: no' },
    });
    await engine.restart('r');
    await world.clock.advance(10);
    expect(tokens[2]).not.toBe(tokens[0]);
    await expect(engine.approve(tokens[0] as string)).rejects.toMatchObject({
      code: 'SC_APPROVAL_OVER',
      message: 'run r waits for no decision about manager: it was asked in life 1 of the run, and this is life 2',
    });
    await engine.approve(tokens[2] as string);
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'completed' });
    await world.close();
  });

  it('that was cut, changed or made elsewhere is refused', async () => {
    const { tokens, definition } = asking();
    const world = new World();
    const engine = await world.open([definition]);
    await engine.start(definition, null, { id: 'r' });
    await world.clock.advance(10);
    const [token] = tokens as [string];
    const [prefix, body, sign] = token.split('.') as [string, string, string];
    const forged = Buffer.from(JSON.stringify(['other', 1, 'manager', 1])).toString('base64url');
    for (const wrong of ['', 'x', token.slice(0, -1), `${prefix}.${forged}.${sign}`, `${prefix}.${body}.`, 7 as never])
      await expect(engine.approve(wrong), String(wrong)).rejects.toMatchObject({ code: 'SC_APPROVAL_TOKEN' });
    await world.close();
  });

  it('is good for one decision: later ones are told of it', async () => {
    const { tokens, definition } = asking();
    const world = new World();
    const engine = await world.open([definition]);
    const run = await engine.start(definition, null, { id: 'r' });
    await world.clock.advance(10);
    const [token] = tokens as [string];
    await expect(engine.approve(token, { limit: 'x' })).rejects.toMatchObject({ code: 'SC_DECISION_INVALID' });
    await expect(engine.approve(token)).rejects.toMatchObject({ code: 'SC_DECISION_INVALID' });
    await expect(engine.approve(token, { limit: 1, pin: 'x'.repeat(2_000_000) })).rejects.toMatchObject({ code: 'SC_PAYLOAD_TOO_LARGE' });
    const both = await Promise.allSettled([engine.approve(token, { limit: 7 }), engine.deny(token)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await run.outcome()).toMatchObject({ output: 7 });
    await expect(engine.deny(token)).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    await world.close();
  });

  it('is told by whom it was decided while the run still goes on', async () => {
    const tokens: string[] = [];
    const long = saga('long', { version: 1, input: z.unknown() })
      .approval('manager', ({ token }) => void tokens.push(token))
      .sleep('1d');
    const world = new World();
    const engine = await world.open([long]);
    const run = await engine.start(long, null, { id: 'r' });
    await world.clock.advance(10);
    await engine.approve(tokens[0] as string, null, { by: 'Ada', reason: 'fine' });
    await expect(engine.deny(tokens[0] as string)).rejects.toMatchObject({
      message: 'run r waits for no decision about manager: approved already by Ada (fine)',
    });
    await expect(run.approve('other')).rejects.toMatchObject({ code: 'SC_UNKNOWN_STEP' });
    await run.cancel();
    await run.outcome();
    await world.close();
  });
});

describe('code that may', () => {
  it('decides without a token, at the run itself', async () => {
    const { definition } = asking();
    const world = new World();
    const engine = await world.open([definition]);
    const one = await engine.start(definition, null, { id: 'one' });
    const other = await engine.start(definition, null, { id: 'other' });
    await world.clock.advance(10);
    await one.approve('manager', { limit: 3 }, { by: 'Ada' });
    await other.deny('manager', { by: 'Ada', reason: 'too much' });
    expect([await one.outcome(), await other.outcome()]).toMatchObject([{ output: 3 }, { status: 'compensated', step: 'manager' }]);
    await world.close();
  });
});

describe('a client', () => {
  it('decides by token and by run', async () => {
    const { tokens, definition } = asking();
    const world = new World();
    const client = await sagachartClient({ store: world.store, clock: world.clock, sagas: [definition] });
    await expect(client.approve('sca1.x.y')).rejects.toMatchObject({ code: 'SC_APPROVAL_TOKEN' });
    const engine = await world.open([definition], { pollEvery: 20 });
    const runs = [await engine.start(definition, null, { id: 'a' }), await engine.start(definition, {} as never, { id: 'b' })];
    await world.clock.advance(10);
    const approved = client.approve(tokens[0] as string, { limit: 1 }, { by: 'Ada' });
    const denied = client.run('b').deny('manager', { by: 'Ada' });
    await world.clock.advance(1_000);
    expect([await approved, await denied]).toEqual([{ run: 'a' }, { seq: expect.any(Number) }]);
    expect(await Promise.all(runs.map((run) => run.outcome()))).toMatchObject([{ output: 1 }, { status: 'compensated' }]);
    const late = client.deny(tokens[0] as string);
    late.catch(() => undefined);
    await world.clock.advance(1_000);
    await expect(late).rejects.toMatchObject({ code: 'SC_RUN_ENDED' });
    await client.close();
    await world.close();
  });
});

describe('whatever is committed when the process dies', () => {
  it.each([
    ['approved', { ends: { r: 'completed' }, standing: ['r: book', 'r: pay'] }],
    ['denied', { ends: { r: 'compensated' }, standing: [] }],
  ])('an expense that is %s ends the same', async (how, expected) => {
    const expense = saga('expense', { version: 1, input: z.unknown(), services: {} as { carries?: Books } })
      .step('book', ({ key, services }) => services.run({ key }), { compensate: ({ runKey, services }) => services.undo({ runKey }) })
      .approval('manager', () => {})
      .pivot('pay', ({ key, services }) => services.run({ key }));
    const { plain, crashed } = await withEachCrash(stage, {
      sagas: [expense],
      tell: async (world) => {
        await world.engine.start(expense, null, { id: 'r' });
        await world.clock.advance(1_000);
        const run = world.engine.run('r');
        await (how === 'approved' ? run.approve('manager') : run.deny('manager')).catch((error: { code: string }) => {
          if (error.code !== 'SC_RUN_ENDED' && error.code !== 'SC_APPROVAL_OVER') throw error;
        });
      },
    });
    expect(plain).toEqual(expected);
    expect(crashed.length).toBeGreaterThan(4);
    for (const one of crashed) expect(one).toEqual(expected);
  });
});

describe('a run that has not begun', () => {
  it('takes no decision, and goes back to nothing', async () => {
    const { definition } = asking();
    const world = new World();
    const engine = await world.open([definition]);
    const run = await engine.start(definition, null, { id: 'r', delay: '1h' });
    expect(await run.status()).toMatchObject({ status: 'queued' });
    await expect(run.deny('manager')).rejects.toMatchObject({
      code: 'SC_APPROVAL_OVER',
      message: 'run r waits for no decision about manager: nobody is being asked',
    });
    await expect(run.rewind({ to: 'book', reason: 'why not' })).rejects.toMatchObject({ code: 'SC_REWIND' });
    await run.terminate();
    await world.close();
  });
});
