import { describe, expect, it } from 'vitest';
import { happened, setting } from '../promises/setting.ts';
import { balances, moves, transfer, withAccounts } from './bank.ts';

const stage = setting();

describe('a transactional step', () => {
  it('writes to the database of the store in one transaction with the commit of its end', async () => {
    const w = stage.file();
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100, bob: 0 });
    const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'completed', output: { left: 70 } });
    expect(balances(w.path)).toEqual({ ada: 70, bob: 30 });
    expect(moves(w.path)).toEqual({ 'sc1:ns/r/1/debit/-/1/run': 1, 'sc1:ns/r/1/credit/-/1/run': 1 });
    expect(await happened(w.store, 'r')).toEqual(['started', 'succeeded debit', 'succeeded credit']);
  });

  it('that throws leaves nothing, and is refused where it says so', async () => {
    const w = stage.file();
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 10, bob: 0 });
    const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'failed', failure: { class: 'hard', effect: 'none' } });
    expect([balances(w.path), moves(w.path)]).toEqual([{ ada: 10, bob: 0 }, {}]);
  });

  it('is undone in one transaction with the commit of that', async () => {
    const w = stage.file();
    const engine = await w.open([transfer]);
    withAccounts(w.path, { ada: 100 });
    const run = await engine.start(transfer, { from: 'ada', to: 'bob', cents: 30 }, { id: 'r' });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { message: 'there is no account bob' } });
    expect(balances(w.path)).toEqual({ ada: 100 });
    expect(await happened(w.store, 'r')).toEqual(['started', 'succeeded debit', 'failed credit', 'succeeded debit.undo']);
  });
});
