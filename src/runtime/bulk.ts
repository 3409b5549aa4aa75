import { SagachartError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import { stuckSteps } from '../chart/path.ts';
import type { RunFilter, RunRow, RunStatus, Store } from '../stores/store.ts';
import type { Operator, RunCommand } from './command.ts';
import { pagesOf } from './filter.ts';
import { storedState } from './recovery.ts';

export type BulkAction = 'retry' | 'cancel' | 'terminate' | 'purge';

export interface BulkOptions extends Operator {
  /** Only finds the runs. Default: false. */
  readonly dryRun?: boolean;
  /** Told after each page of runs. */
  readonly progress?: (counts: BulkCounts) => void;
}

export interface BulkCounts {
  /** Runs that fit the filter and can take the action. */
  readonly matched: number;
  readonly done: number;
  readonly failed: number;
}

export interface BulkFailure {
  readonly run: string;
  readonly error: SagachartError;
}

export interface BulkResult extends BulkCounts {
  /** The first 100 of those that failed. */
  readonly failures: readonly BulkFailure[];
}

/** Acts on runs of one page, and says of each what went wrong, if anything did. */
export type ActOnPage = (rows: readonly RunRow[]) => Promise<readonly unknown[]>;

const GOING_ON = ['queued', 'running', 'sleeping', 'compensating'] as const;
export const ENDED = ['completed', 'compensated', 'canceled', 'failed', 'terminated'] as const;

/** Which runs can take it. */
const CAN: Readonly<Record<BulkAction, { readonly status: readonly RunStatus[]; readonly attention?: true }>> = {
  retry: { status: GOING_ON, attention: true },
  cancel: { status: GOING_ON },
  terminate: { status: GOING_ON },
  purge: { status: ENDED },
};

/** Runs under way at a time; of `purge`, in one transaction. */
const AT_ONCE = 20;
const MOST_FAILURES = 100;

/**
 * Does one thing to all runs that fit, a page after the other: what fails is told, and the others go on. A run that
 * begins to fit meanwhile may be left out.
 * @throws SagachartError SC_OPTION, or the StoreError if the store cannot be read
 */
export async function bulk(
  store: Pick<Store, 'list'>,
  action: BulkAction,
  filter: RunFilter,
  options: BulkOptions & { readonly act: ActOnPage },
): Promise<BulkResult> {
  const counts = { matched: 0, done: 0, failed: 0 };
  const failures: BulkFailure[] = [];
  for await (const rows of pagesOf(store, restricted(action, filter), AT_ONCE)) {
    counts.matched += rows.length;
    const errors = options.dryRun ? [] : await options.act(rows);
    for (const [i, error] of errors.entries()) {
      if (error === undefined) counts.done++;
      else {
        counts.failed++;
        if (failures.length < MOST_FAILURES) failures.push({ run: rows[i]?.id ?? '', error: asError(error) });
      }
    }
    options.progress?.({ ...counts });
  }
  return { ...counts, failures };
}

function restricted(action: BulkAction, filter: RunFilter): RunFilter {
  const can = Object.hasOwn(CAN, action) ? CAN[action] : undefined;
  if (!can)
    throw new SagachartError('SC_OPTION', `the action is ${quoted(action)}, but must be ${Object.keys(CAN).join(', ')}`, {
      next: 'Correct the action.',
      details: { action },
    });
  const { status = can.status } = filter;
  return { ...filter, status: can.status.filter((one) => status.includes(one)), ...(can.attention ? { attention: true } : {}) };
}

/** Each run on its own, all of a page side by side. */
export function each(act: (row: RunRow) => Promise<unknown>): ActOnPage {
  return async (rows) =>
    await Promise.all(
      rows.map((row) =>
        act(row).then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
}

/** Sends a run what the action means for it. */
export async function operate(
  store: Pick<Store, 'load'>,
  { number }: RunRow,
  { action, by, reason }: { readonly action: Exclude<BulkAction, 'purge'>; readonly by?: string | undefined; readonly reason?: string | undefined },
  send: (command: RunCommand) => Promise<unknown>,
): Promise<void> {
  const who = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
  if (action !== 'retry') await send({ type: action, ...who });
  else for (const step of await stepsToRetry(store, number)) await send({ type: 'retry', ...(step === undefined ? {} : { step }), ...who });
}

/** Steps to name where several are stuck; nothing where the run itself knows which one is meant. */
async function stepsToRetry(store: Pick<Store, 'load'>, run: number): Promise<readonly (string | undefined)[]> {
  const { data } = storedState(await store.load(run));
  const stuck = data.faults ? [] : stuckSteps(data.value);
  return stuck.length > 1 ? stuck : [undefined];
}

export function asError(thrown: unknown): SagachartError {
  if (thrown instanceof SagachartError) return thrown;
  return new SagachartError('SC_INTERNAL', `it failed: ${thrown instanceof Error ? thrown.message : thrown}`, {
    next: 'This is a defect of Sagachart: please report it.',
    cause: thrown,
  });
}
