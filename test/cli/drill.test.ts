import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, type Ran } from '../processes.ts';
import { shapes } from './shapes.ts';

const config = `${import.meta.dirname}/drill.config.ts`;

describe('sagachart drill', () => {
  let cli: CommandLine;
  beforeEach(() => {
    cli = new CommandLine();
  });
  afterEach(() => cli.remove());
  const drill = async (...args: string[]): Promise<Ran> => await cli.plain(['drill', '--json', '--config', config, ...args]);

  it('kills processes, lets calls fail, and everything ends all the same', async () => {
    const store = `${cli.directory}/drill.db`;
    const ran = await drill(
      '--store',
      store,
      '--seconds',
      '3',
      '--rate',
      '20',
      '--kill-every',
      '1',
      '--busy',
      '20',
      '--lost',
      '10',
      '--stalls',
      '0',
      '--seed',
      '5',
    );
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const report = shapes['sagachart drill'].parse(ran.json);
    expect(report).toMatchObject({ seed: 5, seconds: 3, unfinished: 0 });
    expect(report.kills).toBeGreaterThanOrEqual(1);
    expect(report.recoveryMs.count).toBe(report.kills);
    expect(report.runs).toBeGreaterThanOrEqual(40);
    expect(report.ends.completed).toBeGreaterThan(0);
    expect(readFileSync(report.report, 'utf8')).toContain(`- ${report.runs} runs; from start to end`);
    // The same file may be drilled again: it holds no other runs.
    expect(await drill('--store', store, '--seconds', '1', '--kill-every', '0', '--seed', '6')).toMatchObject({ code: 0, json: { kills: 0 } });
  });

  it('refuses to touch what is real', async () => {
    const refused = (says: string) => ({ code: 2, json: { error: { code: 'SC_DRILL', message: expect.stringContaining(says) } } });
    await cli.json('start', 'typed', '{"n":1}', '--id', 'mine');
    await cli.json('run', '--until-idle');
    const before = cli.query('SELECT * FROM runs');
    expect(await drill('--store', cli.store, '--seconds', '1')).toMatchObject(refused('holds real runs, such as mine'));
    expect(cli.query('SELECT * FROM runs')).toEqual(before);
    expect(await drill('--store', `${import.meta.dirname}/real.db`)).toMatchObject(refused('is the store of the config'));
    expect(await cli.plain(['drill', '--json', '--config', `${import.meta.dirname}/gate.config.ts`])).toMatchObject(refused('says nothing of drills'));
  });
});
