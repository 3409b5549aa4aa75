import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga, step } from '../../src/index.ts';
import { pinoLog, wrap } from '../../src/observe/log.ts';
import { World } from '../runtime/harness.ts';
import { Lines } from './lines.ts';

const MARKER = 'MARKER-51c9';
const secret = z.string().meta({ sensitive: true });
let w: World | undefined;
afterEach(async () => {
  await w?.close();
  w = undefined;
});

describe('a line', () => {
  it.each(['pinoLog', 'a logger of one’s own'])('of %s has no likely credentials, at any depth', (which) => {
    const lines = new Lines();
    const log = which === 'pinoLog' ? pinoLog({ level: 'debug', to: lines }) : wrap(pino({ level: 'debug' }, lines));
    const fields = { request: { headers: { Authorization: MARKER }, list: [{ cookie: MARKER }] }, apiKey: MARKER, kept: 'yes' };
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]('a line', fields);
    log.child({ run: 'r' }).info('of a child', fields);
    expect(lines.all).toHaveLength(5);
    expect(lines.all.every(({ kept }) => kept === 'yes')).toBe(true);
    expect(lines.text).not.toContain(MARKER);
  });

  it('keeps its message when its fields are too large', () => {
    const lines = new Lines();
    pinoLog({ level: 'info', to: lines }).info('hello', { big: 'x'.repeat(3_000) });
    expect(lines.of('hello')).toHaveLength(1);
  });

  it('shows an error with its stack and its causes', () => {
    const lines = new Lines();
    pinoLog({ level: 'info', to: lines }).error('failed', { err: new TypeError('outer', { cause: new Error('inner') }) });
    const [{ err } = {}] = lines.of('failed');
    expect(err).toMatchObject({ type: 'TypeError', message: expect.stringContaining('outer'), stack: expect.stringContaining('log-secrets.test') });
    expect(JSON.stringify(err)).toContain('inner');
  });
});

/** Starts a saga that fails, and gives all that is stored, told and logged of it, but for where an input belongs. */
async function traces(definition: Parameters<World['open']>[0][number], input: unknown): Promise<string> {
  w = new World();
  const lines = new Lines();
  const engine = await w.open([definition], { log: { level: 'debug', to: lines } });
  const run = await engine.start(definition.name, input, { id: 'r' });
  const end = run.outcome();
  await w.clock.advance(60_000);
  const failures = w.events.filter(({ type }) => type === 'attempt.failed');
  expect(failures.length).toBeGreaterThan(0);
  return JSON.stringify([await end, failures, lines.all]);
}

const failing = async (): Promise<never> => {
  throw new HardError('declined');
};

describe('a failure record', () => {
  it('has the input, with what the saga marks as sensitive replaced', async () => {
    const schema = z.object({
      who: z.string(),
      card: secret,
      address: z.object({ street: secret }).optional(),
      guests: z.array(z.object({ passport: secret })),
      pay: z.union([z.object({ token: z.string() }), z.object({ account: secret })]).nullable(),
      note: secret.default(MARKER),
    });
    const s = saga('record', { version: 1, input: schema }).read('a', failing);
    const all = await traces(s, { who: 'Ada', card: MARKER, address: { street: MARKER }, guests: [{ passport: MARKER }], pay: { account: MARKER } });
    expect(all).toContain('Ada');
    expect(all).not.toContain(MARKER);
  });

  it('of a reusable step has the input of the step, by the schema of the step', async () => {
    const pay = step({ input: z.object({ who: z.string(), number: secret }) }, failing, { compensate: () => {} });
    const s = saga('reused', { version: 1, input: z.object({ who: z.string(), card: secret }) }).use('pay', pay, ({ input }) => ({
      who: `guest ${input.who}`,
      number: input.card,
    }));
    const all = await traces(s, { who: 'Ada', card: MARKER });
    expect(all).toContain('guest Ada');
    expect(all).not.toContain(MARKER);
  });

  it('of a step whose own input could not be made shows nothing of the saga’s that is sensitive', async () => {
    const pay = step({ input: z.object({ number: z.string() }) }, failing, { compensate: () => {} });
    const s = saga('unmade', { version: 1, input: z.object({ card: secret }) }).use('pay', pay, () => ({ number: 7 }) as never);
    expect(await traces(s, { card: MARKER })).not.toContain(MARKER);
  });

  it('of an error that quotes what is sensitive shows it nowhere', async () => {
    const s = saga('quoting', { version: 1, input: z.object({ card: secret }) }).read('a', async ({ input }) => {
      throw new HardError(`card ${input.card} declined`, { cause: new Error(`no ${input.card}`) });
    });
    expect(await traces(s, { card: MARKER })).not.toContain(MARKER);
  });

  it('of input that its schema refuses never shows a value', async () => {
    w = new World();
    const s = saga('strict', { version: 1, input: z.object({ card: secret.regex(/^\d+$/), list: z.array(z.enum(['a'])) }) }).read('a', failing);
    const engine = await w.open([s]);
    const error = await engine.start('strict', { card: MARKER, list: [MARKER] }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'SC_INPUT_INVALID', message: expect.stringContaining('card') });
    expect(JSON.stringify([error, String(error), (error as Error).message])).not.toContain(MARKER);
  });
});
