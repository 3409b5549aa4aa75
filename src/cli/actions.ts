import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { timeOrderedIds } from '../base/ids.ts';
import { foldedMermaid, mermaid } from '../chart/diagram.ts';
import { statelySource } from '../chart/stately.ts';
import { Remote, type Sent } from '../client/remote.ts';
import { ClientRun } from '../client/run.ts';
import { storeOf } from '../config.ts';
import { programOf } from '../definitions.ts';
import { blockedBy } from '../runtime/blocked.ts';
import type { Command } from '../runtime/command.ts';
import { type RunView, readJournal, viewRun } from '../runtime/history.ts';
import { limitsOf } from '../runtime/options.ts';
import { Programs } from '../runtime/program.ts';
import { type Scheduling, schedulingOf } from '../runtime/scheduling.ts';
import { sagachart } from '../sagachart.ts';
import { sqlite } from '../stores/sqlite/sqlite.ts';
import type { RunRow, Store } from '../stores/store.ts';
import { loadConfig } from './config.ts';
import { type FilterOptions, filterOf } from './filter.ts';
import { EXIT, type Output, paintStatus, print } from './output.ts';
import { journalObject, journalPage, listPage, outcomeObject, showObject, showPage, summary } from './page.ts';
import { Visible } from './visible.ts';

export interface CommonOptions {
  readonly config?: string | undefined;
  readonly store?: string | undefined;
}

export interface SendOptions extends CommonOptions {
  readonly inboxId?: string | undefined;
  readonly timeout: number;
}

export interface Opened {
  readonly programs: Programs;
  readonly store: Store;
  readonly remote: Remote;
}

const POLL_MS = 10;

/** Opens what a command works on, and closes it whatever happens. */
export async function withStore<T>(options: CommonOptions, work: (opened: Opened) => Promise<T>): Promise<T> {
  const config = await loadConfig(options.config);
  const programs = new Programs(config.sagas.map(programOf));
  const store = options.store === undefined ? storeOf(config) : sqlite(options.store);
  await store.open();
  const { payloadBytes } = limitsOf(config.limits);
  const remote = new Remote({ store, programs, clock: systemClock, ids: timeOrderedIds(systemClock), payloadBytes, pollMs: POLL_MS });
  try {
    return await work({ programs, store, remote });
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
    ...(config.alerts ? { alerts: config.alerts } : {}),
    ...(config.remedies ? { remedies: config.remedies } : {}),
    ...(config.retention ? { retention: config.retention } : {}),
    ...(config.interceptors ? { interceptors: config.interceptors } : {}),
    ...(config.development ? { development: config.development } : {}),
    ...(config.queues ? { queues: config.queues } : {}),
    ...(config.schedules ? { schedules: config.schedules } : {}),
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

/** What of the start is said by options of its own. */
type StartScheduling = { readonly [K in 'queue' | 'key' | 'priority' | 'delay' | 'singleton']?: Scheduling[K] | string | undefined };

interface StartCliOptions extends CommonOptions, StartScheduling {
  readonly id?: string | undefined;
  readonly sagaVersion?: number | undefined;
  readonly label?: Readonly<Record<string, string>> | undefined;
  readonly wait?: true | undefined;
  readonly timeout: number;
}

export async function start(output: Output, saga: string, input: unknown, options: StartCliOptions): Promise<number> {
  return await withStore(options, async (opened) => {
    const { programs, store, remote } = opened;
    const newest = programs.find(saga, options.sagaVersion).version;
    const { id: given, label: labels, sagaVersion } = options;
    const sent = await remote.start({
      saga,
      input,
      ...(sagaVersion === undefined ? {} : { version: sagaVersion }),
      ...(given === undefined ? {} : { id: given }),
      ...(labels === undefined ? {} : { labels }),
      ...schedulingOf(options as Scheduling),
    });
    const { version = newest } = sent;
    const { run, ...handled } = await answerOf(opened, sent, options.timeout);
    const end = options.wait ? await waitForEnd(remote, sent) : undefined;
    const id = end?.id ?? run ?? sent.run;
    const view = end && (await viewRun(store, id));
    const outcome = view ? outcomeObject(view, visibleOf(programs, view)) : null;
    print(output, { run: id, saga, version, ...handled, status: end?.status ?? null, outcome }, () => [
      id,
      ...(handled.seq !== null ? [] : ['stored; no executor is running: `sagachart run` starts one']),
      ...(end ? [paintStatus(end.status), JSON.stringify(outcome, null, 2)] : []),
    ]);
    return !end || end.status === 'completed' ? EXIT.done : EXIT.notCompleted;
  });
}

interface Answered {
  readonly seq: number | null;
  readonly executor: boolean;
  /** That a start came to, if it is another than it asked for. */
  readonly run?: string;
}

/** Beside an executor its answer is waited for; without one the command is done once it is stored. */
export async function answerOf({ store, remote }: Opened, sent: Sent, withinMs: number): Promise<Answered> {
  const executor = (await store.owner()) !== undefined;
  const answer = executor ? await remote.answered(sent, { withinMs }) : await remote.soFar(sent);
  return { seq: answer?.seq ?? null, executor, ...(answer?.run === undefined ? {} : { run: answer.run }) };
}

/** @throws SagachartError what an executor answered, if it refused a start that was only stored */
async function waitForEnd(remote: Remote, start: Sent): Promise<RunRow> {
  const { run: id = start.run } = (await remote.changes.until(() => remote.soFar(start), {})) ?? {};
  const run = new ClientRun(id, remote, { answerMs: 0 });
  await run.outcome();
  return await run.status();
}

export async function list(output: Output, options: CommonOptions & FilterOptions & { readonly limit: number }): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const rows = await store.list({ ...filterOf(options), limit: options.limit });
    const runs = rows.map((row) => summary(row, blockedBecause(programs, row) !== null));
    print(output, { runs }, () => listPage(runs));
  });
}

