import { type UnclassifiedReport, unclassifiedErrors } from '../runtime/unclassified.ts';
import { type CommonOptions, withStore } from './actions.ts';
import { type FilterOptions, filterOf } from './filter.ts';
import { type Output, print, table } from './output.ts';

/** Lists errors that neither a `classify` nor their own class tells apart. */
export async function errors(output: Output, options: CommonOptions & FilterOptions & { readonly limit: number }): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const { groups, ...counts } = await unclassifiedErrors({ store, programs }, filterOf(options), { groups: options.limit });
    const time = (ms: number): string => new Date(ms).toISOString();
    const shown = groups.map(({ firstAt, lastAt, ...group }) => ({ ...group, firstAt: time(firstAt), lastAt: time(lastAt) }));
    print(output, { groups: shown, ...counts }, () => errorsPage(shown, counts));
  });
}

type Shown = Omit<UnclassifiedReport['groups'][number], 'firstAt' | 'lastAt'> & { readonly firstAt: string; readonly lastAt: string };

function errorsPage(groups: readonly Shown[], { runs, others }: Omit<UnclassifiedReport, 'groups'>): readonly string[] {
  if (groups.length === 0) return [`every error of ${runs} runs is classified`];
  return [
    ...table(
      ['SAGA', 'STEP', 'ATTEMPTS', 'RUNS', 'LAST', 'EXAMPLE', 'ERROR'],
      groups.map(({ saga, step, kind, attempts, runs: seenIn, lastAt, run, code, message }) => [
        saga,
        kind === 'run' ? step : `${step} (${kind})`,
        String(attempts),
        String(seenIn),
        lastAt,
        run,
        `${code} ${message}`,
      ]),
    ),
    ...(others > 0 ? [`and ${others} attempts with other errors: narrow down the runs, or raise --limit`] : []),
  ];
}
