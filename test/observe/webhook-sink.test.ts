import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BusyError, HardError, memory, saga, sagachart, webhookSink } from '../../src/index.ts';
import type { Alert } from '../../src/runtime/alert.ts';
import { silent } from '../../src/runtime/log.ts';
import { until } from '../processes.ts';

interface Received {
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const alert: Alert = {
  key: 'ns/r/1/2/0',
  kind: 'failure',
  at: 1,
  run: { id: 'r', saga: 's', version: 1, incarnation: 1, labels: { city: 'Zürich' } },
  status: 'failed',
  step: 'pay',
  failure: null,
  left: [],
};

let server: Server;
let url: string;
let received: Received[];
/** What it answers, in turn; then 204. */
let answers: { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }[];

beforeEach(async () => {
  received = [];
  answers = [];
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    received.push({ method: request.method, headers: request.headers, body: Buffer.concat(parts).toString() });
    const { status, headers, body } = answers.shift() ?? { status: 204 };
    if (status > 0) response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const send = async (sink: ReturnType<typeof webhookSink>, signal = new AbortController().signal): Promise<void> => {
  await sink.send(alert, { key: alert.key, signal, log: silent });
};

describe('a webhook', () => {
  it('is posted the alert as JSON, with its key and the headers that were given', async () => {
    await send(webhookSink(url, { headers: { authorization: 'Bearer abc' } }));
    expect(received).toMatchObject([
      { method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': 'ns/r/1/2/0', authorization: 'Bearer abc' } },
    ]);
    expect(JSON.parse(received[0]?.body ?? '')).toEqual(alert);
    expect(received[0]?.headers).not.toHaveProperty('sagachart-signature');
  });

  it('can check the signature over the bytes of the body', async () => {
    await send(webhookSink(new URL(url), { secret: 'shared' }));
    const { headers, body } = received[0] as Received;
    expect(headers['sagachart-signature']).toBe(`sha256=${createHmac('sha256', 'shared').update(Buffer.from(body)).digest('hex')}`);
  });

  it('has not got it with any status but 2xx, a redirect included; it may ask for a pause', async () => {
    const elsewhere = { status: 307, headers: { location: `${url}/elsewhere` } };
    answers = [{ status: 500, body: 'x'.repeat(100_000) }, elsewhere, { status: 429, headers: { 'retry-after': '7' } }, { status: 202 }];
    const sink = webhookSink(url);
    await expect(send(sink)).rejects.toThrow('the webhook answered 500');
    await expect(send(sink)).rejects.toThrow('the webhook answered 307');
    const busy = await send(sink).catch((error: unknown) => error);
    expect(busy).toBeInstanceOf(BusyError);
    expect(busy).toMatchObject({ retryAfterMs: 7_000 });
    await send(sink);
    expect(received).toHaveLength(4);
  });

  it('is not waited for once the signal says so', async () => {
    answers = [{ status: 0 }];
    const controller = new AbortController();
    const sending = send(webhookSink(url), controller.signal);
    await until(() => received[0]);
    controller.abort(new Error('too long'));
    await expect(sending).rejects.toThrow('too long');
  });

  it('gets what an engine has to tell, again until it takes it', async () => {
    answers = [{ status: 503 }];
    const failing = saga('failing', { version: 1, input: z.any() }).read('pay', () => {
      throw new HardError('declined');
    });
    const engine = await sagachart({ sagas: [failing], store: memory(), log: { level: 'silent' }, alerts: [webhookSink(url, { secret: 's' })] });
    await engine.start(failing, null, { id: 'r' });
    await until(() => received[1]);
    await engine.close();
    expect(received[1]?.body).toBe(received[0]?.body);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ kind: 'failure', run: { id: 'r' }, failure: { message: 'declined' } });
  });

  const refused: readonly [what: string, url: unknown, options: unknown, message: string][] = [
    ['no URL', 'hooks.example', {}, 'its URL is none'],
    ['nothing', undefined, {}, 'its URL is none'],
    ['a file', 'file:///etc/passwd', {}, 'its URL begins with file:'],
    ['an empty secret', 'https://hooks.example', { secret: '' }, 'secret must be text that is not empty'],
    ['headers that are none', 'https://hooks.example', { headers: 'a' }, 'headers is "a"'],
    ['a header that cannot be sent', 'https://hooks.example', { headers: { 'a b': 'c' } }, 'its header "a b"'],
    ['a header that is no text', 'https://hooks.example', { headers: { a: 1 } }, 'its header "a"'],
    ['an unknown option', 'https://hooks.example', { retries: 3 }, 'it has no option retries; there are name, headers, secret, timeout'],
  ];
  for (const [what, given, options, message] of refused) {
    it(`cannot be made of ${what}`, () => {
      expect(() => webhookSink(given as string, options as never)).toThrow(message);
    });
  }
  it('does not quote its URL, which whoever knows it may use', () => {
    expect(() => webhookSink('ftp://hooks.example/secret')).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }));
  });
});
