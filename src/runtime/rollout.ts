import { SagachartError } from '../base/errors.ts';
import { fraction } from '../base/fraction.ts';
import { quoted } from '../base/quoted.ts';
import type { Control, Store } from '../stores/store.ts';
import type { Operator } from './command.ts';
import type { Programs } from './program.ts';
import { who } from './who.ts';

/** When a version is taken back by itself. */
export interface RollbackRule {
  /** Of the runs that have ended, or need a person, how many may have failed, from 0 to 1: above it nobody starts on it any more. */
  readonly failureRate: number;
  /** How many must have ended before it is judged. A whole number from 1. Default: 20. */
  readonly after?: number;
}

/** How the new runs of a saga are shared out between two of its versions, as it stands in the store. */
export interface Rollout {
  readonly saga: string;
  /** The version that is rolled out. */
  readonly version: number;
  /** Which part of new runs begins on it: 0 to 1. */
  readonly share: number;
  /** The version of all the others. */
  readonly rest: number;
  /** When it began, ms since 1970: runs from then on are counted. */
  readonly since: number;
  readonly rollback: Required<RollbackRule> | null;
  /** Why it was taken back, if it was. */
  readonly rolledBack: { readonly at: number; readonly ended: number; readonly failed: number } | null;
  readonly by: string | null;
  readonly reason: string | null;
}

export interface RolloutOptions extends Operator {
  readonly version: number;
  /** Which part of new runs begins on it, 0 to 1. A rising share only adds runs: who began on it before still would. Default: as it is, at first 0. */
  readonly share?: number;
  /** The version of all the others. Default: the one that all new runs began on before. */
  readonly rest?: number;
  /** When it is taken back by itself; null: never. Default: as it is, at first never. */
  readonly rollback?: RollbackRule | null;
}

const NAME = /^rollout:(.+)$/s;
const AFTER = 20;

export function rolloutName(saga: string): string {
  return `rollout:${saga}`;
}

export function encodeRollout({ saga: _, ...body }: Rollout): string {
  return JSON.stringify(body);
}

/** Undefined for a setting that is no rollout. */
export function readRollout({ name, body }: Control): Rollout | undefined {
  const saga = NAME.exec(name)?.[1];
  return saga === undefined ? undefined : { saga, ...(JSON.parse(body) as Omit<Rollout, 'saga'>) };
}

/** The rollouts that stand in a store, by saga. */
export async function readRollouts(store: Pick<Store, 'controls'>): Promise<ReadonlyMap<string, Rollout>> {
  const all = (await store.controls()).flatMap((control) => readRollout(control) ?? []);
  return new Map(all.map((rollout) => [rollout.saga, rollout]));
}

/** The version on which a run begins: the same for the same id, and for every larger share if it is the new one. */
export function versionFor({ saga, version, share, rest }: Rollout, run: string): number {
  return fraction(`${saga}@${version}/${run}`) < share ? version : rest;
}

/**
 * Says how new runs are shared out, durably, for all processes of the store.
 * @throws SagachartError SC_UNKNOWN_SAGA, SC_OPTION
 */
export async function setRollout(
  store: Pick<Store, 'controls' | 'setControl'>,
  { programs, saga, at, ...options }: RolloutOptions & { readonly programs: Programs; readonly saga: string; readonly at: number },
): Promise<Rollout> {
  const { version, share, rest, rollback, by, reason, ...unknown } = options;
  for (const name of Object.keys(unknown)) throw wrong(name, unknown[name as never], 'left out: options are version, share, rest, rollback, by, reason');
  programs.find(saga, version);
  if (rest !== undefined) programs.find(saga, rest);
  const before = (await readRollouts(store)).get(saga);
  const same = before?.version === version && before.rolledBack === null ? before : undefined;
  const operator = who({ by, reason });
  const next: Rollout = {
    saga,
    version,
    share: checkShare(share ?? same?.share ?? 0),
    rest: rest ?? same?.rest ?? restOf(before, programs, { saga, version }),
    since: same?.since ?? at,
    rollback: rollback === undefined ? (before?.version === version ? before.rollback : null) : rollback && checkRule(rollback),
    rolledBack: null,
    by: operator.by ?? null,
    reason: operator.reason ?? null,
  };
  await store.setControl(rolloutName(saga), encodeRollout(next));
  return next;
}

/** New runs begin on the newest version again, whatever that is. */
export async function clearRollout(store: Pick<Store, 'setControl'>, saga: string): Promise<void> {
  await store.setControl(rolloutName(saga), undefined);
}

/** What all new runs begin on so far. */
function restOf(before: Rollout | undefined, programs: Programs, { saga, version }: { readonly saga: string; readonly version: number }): number {
  if (before && before.version !== version) return before.share === 1 ? before.version : before.rest;
  if (before) return before.rest;
  const earlier = programs.all().filter((program) => program.name === saga && program.version < version);
  return earlier.length === 0 ? version : Math.max(...earlier.map((program) => program.version));
}

function checkShare(share: unknown): number {
  if (typeof share === 'number' && share >= 0 && share <= 1) return share;
  throw wrong('share', share, 'a number from 0 to 1');
}

function checkRule(rule: unknown): Required<RollbackRule> {
  const { failureRate, after = AFTER, ...unknown } = (typeof rule === 'object' ? rule : {}) as Partial<RollbackRule>;
  for (const name of Object.keys(unknown)) throw wrong(`rollback.${name}`, unknown[name as never], 'left out: options are failureRate, after');
  if (typeof failureRate !== 'number' || !(failureRate >= 0 && failureRate < 1))
    throw wrong('rollback.failureRate', failureRate, 'a number from 0, less than 1');
  if (!Number.isSafeInteger(after) || after < 1) throw wrong('rollback.after', after, 'a whole number from 1');
  return { failureRate, after };
}

function wrong(name: string, value: unknown, wanted: string): SagachartError {
  return new SagachartError('SC_OPTION', `${name} is ${quoted(value)}, but must be ${wanted}`, { next: 'Correct the option.', details: { option: name } });
}
