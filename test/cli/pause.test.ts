import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, until } from '../processes.ts';

describe('pause and resume', () => {
  const cli = new CommandLine();
  const show = async (id: string) => (await cli.json('show', id)) as { readonly status: string; readonly states: readonly string[] };
  const page = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await cli.plain([...args, '--store', cli.store, '--config', `${import.meta.dirname}/../fixtures/sagachart.config.ts`]);
    return `${stdout}${stderr}`;
  };

  beforeAll(async () => {
    await cli.json('pause', '--everything', '--by', 'Ann', '--reason', 'stock-taking');
    await cli.executor();
  });
  afterAll(() => cli.remove());

  it('a pause from before the executor began holds back what it starts', async () => {
    await cli.json('start', 'typed', '{"n":7}', '--id', 'waits');
    await until(async () => ((await show('waits')).states.includes('running.a.backingOff') ? true : undefined));
  });

  it('is shown to people', async () => {
    expect(await page('paused')).toMatch(/^everything is paused since \d{4}-\d\d-\d\dT[\d:.]+Z by Ann: stock-taking\n$/);
  });

  it('lets everything go on, beside the executor', async () => {
    expect(await page('resume', '--everything')).toBe('nothing is paused\n');
    await until(async () => ((await show('waits')).status === 'completed' ? true : undefined));
  });

  it('holds back what the executor that runs is told to begin', async () => {
    expect(await page('pause', '--dependency', 'desk')).toMatch(/^dependency desk is paused since \S+\n$/);
    // Starting takes a process of its own: by then the executor, which looks every 50 ms, has noticed.
    await cli.json('start', 'typed', '{"n":8}', '--id', 'later');
    await until(async () => ((await show('later')).states.includes('running.a.backingOff') ? true : undefined));
    await cli.json('resume', '--dependency', 'desk');
    await until(async () => ((await show('later')).status === 'completed' ? true : undefined));
  });

  it('says what it needs', async () => {
    expect(await page('pause')).toBe('SC_USAGE pause was told nothing to pause\n  → Give one of --dependency <name>, --saga <name> and --everything.\n');
    expect(await page('resume', '--saga', 'a', '--everything')).toContain('SC_USAGE resume was told saga a and everything to resume');
    expect(await page('pause', '--dependency', 'bank')).toBe(
      'SC_UNKNOWN_DEPENDENCY no step depends on "bank"\n  → Known are: desk. Name what steps give as their dependency.\n',
    );
  });
});
