import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalTokens } from '../../src/runtime/approval-token.ts';
import { CommandLine, type Ran, until } from '../processes.ts';
import { documented, quoted } from './documented.ts';
import { keysOf, outcomes, type Printing, shapes } from './shapes.ts';

const page = documented();

describe('the page', () => {
  for (const [title, shape] of Object.entries(shapes)) {
    it(`${title}: lists each key and its type, and no other`, () => {
      const rows = page[title]?.key ?? [];
      const keys = keysOf(shape);
      expect(rows.map(({ name, cells }) => `${name}: ${cells[0]}`)).toEqual(keys.map(({ name, type }) => `${name}: ${type}`));
      for (const { name, values } of keys) {
        const meaning = rows.find((row) => row.name === name)?.cells[1] ?? '';
        if (values && !meaning.startsWith('as in')) expect(quoted(meaning), name).toEqual(values);
      }
    });
  }

  it('Outcome: lists each end with its keys', () => {
    const rows = page.Outcome?.status ?? [];
    expect(Object.fromEntries(rows.map(({ name, cells }) => [name, quoted(cells[0] ?? '')]))).toEqual(
      Object.fromEntries(Object.entries(outcomes).map(([status, shape]) => [status, Object.keys(shape.shape).filter((key) => key !== 'status')])),
    );
    expect(Object.fromEntries((page.Outcome?.key ?? []).map(({ name, cells }) => [name, cells[0]]))).toEqual(keyTypes());
  });

  const keyTypes = (): Record<string, string> =>
    Object.fromEntries(
      Object.values(outcomes)
        .flatMap((shape) => keysOf(shape))
        .filter(({ name }) => name !== 'status')
        .map(({ name, type }) => [name, type]),
    );

  it('lists the options that completion offers for each command', async () => {
    const cli = new CommandLine();
    try {
      const common = (page['Options of every command']?.option ?? []).map(({ name }) => name);
      const commands = Object.keys(page).filter((title) => title.startsWith('sagachart '));
      const offered = (await cli.plain(['complete', '--', ''])).stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
      expect(commands.map((title) => title.slice('sagachart '.length)).sort()).toEqual(
        offered.filter((name) => /^[a-z]+$/.test(name) && !BUILT_IN.has(name)).sort(),
      );
      const offers = await Promise.all(commands.map(async (title) => (await cli.plain(['complete', '--', title.slice('sagachart '.length), '--'])).stdout));
      for (const [i, title] of commands.entries()) {
        const own = page[SAME_OPTIONS[title] ?? title]?.option ?? [];
        expect([...common, ...own.map(({ name }) => name), '--help'].sort(), title).toEqual(offers[i]?.match(/^--[a-z-]+/gm)?.sort());
      }
    } finally {
      await cli.remove();
    }
  });
});

const BUILT_IN = new Set(['complete', 'help']);
const SAME_OPTIONS: Readonly<Record<string, string>> = {
  'sagachart terminate': 'sagachart cancel',
  'sagachart retry': 'sagachart cancel',
  'sagachart resolve': 'sagachart skip',
  'sagachart deny': 'sagachart skip',
};

