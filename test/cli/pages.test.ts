import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, type Ran } from '../processes.ts';

describe('pages for people', () => {
  const cli = new CommandLine();
  const config = `${import.meta.dirname}/../fixtures/sagachart.config.ts`;
  const read = async (...args: string[]): Promise<Ran> =>
    await cli.plain([...args, '--store', cli.store, '--config', config], { through: ['env', '-u', 'FORCE_COLOR', '-u', 'NO_COLOR'] });

  beforeAll(async () => {
    await cli.json('start', 'odd-result', '1', '--id', 'undone');
    await cli.json('start', 'typed', '{"n":1,"card":"4111"}', '--id', 'done');
    await cli.json('run', '--until-idle');
  });
  afterAll(() => cli.remove());

  const PAGES: readonly (readonly [args: readonly string[], says: readonly RegExp[]])[] = [
    [['list'], [/^RUN +SAGA +STATUS +STARTED +FLAGS$/m, /^undone +odd-result@1 +compensated +\d{4}-/m]],
    [
      ['show', 'undone'],
      [/^undone {2}odd-result@1 {2}compensated$/m, /^a +undo +1 +succeeded/m, /^outcome \{$/m],
    ],
    [
      ['query', 'done', 'sum'],
      [/^ {2}"n": 2,$/m, /^ {2}"paidWith": "card \[redacted\]"$/m],
    ],
    [
      ['watch', 'done'],
      [/^\d{4}-\S+Z {2}completed {2}completed$/m, /^ {2}"status": "completed",$/m],
    ],
    [['journal', 'undone'], [/^ {4}1 {2}\d{4}-\S+Z {2}started {2}\{/m]],
    [
      ['graph', 'stuck'],
      [/^stateDiagram-v2$/m, /attention/],
    ],
    [['graph', 'stuck', '-f', 'folded'], [/^flowchart TD$/m]],
    [
      ['graph', 'approval'],
      [/^stateDiagram-v2$/m, /waiting/],
    ],
  ];
  for (const [args, says] of PAGES) {
    it(`${args.join(' ')}: without escape codes in a pipe`, async () => {
      const { code, stdout, stderr } = await read(...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const pattern of says) expect(stdout).toMatch(pattern);
      expect(stdout).not.toContain('\u001b');
    });
  }

  it('show and journal hide what the schema marks as sensitive', async () => {
    for (const command of ['show', 'journal']) {
      const ran = await cli.run([command, 'done']);
      expect(ran.stdout).toContain('"card":"[redacted]"');
      expect(ran.stdout).not.toContain('4111');
    }
  });

  it('query hides it in what a query answers, and in how it fails', async () => {
    for (const name of ['sum', 'bad']) {
      const { stdout, stderr } = await read('query', 'done', name);
      expect(stdout + stderr).toContain('[redacted]');
      expect(stdout + stderr).not.toContain('4111');
    }
  });

  it('graph: what Stately imports is a module that Node can read', async () => {
    const file = `${cli.directory}/chart.ts`;
    const { stdout } = await read('graph', 'stuck', '-f', 'stately');
    expect(stdout).toMatch(/^import \{ fromPromise, setup \} from 'xstate';/);
    expect(stdout).toContain('export const machine = setup({');
    writeFileSync(file, stdout);
    execFileSync(process.execPath, ['--check', file]);
  });

  it('graph: a workflow cannot be folded', async () => {
    expect(await read('graph', 'approval', '-f', 'folded')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'SC_USAGE approval is a workflow: only a saga can be folded to its steps\n  → Use --format mermaid.\n',
    });
  });

  it('errors and wrong usage stand on standard error', async () => {
    expect(await read('show', 'nope')).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/^SC_UNKNOWN_RUN there is no run "nope"\n {2}→ /) });
    expect(await read('start')).toMatchObject({ code: 2, stdout: '', stderr: "error: missing required argument 'saga'\n" });
    expect(await read('list', '--status', 'bogus')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Allowed choices are queued, running'),
    });
  });

  it('run keeps its log out of standard output', async () => {
    await cli.json('start', 'odd-result', '1', '--id', 'again');
    const { stdout, stderr } = await read('run', '--until-idle');
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^executing .*; Ctrl-C stops$/),
      'again  odd-result  compensated',
      expect.stringMatching(/^stopping/),
      '',
    ]);
    expect(stderr).toContain('"msg":"attempt failed"');
  });

  it('completion: scripts for each shell, and what can follow', async () => {
    const scripts = await Promise.all(['zsh', 'bash', 'fish', 'powershell'].map((shell) => cli.plain(['complete', shell])));
    for (const script of scripts) expect(script).toMatchObject({ code: 0, stdout: expect.stringContaining('sagachart') });
    writeFileSync(`${cli.directory}/complete.sh`, scripts[1]?.stdout ?? '');
    execFileSync('bash', ['-n', `${cli.directory}/complete.sh`]);
    expect((await cli.plain(['complete', '--', 'gr'])).stdout).toContain('graph\tprint the chart of a saga');
    expect((await cli.plain(['complete', '--', 'graph', 'stuck', '--format', ''])).stdout).toMatch(/^mermaid\s+folded\s+stately\s/);
    expect(await cli.plain(['complete', 'csh'])).toMatchObject({ code: 2, stdout: '' });
  });
});
