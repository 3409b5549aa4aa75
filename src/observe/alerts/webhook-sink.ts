import { createHmac } from 'node:crypto';
import { BusyError, DefinitionError } from '../../base/errors.ts';
import { quoted } from '../../base/quoted.ts';
import type { Alert, AlertSink, SendContext } from '../../runtime/alert.ts';
import type { Duration } from '../../saga/duration.ts';

export interface WebhookOptions {
  /** Stands in the store beside what waits for it; a second webhook needs another. Default: `webhook`. */
  readonly name?: string;
  /** Added to each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs the body: `sagachart-signature: sha256=…`, an HMAC-SHA256 in hexadecimal. Default: it is not signed. */
  readonly secret?: string;
  /** How long an answer may take. Default: 10 s. */
  readonly timeout?: Duration;
}

const OPTIONS = ['name', 'headers', 'secret', 'timeout'];

/**
 * Posts each alert as JSON, with its key as `idempotency-key`. A status from 200 to 299 says that it has arrived;
 * anything else, a redirect too, that it has not. `Retry-After` in seconds is kept to.
 * @throws DefinitionError SC_OPTION
 */
export function webhookSink(url: string | URL, options: WebhookOptions = {}): AlertSink {
  const target = checkUrl(url);
  for (const name of Object.keys(options)) if (!OPTIONS.includes(name)) throw wrong(name, `it has no option ${name}; there are ${OPTIONS.join(', ')}`);
  const { name = 'webhook', headers = {}, secret, timeout = '10s' } = options;
  if (secret !== undefined && (typeof secret !== 'string' || secret === '')) throw wrong('secret', 'secret must be text that is not empty');
  checkHeaders(headers);
  return { name, timeout, send: (alert, context) => post(target, alert, context, { headers, secret }) };
}

async function post(
  url: URL,
  alert: Alert,
  { key, signal }: SendContext,
  { headers, secret }: { readonly headers: Readonly<Record<string, string>>; readonly secret: string | undefined },
): Promise<void> {
  const body = JSON.stringify(alert);
  const signature = secret === undefined ? {} : { 'sagachart-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
  const response = await fetch(url, {
    method: 'POST',
    body,
    signal,
    // Who is sent elsewhere would take what is signed to somebody else.
    redirect: 'manual',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, ...signature, ...headers },
  });
  // What it says is not read, but the connection is not free before.
  await response.body?.cancel();
  if (response.ok) return;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const message = `the webhook answered ${response.status}`;
  throw seconds >= 0 ? new BusyError(message, { retryAfterMs: seconds * 1_000 }) : new Error(message);
}

function checkUrl(url: string | URL): URL {
  const parsed = URL.parse(String(url));
  // It is not quoted: whoever knows the URL of a webhook may use it.
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed;
  throw wrong('url', `its URL ${parsed ? `begins with ${parsed.protocol}` : 'is none'}, but must begin with https: or http:`);
}

function checkHeaders(headers: unknown): void {
  const entries = typeof headers === 'object' && headers !== null ? Object.entries(headers) : undefined;
  if (!entries) throw wrong('headers', `headers is ${quoted(headers)}, but must be text by name`);
  for (const [name, value] of entries) {
    try {
      if (typeof value === 'string' && new Headers([[name, value]])) continue;
    } catch {
      // Not a name, or not a value, that a request can have.
    }
    throw wrong(`headers.${name}`, `its header ${quoted(name)} is not one that a request can have`);
  }
}

function wrong(option: string, what: string): DefinitionError {
  return new DefinitionError('SC_OPTION', `a webhook cannot be made: ${what}`, {
    next: "Write webhookSink('https://…', { headers, secret, timeout }).",
    details: { option },
  });
}
