import { archiveFile } from '../archive/archive-file.ts';
import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { archiveRuns } from '../runtime/archive.ts';
import { type ActOnPage, type BulkAction, type BulkResult, bulk, each, operate } from '../runtime/bulk.ts';
import type { Command } from '../runtime/command.ts';
import { answerOf, type CommonOptions, type Opened, withStore } from './actions.ts';
import { type FilterOptions, filterOf } from './filter.ts';
import { EXIT, type Output, Progress, print } from './output.ts';

export interface ManyOptions extends CommonOptions, FilterOptions {
  readonly dryRun?: true | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly timeout: number;
}

/** What means nothing for one run: passed over, it would do more than was meant. */
const FOR_MANY = ['dryRun', 'saga', 'sagaVersion', 'status', 'attention', 'label', 'createdBefore', 'createdAfter', 'endedBefore'] as const;

interface OneOrMany extends Partial<ManyOptions> {
  readonly all?: true | undefined;
  readonly inboxId?: string | undefined;
}

/** Whether a command is for one run, or for all that fit. @throws SagachartError SC_USAGE if it is for neither, or for both */
export function isForAll(run: string | undefined, options: OneOrMany): boolean {
  const wrong = run === undefined ? wrongForMany(options) : wrongForOne(run, options);
  if (wrong === undefined) return run === undefined;
  throw new SagachartError('SC_USAGE', wrong, { next: 'Name one run, or say --all, with options that say which.' });
}

function wrongForMany({ all, inboxId }: OneOrMany): string | undefined {
  if (!all) return 'which runs are meant is not said';
  return inboxId === undefined ? undefined : '--inbox-id is for one run';
}

function wrongForOne(run: string, options: OneOrMany): string | undefined {
  const other = options.all ? 'all' : FOR_MANY.find((name) => options[name] !== undefined);
  return other === undefined ? undefined : `the option ${other} is for many runs, and ${run} is one`;
}

/** Does one thing to all runs that fit, through the inbox. */
export async function many(output: Output, action: BulkAction, options: ManyOptions): Promise<number> {
  return await withStore(options, async (opened) => {
    const executor = (await opened.store.owner()) !== undefined;
    const send = async (run: string, command: Exclude<Command, { type: 'start' | 'fork' }>): Promise<unknown> =>
      await answerOf(opened, await opened.remote.send(run, command), options.timeout);
    const act = each(async (row) => {
      if (action === 'purge') await send(row.id, { type: 'purge', incarnation: row.incarnation });
      else await operate(opened.store, row, { action, by: options.by, reason: options.reason }, (command) => send(row.id, command));
    });
    const result = await withProgress(output, opened, action, options, act);
    print(output, { action, dryRun: options.dryRun ?? false, executor, ...shown(result) }, () => page(action, options, executor, result));
    return result.failed > 0 ? EXIT.refused : EXIT.done;
  });
}

/** Writes runs that have ended to a file, and has them purged if that is asked for; only what is safely there. */
export async function archive(output: Output, file: string, options: ManyOptions & { readonly purge?: true | undefined }): Promise<number> {
  return await withStore(options, async (opened) => {
    const { store, remote } = opened;
    const written = archiveFile(file);
    const executor = (await store.owner()) !== undefined;
    let archived = 0;
    const act: ActOnPage = async (rows) => {
      await archiveRuns(store, rows, written, systemClock.now());
      archived += rows.length;
      const purged = each(async ({ id, incarnation }) => await answerOf(opened, await remote.send(id, { type: 'purge', incarnation }), options.timeout));
      return options.purge ? await purged(rows) : rows.map(() => undefined);
    };
    try {
      const result = await withProgress(output, opened, 'purge', options, act);
      const { done, ...rest } = shown(result);
      const counts = { file, dryRun: options.dryRun ?? false, archived, purged: options.purge ? done : 0, ...rest };
      print(output, counts, () => [
        options.dryRun
          ? `${result.matched} runs would be archived`
          : `${archived} runs archived in ${file}${options.purge ? `, ${done} ${executor ? 'purged' : 'to be purged by the next executor'}` : ''}`,
        ...failuresOf(result),
      ]);
      return result.failed > 0 ? EXIT.refused : EXIT.done;
    } finally {
      await written.close();
    }
  });
}

async function withProgress(output: Output, { store }: Opened, action: BulkAction, options: ManyOptions, act: ActOnPage): Promise<BulkResult> {
  const filter = filterOf(options);
  const found = await bulk(store, action, filter, { act, dryRun: true });
  if (options.dryRun) return found;
  const progress = new Progress(output);
  try {
    return await bulk(store, action, filter, {
      act,
      progress: ({ matched, failed }) => progress.tell(matched / Math.max(1, found.matched), `${matched} of ${found.matched}, ${failed} failed`),
    });
  } finally {
    progress.end();
  }
}

function shown({ failures, ...counts }: BulkResult) {
  return { ...counts, failures: failures.map(({ run, error: { code, message } }) => ({ run, code, message })) };
}

function page(action: BulkAction, { dryRun }: ManyOptions, executor: boolean, result: BulkResult): readonly string[] {
  const { matched, done, failed } = result;
  if (dryRun) return [`${action}: ${matched} runs fit`];
  const stored = executor ? 'done' : 'stored; no executor is running, the next one will handle them';
  return [`${action}: ${done} of ${matched} ${stored}${failed > 0 ? `, ${failed} failed` : ''}`, ...failuresOf(result)];
}

function failuresOf({ failures, failed }: BulkResult): readonly string[] {
  const lines = failures.map(({ run, error }) => `${run}  ${error.code} ${error.message}`);
  return failed > failures.length ? [...lines, `and ${failed - failures.length} more`] : lines;
}
