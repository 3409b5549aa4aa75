import { systemClock } from '../base/clock.ts';
import { canonical, sha256 } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { checkRunId, timeOrderedIds } from '../base/ids.ts';
import { foldedMermaid, mermaid } from '../chart/diagram.ts';
import { statelySource } from '../chart/stately.ts';
import { type SagachartConfig, storeOf } from '../config.ts';
import { type Command, readAnswer } from '../runtime/command.ts';
import { type RunView, readJournal, viewRun } from '../runtime/history.ts';
import { prepareInput } from '../runtime/input.ts';
import { signalEvent } from '../runtime/operation.ts';
import { limitsOf } from '../runtime/options.ts';
import { Programs } from '../runtime/program.ts';
import { unknownRun } from '../runtime/refusal.ts';
import { programOf, sagachart } from '../sagachart.ts';
import { sqlite } from '../stores/sqlite/sqlite.ts';
import type { RunRow, RunStatus, Store } from '../stores/store.ts';
import { loadConfig } from './config.ts';
import { EXIT, type Output, paintStatus, print } from './output.ts';
import { journalObject, journalPage, listPage, outcomeObject, showObject, showPage, summary } from './page.ts';
import { checkSame, sendCommand } from './remote.ts';
import { Visible } from './visible.ts';

interface CommonOptions {
  readonly config?: string | undefined;
  readonly store?: string | undefined;
}

export interface SendOptions extends CommonOptions {
  readonly inboxId?: string | undefined;
  readonly timeout: number;
}

interface Opened {
  readonly config: SagachartConfig;
  readonly programs: Programs;
  readonly store: Store;
}

/** Opens what a command works on, and closes it whatever happens. */
async function withStore<T>(options: CommonOptions, work: (opened: Opened) => Promise<T>): Promise<T> {
  const config = await loadConfig(options.config);
  const programs = new Programs(config.sagas.map(programOf));
  const store = options.store === undefined ? storeOf(config) : sqlite(options.store);
  await store.open();
  try {
    return await work({ config, programs, store });
  } finally {
    await store.close();
  }
}

export async function run(output: Output, options: CommonOptions & { readonly untilIdle?: true | undefined }): Promise<void> {
  const config = await loadConfig(options.config);
  const store = options.store === undefined ? storeOf(config) : sqlite(options.store);
  const engine = await sagachart({
    sagas: config.sagas,
    store,
    services: (await config.services?.()) as never,
    // Standard output is what scripts read.
    log: { to: process.stderr },
    ...(config.limits ? { limits: config.limits } : {}),
  });
  const asked = askedToStop();
  if (!output.json) output.line(`executing ${config.sagas.map(({ name, version }) => `${name}@${version}`).join(', ')}; Ctrl-C stops`);
  const seen = { ended: 0, attention: 0 };
  const stop = engine.observe(
    (event) => {
      if (event.type === 'run.ended') seen.ended++;
      if (event.type === 'run.attention') seen.attention++;
      if (event.type === 'run.ended') print(output, { run: event.run.id, status: event.status }, () => [`${event.run.id}  ${event.run.saga}  ${event.status}`]);
      if (event.type === 'run.attention')
        print(output, { run: event.run.id, attention: event.needs }, () => [`${event.run.id}  ${event.run.saga}  needs a person: ${event.needs.join(', ')}`]);
    },
    ['run.ended', 'run.attention'],
  );
  await (options.untilIdle ? Promise.race([asked, idle(() => isIdle(engine.load()))]) : asked);
  if (!output.json) output.line('stopping: running attempts may end');
  // A second Ctrl-C does not wait for them.
  const hurry = (): void => void engine.close({ deadlineMs: 0 });
  for (const signal of STOP_SIGNALS) process.once(signal, hurry);
  await engine.close();
  for (const signal of STOP_SIGNALS) process.removeListener(signal, hurry);
  stop();
  print(output, seen, () => []);
}

const IDLE_POLL_MS = 100;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Listens from now on: a signal that comes before the engine is waited for is not lost. */
async function askedToStop(): Promise<void> {
  await new Promise<void>((resolve) => {
    const asked = (): void => {
      for (const signal of STOP_SIGNALS) process.removeListener(signal, asked);
      resolve();
    };
    for (const signal of STOP_SIGNALS) process.once(signal, asked);
  });
}

/** What one run has told another, and nobody has taken yet, is under way too. */
function isIdle({ runs, behind }: { readonly runs: number; readonly behind: number }): boolean {
  return runs === 0 && behind === 0;
}

async function idle(look: () => boolean): Promise<void> {
  do await new Promise<void>((resolve) => systemClock.after(IDLE_POLL_MS, resolve));
  while (!look());
}

interface StartCliOptions extends CommonOptions {
  readonly id?: string | undefined;
  readonly sagaVersion?: number | undefined;
  readonly label?: Readonly<Record<string, string>> | undefined;
  readonly wait?: true | undefined;
  readonly timeout: number;
}

