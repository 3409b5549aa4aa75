import { describe, expect, it } from 'vitest';
import { documentPipeline } from '../../sagas/document-pipeline.ts';
import { orderFulfillment } from '../../sagas/order-fulfillment.ts';
import type { Call, Fault } from '../../sagas/services/fault.ts';
import { tripBooking } from '../../sagas/trip-booking.ts';
import type { World } from '../runtime/harness.ts';
import { CLEAN, type Played, play } from './stage.ts';

interface Reference {
  readonly saga: Played;
  readonly input: unknown;
  /** Steps without an effect in the ledger. */
  readonly pure: readonly string[];
  /** Steps before the pivot that have an effect, the pivot, and those after it. */
  readonly before: readonly string[];
  readonly pivot?: string;
  readonly after: readonly string[];
}

const REFERENCES: readonly Reference[] = [
  {
    saga: orderFulfillment,
    input: { sku: 'tea', quantity: 2, cents: 1_900, address: '1 Main St' },
    pure: ['validate'],
    before: ['reserveStock', 'authorizeCard'],
    pivot: 'ship',
    after: ['capture'],
  },
  { saga: tripBooking, input: { traveler: 'Ada', cents: 42_000 }, pure: ['seat'], before: ['flight', 'hotel', 'car'], pivot: 'charge', after: ['tickets'] },
  {
    saga: documentPipeline,
    input: { text: 'durable statecharts remember' },
    pure: ['validation'],
    before: ['enrichment', 'persistence', 'publish'],
    after: [],
  },
];

/** Faults that pass when the call is made again. */
const PASSING: readonly Fault[] = [
  { type: 'busy' },
  { type: 'busy', retryAfterMs: 2_000 },
  { type: 'break' },
  { type: 'loseAnswer' },
  { type: 'stall', ms: 40_000 },
  { type: 'stall', ms: 120_000, deaf: true },
];
const textOf = (fault: Fault): string => `${fault.type}${'deaf' in fault ? ' and deaf' : ''}${'retryAfterMs' in fault ? ' for a while' : ''}`;
const REFUSED: Fault = { type: 'refuse' };

const at = (step: string, kind: Call['kind'], fault: Fault, times = 1) => {
  return (call: Call): Fault => (call.step === step && call.kind === kind && call.nth <= times ? fault : { type: 'none' });
};
const firstOf = (...plans: readonly ((call: Call) => Fault)[]) => {
  return (call: Call): Fault => plans.map((plan) => plan(call)).find(({ type }) => type !== 'none') ?? { type: 'none' };
};

describe.each(REFERENCES)('$saga.name', ({ saga, input, pure, before, pivot, after }) => {
  const all = [...before, ...(pivot ? [pivot] : []), ...after];
  const run = (faults?: (call: Call) => Fault) => play(saga, input, { pure, ...(faults ? { faults } : {}) });

  it('completes, each effect once', async () => {
    const story = await run();
    expect(story).toMatchObject({ status: 'completed', attention: [], audit: CLEAN, calls: all.length });
    expect(new Set(story.rows.map(({ step }) => step))).toEqual(new Set(all));
  });

  describe.each(all)('when %s', (step) => {
    it.each(PASSING.map((fault) => [textOf(fault), fault] as const))('fails once (%s), it is tried again, under the same key', async (_, fault) => {
      const story = await run(at(step, 'run', fault));
      expect(story).toMatchObject({ status: 'completed', attention: [], audit: CLEAN });
      expect(new Set(story.rows.filter((row) => row.step === step).map(({ key }) => key)).size).toBe(1);
    });

    it('is refused, what was done is undone', async () => {
      const story = await run(at(step, 'run', REFUSED, 99));
      if (after.includes(step)) return expect(story).toMatchObject({ status: 'running', attention: [step], audit: { lost: 0, doubled: 0, outOfOrder: 0 } });
      expect(story).toMatchObject({ attention: [], audit: CLEAN });
      expect(['compensated', 'failed']).toContain(story.status);
      const stepsOf = (kind: Call['kind']): readonly string[] => story.rows.filter((row) => row.kind === kind && row.effect === 1).map((row) => row.step);
      expect(stepsOf('undo').toSorted()).toEqual(stepsOf('run').toSorted());
    });
  });

  describe.each(after)('when %s is refused, past the pivot', (step) => {
    it('a person is asked, and the run completes once the step can go on', async () => {
      const story = await play(saga, input, {
        pure,
        faults: at(step, 'run', REFUSED),
        afterwards: async ({ engine }) => {
          await engine.run('r').retry(step, { by: 'Ann' });
        },
      });
      expect(story).toMatchObject({ status: 'completed', attention: [step], audit: CLEAN });
    });
  });

  describe.each([...before, ...(pivot ? [pivot] : [])])('when every answer of %s is lost', (step) => {
    it('the effect is found and undone by its key, or by a check and kept', async () => {
      const story = await run(at(step, 'run', { type: 'loseAnswer' }, 99));
      expect(story).toMatchObject({ status: step === pivot ? 'completed' : 'compensated', attention: [], audit: CLEAN });
      expect(story.rows.filter((row) => row.step === step && row.kind === 'undo' && row.effect === 1)).toHaveLength(step === pivot ? 0 : 1);
    });
  });

  const refusedLast = at(pivot ?? (before.at(-1) as string), 'run', REFUSED, 99);

  describe.each(pivot ? before : before.slice(0, -1))('when the undo of %s', (step) => {
    it.each(PASSING.map((fault) => [textOf(fault), fault] as const))('fails once (%s), it is tried again', async (_, fault) => {
      expect(await run(firstOf(refusedLast, at(step, 'undo', fault)))).toMatchObject({ status: 'compensated', attention: [], audit: CLEAN });
    });

    it('is refused, a person is asked, and the auditor sees that it stands until it is undone', async () => {
      const faults = firstOf(refusedLast, at(step, 'undo', REFUSED));
      const stuck = await play(saga, input, { pure, faults });
      expect(stuck).toMatchObject({ status: 'compensating', attention: [step], audit: { lost: 0, doubled: 0, outOfOrder: 0 } });
      expect(stuck.audit.details.join()).toContain(`${step} still stands`);
      const afterwards = async ({ engine }: World): Promise<void> => {
        await engine.run('r').retry(step);
      };
      expect(await play(saga, input, { pure, faults, afterwards })).toMatchObject({ status: 'compensated', audit: CLEAN });
    });
  });
});
