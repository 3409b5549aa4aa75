import { SagachartError } from '../base/errors.ts';
import { own } from '../base/own.ts';
import { quoted } from '../base/quoted.ts';
import type { Store } from '../stores/store.ts';
import { nowOf, presentRun } from './present.ts';
import type { Programs } from './program.ts';

/** A query that can be answered later: its run has yet to begin. */
export class NotBegun extends Error {}

/**
 * What a query of a run answers, from what is stored of it: a copy, so that it changes nothing, whatever it does.
 * @throws SagachartError SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED, SC_QUERY_UNKNOWN, SC_QUERY_FAILED
 */
export async function queryRun({ store, programs }: { readonly store: Store; readonly programs: Programs }, id: string, name: string): Promise<unknown> {
  const { row, data } = await presentRun(store, id);
  const program = programs.match(row);
  if (program instanceof SagachartError) throw program;
  const query = own(program.queries, name);
  if (!query) throw queryUnknown({ id, saga: row.saga, name, declared: Object.keys(program.queries) });
  let answer: unknown;
  try {
    answer = query(nowOf(data, row.status, program));
  } catch (cause) {
    throw queryFailed(id, name, cause);
  }
  if (!isPromise(answer)) return answer;
  // Whatever becomes of it, nobody waits for it.
  Promise.resolve(answer).catch(() => {});
  throw queryFailed(id, name, new TypeError('it gave a promise, but a query answers at once'));
}

function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as { readonly then?: unknown } | null | undefined)?.then === 'function';
}

function queryUnknown({
  id,
  saga,
  name,
  declared,
}: {
  readonly id: string;
  readonly saga: string;
  readonly name: string;
  readonly declared: readonly string[];
}): Error {
  return new SagachartError('SC_QUERY_UNKNOWN', `run ${id}: ${saga} has no query ${quoted(name)}`, {
    next: declared.length === 0 ? `${saga} declares no queries: add .queries({ … }).` : `Declared are: ${declared.join(', ')}.`,
    details: { run: id, saga, query: name, declared },
  });
}

function queryFailed(id: string, name: string, cause: unknown): Error {
  return new SagachartError('SC_QUERY_FAILED', `run ${id}: the query ${name} failed: ${cause instanceof Error ? cause.message : quoted(cause)}`, {
    retryable: cause instanceof NotBegun,
    next: cause instanceof NotBegun ? 'Ask again once it has begun.' : 'Correct the query: it must be pure, and what it reads may not have happened yet.',
    details: { run: id, query: name },
    cause,
  });
}
