import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { approval } from '../../machines/approval.ts';
import { saga } from '../../src/index.ts';
import { faultPlans, inputs, runCommands, sagaOf, signalOrders, sketches } from '../../src/testing/fast-check/index.ts';
import { type Harness, harness } from '../../src/testing/index.ts';

import { World } from '../runtime/harness.ts';

const LONGEST_MS = 60_000;

describe('inputs', () => {
  const schemas: Readonly<Record<string, z.ZodType>> = {
    texts: z.object({
      name: z.string().min(1).max(5),
      mail: z.email(),
      id: z.uuid(),
      at: z.iso.datetime(),
      day: z.iso.date(),
      site: z.url(),
      code: z.string().regex(/^[A-Z]{3}\d$/),
    }),
    numbers: z.object({ cents: z.number().int().positive(), part: z.number().min(0).lt(1), any: z.number(), big: z.int().max(-5) }),
    choices: z.object({
      kind: z.enum(['a', 'b']),
      one: z.literal(7),
      or: z.union([z.string(), z.boolean(), z.null()]),
      maybe: z.string().optional(),
      no: z.null(),
    }),
    lists: z.object({
      bags: z.array(z.string()).min(1).max(3),
      pair: z.tuple([z.number(), z.boolean()]),
      more: z.record(z.string(), z.number()),
      rest: z.array(z.unknown()),
    }),
    'what is made of it': z.object({
      n: z.string().regex(/^\d+$/).transform(Number),
      given: z.number().default(3),
      kind: z.discriminatedUnion('k', [z.object({ k: z.literal('x') }), z.object({ k: z.literal('y'), v: z.boolean() })]),
    }),
    'what is refined': z.object({ a: z.int(), b: z.int() }).refine(({ a, b }) => a !== b),
    both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.boolean() })),
    anything: z.unknown(),
  };
  for (const [name, schema] of Object.entries(schemas)) {
    it(`${name}: are what the schema takes, and say little more`, () => {
      const seen = new Set<string>();
      for (const value of fc.sample(inputs(schema), 50)) {
        seen.add(JSON.stringify(value));
        expect(schema.safeParse(value)).toMatchObject({ success: true });
      }
      expect(seen.size).toBeGreaterThan(1);
    });
  }

  it('refuse a schema that JSON cannot say', () => {
    expect(() => inputs(z.object({ at: z.date() }))).toThrowError(
      expect.objectContaining({ code: 'SC_ARBITRARY', next: 'Write an arbitrary of your own for it.' }),
    );
  });
});

describe('signals in any order', () => {
  const events = { approve: z.object({ by: z.string().min(1) }), reject: z.object({ by: z.string().min(1), because: z.string().min(1) }) };

  test.prop([signalOrders(events)], { numRuns: 30 })(
    'leave a workflow decided by the first of them, and take no other',
    async (signals) => {
      const w = new World();
      const engine = await w.open([approval]);
      const run = await engine.start(approval, { title: 'Desk', cents: 90_000 }, { id: 'r' });
      for (const { name, payload, afterMs } of signals) {
        await w.clock.advance(Math.min(afterMs, 3_600_000));
        await run.signal(name, payload).catch((error: { code: string }) => expect(['SC_RUN_ENDED', 'SC_EVENT_NOT_ACCEPTED']).toContain(error.code));
      }
      await w.clock.settle();
      const [first] = signals;
      const { status } = await run.status();
      expect(status).toBe(first ? 'completed' : 'sleeping');
      if (first) expect(await run.outcome()).toMatchObject({ output: { decision: first.name === 'approve' ? 'approved' : 'rejected' } });
      await w.close();
    },
    LONGEST_MS,
  );
});

describe('random sagas', () => {
  const services = { call: async ({ kind }: { readonly kind: string }) => (kind === 'check' ? 'standing' : undefined) };

  test.prop([sketches({ steps: 4 }).chain((sketch) => fc.tuple(fc.constant(sketch), faultPlans(sagaOf(sketch, saga as never), { faults: 2 })))], {
    numRuns: 60,
  })(
    'end, or ask for a person, whatever goes wrong; what is undone was done before',
    async ([sketch, script]) => {
      const made = sagaOf(sketch, saga as never);
      const h: Harness = await harness(made, { services, script: script as never });
      try {
        const run = await h.start({ n: 1 } as never);
        const end = await h.outcome(run).catch((error: { code?: string }) => error);
        if (end instanceof Error) expect(end).toMatchObject({ code: 'SC_HARNESS', message: expect.stringContaining('attention') });
        else expect(['completed', 'compensated', 'failed']).toContain((end as { status: string }).status);
        for (const [i, attempt] of h.order.entries()) if (attempt.endsWith('.undo')) expect(h.order.slice(0, i)).toContain(attempt.slice(0, -'.undo'.length));
      } finally {
        await h.close();
      }
    },
    LONGEST_MS,
  );

  const stay = saga('stay', { version: 1, input: z.object({ nights: z.int().min(1).max(3) }) })
    .step('room', async () => 7, { compensate: async () => {} })
    .sleep('1h')
    .step('meal', async () => 'soup', { compensate: async () => {} })
    .sleep('night', '1h')
    .pivot('pay', async () => 'paid');

  test.prop([runCommands(z.object({ nights: z.int().min(1).max(3) }), { maxCommands: 10 })], { numRuns: 40 })(
    'starts, time, crashes and cancels in any order: what was started is there, and ends',
    async (commands) => {
      const started: string[] = [];
      const h = (await harness(stay)) as unknown as Harness;
      await fc.asyncModelRun(() => ({ model: { started }, real: h }), commands);
      for (const id of started) expect(['completed', 'canceled']).toContain((await h.outcome({ id } as never)).status);
      for (const id of started) {
        const order = h.began.filter(({ run }) => run === id).map(({ attempt }) => attempt);
        expect(new Set(order).size).toBe(order.length);
      }
      await h.close();
    },
    LONGEST_MS,
  );
});
