import { SagachartError } from '../base/errors.ts';
import type { Failure } from '../base/failure.ts';
import { quoted } from '../base/quoted.ts';
import { decodeEntry, type Entry } from '../kernel/entry.ts';
import type { RunFilter, RunRow, Store } from '../stores/store.ts';
import type { AttemptKind } from './event.ts';
import { runsOf } from './filter.ts';
import { inputOf, stepOf } from './history.ts';
import type { Programs } from './program.ts';
import { storedState } from './recovery.ts';

/** Errors that mean the same thing as far as anybody can tell, and that nobody has said what they mean. */
export interface UnclassifiedGroup {
  readonly saga: string;
  readonly step: string;
  readonly kind: AttemptKind;
  /** `code` of the error if it had one, else its class name. */
  readonly code: string;
  /** Without numbers and ids, so that the same error of two runs is the same, and 200 characters at most. */
  readonly message: string;
  /** Attempts that failed with it. */
  readonly attempts: number;
  /** Runs that it was seen in. */
  readonly runs: number;
  /** ms since 1970. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Id of the run that it was last found in, to look at. */
  readonly run: string;
}

export interface UnclassifiedReport {
  /** Those with the most attempts first. */
  readonly groups: readonly UnclassifiedGroup[];
  /** Runs that were looked through. */
  readonly runs: number;
  /** Attempts that failed so, of all groups and of none. */
  readonly attempts: number;
  /** Attempts that failed with an error for which there was no group left: 0 if the report is complete. */
  readonly others: number;
}

export interface UnclassifiedOptions {
  /** Groups that are kept, from 1 to 10,000. Default: 1,000. What is found beyond them is counted in `others`. */
  readonly groups?: number;
}

const MOST_GROUPS = 10_000;
const JOURNAL_PAGE = 100;
const LONGEST_MESSAGE = 200;

/**
 * Errors of attempts that neither a `classify` nor the error's own class told apart: each is retried though it may be
 * hopeless, and doubted though it may be certain. Looks through the journals of the runs that fit, page by page.
 * @throws SagachartError SC_OPTION
 */
export async function unclassifiedErrors(
  { store, programs }: { readonly store: Pick<Store, 'list' | 'journal' | 'load'>; readonly programs: Programs },
  filter: RunFilter,
  { groups: most = 1_000 }: UnclassifiedOptions = {},
): Promise<UnclassifiedReport> {
  if (!Number.isSafeInteger(most) || most < 1 || most > MOST_GROUPS) {
    throw new SagachartError('SC_OPTION', `groups is ${quoted(most)}, but must be a whole number from 1 to ${MOST_GROUPS}`, {
      next: 'Correct how many groups are kept.',
      details: { option: 'groups' },
    });
  }
  const groups = new Map<string, Group>();
  const total = { runs: 0, attempts: 0, others: 0 };
  for await (const row of runsOf(store, filter)) {
    total.runs++;
    let seen: ((failure: Failure) => Failure) | undefined;
    for await (const found of errorsOf(store, row)) {
      seen ??= await withoutSecrets(store, programs, row);
      total.attempts++;
      const { code, message } = seen(found.error);
      const about = { saga: row.saga, ...found.about, code, message: normalized(message) };
      const key = JSON.stringify(about);
      const group = groups.get(key);
      if (group) count(group, row, found.at);
      else if (groups.size < most) groups.set(key, { ...about, attempts: 1, runs: 1, firstAt: found.at, lastAt: found.at, run: row.id, last: row.number });
      else total.others++;
    }
  }
  const sorted = [...groups.values()].sort((a, b) => b.attempts - a.attempts || b.lastAt - a.lastAt);
  return { groups: sorted.map(({ last: _, ...group }) => group), ...total };
}

interface Group extends Omit<UnclassifiedGroup, 'attempts' | 'runs' | 'firstAt' | 'lastAt' | 'run'> {
  attempts: number;
  runs: number;
  firstAt: number;
  lastAt: number;
  run: string;
  /** Number of the run it was last found in: runs come one after the other, so that is all it takes to count them. */
  last: number;
}

function count(group: Group, row: RunRow, at: number): void {
  group.attempts++;
  if (group.last !== row.number) group.runs++;
  group.last = row.number;
  group.run = row.id;
  group.firstAt = Math.min(group.firstAt, at);
  group.lastAt = Math.max(group.lastAt, at);
}

async function* errorsOf(store: Pick<Store, 'journal'>, { number }: RunRow) {
  for (let from = 1; ; ) {
    const page = await store.journal(number, { from, limit: JOURNAL_PAGE });
    for (const stored of page) {
      // Most entries hold no such thing, and need no reading.
      if (stored.codec === 0 && !stored.text.includes('"unclassified"')) continue;
      const found = errorIn(decodeEntry(stored));
      if (found) yield found;
    }
    if (page.length < JOURNAL_PAGE) return;
    from = (page.at(-1)?.seq ?? 0) + 1;
  }
}

function errorIn({ event, at }: Entry) {
  const failed = event.type === 'faulted' ? event.event : event;
  if ((failed.type !== 'failed' && failed.type !== 'itemFailed') || !failed.error.unclassified) return undefined;
  return { at, error: failed.error, about: stepOf(failed.child) };
}

/** What is stored was masked when it was written; what the run knows of by now is masked, too. */
async function withoutSecrets(store: Pick<Store, 'load' | 'journal'>, programs: Programs, row: RunRow): Promise<(failure: Failure) => Failure> {
  const program = programs.match(row);
  if (program instanceof SagachartError) return (failure) => failure;
  const { seq, data } = storedState(await store.load(row.number));
  const state = { seq, data: { ...data, input: await inputOf(store, row.number) }, snapshot: undefined };
  return (failure) => program.withoutSecrets(state, failure);
}

const IDS = /\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9a-f]*\d)[0-9a-f]{12,}|[0-9A-Z]{26})\b/gi;
const NUMBERS = /\d+(?:[.,:]\d+)*/g;

/** What differs from one run to the next is left out. */
function normalized(message: string): string {
  const same = message.replace(IDS, '<id>').replace(NUMBERS, '<n>').replace(/\s+/g, ' ').trim();
  return same.length <= LONGEST_MESSAGE ? same : `${same.slice(0, LONGEST_MESSAGE)}…`;
}
