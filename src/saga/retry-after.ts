/**
 * How long an error asks to be left alone, ms; undefined if it does not say. Read are its `retryAfterMs`, and the header
 * `Retry-After` (RFC 9110 §10.2.3: seconds, or a date, which is compared with the answer's own `Date`) where HTTP
 * clients keep it: in `headers` or `response.headers`. Never throws.
 */
export function retryAfterOf(error: unknown): number | undefined {
  try {
    const { retryAfterMs, headers, response } = (error ?? {}) as Carrier;
    if (isWait(retryAfterMs)) return retryAfterMs;
    for (const carried of [headers, response?.headers]) {
      const wait = headerWait(carried);
      if (isWait(wait)) return wait;
    }
  } catch {
    // An error whose fields cannot be read says nothing.
  }
  return undefined;
}

interface Carrier {
  readonly retryAfterMs?: unknown;
  readonly headers?: unknown;
  readonly response?: { readonly headers?: unknown } | undefined;
}

function headerWait(headers: unknown): number | undefined {
  const text = header(headers, 'retry-after');
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const wait = Date.parse(text) - Date.parse(header(headers, 'date') ?? '');
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** Of a `Headers`, or of a plain object whose names may be written in any case. */
function header(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { readonly get?: unknown };
  if (typeof get === 'function') return (get.call(headers, name) as string | null) ?? undefined;
  const key = Object.keys(headers).find((one) => one.toLowerCase() === name);
  const value = key === undefined ? undefined : (headers as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : undefined;
}

/** 0 or more; what is no such number is passed over. */
export function isWait(ms: unknown): ms is number {
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0;
}