export function visibleOf(programs: Programs, view: RunView): Visible {
  const program = programs.match(view.row);
  return new Visible(program instanceof SagachartError ? undefined : program, view);
}

export function blockedBecause(programs: Programs, row: RunRow): string | null {
  const match = row.endedAt === null ? programs.match(row) : undefined;
  return match instanceof SagachartError ? match.message : null;
}

export async function show(output: Output, id: string, options: CommonOptions): Promise<void> {
  await withStore(options, async ({ programs, store }) => {
    const view = await viewRun(store, id);
    const blocked = view.row.endedAt === null ? ((await blockedBy(store, programs, view.row)) ?? null) : null;
    const changes = (blocked?.details?.changes ?? null) as readonly string[] | null;
    const shown = showObject(view, { blocked: blocked?.message ?? null, changes, visible: visibleOf(programs, view) });
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

export async function send(output: Output, id: string, command: Exclude<Command, { type: 'start' | 'fork' }>, options: SendOptions): Promise<void> {
  await withStore(options, (opened) => sendTo(output, opened, { id, command, name: command.type }, options));
}

/** @param about `name` is what was asked for, as the command line calls it */
export async function sendTo(
  output: Output,
  opened: Opened,
  { id, command, name }: { readonly id: string; readonly command: Exclude<Command, { type: 'start' | 'fork' }>; readonly name: string },
  options: SendOptions,
): Promise<void> {
  const sent = await opened.remote.send(id, command, { id: options.inboxId });
  const { run: _, ...handled } = await answerOf(opened, sent, options.timeout);
  print(output, { run: id, command: name, ...handled }, () => [
    handled.seq !== null
      ? `${name}: done${handled.seq > 0 ? ` (commit ${handled.seq})` : ''}`
      : `${name}: stored; no executor is running, the next one will handle it`,
  ]);
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