describe('the commands', () => {
  const cli = new CommandLine();
  const codes = new Set<number>();

  const prints = async (printing: Printing, code: number, ...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await cli.run(args);
    return checked(ran, printing, code);
  };
  const checked = (ran: Ran, printing: Printing, code: number): Record<string, unknown> => {
    expect(ran.code, `${ran.stdout}${ran.stderr}`).toBe(code);
    codes.add(code);
    shapes[printing].parse(ran.json);
    return ran.json as Record<string, unknown>;
  };

  let pid = 0;
  beforeAll(async () => {
    ({ pid } = await cli.executor());
  });
  afterAll(() => cli.remove());

  it('start, without waiting', async () => {
    expect(await prints('sagachart start', 0, 'start', 'slow', '1', '--id', 'busy', '-l', 'of=Ann', '--label', 'in=May')).toEqual({
      run: 'busy',
      saga: 'slow',
      version: 1,
      seq: 1,
      executor: true,
      status: null,
      outcome: null,
    });
  });

  it('start --wait, completed', async () => {
    const done = await prints('sagachart start', 0, 'start', 'typed', '{"n":7}', '--id', 'done', '--wait');
    expect(done).toMatchObject({ status: 'completed', outcome: { status: 'completed', left: [] } });
  });

  it('start --wait, compensated', async () => {
    const undone = await prints('sagachart start', 6, 'start', 'odd-result', '1', '--id', 'undone', '--wait');
    expect(undone).toMatchObject({ status: 'compensated', outcome: { status: 'compensated', step: 'a', failure: { code: 'SC_NOT_STORABLE' } } });
  });

  it('start --wait, canceled', async () => {
    const waiting = cli.run(['start', 'slow', '1', '--id', 'canceled', '--wait']);
    await running('canceled');
    expect(await prints('sagachart signal', 0, 'cancel', 'canceled', '--by', 'Ann', '--reason', 'moved')).toMatchObject({ command: 'cancel', executor: true });
    expect(checked(await waiting, 'sagachart start', 6)).toMatchObject({ status: 'canceled', outcome: { status: 'canceled', by: 'Ann', reason: 'moved' } });
  });

  it('start --wait, terminated', async () => {
    const waiting = cli.run(['start', 'slow', '1', '--id', 'terminated', '--wait']);
    await running('terminated');
    expect(await prints('sagachart signal', 0, 'terminate', 'terminated')).toMatchObject({ command: 'terminate' });
    expect(checked(await waiting, 'sagachart start', 6)).toMatchObject({
      outcome: { status: 'terminated', left: expect.arrayContaining([{ step: 'quick', what: 'not undone' }]) },
    });
  });

  const running = (id: string): Promise<true> => until(() => cli.query('SELECT * FROM runs WHERE id = ?', id).length === 1 || undefined);

  it('list', async () => {
    const { runs } = (await prints('sagachart list', 0, 'list')) as { runs: { id: string; endedAt: string | null; labels: object }[] };
    expect(runs.map(({ id }) => id)).toEqual(['terminated', 'canceled', 'undone', 'done', 'busy']);
    expect(runs.at(-1)).toMatchObject({ endedAt: null, labels: { of: 'Ann', in: 'May' } });
    expect(((await prints('sagachart list', 0, 'list', '--status', 'canceled')) as { runs: object[] }).runs).toMatchObject([{ id: 'canceled' }]);
    expect(((await prints('sagachart list', 0, 'list', '--saga', 'slow', '--limit', '1')) as { runs: object[] }).runs).toMatchObject([{ id: 'terminated' }]);
  });

  it('show, of a run that goes on, of one that waits, and of one that failed', async () => {
    expect(await prints('sagachart show', 0, 'show', 'busy')).toMatchObject({ timeline: [{ outcome: 'succeeded' }, { outcome: 'running', ms: null }] });
    await prints('sagachart start', 0, 'start', 'approval', '{"title":"desk","cents":90000}', '--id', 'asked');
    expect(await prints('sagachart show', 0, 'show', 'asked')).toMatchObject({ states: ['waiting'], timers: [{ id: expect.any(String) }] });
    const undone = await prints('sagachart show', 0, 'show', 'undone');
    expect(undone).toMatchObject({ outcome: { status: 'compensated' }, timeline: [{ error: { class: 'hard', effect: 'maybe' } }, { kind: 'undo' }] });
  });

  it('watch, of a run that has ended, and of one that goes on until it is canceled', async () => {
    expect(await prints('sagachart watch', 0, 'watch', 'done')).toMatchObject({ status: 'completed', states: ['completed'], outcome: { status: 'completed' } });
    await prints('sagachart start', 0, 'start', 'slow', '1', '--id', 'watched');
    await running('watched');
    const printed = Promise.withResolvers<void>();
    const watching = cli.run(['watch', 'watched'], { printed: printed.resolve });
    await printed.promise;
    await cli.json('cancel', 'watched', '--by', 'Ann');
    const ran = await watching;
    expect(checked(ran, 'sagachart watch', 6)).toMatchObject({ status: 'canceled', outcome: { status: 'canceled', by: 'Ann' } });
    const lines = ran.stdout
      .trim()
      .split('\n')
      .map((line) => shapes['sagachart watch'].parse(JSON.parse(line)));
    expect(lines[0]).toMatchObject({ run: 'watched', status: 'running', outcome: null });
    expect(lines.map(({ seq }) => seq)).toEqual([...new Set(lines.map(({ seq }) => seq))].sort((a, b) => a - b));
    await prints('Errors', 3, 'watch', 'nope');
  });

  it('query', async () => {
    expect(await prints('sagachart query', 0, 'query', 'done', 'sum')).toEqual({
      run: 'done',
      query: 'sum',
      answer: { n: 14, status: 'completed', paidWith: 'card undefined' },
    });
    expect(await prints('Errors', 3, 'query', 'done', 'total')).toMatchObject({ error: { code: 'SC_QUERY_UNKNOWN', next: 'Declared are: sum, bad.' } });
    expect(await prints('Errors', 1, 'query', 'done', 'bad')).toMatchObject({ error: { code: 'SC_QUERY_FAILED' } });
    await prints('Errors', 3, 'query', 'nope', 'sum');
  });

  it('journal', async () => {
    const { entries } = (await prints('sagachart journal', 0, 'journal', 'undone')) as { entries: { seq: number }[] };
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    expect(await prints('sagachart journal', 0, 'journal', 'undone', '--from', '2', '--limit', '1')).toMatchObject({ entries: [{ seq: 2 }] });
  });

  it('errors that nobody has classified', async () => {
    const { runs } = (await prints('sagachart errors', 0, 'errors', '--saga', 'stuck')) as { runs: number };
    expect(runs).toBe(0);
    await prints('sagachart start', 0, 'start', 'vague', '7', '--id', 'vague', '--wait');
    expect(await prints('sagachart errors', 0, 'errors', '--saga', 'vague')).toMatchObject({
      groups: [{ saga: 'vague', step: 'a', kind: 'run', code: 'Error', message: 'try <n> failed', attempts: 2, runs: 1, run: 'vague' }],
      runs: 1,
      attempts: 2,
      others: 0,
    });
    expect(await cli.run(['errors', '--limit', '0'])).toMatchObject({ code: 2, json: { error: { code: 'SC_OPTION' } } });
  });

  it('backup', async () => {
    const file = `${cli.directory}/copy.db`;
    expect(await prints('sagachart backup', 0, 'backup', file)).toMatchObject({ store: cli.store, file });
    const copied = await cli.plain(['list', '--json', '--store', file, '--config', `${import.meta.dirname}/../fixtures/sagachart.config.ts`]);
    expect((copied.json as { runs: { id: string }[] }).runs.map(({ id }) => id)).toContain('busy');
    expect(await cli.run(['backup', file])).toMatchObject({ code: 2, json: { error: { code: 'SC_USAGE' } } });
  });

  it('signal', async () => {
    expect(await prints('sagachart signal', 0, 'signal', 'asked', 'approve', '{"by":"Ann"}', '--inbox-id', 'once')).toMatchObject({ seq: 2 });
    expect(await cli.json('show', 'asked')).toMatchObject({ context: { trail: ['approved by Ann'] } });
  });

  it('approve and deny', async () => {
    for (const id of ['yes', 'no']) await prints('sagachart start', 0, 'start', 'asking', '1', '--id', id);
    expect(await prints('sagachart signal', 0, 'approve', 'yes', 'manager', '--payload', '{"limit":7,"pin":"secret-pin-7"}', '--by', 'Ann')).toMatchObject({
      command: 'approve',
      seq: expect.any(Number),
    });
    const shown = await until(async () => {
      const show = await cli.json('show', 'yes');
      return show.endedAt === null ? undefined : show;
    });
    expect(shown).toMatchObject({ outcome: { status: 'completed', output: 7 } });
    const journal = JSON.stringify(await cli.json('journal', 'yes'));
    expect(journal + JSON.stringify(shown)).not.toContain('secret-pin-7');
    expect(journal).toContain('"by":"Ann"');
    const [secret] = cli.query<{ body: string }>("SELECT body FROM controls WHERE name = 'approval-secret'");
    const token = new ApprovalTokens(secret?.body ?? '').issue({ run: 'no', incarnation: 1, step: 'manager', round: 1 });
    expect(await prints('Errors', 2, 'approve', token, '--payload', '{"limit":"x"}')).toMatchObject({ error: { code: 'SC_DECISION_INVALID' } });
    expect(await prints('sagachart signal', 0, 'deny', token, '--reason', 'too much')).toMatchObject({ run: 'no', command: 'deny' });
    expect(await prints('Errors', 2, 'approve', 'no')).toMatchObject({ error: { code: 'SC_USAGE' } });
    expect(await prints('Errors', 2, 'approve', 'sca1.x.y')).toMatchObject({ error: { code: 'SC_APPROVAL_TOKEN' } });
    expect(await prints('Errors', 3, 'approve', 'busy', 'quick')).toMatchObject({ error: { code: 'SC_UNKNOWN_STEP' } });
  });

  it('pause, paused and resume', async () => {
    await cli.json('pause', '--saga', 'typed', '--by', 'Ann', '--reason', 'month end');
    const desk = { what: 'dependency', name: 'desk', by: null, reason: null };
    expect(await prints('sagachart paused', 0, 'pause', '--dependency', 'desk')).toMatchObject({
      paused: [desk, { what: 'saga', name: 'typed', by: 'Ann', reason: 'month end' }],
    });
    expect(await prints('sagachart paused', 0, 'resume', '--saga', 'typed')).toMatchObject({ paused: [desk] });
    expect(await prints('sagachart paused', 0, 'paused')).toMatchObject({ paused: [desk] });
    expect(await prints('sagachart paused', 0, 'resume', '--dependency', 'desk')).toEqual({ paused: [] });
  });

  it('versions, migrate and rollout', async () => {
    expect(await prints('sagachart versions', 0, 'versions', 'slow')).toMatchObject({ versions: [{ saga: 'slow', version: 1, registered: true, share: 1 }] });
    expect(await prints('sagachart migrate', 0, 'migrate', 'slow', '--dry-run', '--from', '1')).toMatchObject({ to: 1, dryRun: true, matched: 0, refused: 0 });
    expect(await prints('sagachart rollout', 0, 'rollout')).toEqual({ rollouts: [] });
    const set = ['rollout', 'typed', '--saga-version', '1', '--share', '25%', '--rollback-above', '10%', '--rollback-after', '5', '--by', 'Ann'];
    expect(await prints('sagachart rollout', 0, ...set)).toMatchObject({
      rollouts: [{ saga: 'typed', version: 1, share: 0.25, rest: 1, rollback: { failureRate: 0.1, after: 5 }, rolledBack: null, by: 'Ann' }],
    });
    expect(await prints('sagachart rollout', 0, 'rollout', 'typed', '--clear')).toEqual({ rollouts: [] });
    for (const wrong of [
      ['--share', '10%'],
      ['--saga-version', '1', '--share', '110%'],
      ['--clear', '--saga-version', '1'],
    ])
      expect(await prints('Errors', 2, 'rollout', 'typed', ...wrong)).toMatchObject({ error: { code: 'SC_USAGE' } });
    expect(await prints('Errors', 3, 'rollout', 'typed', '--saga-version', '9')).toMatchObject({ error: { code: 'SC_UNKNOWN_SAGA' } });
  });

  it('queues: start, list and show of what waits', async () => {
    const mail = ['--queue', 'mail', '--key', 'Bo'];
    for (const id of ['q1', 'q2']) await prints('sagachart start', 0, 'start', 'slow', '1', '--id', id, ...mail, '--priority', '-2');
    await until(() => cli.query('SELECT * FROM runs WHERE stage = 1').length === 1 || undefined);
    expect(await prints('sagachart queues', 0, 'queues')).toEqual({ queues: [{ name: 'mail', known: true, waiting: 1, begun: 1 }] });
    expect(await prints('sagachart list', 0, 'list', '--queue', 'mail')).toMatchObject({ runs: [{ id: 'q2', status: 'queued' }, { id: 'q1' }] });
    const place = { name: 'mail', key: 'Bo', priority: -2, stage: 'waiting' };
    expect(await prints('sagachart show', 0, 'show', 'q2')).toMatchObject({ status: 'queued', queue: place, begins: null });
    await prints('sagachart start', 0, 'start', 'typed', '{"n":1}', '--id', 'tomorrow', '--delay', '1d');
    expect(await prints('sagachart show', 0, 'show', 'tomorrow')).toMatchObject({ status: 'queued', queue: null, begins: expect.stringContaining('T') });
    expect(await prints('sagachart start', 0, 'start', 'slow', '1', '--id', 's1', '--singleton', 'one')).toMatchObject({ run: 's1' });
    expect(await prints('sagachart start', 0, 'start', 'slow', '1', '--singleton', 'one')).toMatchObject({ run: 's1', seq: 0 });
    expect(await prints('Errors', 1, 'start', 'slow', '2', '--singleton', 'one')).toMatchObject({ error: { code: 'SC_SINGLETON_TAKEN' } });
    expect(await prints('Errors', 3, 'start', 'slow', '1', '--queue', 'post')).toMatchObject({ error: { code: 'SC_UNKNOWN_QUEUE' } });
    for (const id of ['q2', 'q1', 's1', 'tomorrow']) await cli.json('terminate', id);
    expect(await prints('sagachart queues', 0, 'queues')).toMatchObject({ queues: [{ waiting: 0, begun: 0 }] });
  });

  it('schedules', async () => {
    const yearly = { name: 'yearly', saga: 'typed', cron: '0 0 1 1 *', timeZone: 'UTC', catchUp: 'last', overlap: 'skip', queue: null };
    expect(await prints('sagachart schedules', 0, 'schedules')).toMatchObject({
      schedules: [{ ...yearly, paused: null, next: expect.stringMatching(/-01-01T00/) }],
    });
    const paused = { schedules: [{ paused: { by: 'Ann', reason: null }, next: null }], run: null };
    expect(await prints('sagachart schedule', 0, 'schedule', 'pause', 'yearly', '--by', 'Ann')).toMatchObject(paused);
    const { run } = (await prints('sagachart schedule', 0, 'schedule', 'trigger', 'yearly')) as { run: string };
    await until(async () => ((await cli.json('show', run)).status === 'completed' ? true : undefined));
    expect(await cli.json('show', run)).toMatchObject({ labels: { schedule: 'yearly' } });
    expect(await prints('sagachart schedule', 0, 'schedule', 'resume', 'yearly')).toMatchObject({ schedules: [{ paused: null }] });
    expect(await prints('Errors', 3, 'schedule', 'pause', 'monthly')).toMatchObject({ error: { code: 'SC_UNKNOWN_SCHEDULE' } });
    await cli.json('purge', run);
  });

  it('restart, archive and purge', async () => {
    expect(await prints('sagachart signal', 0, 'restart', 'done')).toMatchObject({ command: 'restart', seq: 1 });
    const file = `${cli.directory}/runs.jsonl`;
    expect(await prints('sagachart archive', 0, 'archive', file, '--saga', 'odd-result', '--dry-run')).toMatchObject({ matched: 1, archived: 0 });
    expect(await prints('sagachart archive', 0, 'archive', file, '--saga', 'odd-result', '--purge')).toMatchObject({ archived: 1, purged: 1 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ format: 1, run: { id: 'undone', status: 'compensated' }, input: 1 });
    expect(await prints('sagachart signal', 0, 'purge', 'canceled')).toMatchObject({ command: 'purge' });
    expect(await prints('Errors', 3, 'show', 'canceled')).toMatchObject({ error: { code: 'SC_RUN_PURGED' } });
    expect(await prints('Errors', 3, 'start', 'odd-result', '1', '--id', 'undone')).toMatchObject({ error: { code: 'SC_RUN_PURGED' } });
    expect(await prints('Errors', 1, 'purge', 'busy')).toMatchObject({ error: { code: 'SC_RUN_ACTIVE' } });
    const nowhere = ['archive', `${cli.directory}/no/such/file`];
    expect(await prints('Errors', 1, ...nowhere)).toMatchObject({ error: { code: 'SC_ARCHIVE', retryable: true } });
  });

  it('many at once', async () => {
    const labeled = ['--label', 'of=Bob'];
    for (const id of ['m1', 'm2']) await prints('sagachart start', 0, 'start', 'slow', '1', '--id', id, ...labeled);
    expect(await prints('Many at once', 0, 'terminate', '--all', ...labeled, '--dry-run')).toMatchObject({ dryRun: true, matched: 2, done: 0 });
    expect(await prints('Many at once', 0, 'terminate', '--all', ...labeled, '--by', 'Ann')).toMatchObject({ executor: true, matched: 2, done: 2, failed: 0 });
    await prints('sagachart start', 0, 'start', 'paid', '1', '--id', 'paid', ...labeled);
    const refused = await prints('Many at once', 1, 'cancel', '--all', '--saga', 'paid');
    expect(refused).toMatchObject({ matched: 1, failed: 1, failures: [{ run: 'paid', code: 'SC_CANCEL_PAST_PIVOT' }] });
    expect(await prints('Many at once', 0, 'purge', '--all', ...labeled, '--status', 'terminated', '--status', 'failed')).toMatchObject({ done: 2 });
    expect(await prints('Many at once', 0, 'retry', '--all', '--ended-before', '1d')).toMatchObject({ matched: 0 });
    expect(await prints('Errors', 2, 'purge')).toMatchObject({ error: { code: 'SC_USAGE' } });
    for (const wrong of [
      ['busy', '--all'],
      ['busy', '--dry-run'],
      ['busy', '--saga', 'slow'],
      ['--all', '--inbox-id', 'x'],
    ])
      expect(await prints('Errors', 2, 'purge', ...wrong)).toMatchObject({ error: { code: 'SC_USAGE' } });
    await prints('Errors', 2, 'list', '--created-after', 'soon');
    expect((await prints('sagachart list', 0, 'list', ...labeled, '--created-after', '1h', '--saga-version', '1')).runs).toMatchObject([{ id: 'paid' }]);
  });

  it('graph', async () => {
    await Promise.all(['mermaid', 'folded', 'stately'].map((format) => prints('sagachart graph', 0, 'graph', 'slow', '--format', format)));
  });

  it('errors', async () => {
    const foreign = `${cli.directory}/letter.txt`;
    writeFileSync(foreign, 'a letter, '.repeat(1_000));
    const config = `${import.meta.dirname}/../fixtures/sagachart.config.ts`;
    await Promise.all([
      prints('Errors', 1, 'cancel', 'done'),
      prints('Errors', 2, 'start', 'typed', '{"n":"x"}'),
      prints('Errors', 2, 'bogus'),
      prints('Errors', 3, 'show', 'nope'),
      prints('Errors', 3, 'pause', '--dependency', 'nope'),
      prints('Errors', 2, 'pause', '--everything', '--saga', 'typed'),
      cli.plain(['list', '--json', '--config', config, '--store', foreign]).then((ran) => checked(ran, 'Errors', 4)),
    ]);
    process.kill(pid, 'SIGSTOP');
    expect(await prints('Errors', 5, 'cancel', 'busy', '--timeout', '100')).toMatchObject({ error: { code: 'SC_UNANSWERED', retryable: true } });
    process.kill(pid, 'SIGCONT');
  });

  it('have ended with each exit code of the page, and no other', () => {
    expect([...codes].sort()).toEqual((page['Exit codes']?.code ?? []).map(({ name }) => Number(name)));
  });
});
