import { SagachartError } from '../base/errors.ts';
import { ClientRun } from '../client/run.ts';
import { viewRun } from '../runtime/history.ts';
import type { RunUpdate } from '../runtime/updates.ts';
import { blockedBecause, type CommonOptions, type Opened, visibleOf, withStore } from './actions.ts';
import { EXIT, type Output, paint, paintStatus, print } from './output.ts';
import { outcomeObject } from './page.ts';

export async function query(output: Output, id: string, name: string, options: CommonOptions): Promise<void> {
  await withStore(options, async ({ programs, store, remote }) => {
    const asked = new ClientRun(id, remote, { answerMs: 0 }).query(name);
    // It may repeat what it was given.
    const answer = await asked.catch(async (error: unknown) => {
      if (!(error instanceof SagachartError) || error.code !== 'SC_QUERY_FAILED') throw error;
      const { code, message, next, retryable } = error;
      const seen = String(visibleOf(programs, await viewRun(store, id)).text(message));
      throw new SagachartError(code, seen, { retryable, ...(next === undefined ? {} : { next }) });
    });
    const shown = visibleOf(programs, await viewRun(store, id)).text(answer) ?? null;
    print(output, { run: id, query: name, answer: shown }, () => [JSON.stringify(shown, null, 2)]);
  });
}

/** A line for each change, until the run has ended: how it did is the exit code. */
export async function watch(output: Output, id: string, options: CommonOptions): Promise<number> {
  return await withStore(options, async (opened) => {
    let last: RunUpdate['status'] | undefined;
    for await (const update of new ClientRun(id, opened.remote, { answerMs: 0 }).updates()) {
      last = update.status;
      const shown = await watchObject(opened, id, update);
      print(output, shown, () => [watchLine(shown), ...(shown.outcome ? [JSON.stringify(shown.outcome, null, 2)] : [])]);
    }
    return last === 'completed' ? EXIT.done : EXIT.notCompleted;
  });
}

/** What `watch` prints of a change, in JSON. */
async function watchObject({ programs, store }: Opened, id: string, { seq, at, status, states, attention, paused, degraded, progress }: RunUpdate) {
  const view = await viewRun(store, id);
  const visible = visibleOf(programs, view);
  return {
    run: id,
    seq,
    at: new Date(at).toISOString(),
    status,
    states,
    attention,
    blocked: blockedBecause(programs, view.row) !== null,
    paused,
    degraded,
    progress: visible.progress(progress),
    outcome: outcomeObject(view, visible),
  };
}

function watchLine({ at, status, states, attention, blocked, paused, degraded, progress }: Awaited<ReturnType<typeof watchObject>>): string {
  const flags = Object.entries({ 'needs a person': attention, blocked, paused, degraded }).flatMap(([flag, isUp]) => (isUp ? [paint('red', flag)] : []));
  const told = Object.keys(progress).length > 0 ? [JSON.stringify(progress)] : [];
  return [at, paintStatus(status), states.join(' + '), ...flags, ...told].join('  ');
}
