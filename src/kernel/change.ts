import { notStorable } from '../base/encoding.ts';

/**
 * One difference between two states, in the order in which it is applied:
 * `=` sets a value, `-` removes a key, `@` sets what the event itself carries, so that it is written once.
 */
export type Change = readonly ['=', Path, unknown] | readonly ['-', Path] | readonly ['@', Path, CarriedField];
export type Path = readonly (string | number)[];

/** Fields of an event that states refer to instead of repeating them. */
export type CarriedField = 'input' | 'output' | 'error' | 'progress';
export type Carried = Readonly<Partial<Record<CarriedField, unknown>>>;

const CARRIED: readonly CarriedField[] = ['output', 'error', 'input', 'progress'];
/** How deep inside a new value a reference to the event is looked for. */
const REFERENCE_DEPTH = 3;

/**
 * What turns `before` into `after`. Shared parts are skipped by reference, so the cost follows the change.
 * The order of keys is kept: it decides the order of transitions.
 * @throws SagachartError SC_NOT_STORABLE where a path would lead through a key `__proto__`
 */
export function difference(before: unknown, after: unknown, carried: Carried): readonly Change[] {
  const changes: Change[] = [];
  // The order of a state's own fields means nothing, so one that comes or goes does not rewrite the rest.
  if (isRecord(before) && isRecord(after)) compareFields([], before, after, carried, changes);
  else compare([], before, after, carried, changes);
  return changes;
}

function compare(path: Path, before: unknown, after: unknown, carried: Carried, changes: Change[]): void {
  if (Object.is(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after) && after.length >= before.length) {
    for (let i = 0; i < after.length; i++) {
      if (i >= before.length) set([...path, i], after[i], carried, changes);
      else if (!Object.is(before[i], after[i])) compare([...path, i], before[i], after[i], carried, changes);
    }
    return;
  }
  if (isRecord(before) && isRecord(after) && sameOrder(before, after)) compareFields(path, before, after, carried, changes);
  else set(path, after, carried, changes);
}

function compareFields(path: Path, before: Record<string, unknown>, after: Record<string, unknown>, carried: Carried, changes: Change[]): void {
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) changes.push(['-', [...path, key]]);
  for (const key of Object.keys(after)) {
    if (Object.hasOwn(before, key) && Object.is(before[key], after[key])) continue;
    // Values are looked through when they become text; a path is not, and this one would set a prototype.
    if (key === '__proto__') throw notStorable(path.join('.'), 'an object with the key __proto__');
    if (Object.hasOwn(before, key)) compare([...path, key], before[key], after[key], carried, changes);
    else set([...path, key], after[key], carried, changes);
  }
}

/** Whether deleting and appending keys leads to the order of `after`; where nothing stays, setting the whole is shorter. */
function sameOrder(before: Record<string, unknown>, after: Record<string, unknown>): boolean {
  const stayed = Object.keys(before).filter((key) => Object.hasOwn(after, key));
  const keys = Object.keys(after);
  if (stayed.length === 0) return keys.length === 0 || Object.keys(before).length === 0;
  return stayed.every((key, i) => keys[i] === key);
}

function set(path: Path, value: unknown, carried: Carried, changes: Change[]): void {
  const references: Change[] = [];
  const rest = withoutReferences(path, value, carried, references, 0);
  if (references[0]?.[1] !== path) changes.push(['=', path, rest]);
  changes.push(...references);
}

/** The value with null where the event carries the same thing; key order stays. */
function withoutReferences(path: Path, value: unknown, carried: Carried, references: Change[], depth: number): unknown {
  if (!worthReferring(value)) return value;
  for (const field of CARRIED) {
    if (carried[field] === value) {
      references.push(['@', path, field]);
      return null;
    }
  }
  if (depth === REFERENCE_DEPTH || !isRecord(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const kept = withoutReferences([...path, key], value[key], carried, references, depth + 1);
    if (kept !== value[key]) {
      copy ??= { ...value };
      copy[key] = kept;
    }
  }
  return copy ?? value;
}

const SHORT_TEXT = 32;
const FEW = 2;

/** What is short is written sooner than a reference to it. */
export function worthReferring(value: unknown): boolean {
  if (typeof value === 'string') return value.length > SHORT_TEXT;
  if (typeof value !== 'object' || value === null) return false;
  const parts = Object.values(value);
  return parts.length > FEW || parts.some((part) => (typeof part === 'string' ? part.length > SHORT_TEXT : typeof part === 'object' && part !== null));
}

/** Applies changes to data that nobody else holds, and returns it. Data only: no user code runs. */
export function applyChanges(data: unknown, changes: readonly Change[], carried: Carried): unknown {
  let root = data;
  for (const change of changes) {
    const [kind, path] = change;
    // A copy for each reference: a later change inside one of them must not show in the others.
    const value = kind === '@' ? structuredClone(carried[change[2]]) : change[2];
    const last = path.at(-1);
    if (last === undefined) {
      root = value;
      continue;
    }
    let parent = root as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
    if (kind === '-') delete parent[last];
    else parent[last] = value;
  }
  return root;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
