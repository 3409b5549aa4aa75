import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REDACTED, redact } from '../../src/observe/redact.ts';

const MARKER = 'MARKER-7f3a';
const secret = z.string().meta({ sensitive: true });
const seen = (value: unknown, schema?: unknown): string => JSON.stringify(redact(value, schema)) ?? '';

type Case = readonly [what: string, schema: unknown, value: unknown];

const SCHEMAS: readonly Case[] = [
  ['a field', z.object({ a: secret }), { a: MARKER }],
  ['a whole object', z.object({ a: z.object({ b: z.string() }).meta({ sensitive: true }) }), { a: { b: MARKER } }],
  ['a nested object', z.object({ a: z.object({ b: secret }) }), { a: { b: MARKER } }],
  ['an array', z.array(secret), [MARKER]],
  ['objects in an array', z.object({ list: z.array(z.object({ a: secret })) }), { list: [{ a: MARKER }] }],
  ['optional', z.object({ a: secret.optional() }), { a: MARKER }],
  ['an optional object', z.object({ a: secret }).optional(), { a: MARKER }],
  ['nullable', z.object({ a: secret.nullable() }), { a: MARKER }],
  ['a default', z.object({ a: secret.default('x') }), { a: MARKER }],
  ['catch and readonly', z.object({ a: secret.catch('x').readonly() }), { a: MARKER }],
  ['a union of objects', z.union([z.object({ a: secret }), z.object({ b: z.string() })]), { a: MARKER }],
  ['a union told apart by a field', z.discriminatedUnion('t', [z.object({ t: z.literal(1), a: secret }), z.object({ t: z.literal(2) })]), { t: 1, a: MARKER }],
  ['a transform', z.object({ a: secret.transform((text) => text) }), { a: MARKER }],
  ['a transformed object', z.object({ a: secret }).transform((value) => value), { a: MARKER }],
  ['a refinement', z.object({ a: secret.min(1).refine(() => true) }), { a: MARKER }],
  ['a brand', z.object({ a: secret.brand('card') }), { a: MARKER }],
  ['a title beside the mark', z.object({ a: secret.meta({ title: 'Card', sensitive: true }) }), { a: MARKER }],
];

const OTHER_SCHEMAS: readonly Case[] = [
  ['a union', z.union([secret, z.number()]), MARKER],
  ['a field that is a union', z.object({ a: z.union([secret, z.number()]) }), { a: MARKER }],
  [
    'a key that several sides of a union have',
    z.union([z.object({ k: z.object({ x: z.string() }) }), z.object({ k: z.object({ y: secret }) })]),
    { k: { y: MARKER } },
  ],
  ['a union of arrays', z.union([z.array(z.object({ a: secret })), z.string()]), [{ a: MARKER }]],
  ['a union in a union', z.union([z.union([z.object({ a: secret }), z.number()]), z.string()]), { a: MARKER }],
  ['the values of a record', z.record(z.string(), secret), { any: MARKER }],
  ['objects in a record', z.record(z.string(), z.object({ a: secret })), { any: { a: MARKER } }],
  ['the keys of a record', z.record(secret, z.number()), { [MARKER]: 1 }],
  ['a tuple', z.tuple([z.number(), secret]), [1, MARKER]],
  ['the rest of a tuple', z.tuple([z.number()], secret), [1, MARKER]],
  ['an intersection', z.object({ a: z.string() }).and(z.object({ b: secret })), { a: '', b: MARKER }],
  ['a lazy schema', z.object({ a: z.lazy(() => z.object({ b: secret })) }), { a: { b: MARKER } }],
  ['the end of a pipe', z.object({ a: z.string().pipe(secret) }), { a: MARKER }],
  ['what comes after preprocess', z.preprocess((value) => value, z.object({ a: secret })), { a: MARKER }],
  ['a codec', z.object({ a: z.codec(z.string(), secret, { decode: (text) => text, encode: (text) => text }) }), { a: MARKER }],
  ['further keys', z.object({}).catchall(secret), { any: MARKER }],
];

