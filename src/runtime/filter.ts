import { SagachartError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import { RUN_STATUSES, type RunFilter, type RunRow, type Store } from '../stores/store.ts';

const PAGE = 100;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isText = (value: unknown): boolean => typeof value === 'string';

/** What each part of a filter must be. */
const PARTS: Readonly<Record<keyof RunFilter, readonly [fits: (value: unknown) => boolean, wanted: string]>> = {
  saga: [isText, 'the name of a saga'],
  version: [isCount, 'a whole number'],
  status: [(value) => isTexts(value) && (value as string[]).every((one) => RUN_STATUSES.includes(one as never)), `a list of ${RUN_STATUSES.join(', ')}`],
  attention: [(value) => typeof value === 'boolean', 'true or false'],
  labels: [(value) => typeof value === 'object' && value !== null && Object.values(value).every(isText), 'text by name'],
  queue: [isText, 'the name of a queue'],
  ids: [isTexts, 'a list of run ids'],
  createdBefore: [Number.isFinite, 'a time, ms since 1970'],
  createdAfter: [Number.isFinite, 'a time, ms since 1970'],
  endedBefore: [Number.isFinite, 'a time, ms since 1970'],
  limit: [isCount, 'a whole number'],
  before: [Number.isFinite, 'the number of a run'],
  order: [(value) => value === 'started' || value === 'ended', 'started or ended'],
};

/**
 * The filter, if it says what it means: a part with a wrong name would be passed over, and more runs be found than were meant.
 * @throws SagachartError SC_OPTION
 */
export function checkFilter(filter: RunFilter): RunFilter {
  if (typeof filter !== 'object' || filter === null) throw wrong('filter', filter, 'an object');
  for (const [name, value] of Object.entries(filter)) {
    const part = Object.hasOwn(PARTS, name) ? PARTS[name as keyof RunFilter] : undefined;
    if (!part) throw wrong(`filter.${name}`, value, `left out: a filter has ${Object.keys(PARTS).join(', ')}`);
    if (value !== undefined && !part[0](value)) throw wrong(`filter.${name}`, value, part[1]);
  }
  return filter;
}

function wrong(name: string, value: unknown, wanted: string): SagachartError {
  return new SagachartError('SC_OPTION', `${name} is ${quoted(value)}, but must be ${wanted}`, { next: 'Correct the filter.', details: { option: name } });
}

/**
 * The runs that fit, newest first, read page by page. `limit` counts all of them; default: no limit.
 * @throws SagachartError SC_OPTION
 */
export async function* runsOf(store: Pick<Store, 'list'>, filter: RunFilter, page = PAGE): AsyncGenerator<RunRow, void> {
  for await (const rows of pagesOf(store, filter, page)) yield* rows;
}

export async function* pagesOf(store: Pick<Store, 'list'>, filter: RunFilter, page: number): AsyncGenerator<readonly RunRow[], void> {
  const { limit = Number.POSITIVE_INFINITY, ...rest } = checkFilter(filter);
  let before = rest.before;
  for (let left = limit; left > 0; ) {
    const asked = Math.min(left, page);
    const rows = await store.list({ ...rest, order: 'started', limit: asked, ...(before === undefined ? {} : { before }) });
    if (rows.length > 0) yield rows;
    if (rows.length < asked) return;
    before = rows.at(-1)?.number;
    left -= rows.length;
  }
}