export async function start(output: Output, saga: string, input: unknown, options: StartCliOptions): Promise<number> {
  return await withStore(options, async ({ config, programs, store }) => {
    const program = programs.find(saga, options.sagaVersion);
    const { hash } = prepareInput(program, input, limitsOf(config.limits).payloadBytes);
    const id = options.id === undefined ? timeOrderedIds(systemClock)() : checkRunId(options.id);
    // What the executor would refuse is refused before it is stored.
    const existing = await store.find(id);
    if (existing) checkSame(existing, { saga, hash });
    const command: Command = {
      type: 'start',
      saga,
      version: program.version,
      input,
      ...(options.label === undefined ? {} : { labels: options.label }),
    };
    // The same start is one entry, however often it is asked for; another input under the same id is another entry, and refused.
    const sent = await sendCommand(store, id, command, { id: `start:${id}:${sha256(canonical({ saga, input: input ?? null }))}`, timeoutMs: options.timeout });
    const end = options.wait ? await waitForEnd(store, id, sent.inbox) : undefined;
    const view = end && (await viewRun(store, id));
    const outcome = view ? outcomeObject(view, visibleOf(programs, view)) : null;
    print(output, { run: id, saga, version: program.version, seq: sent.seq, executor: sent.executor, status: end?.status ?? null, outcome }, () => [
      id,
      ...(sent.seq !== null ? [] : ['stored; no executor is running: `sagachart run` starts one']),
      ...(end ? [paintStatus(end.status), JSON.stringify(outcome, null, 2)] : []),
    ]);
    return !end || end.status === 'completed' ? EXIT.done : EXIT.notCompleted;
  });
}

/** @throws SagachartError what an executor answered, if it refused a start that was only stored */
async function waitForEnd(store: Store, id: string, inbox: string): Promise<RunRow> {
  for (;;) {
    const answer = (await store.inbox(inbox))?.answer;
    if (answer) {
      // Not before: a run of this id that has ended may be that of another start, and this one be refused.
      readAnswer(answer);
      const row = await store.find(id);
      if (row && row.endedAt !== null) return row;
    }
    await new Promise<void>((resolve) => systemClock.after(IDLE_POLL_MS, resolve));
  }
}

export async function list(
  output: Output,
  options: CommonOptions & {
    readonly saga?: string | undefined;
    readonly status?: RunStatus | undefined;
    readonly attention?: true | undefined;
    readonly limit: number;
  },
): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const rows = await store.list({
      limit: options.limit,
      ...(options.saga === undefined ? {} : { saga: options.saga }),
      ...(options.status === undefined ? {} : { status: [options.status] }),
      ...(options.attention ? { attention: true } : {}),
    });
    const runs = rows.map((row) => summary(row, blockedBecause(programs, row) !== null));
    print(output, { runs }, () => listPage(runs));
  });
}

function visibleOf(programs: Programs, view: RunView): Visible {
  const program = programs.match(view.row);
  return new Visible(program instanceof SagachartError ? undefined : program, view);
}

function blockedBecause(programs: Programs, row: RunRow): string | null {
  const match = row.endedAt === null ? programs.match(row) : undefined;
  return match instanceof SagachartError ? match.message : null;
}

export async function show(output: Output, id: string, options: CommonOptions): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const view = await viewRun(store, id);
    const shown = showObject(view, { blocked: blockedBecause(programs, view.row), visible: visibleOf(programs, view) });
    print(output, shown, () => showPage(shown));
  });
}

export async function journal(output: Output, id: string, options: CommonOptions & { readonly from: number; readonly limit: number }): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const entries = await readJournal(store, id, { from: Math.max(1, options.from), limit: options.limit });
    const shown = journalObject(entries, visibleOf(programs, await viewRun(store, id)));
    print(output, { run: id, entries: shown }, () => journalPage(shown));
  });
}

export async function send(output: Output, id: string, command: Exclude<Command, { type: 'start' }>, options: SendOptions): Promise<void> {
  await withStore(options, async ({ config, programs, store }) => {
    const row = await store.find(id);
    if (!row) throw unknownRun(id);
    if (row.endedAt !== null) {
      throw new SagachartError('SC_RUN_ENDED', `run ${id} has ended (${row.status}), so it takes no ${command.type}`, {
        next: 'Nothing is left to do for this run.',
        details: { run: id },
      });
    }
    if (command.type === 'skip' && command.reason.trim() === '') {
      throw new SagachartError('SC_REASON_MISSING', `run ${id}: skipping step ${command.step} needs a reason`, {
        next: 'Say why with --reason: it stands in the journal.',
        details: { run: id },
      });
    }
    const program = programs.match(row);
    // What the executor would refuse is refused before it is stored, where this code knows the chart.
    if (command.type === 'signal' && !(program instanceof SagachartError))
      signalEvent({ identity: row, program }, command, limitsOf(config.limits).payloadBytes);
    const sent = await sendCommand(store, id, command, { timeoutMs: options.timeout, ...(options.inboxId === undefined ? {} : { id: options.inboxId }) });
    print(output, { run: id, command: command.type, seq: sent.seq, executor: sent.executor }, () => [
      sent.seq !== null ? `${command.type}: done (commit ${sent.seq})` : `${command.type}: stored; no executor is running, the next one will handle it`,
    ]);
  });
}

export async function graph(
  output: Output,
  saga: string,
  options: CommonOptions & { readonly format: 'mermaid' | 'folded' | 'stately'; readonly sagaVersion?: number | undefined },
): Promise<void> {
  const config = await loadConfig(options.config);
  const program = new Programs(config.sagas.map(programOf)).find(saga, options.sagaVersion);
  const definition = config.sagas.find(({ name, version }) => name === program.name && version === program.version);
  const text = (): string => {
    if (options.format === 'stately') return statelySource(program.chart.machine);
    if (options.format === 'mermaid') return mermaid(program.chart.machine);
    if (definition && 'definition' in definition) return foldedMermaid(definition.definition);
    throw new SagachartError('SC_USAGE', `${saga} is a workflow: only a saga can be folded to its steps`, { next: 'Use --format mermaid.', details: { saga } });
  };
  const graphText = text();
  print(output, { saga, version: program.version, format: options.format, text: graphText }, () => [graphText.trimEnd()]);
}
