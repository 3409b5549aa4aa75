import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, type Ran } from '../processes.ts';
import { shapes } from './shapes.ts';

const config = `${import.meta.dirname}/verify.config.ts`;

describe('sagachart verify', () => {
  let cli: CommandLine;
  beforeAll(() => {
    cli = new CommandLine();
  });
  afterAll(() => cli.remove());
  const verify = async (...args: string[]): Promise<Ran> => await cli.plain(['verify', ...args, '--config', config]);
  const json = async (code: number, ...args: string[]) => {
    const ran = await verify(...args, '--json');
    expect(ran).toMatchObject({ code, stderr: '' });
    return shapes['sagachart verify'].parse(ran.json).sagas;
  };

  it('goes through a saga twice if there is a world for its functions, and opens no store', async () => {
    expect(await json(0, 'tidy', 'plain')).toMatchObject([
      { name: 'tidy', functions: 'left out', complete: true, depth: null, violations: [] },
      { name: 'tidy', functions: 'own', complete: true, violations: [] },
      { name: 'plain', functions: 'left out', complete: true, violations: [] },
    ]);
    expect(existsSync(`${cli.directory}/never-opened.db`)).toBe(false);
  });

  it('exits with 1 if anything is wrong, and says what, how it came to it, and how to show it', async () => {
    const [, own] = await json(1, 'forgetful');
    expect(own).toMatchObject({
      complete: false,
      violations: [
        {
          rule: 'everything is undone',
          step: 'take',
          next: 'The undo of take forgets it.',
          path: ['the run starts', 'the run is canceled', 'take succeeds', 'undo of take succeeds'],
          sequence: expect.stringMatching(/^sequenceDiagram\n/),
          test: expect.stringContaining("import { forgetful, world } from './forgetful.ts';"),
        },
      ],
    });
    const { code, stdout } = await verify('forgetful');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^SAGA +FUNCTIONS +STATES/);
    expect(stdout).toContain('✗ forgetful: the run ended as');
    expect(stdout).toContain('   3. take succeeds');
    expect(stdout).not.toContain('\u001b');
  });

  it('takes limits', async () => {
    const [saga] = await json(0, 'plain', '--faults', '1', '--attempts', '1', '--states', '100');
    expect(saga).toMatchObject({ depth: 1, complete: false });
    expect((await json(0, '--faults', '0', '--all')).map(({ name }) => name)).toEqual(['tidy', 'tidy', 'forgetful', 'forgetful', 'plain']);
  });

  it('says what it needs', async () => {
    expect(await verify()).toMatchObject({ code: 2, stderr: expect.stringMatching(/^SC_USAGE nothing to verify is named\n.*tidy, forgetful, plain/s) });
    expect(await verify('nope')).toMatchObject({ code: 3, stderr: expect.stringContaining('SC_UNKNOWN_SAGA') });
    expect(await verify('plain', '--attempts', 'few')).toMatchObject({ code: 2 });
    expect(await verify('plain', '--attempts', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining('SC_VERIFY') });
  });
});
