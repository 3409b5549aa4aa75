import { isError } from './error-record.ts';
import { hide, isPlain, REDACTED } from './redact.ts';

/** Shorter ones are found everywhere, and give nothing away. */
const SHORTEST_TEXT = 4;
const SHORTEST_NUMBER = 6;

/**
 * The texts that `redact` would hide in a value: strings of 4 characters or more, and numbers of 6 digits or more. For
 * `mask`, because whatever is done with the value may repeat them: an error message, a stack, a result.
 */
export function sensitiveTexts(value: unknown, schema?: unknown): readonly string[] {
  const texts = new Set<string>();
  try {
    hide(value, schema, (hidden, keys) => collect(hidden, keys, texts, new Set()));
  } catch {
    // A getter that throws: what was found before it still counts.
  }
  return [...texts];
}

function collect(value: unknown, keys: boolean, texts: Set<string>, seen: Set<object>): void {
  if (typeof value === 'string' && value.length >= SHORTEST_TEXT) texts.add(value);
  if ((typeof value === 'number' || typeof value === 'bigint') && String(value).replace(/\D/g, '').length >= SHORTEST_NUMBER) texts.add(String(value));
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  const entries: [unknown, unknown][] = value instanceof Map ? [...value] : value instanceof Set ? [...value].map((item) => ['', item]) : Object.entries(value);
  for (const [key, item] of entries) {
    if (keys) collect(key, false, texts, seen);
    collect(item, keys, texts, seen);
  }
}

/**
 * A copy in which `[redacted]` stands for each of the texts, wherever it occurs in a string, a key, a number, or in the
 * message, stack and causes of an error; also as JSON or a URL would write it. What has none of them is given as it is.
 * To be called before anything is cut: half of a text is not found.
 */
export function mask<T>(value: T, texts: readonly string[]): T {
  if (texts.length === 0) return value;
  try {
    return new Mask(texts).of(value) as T;
  } catch {
    return '[not storable]' as T;
  }
}

class Mask {
  readonly #exact: ReadonlySet<string>;
  readonly #texts: readonly string[];
  /** Also of those being copied: an object that contains itself. */
  readonly #done = new Map<object, unknown>();

  constructor(texts: readonly string[]) {
    this.#exact = new Set(texts);
    this.#texts = [...new Set(texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())]))].filter(Boolean);
  }

  of(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'number' || typeof value === 'bigint') return this.#exact.has(String(value)) ? REDACTED : value;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
    if (this.#done.has(value)) return this.#done.get(value);
    this.#done.set(value, '[circular]');
    const copy = this.#object(value);
    this.#done.set(value, copy);
    return copy;
  }

  #text(text: string): string {
    const found = this.#texts.flatMap((one) => occurrences(text, one)).sort(([a], [b]) => a - b);
    let masked = '';
    let end = 0;
    for (const [from, to] of found) {
      // What overlaps or touches is one.
      if (from > end || (from === 0 && end === 0)) masked += text.slice(end, from) + REDACTED;
      end = Math.max(end, to);
    }
    return masked + text.slice(end);
  }

  #object(value: object): unknown {
    if (Array.isArray(value))
      return changed(
        value,
        value.map((item) => this.of(item)),
      );
    if (value instanceof Map) {
      const entries = [...value].map(([key, item]) => [this.of(key), this.of(item)] as const);
      return [...value].every(([key, item], i) => entries[i]?.[0] === key && entries[i]?.[1] === item) ? value : new Map(entries);
    }
    if (value instanceof Set) {
      const items = [...value].map((item) => this.of(item));
      return changed([...value], items) === items ? new Set(items) : value;
    }
    return isPlain(value) ? this.#plain(value) : this.#instance(value);
  }

  #plain(value: object): object {
    const entries = Object.entries(value);
    const masked = entries.map(([key, item]) => [this.#text(key), this.of(item)] as const);
    return entries.every(([key, item], i) => masked[i]?.[0] === key && masked[i]?.[1] === item) ? value : Object.fromEntries(masked);
  }

  /** An instance keeps its class, and an error is one still. */
  #instance(value: object): object {
    const names = new Set([...(isError(value) ? ['message', 'stack', 'cause', 'errors'].filter((name) => name in value) : []), ...Object.keys(value)]);
    const fields = [...names].map((name) => [name, (value as Record<string, unknown>)[name]] as const);
    const masked = fields.map(([name, item]) => [name, this.of(item)] as const);
    if (fields.every(([, item], i) => masked[i]?.[1] === item)) return value;
    const copy: object = Object.setPrototypeOf(isError(value) ? new Error() : {}, Object.getPrototypeOf(value) as object);
    for (const [name, item] of masked)
      Object.defineProperty(copy, name, {
        value: item,
        enumerable: Object.prototype.propertyIsEnumerable.call(value, name),
        writable: true,
        configurable: true,
      });
    return copy;
  }
}

function occurrences(text: string, one: string): readonly (readonly [from: number, to: number])[] {
  const found: (readonly [number, number])[] = [];
  for (let at = text.indexOf(one); at >= 0; at = text.indexOf(one, at + 1)) found.push([at, at + one.length]);
  return found;
}

function changed(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return before.every((item, i) => item === after[i]) ? before : after;
}
