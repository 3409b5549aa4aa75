import { quoted } from '../base/quoted.ts';
import { checkFunction } from './check.ts';
import type { QueryScope, SagaDefinition } from './definition.ts';
import { definitionError, type Where } from './error.ts';
import { checkQueryName } from './name.ts';
import { isPlain } from './options.ts';

/** What a query of a saga is asked about: what its run knows now. Nothing has surely happened while it is under way. */
export interface RunNow<Input, D> extends Omit<QueryScope, 'input' | 'results' | 'previous' | 'progress'> {
  readonly input: Input;
  /** Of the steps that have succeeded, and were not undone. */
  readonly results: { readonly [K in keyof D]?: D[K] };
  /** Of steps in a loop that goes around again: their results in the round before. */
  readonly previous: { readonly [K in keyof D]?: D[K] };
  /** What attempts said last of how far they have come, by step; of a map under way `{ total, done, stuck }`. */
  readonly progress: { readonly [K in keyof D]?: unknown };
}

/** Answers at once: what a promise will hold is not what the run knows now. */
export type AtOnce<R> = R extends PromiseLike<unknown> ? 'a query answers at once: it cannot be async' : unknown;

/** Functions by name. */
export type QueriesOn<Now, Answers> = { readonly [Name in keyof Answers]: (now: Now) => Answers[Name] & AtOnce<Answers[Name]> };

/** What may be asked of a run, by name, and what is answered: types only. */
export interface Queried<Answers> {
  readonly answers?: Answers | undefined;
}

type Functions<Now> = Readonly<Record<string, (now: Now) => unknown>>;

/** @throws DefinitionError SC_DEFINITION_OPTION, SC_DEFINITION_NAME, SC_DEFINITION_RESERVED */
export function checkQueries<Now>(where: Where, queries: unknown): Functions<Now> {
  if (!isPlain(queries))
    throw definitionError('SC_DEFINITION_OPTION', where, {
      what: `queries are ${quoted(queries)}, not an object`,
      next: 'Give functions by name.',
      option: 'queries',
      value: queries,
    });
  for (const [name, query] of Object.entries(queries)) {
    checkQueryName(where, name);
    checkFunction(where, `queries.${name}`, query);
  }
  return Object.freeze({ ...queries }) as Functions<Now>;
}

/** Those of a saga, whose last word they are. @throws DefinitionError as `checkQueries` */
export function checkedQueries(saga: string, head: Pick<SagaDefinition, 'queries'>, queries: unknown): Functions<QueryScope> {
  checkLast(saga, head);
  return checkQueries({ saga }, queries);
}

/** What is added after the queries would not be among their results. @throws DefinitionError SC_DEFINITION_OPTION */
export function checkLast(saga: string, { queries }: Pick<SagaDefinition, 'queries'>): void {
  if (queries)
    throw definitionError(
      'SC_DEFINITION_OPTION',
      { saga },
      { what: 'something follows its queries', next: 'Let .queries(…) come last, after .output(…).', option: 'queries' },
    );
}
