import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { Visible } from '../../src/cli/visible.ts';
import { type Definition, programOf } from '../../src/definitions.ts';
import { saga, workflow } from '../../src/index.ts';
import type { Entry } from '../../src/kernel/entry.ts';
import { EMPTY } from '../../src/kernel/state.ts';

const hidden = z.string().meta({ sensitive: true });
const result = z.object({ room: z.string(), iban: hidden });
const paid = { room: '12A', iban: 'DE-8811' };
const redacted = { room: '12A', iban: '[redacted]' };

const stay = saga('stay', { version: 1, input: z.object({ guest: z.string(), card: hidden }) })
  .step('room', async () => paid, { result, compensate: () => {}, check: () => undefined })
  .output(({ input }) => `paid with ${input.card}`);
const approval = workflow(
  setup({ types: { context: {} as { note?: string } } }).createMachine({ id: 'approve', context: {}, initial: 'a', states: { a: {} } }),
  {
    version: 1,
    input: z.object({ by: z.string(), pin: hidden }),
    events: { approve: z.object({ by: z.string(), pin: hidden }) },
  },
);

const context = { runId: 'r', input: { guest: 'Ada', card: '4111-1111' }, steps: [{ status: 'succeeded', attempts: 1, result: paid }], undos: [], cause: null };
const of = (definition: Definition | undefined, data: object = { context }): Visible =>
  new Visible(definition && programOf(definition), { input: context.input, data: { ...EMPTY.data, ...data } });
const at = [1, 0] as const;
const known = of(stay);
const unknown = of(undefined);

describe('what may be shown of a run', () => {
  it('its context, without what the schemas of input and results mark', () => {
    expect(known.context(context)).toEqual({
      ...context,
      input: { guest: 'Ada', card: '[redacted]' },
      steps: [{ status: 'succeeded', attempts: 1, result: redacted }],
    });
    expect(unknown.context(context)).toBe('[redacted]');
    expect(unknown.context(null)).toBe(null);
  });

  it('events, by the schema of what they carry', () => {
    const cases: readonly [Entry['event'], object, object][] = [
      [{ type: 'started', run: 'r', input: context.input }, { input: { guest: 'Ada', card: '[redacted]' } }, { input: '[redacted]' }],
      [{ type: 'queued', input: context.input }, { input: { guest: 'Ada', card: '[redacted]' } }, { input: '[redacted]' }],
      [{ type: 'succeeded', child: 'room', at, output: paid }, { output: redacted }, { output: '[redacted]' }],
      [
        { type: 'succeeded', child: 'room.check', at, output: { verdict: 'happened', result: { room: '12A', iban: 'XY' } } },
        { output: { verdict: 'happened', result: redacted } },
        { output: '[redacted]' },
      ],
      [
        { type: 'sent', event: { type: 'room.resolve', by: 'Grace', result: { room: '12A', iban: 'XY' } } },
        { event: { type: 'room.resolve', by: 'Grace', result: redacted } },
        { event: { type: 'room.resolve', by: 'Grace', result: '[redacted]' } },
      ],
      [
        {
          type: 'faulted',
          event: { type: 'succeeded', child: 'room', at, output: { room: '12A', iban: 'XY' } },
          error: { code: 'X', type: 'Error', message: 'refused 4111-1111', class: 'hard', effect: 'none' },
        },
        { event: { output: redacted }, error: { message: 'refused [redacted]' } },
        { event: { output: '[redacted]' } },
      ],
    ];
    for (const [event, seen, gone] of cases) {
      expect(known.event(event)).toMatchObject(seen);
      expect(unknown.event(event)).toMatchObject(gone);
    }
    expect(unknown.event({ type: 'due', timer: 't', at })).toEqual({ type: 'due', timer: 't', at });
  });

  it('changes, wherever they set what is marked: a field, a record, or all at once', () => {
    const value = (visible: Visible, path: readonly (string | number)[], set: unknown): unknown => visible.change(['=', path, set]).value;
    expect(value(known, ['context'], context)).toEqual(known.context(context));
    expect(value(known, ['context', 'input'], context.input)).toEqual({ guest: 'Ada', card: '[redacted]' });
    expect(value(known, ['input'], { guest: 'Ada', card: 'XY' })).toEqual({ guest: 'Ada', card: '[redacted]' });
    expect(value(known, ['context', 'steps', 0], { status: 'succeeded', attempts: 1, result: { room: '12A', iban: 'XY' } })).toMatchObject({
      result: redacted,
    });
    expect(value(known, ['context', 'steps', 0, 'result'], { room: '12A', iban: 'XY' })).toEqual(redacted);
    expect(value(known, ['output'], { output: 'paid with 4111-1111' })).toEqual({ output: 'paid with [redacted]' });
    for (const path of [['context'], ['context', 'input'], ['input'], ['output'], ['timers', '1.0'], ['children', 'a'], ['error'], ['faults']])
      expect(value(unknown, path, { a: 1 })).toBe('[redacted]');
    expect(value(unknown, ['value'], { running: 'x' })).toEqual({ running: 'x' });
    expect(known.change(['-', ['children', 'room']])).toEqual({ kind: '-', path: ['children', 'room'], value: null });
    expect(unknown.change(['@', ['context', 'input'], 'input'])).toEqual({ kind: '@', path: ['context', 'input'], value: 'input' });
  });

  it('how it ended, without what repeats the input or a result', () => {
    expect(known.outcome({ status: 'completed', output: 'paid with 4111-1111 from DE-8811', left: [] })).toEqual({
      status: 'completed',
      output: 'paid with [redacted] from [redacted]',
      left: [],
    });
    expect(unknown.outcome({ status: 'completed', output: 'paid', left: [] })).toEqual({ status: 'completed', output: '[redacted]', left: [] });
    expect(unknown.outcome({ status: 'canceled', by: 'Grace', reason: 'sold', left: [] })).toEqual({
      status: 'canceled',
      by: 'Grace',
      reason: 'sold',
      left: [],
    });
    expect(unknown.outcome(undefined)).toBe(null);
  });

  it('of a workflow: its signals by their schemas, its context without what its input hides', () => {
    const visible = new Visible(programOf(approval), { input: { by: 'Ada', pin: '98-765' }, data: { context: { note: 'pin 98-765' } } });
    expect(visible.kind).toBe('workflow');
    expect(visible.context({ note: 'pin 98-765' })).toEqual({ note: 'pin [redacted]' });
    expect(visible.event({ type: 'sent', event: { type: 'approve', by: 'Grace', pin: 'XY' } })).toMatchObject({ event: { by: 'Grace', pin: '[redacted]' } });
  });

  it('only what is long as a whole is shortened, part by part', () => {
    const long = { ...context, cause: 'x'.repeat(3_000) };
    expect(known.context(long)).toMatchObject({ steps: [{ result: redacted }], cause: expect.stringMatching(/^x{1,2000}… \(3000 characters\)$/) });
  });
});
