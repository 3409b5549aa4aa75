import { errorRecord, isError } from './error-record.ts';
import { isLikelySecret } from './likely-names.ts';
import { type Kind, Place } from './place.ts';

/** What stands in place of what must not be seen. */
export const REDACTED = '[redacted]';

const LONGEST = 2_000;

/**
 * A copy without likely credentials, and without whatever the schema marks with `.meta({ sensitive: true })` or may
 * have made of it; anything larger than 2,000 characters of JSON is cut, because failures are stored with each attempt.
 */
export function redact(value: unknown, schema?: unknown): unknown {
  try {
    const copy = hide(value, schema);
    if (typeof copy === 'string') return cut(copy);
    const text = JSON.stringify(copy);
    return text === undefined || text.length <= LONGEST ? copy : cut(text);
  } catch {
    return '[not storable]';
  }
}

/** At most 2,000 characters, and how many there were. */
export function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
}

/** Told of what is hidden. `keys`: its keys were to be hidden too. */
type Hidden = (value: unknown, keys: boolean) => void;

/** As `redact`, but whole. Throws what a getter of the value throws. */
export function hide(value: unknown, schema?: unknown, hidden: Hidden = () => {}): unknown {
  return new Copy(hidden).of(value, Place.of(schema));
}

class Copy {
  readonly #hidden: Hidden;
  readonly #above = new Set<object>();

  constructor(hidden: Hidden) {
    this.#hidden = hidden;
  }

  of(value: unknown, place: Place): unknown {
    if (value === undefined) return undefined;
    if (place.hides(kindOf(value))) return this.#hide(value, false);
    if (typeof value !== 'object' || value === null) return ['function', 'symbol', 'bigint'].includes(typeof value) ? String(value) : value;
    if (this.#above.has(value)) return '[circular]';
    this.#above.add(value);
    try {
      return this.#inside(value, place);
    } finally {
      this.#above.delete(value);
    }
  }

  #inside(value: object, place: Place): unknown {
    if (Array.isArray(value)) return value.map((item, i) => this.of(item, place.item(i)));
    if (isError(value)) return this.#fields(errorRecord(value), place);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    const isMap = value instanceof Map;
    if ((isMap || isPlain(value)) && place.hidesKeys) return this.#hide(value, true);
    if (isMap) return [...value].map(([key, item]) => [this.of(key, Place.of(undefined)), this.#field(String(key), item, place)]);
    if (value instanceof Set) return [...value].map((item) => this.of(item, place.item(0)));
    return isPlain(value) ? this.#fields(value, place) : String(value);
  }

  #fields(value: object, place: Place): unknown {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#field(key, item, place)]));
  }

  #field(key: string, item: unknown, place: Place): unknown {
    return isLikelySecret(key) ? this.#hide(item, false) : this.of(item, place.at(key));
  }

  #hide(value: unknown, keys: boolean): string {
    this.#hidden(value, keys);
    return REDACTED;
  }
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'nothing';
  if (typeof value !== 'object') return 'leaf';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'map';
  if (value instanceof Set) return 'set';
  return isPlain(value) ? 'record' : 'leaf';
}

export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
