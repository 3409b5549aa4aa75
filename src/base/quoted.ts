/** Longer than any value that is right: what is left out of it says nothing. */
const LONGEST = 120;
const MOST_LEVELS = 3;

/**
 * An offending value as its author would write it, for a message: up to 120 characters, three levels deep.
 * JSON alone shows `Infinity` as null and fails on a bigint. Never throws, whatever it is given.
 */
export function quoted(value: unknown): string {
  try {
    const text = written(value, 0);
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch {
    return typeof value === 'function' ? 'a function' : 'an object';
  }
}

function written(value: unknown, level: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST + 1));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return typeof value.name === 'string' && value.name !== '' ? `function ${value.name}` : 'a function';
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Promise) return 'a promise';
  if (level === MOST_LEVELS) return '…';
  if (Array.isArray(value)) return `[${joined(value, (item) => written(item, level + 1))}]`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return instance(value);
  return `{${joined(Object.entries(value), ([key, item]) => `${JSON.stringify(key)}:${written(item, level + 1)}`)}}`;
}

/** Ends where nobody reads on: a list of a million items takes no longer than its beginning. */
function joined<T>(items: readonly T[], text: (item: T) => string): string {
  let all = '';
  for (const item of items) {
    if (all.length > LONGEST) break;
    all += `${all === '' ? '' : ','}${text(item)}`;
  }
  return all;
}

function instance(value: object): string {
  const made = value.constructor;
  return typeof made === 'function' && made.name !== '' ? `an instance of ${made.name}` : 'an object';
}
