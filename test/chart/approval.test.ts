import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { foldedMermaid } from '../../src/chart/diagram.ts';
import { HardError, saga } from '../../src/index.ts';
import { fails, ok, Scripted } from './scripted.ts';

const run = async (): Promise<number> => 1;
const undo = { compensate: async (): Promise<void> => {} };
const ask = async (): Promise<void> => {};
const plain = saga('expense', { version: 1, input: z.unknown() });
const decision = z.object({ limit: z.number() });
const yes = { approved: true, round: 1, payload: { limit: 5 }, by: 'Ada' };
const no = { approved: false, round: 1, by: 'Ada', reason: 'too much' };

describe('an approval', () => {
  const asking = plain
    .step('book', run, undo)
    .approval('manager', ask, { decision, expires: '2d' })
    .output(({ results }) => results.manager.limit);

  it('asks, waits for a decision, and has what was said with it for its result', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    await s.answer('manager', ok());
    expect(s.states).toEqual(['running.manager.awaiting']);
    s.send('manager.decide', yes);
    expect([s.states, s.output, s.context.steps[1]?.decision]).toEqual([['completed'], { output: 5, left: [] }, { approved: true, by: 'Ada' }]);
  });

  it('that is denied fails, and says by whom and why', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    await s.answer('manager', ok());
    s.send('manager.decide', no);
    expect([s.states, s.context.cause]).toMatchObject([
      ['compensating.book.attempting'],
      { kind: 'failure', step: 'manager', failure: { code: 'SC_APPROVAL_DENIED', message: 'manager was denied by Ada: too much' } },
    ]);
  });

  it('that nobody decides about fails when it expires', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    await s.answer('manager', ok());
    s.tick();
    expect([s.states, s.context.cause]).toMatchObject([['compensating.book.attempting'], { failure: { code: 'SC_APPROVAL_EXPIRED' } }]);
  });

  it('may be decided while it is still being asked, and is not asked again then', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    s.send('manager.decide', yes);
    expect(s.states).toEqual(['running.manager.attempting.working']);
    await s.answer('manager', fails(new Error('no answer')));
    expect([s.states, s.begun]).toEqual([['completed'], ['book', 'manager']]);
  });

  it('may be decided while it waits for its next attempt', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    await s.answer('manager', fails(new Error('no answer')));
    s.send('manager.decide', yes);
    expect(s.states).toEqual(['completed']);
  });

  it('is decided once: what comes later, or is about another round, changes nothing', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    expect(s.snapshot.can({ type: 'manager.decide', ...yes, round: 2 } as never)).toBe(false);
    s.send('manager.decide', no);
    expect(s.snapshot.can({ type: 'manager.decide', ...yes } as never)).toBe(false);
    await s.answer('manager', ok());
    expect(s.states).toEqual(['compensating.book.attempting']);
  });

  it('is not waited for by a run that is canceled', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    s.send('cancel');
    expect(s.states).toEqual(['running.manager.attempting.stopping']);
    expect(s.snapshot.can({ type: 'manager.decide', ...yes } as never)).toBe(false);
    await s.answer('manager', ok());
    expect(s.states).toEqual(['compensating.book.attempting']);

    const t = new Scripted(asking);
    await t.answer('book', ok());
    await t.answer('manager', ok());
    t.send('cancel');
    await t.answer('book.undo', ok());
    expect(t.states).toEqual(['canceled']);
  });

  it('that cannot be asked fails like any step', async () => {
    const s = new Scripted(asking);
    await s.answer('book', ok());
    await s.answer('manager', fails(new HardError('no such person')));
    expect(s.states).toEqual(['compensating.book.attempting']);
  });
});

describe('the picture of an approval', () => {
  it('says that somebody is asked', () => {
    expect(foldedMermaid(plain.approval('manager', ask).definition)).toContain('manager (approval)');
  });
});

describe('an approval that a run can do without', () => {
  const optional = plain.approval('manager', ask, { optional: true, expires: '1h' }).read('after', run);

  it.each([
    ['denied', (s: Scripted) => s.send('manager.decide', no)],
    ['expired', (s: Scripted) => s.tick()],
  ])('is passed over when it is %s, and the run is degraded', async (_, end) => {
    const s = new Scripted(optional);
    await s.answer('manager', ok());
    end(s);
    expect([s.states, s.context.degraded]).toEqual([['running.after.attempting.working'], true]);
  });

  it('goes on with another answer where it expires, and is not degraded', async () => {
    const s = new Scripted(plain.approval('manager', ask, { expires: '1h', otherwise: 'nobody cared' }).output(({ results }) => results.manager));
    await s.answer('manager', ok());
    s.tick();
    expect([s.states, s.output, s.context.degraded]).toEqual([['completed'], { output: 'nobody cared', left: [] }, undefined]);
  });
});

describe('an approval past the pivot', () => {
  it('asks a person when it is denied, who can have it asked again', async () => {
    const s = new Scripted(plain.pivot('pay', run).approval('manager', ask));
    await s.answer('pay', ok());
    await s.answer('manager', ok());
    s.send('manager.decide', no);
    expect(s.states).toEqual(['running.manager.attention']);
    s.send('manager.retry');
    await s.answer('manager', ok());
    s.send('manager.decide', { approved: true, round: 1 });
    expect(s.states).toEqual(['completed']);
  });
});

describe('approvals in blocks', () => {
  it('race: the first decision wins, and the other question is withdrawn', async () => {
    const s = new Scripted(
      plain.race(
        (b) => b.approval('chief', ask),
        (b) => b.approval('deputy', ask),
      ),
    );
    await s.answer('chief', ok());
    await s.answer('deputy', ok());
    s.send('deputy.decide', { approved: true, round: 1 });
    expect([s.states, s.context.steps[2]?.result]).toEqual([['completed'], 'deputy']);
  });

  it('are asked anew in each round of a loop', async () => {
    const s = new Scripted(plain.loop((b) => b.approval('manager', ask), { until: ({ round }) => round === 2, most: 2 }));
    await s.answer('manager', ok());
    s.send('manager.decide', { approved: true, round: 1 });
    await s.answer('manager', ok());
    expect([s.states, s.snapshot.can({ type: 'manager.decide', approved: true, round: 1 } as never)]).toEqual([['running.manager.awaiting'], false]);
    s.send('manager.decide', { approved: true, round: 2 });
    expect(s.states).toEqual(['completed']);
  });
});
