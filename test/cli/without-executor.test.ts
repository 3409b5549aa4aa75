import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, type Ran } from '../processes.ts';

const gate = `${import.meta.dirname}/gate.config.ts`;

describe('without an executor', () => {
  let cli: CommandLine;
  beforeEach(() => {
    cli = new CommandLine();
  });
  afterEach(() => cli.remove());

  /** Killed when it does not end: a timer that nobody disarmed would hold it for a day. */
  const untilIdle = async (): Promise<Ran> => {
    const ran = await cli.run(['run', '--until-idle'], { through: ['timeout', '-s', 'KILL', '8'] });
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    return ran;
  };
  const refusal = (code: string) => ({ json: { error: { code } } });

  it('commands are stored, and the next executor handles them; starting twice is starting once', async () => {
    const stored = { run: 'a', seq: null, executor: false };
    expect(await cli.json('start', 'approval', '{"title":"desk","cents":90000}', '--id', 'a')).toMatchObject(stored);
    expect(await cli.json('start', 'approval', '{"title":"desk","cents":90000}', '--id', 'a')).toMatchObject(stored);
    expect(await cli.json('list')).toEqual({ runs: [] });
    expect(await cli.run(['show', 'a'])).toMatchObject({ code: 3, ...refusal('SC_UNKNOWN_RUN') });

    expect((await untilIdle()).json).toEqual({ ended: 0, attention: 0 });
    expect((await cli.json('list')).runs).toMatchObject([{ id: 'a', status: 'sleeping' }]);
    expect(await cli.json('signal', 'a', 'approve', '{"by":"Ann"}')).toEqual({ ...stored, command: 'signal' });
    expect(await cli.json('show', 'a')).toMatchObject({ states: ['waiting'] });

    const ran = await untilIdle();
    expect(ran.json).toEqual({ ended: 1, attention: 0 });
    expect(ran.stdout.split('\n')[0]).toBe('{"run":"a","status":"completed"}');
    expect(await cli.json('start', 'approval', '{"title":"desk","cents":90000}', '--id', 'a', '--wait')).toMatchObject({ seq: 1, status: 'completed' });
  });

  it('a refusal is heard of: at once where the run is there, else when it is asked for again', async () => {
    await cli.json('start', 'typed', '{"n":1}', '--id', 'a');
    await cli.json('start', 'typed', '{"n":2}', '--id', 'a');
    await untilIdle();
    expect(await cli.run(['start', 'typed', '{"n":2}', '--id', 'a'])).toMatchObject({ code: 1, ...refusal('SC_RUN_EXISTS') });
    expect(await cli.run(['start', 'slow', '1', '--id', 'a'])).toMatchObject({ code: 1, ...refusal('SC_RUN_EXISTS') });

    await cli.json('start', 'approval', '{"title":"desk","cents":90000}', '--id', 'b');
    await untilIdle();
    await cli.json('retry', 'b', '--inbox-id', 'x');
    await untilIdle();
    expect(await cli.run(['retry', 'b', '--inbox-id', 'x'])).toMatchObject({ code: 1, ...refusal('SC_NOT_STUCK') });
  });

  it('start --wait hears of a start that was refused later', async () => {
    await cli.json('start', 'typed', '{"n":1}', '--id', 'a');
    const waiting = cli.run(['start', 'typed', '{"n":2}', '--id', 'a', '--wait']);
    while (cli.query('SELECT * FROM inbox').length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await untilIdle();
    expect(await waiting).toMatchObject({ code: 1, ...refusal('SC_RUN_EXISTS') });
  });

  it('the config file is found here or above, or named', async () => {
    const deep = `${cli.directory}/deep/er`;
    mkdirSync(deep, { recursive: true });
    const from = async (directory: string, ...args: string[]): Promise<Ran> =>
      await cli.plain([...args, '--json', '--store', cli.store], { through: ['env', '-C', directory] });
    expect(await from(deep, 'list')).toMatchObject({ code: 2, ...refusal('SC_CONFIG') });
    expect(await from(deep, 'graph', 'gated', '-c', gate)).toMatchObject({ code: 0, json: { saga: 'gated' } });
    writeFileSync(`${cli.directory}/sagachart.config.mjs`, `export { default } from ${JSON.stringify(gate)};`);
    expect(await from(deep, 'start', 'declined', '--id', 'd')).toMatchObject({ code: 0, json: { executor: false } });
    expect(await from(cli.directory, 'run', '--until-idle')).toMatchObject({ code: 0, json: { ended: 1 } });
    expect(await from(deep, 'start', 'declined', '--id', 'd', '--wait')).toMatchObject({
      code: 6,
      json: { status: 'failed', outcome: { status: 'failed', step: 'pay', failure: { message: 'no money', effect: 'none' }, left: [] } },
    });
  });

  it("a config's store is the same file from every folder below", async () => {
    const deep = `${cli.directory}/deep`;
    mkdirSync(deep);
    writeFileSync(`${cli.directory}/sagachart.config.mjs`, `import config from ${JSON.stringify(gate)};\nexport default { ...config, store: 'own.db' };`);
    const from = async (directory: string, ...args: string[]): Promise<Ran> => await cli.plain([...args, '--json'], { through: ['env', '-C', directory] });
    expect(await from(deep, 'start', 'declined', '--id', 'd')).toMatchObject({ code: 0 });
    expect(await from(cli.directory, 'run', '--until-idle')).toMatchObject({ code: 0, json: { ended: 1 } });
    expect(await from(deep, 'show', 'd')).toMatchObject({ code: 0, json: { status: 'failed' } });
  });

  it('a config that is wrong says where', async () => {
    const file = `${cli.directory}/wrong.mjs`;
    for (const [text, says] of [
      ['export default { sagas: [] }', 'store is missing, but must be the path of a SQLite file'],
      ['export default { store: 7, sagas: [] }', 'store is 7, but must be'],
      ["export default { store: 'a.db' }", 'sagas is missing, but must be a list of sagas and workflows'],
      [`import config from ${JSON.stringify(gate)}; export default { ...config, sagas: [...config.sagas, undefined] }`, 'is undefined, but must be a saga'],
      ['export const store = 1', 'store is missing'],
    ] as const) {
      writeFileSync(file, text);
      const ran = await cli.plain(['list', '--json', '--config', file]);
      expect(ran, text).toMatchObject({ code: 2, json: { error: { code: 'SC_CONFIG', message: expect.stringContaining(says) } } });
    }
  });

  it('an empty number is no number', async () => {
    expect(await cli.run(['list', '--limit', ''])).toMatchObject({ code: 2, json: { error: { code: 'SC_USAGE' } } });
    expect(await cli.run(['list', '--limit', '1e2'])).toMatchObject({ code: 2 });
  });

  it('a reader that has gone away is no failure', async () => {
    const through = ['bash', '-c', `set -o pipefail; "$@" graph approval --config ${gate.replace('cli/gate.', 'fixtures/sagachart.')} | true`, '-'];
    expect(await cli.plain([], { through })).toEqual({ code: 0, stdout: '', stderr: '', json: undefined });
  });
});
