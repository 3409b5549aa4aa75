import { hash } from 'node:crypto';
import { SagachartError } from './errors.ts';

/**
 * Values as text. JSON alone loses `undefined`, NaN, infinities, -0 and dates, and turns an Error, a Map or an
 * object with a class into something else without a word. What can be kept is kept (as `{ "$sc": kind, … }`);
 * the rest is refused with the path to the value. Key order is kept: the order of transitions may depend on it.
 */
const TAG = '$sc';

/** How deep a value may be: far deeper than data is, and far from where the stack of the process ends. */
const MOST_LEVELS = 500;

/**
 * @param levels how deep it may be; what wraps values that were encoded before needs some more than they
 * @throws SagachartError SC_NOT_STORABLE, with the path of the first value that text cannot hold
 */
export function encode(value: unknown, name = 'value', levels: number = MOST_LEVELS): string {
  return JSON.stringify(isPlain(value) ? value : pack(value, name, { above: new Set(), levels }));
}

/** For what wraps values of others, such as an entry of the journal: its own levels come on top of theirs. */
export const WRAPPED_LEVELS = MOST_LEVELS + 50;

export function decode(text: string): unknown {
  const value = JSON.parse(text);
  return text.includes(`"${TAG}"`) ? unpack(value) : value;
}

/** A frozen copy, as it will be read back: what its owner does to the original later changes nothing. */
export function stored(text: string): unknown {
  return frozen(decode(text));
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const key of Object.keys(value)) frozen((value as Record<string, unknown>)[key]);
  return Object.freeze(value);
}

/** True when JSON holds the value as it is: the common case, and cheap to find out. */
export function isPlain(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > 64) return false;
  if (Array.isArray(value)) {
    // Of the ways to count what an array has, fields of its own included, this is the cheapest.
    if (Object.getPrototypeOf(value) !== Array.prototype || Object.values(value).length !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth + 1)) return false;
    return true;
  }
  if (!isRecord(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  for (const key of Object.keys(value)) {
    if (key === TAG || key === '__proto__' || key === 'toJSON' || !isPlain(value[key], depth + 1)) return false;
  }
  return true;
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Where the packing stands: the objects around the present value, and how many they may be. */
interface Depth {
  readonly above: Set<object>;
  readonly levels: number;
}

function pack(value: unknown, path: string, depth: Depth): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'undefined':
      return { [TAG]: 'undefined' };
    case 'bigint':
      return { [TAG]: 'bigint', v: String(value) };
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { [TAG]: 'number', v: Object.is(value, -0) ? '-0' : String(value) };
    case 'object':
      return value === null ? null : packObject(value, path, depth);
    default:
      throw notStorable(path, `a ${typeof value}`);
  }
}

function packObject(value: object, path: string, depth: Depth): unknown {
  const { above, levels } = depth;
  if (value instanceof Date) return packDate(value, path);
  if (above.has(value)) throw notStorable(path, 'a reference to an object that contains it');
  if (above.size >= levels) throw notStorable(path, `more than ${levels} levels deep`);
  above.add(value);
  try {
    if (Array.isArray(value)) return packArray(value, path, depth);
    if (!isRecord(value)) throw notStorable(path, instanceOf(value));
    const symbol = Object.getOwnPropertySymbols(value)[0];
    if (symbol) throw notStorable(path, `an object with the symbol key ${String(symbol)}`);
    const entries = Object.keys(value).map((key) => {
      if (key === '__proto__') throw notStorable(path, 'an object with the key __proto__');
      return [key, pack(value[key], `${path}.${key}`, depth)] as const;
    });
    return Object.hasOwn(value, TAG) ? { [TAG]: 'object', v: entries } : Object.fromEntries(entries);
  } finally {
    above.delete(value);
  }
}

function packDate(value: Date, path: string): unknown {
  if (Object.getPrototypeOf(value) !== Date.prototype) throw notStorable(path, instanceOf(value));
  const field = Object.keys(value)[0];
  if (field !== undefined) throw notStorable(path, `a date with the field ${field}`);
  if (Number.isNaN(value.getTime())) throw notStorable(path, 'an invalid date');
  return { [TAG]: 'date', v: value.toISOString() };
}

function packArray(value: readonly unknown[], path: string, depth: Depth): unknown {
  if (Object.getPrototypeOf(value) !== Array.prototype) throw notStorable(path, instanceOf(value));
  const field = Object.keys(value).find((key) => !(/^(0|[1-9]\d*)$/.test(key) && Number(key) < value.length));
  if (field !== undefined) throw notStorable(path, `an array with the field ${field}`);
  return Array.from(value, (item, i) => pack(item, `${path}[${i}]`, depth));
}

function instanceOf(value: object): string {
  return `an instance of ${value.constructor?.name ?? 'a class'}`;
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unpack);
  const record = value as Record<string, unknown>;
  if (!Object.hasOwn(record, TAG)) {
    for (const key of Object.keys(record)) record[key] = unpack(record[key]);
    return record;
  }
  const { [TAG]: kind, v } = record;
  if (kind === 'undefined') return undefined;
  if (kind === 'number') return Number(v);
  if (kind === 'bigint') return BigInt(v as string);
  if (kind === 'date') return new Date(v as string);
  if (kind === 'object') return Object.fromEntries((v as [string, unknown][]).map(([key, item]) => [key, unpack(item)]));
  throw new SagachartError('SC_ENCODING', `stored text holds a value of the unknown kind ${JSON.stringify(kind)}`, {
    next: 'It was written by a newer version of Sagachart: update this one.',
    details: { kind },
  });
}

/** Longer ones come only from what is far too deep. */
const LONGEST_PATH = 200;

/** The error for what text cannot hold. */
export function notStorable(fullPath: string, what: string): SagachartError {
  const path = fullPath.length > LONGEST_PATH ? `${fullPath.slice(0, LONGEST_PATH)}…` : fullPath;
  return new SagachartError('SC_NOT_STORABLE', `${path} cannot be stored: it is ${what}`, {
    next: 'Use plain JSON data: objects, arrays, strings, finite numbers, booleans, null.',
    details: { path },
  });
}

/** Text with sorted keys, so that equal values have equal text: for hashes, never for what is restored. */
export function canonical(value: unknown): string {
  return JSON.stringify(sortKeys(isPlain(value) ? value : pack(value, 'value', { above: new Set(), levels: MOST_LEVELS })));
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sortKeys);
  const record = value as Record<string, unknown>;
  // Whatever has the tag was packed here: of an object that has it as a key of its own the entries are sorted.
  if (record[TAG] === 'object') return { [TAG]: 'object', v: sortEntries(record.v as [string, unknown][]) };
  return Object.fromEntries(sortEntries(Object.entries(record)));
}

function sortEntries(entries: readonly [string, unknown][]): [string, unknown][] {
  return entries.map(([key, item]): [string, unknown] => [key, sortKeys(item)]).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function sha256(text: string): string {
  return hash('sha256', text);
}