describe('what a schema marks as sensitive is replaced', () => {
  it.each(SCHEMAS)('in %s', (_, schema, value) => {
    expect(seen(value)).toContain(MARKER);
    expect(seen(value, schema)).not.toContain(MARKER);
    expect(seen(value, schema)).toContain(REDACTED);
  });

  it.each(OTHER_SCHEMAS)('in %s', (_, schema, value) => {
    expect(seen(value, schema)).not.toContain(MARKER);
  });

  it('in a schema that contains itself', () => {
    const node = z.object({
      a: secret,
      get below(): z.ZodType {
        return z.array(node);
      },
    });
    expect(redact({ a: MARKER, below: [{ a: MARKER, below: [] }] }, node)).toEqual({ a: REDACTED, below: [{ a: REDACTED, below: [] }] });
  });

  it('and the rest stays, what was absent too', () => {
    const schema = z.object({ a: secret.optional(), b: z.number(), c: z.array(z.string()) });
    expect(redact({ b: 1, c: ['x'] }, schema)).toEqual({ b: 1, c: ['x'] });
    expect(redact({ a: undefined, b: 1, c: [] }, schema)).toEqual({ a: undefined, b: 1, c: [] });
  });
});

const LIKELY = ['password', 'Password', 'passwd', 'passphrase', 'secret', 'client_secret', 'clientSecret', 'token', 'accessToken', 'access_token'];
const MORE_LIKELY = ['refreshToken', 'id_token', 'apiKey', 'API_KEY', 'auth', 'Authorization', 'cookie', 'Set-Cookie', 'privateKey', 'credentials'];
const PAYMENT = ['cvc', 'CVV', 'cardNumber', 'card_number', 'iban', 'ssn', 'pin'];
const SPELLINGS = ['client-secret', 'access-token', 'refresh-token', 'api-key', 'x-api-key', 'X-Api-Key', 'private-key', 'card-number', 'Proxy-Authorization'];
const COMPOUNDS = [
  'apiToken',
  'authToken',
  'secretKey',
  'accessKey',
  'awsSecretAccessKey',
  'userPassword',
  'password_hash',
  'dbPassword',
  'cookies',
  'webhookSecret',
];
const SHORT = ['pwd', 'jwt', 'otp', 'bearer', 'sessionId', 'creditCard'];

describe('likely credentials are replaced without a schema', () => {
  const under = (name: string): string => seen({ deep: [{ headers: { [name]: { inside: MARKER } } }] });

  it.each([...LIKELY, ...MORE_LIKELY, ...PAYMENT])('%s', (name) => {
    expect(under(name)).not.toContain(MARKER);
  });

  it.each([...SPELLINGS, ...COMPOUNDS, ...SHORT])('%s', (name) => {
    expect(under(name)).not.toContain(MARKER);
  });

  it.each(['pinned', 'tokens', 'secretary', 'author', 'passenger', 'key', 'cardholder', 'spin'])('but not %s', (name) => {
    expect(redact({ [name]: 'seen' })).toEqual({ [name]: 'seen' });
  });
});

describe('the copy', () => {
  it('is new, and names what JSON does not have', () => {
    const circle: Record<string, unknown> = { at: new Date(0) };
    circle.self = circle;
    expect(redact(circle)).toEqual({ at: String(new Date(0)), self: '[circular]' });
    expect(redact({ big: 1n, symbol: Symbol('s'), none: null, twice: [circle, circle] })).toMatchObject({ big: '1', symbol: 'Symbol(s)', none: null });
  });

  it('is cut where it is large, after the replacing', () => {
    const text = redact({ a: MARKER.repeat(300), b: 'x'.repeat(5_000) }, z.object({ a: secret, b: z.string() })) as string;
    expect(text).toMatch(/… \(\d+ characters\)$/);
    expect(text.length).toBeLessThan(2_100);
    expect(text).not.toContain(MARKER);
  });

  it('holds what an error says, and its causes', () => {
    const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { request: { headers: { authorization: MARKER } } });
    expect(redact({ err: error })).toMatchObject({ err: { message: 'outer', stack: expect.stringContaining('Error: outer'), cause: { message: 'inner' } } });
    expect(seen({ err: error })).not.toContain(MARKER);
  });

  it('is never the reason why a step fails', () => {
    const hostile = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(redact({ hostile })).toBe('[not storable]');
  });
});
