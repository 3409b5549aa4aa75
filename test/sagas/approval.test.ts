import { afterEach, describe, expect, it } from 'vitest';
import { approval } from '../../machines/approval.ts';
import { documentPipeline } from '../../sagas/document-pipeline.ts';
import { orderFulfillment } from '../../sagas/order-fulfillment.ts';
import { viewRun } from '../../src/runtime/history.ts';
import { World } from '../runtime/harness.ts';
import { CLEAN, play } from './stage.ts';

const DAY = 86_400_000;
let w: World;
afterEach(async () => await w?.close());

async function started(cents: number) {
  w = new World();
  const engine = await w.open([approval]);
  return await engine.start(approval, { title: 'Trip', cents }, { id: 'r' });
}

describe('the approval', () => {
  it('of a small expense needs nobody', async () => {
    expect(await (await started(4_999)).outcome()).toMatchObject({ status: 'completed', output: { decision: 'approved', receipt: 'approved:Trip' } });
  });

  it('waits for a person, out of memory, and reminds once a day, also if nothing ran when the day was over', async () => {
    await started(5_000);
    await w.clock.settle();
    expect(w.engine.load().runs).toBe(0);
    for (let day = 1; day <= 3; day++) {
      await w.engine.close();
      await w.clock.advance(DAY);
      await w.open([approval]);
      await w.clock.advance(1);
      expect((await viewRun(w.store, 'r')).data.context).toMatchObject({ reminders: day });
    }
    const run = w.engine.run('r');
    await run.signal('approve', { by: 'Grace' });
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: { decision: 'approved' } });
    expect((await viewRun(w.store, 'r')).data.context).toMatchObject({ trail: ['approved by Grace'], receipt: 'approved:Trip' });
  });

  it('can be a rejection, with a reason', async () => {
    const run = await started(90_000);
    await expect(run.signal('reject', { by: 'Grace' })).rejects.toMatchObject({ code: 'SC_SIGNAL_INVALID' });
    await run.signal('reject', { by: 'Grace', because: 'too dear' });
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: { decision: 'rejected', receipt: 'rejected:Trip' } });
    expect((await viewRun(w.store, 'r')).data.context).toMatchObject({ trail: ['rejected by Grace: too dear'] });
  });

  it('takes only what its schema allows', async () => {
    w = new World();
    const engine = await w.open([approval]);
    for (const input of [
      { title: '', cents: 1 },
      { title: 'Trip', cents: 0 },
      { title: 'Trip', cents: 1.5 },
    ])
      await expect(engine.start(approval, input)).rejects.toMatchObject({ code: 'SC_INPUT_INVALID' });
  });
});

describe('input that a saga itself refuses', () => {
  it('fails the run before anything is done', async () => {
    const large = { sku: 'tea', quantity: 101, cents: 1_900, address: '1 Main St' };
    expect(await play(orderFulfillment, large, { pure: ['validate'] })).toMatchObject({ status: 'failed', rows: [], audit: CLEAN });
    expect(await play(documentPipeline, { text: 'one' }, { pure: ['validation'] })).toMatchObject({ status: 'failed', rows: [], audit: CLEAN });
  });
});

describe('a cancel', () => {
  it('in the middle undoes what was done, and past the pivot is refused', async () => {
    const order = { sku: 'tea', quantity: 1, cents: 1_900, address: '1 Main St' };
    const stalls = (step: string) => (call: { readonly step: string; readonly nth: number }) =>
      call.step === step && call.nth === 1 ? ({ type: 'stall', ms: 5_000 } as const) : ({ type: 'none' } as const);
    const early = await play(orderFulfillment, order, {
      pure: ['validate'],
      faults: stalls('authorizeCard'),
      during: async ({ engine, clock }) => {
        await clock.advance(1_000);
        await engine.run('r').cancel({ by: 'Ann' });
      },
    });
    expect(early).toMatchObject({ status: 'canceled', audit: CLEAN });
    expect(early.rows.map(({ operation }) => operation)).toEqual(['reserve', 'void', 'release']);
    const late = await play(orderFulfillment, order, {
      pure: ['validate'],
      faults: stalls('ship'),
      during: async ({ engine, clock }) => {
        await clock.advance(1_000);
        await expect(engine.run('r').cancel()).rejects.toMatchObject({ code: 'SC_CANCEL_PAST_PIVOT' });
      },
    });
    expect(late).toMatchObject({ status: 'completed', audit: CLEAN });
  });
});
